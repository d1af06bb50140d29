/* SPDX-License-Identifier: Apache-2.0 */
/*
 * owner: which run a scratch server belongs to, in the file "owner" of the scratch directory, which the server itself cannot write to. The kernel ends
 * a server whose run has died, but not one whose program has file capabilities: there execve takes the wish for it away. That one the next run ends.
 */
#pragma once

#include <sys/types.h>

#include "slackwater/error.h"

/* We, and a process that leads a session of its own. */
enum status proof_owner_write(const char *top, pid_t server, struct error *err);
/* Of a scratch directory: its owner is gone and its server, by number and moment of its start, is not: then it is ended, with its session. */
bool proof_owner_end(int top);
