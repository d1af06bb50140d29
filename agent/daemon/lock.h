/* SPDX-License-Identifier: Apache-2.0 */
/* lock: one agent for one state directory. The lock dies with its holder. */
#pragma once

#include "slackwater/error.h"

/* Makes the directory when it is absent. ERR_BUSY names who holds it; ERR_STORE: the directory cannot be used. *ret_fd is closed to let go. */
enum status lock_take(const char *state_dir, int *ret_fd, struct error *err);
