/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model: a server without a server. What was recorded answers, except what has to react to what is done to it: the applier (one channel) stops
 * and starts, named locks are taken, waited for and let go with the session that holds them, the processlist knows which sessions live and
 * which of them wait, and the dead-man's switch (applier/guard.c) does what its text says.
 *
 * At the end of the process all its sessions end, as they would on a server: a switch that still waits fires then. The report says how the
 * applier was left, in one line: "applier running|stopped, stops N, starts N, unknown N"; unknown counts statements that neither the
 * recording nor the model knows, which were answered with error 1105.
 */
#pragma once

#include "slackwater/conn.h"

/* Is the process one that replays? */
bool model_on(void);
/* A session; logged in, but conn_session_begin has not been called. */
struct conn *model_open(unsigned flags, struct run *run);
/* The connection is cut: the session ends, on both sides. Any thread. */
void model_cut(struct conn *c);
