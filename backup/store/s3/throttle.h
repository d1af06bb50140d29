/* SPDX-License-Identifier: Apache-2.0 */
/* throttle: one rate for all the threads of a store that send. */
#pragma once

#include "slackwater/run.h"

struct throttle {
	pthread_mutex_t lock;
	uint64_t rate;   /* bytes per second, 0 = as fast as it goes */
	int64_t free_ms; /* when what was let through so far has had its time */
};

void throttle_init(struct throttle *t, uint64_t rate);
void throttle_destroy(struct throttle *t);
/* How many of want bytes may be sent now: waits until it is at least one (a cancel ends the wait). Never more than a second's worth. */
size_t throttle_take(struct throttle *t, size_t want, const struct run *run);
