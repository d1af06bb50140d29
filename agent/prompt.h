/* SPDX-License-Identifier: Apache-2.0 */
/* prompt: asking on the terminal, wherever standard output leads: for a password, without showing it, or for a yes. */
#pragma once

#include "slackwater/run.h"

/* *ret_password is the caller's, to be zeroed before it is freed. No terminal: ERR_USAGE. Cancelling run ends the wait. */
enum status prompt_password(const char *text, const struct run *run, char **ret_password, struct error *err);
/* "y" or "yes" is one, anything else is none. No terminal: ERR_USAGE. Cancelling run ends the wait. */
enum status prompt_yes(const char *question, const struct run *run, bool *ret, struct error *err);
/* Does a person sit there? Standard input is a terminal, and the controlling one can be opened. */
bool prompt_possible(void);
