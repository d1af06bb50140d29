/* SPDX-License-Identifier: Apache-2.0 */
/* cmd: the verbs, one file each. */
#pragma once

#include "app.h"

extern const struct verb cmd_check,
	cmd_status,
	cmd_backup,
	cmd_list,
	cmd_info,
	cmd_verify,
	cmd_restore,
	cmd_seed,
	cmd_copy,
	cmd_expire,
	cmd_pin,
	cmd_unpin,
	cmd_recover,
	cmd_keygen,
	cmd_completion,
	cmd_agent,
	cmd_run,
	cmd_pause,
	cmd_resume,
	cmd_cancel;

/* In the order of the help, NULL-terminated. */
extern const struct verb *const cmd_verbs[];
