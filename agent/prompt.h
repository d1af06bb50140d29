/* SPDX-License-Identifier: Apache-2.0 */
/* prompt: asking for a password on the terminal, wherever standard input and output lead, without showing it. */
#pragma once

#include "slackwater/run.h"

/* *ret_password is the caller's, to be zeroed before it is freed. No terminal: ERR_USAGE. Cancelling run ends the wait. */
enum status prompt_password(const char *text, const struct run *run, char **ret_password, struct error *err);
