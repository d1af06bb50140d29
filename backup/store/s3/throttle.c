/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3/throttle.h"

enum { THROTTLE_STEP_MS = 50, THROTTLE_WAIT_MS = 500 };

void throttle_init(struct throttle *t, uint64_t rate)
{
	*t = (struct throttle){ .rate = rate };
	pthread_mutex_init(&t->lock, NULL);
}

void throttle_destroy(struct throttle *t)
{
	pthread_mutex_destroy(&t->lock);
}

size_t throttle_take(struct throttle *t, size_t want, const struct run *run)
{
	if (!t->rate || !want)
		return want;
	uint64_t step = t->rate * THROTTLE_STEP_MS / 1000;
	size_t n = step && want > step ? (size_t)step : want;
	pthread_mutex_lock(&t->lock);
	int64_t now = run_now_ms(run), at = t->free_ms > now ? t->free_ms : now;
	t->free_ms = at + (int64_t)((n * 1000 + t->rate - 1) / t->rate);
	pthread_mutex_unlock(&t->lock);
	/* In turns, so that a cancel is seen although the caller can take no error. */
	for (struct error ignored; now < at && !run_sleep_ms(run, at - now < THROTTLE_WAIT_MS ? at - now : THROTTLE_WAIT_MS, &ignored);)
		now = run_now_ms(run);
	return n;
}
