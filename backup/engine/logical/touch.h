/* SPDX-License-Identifier: Apache-2.0 */
/* touch: all sessions take their metadata locks, at once when there are many. */
#pragma once

#include "session.h"

#define TOUCH_EVERYTHING ((size_t)-1)

/* At most max per session; *ret_done: nothing is left. */
enum status touch_some(struct session *session, unsigned n, const struct plan *p, size_t max, bool *ret_done, struct error *err);
/* Open every table once in each session that will read it. */
enum status touch_warm(struct session *session, unsigned n, const struct plan *p, struct error *err);
