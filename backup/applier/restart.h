/* SPDX-License-Identifier: Apache-2.0 */
/* restart: start the SQL thread of one channel, and see it run. For recovery; the window has its own way, which keeps the pause short. */
#pragma once

#include "slackwater/conn.h"

/*
 * *ret_running: it was seen running, and again a moment later (facts/servers 1: a START's OK proves nothing). ST_OK and false: it stopped again, or
 * never started; the status says why. Tries for about patience_ms.
 */
enum status restart_channel(struct conn *c, const char *channel, int64_t patience_ms, bool *ret_running, struct error *err);
