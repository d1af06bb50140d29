/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/budget.h"

void budget_init(struct budget *b, uint64_t bound)
{
	*b = (struct budget){ .bound = bound };
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->changed, NULL);
}

void budget_destroy(struct budget *b)
{
	pthread_cond_destroy(&b->changed);
	pthread_mutex_destroy(&b->lock);
}

static bool budget_fits(const struct budget *b, uint64_t bytes)
{
	return b->used == 0 || (bytes <= b->bound && b->used <= b->bound - bytes);
}

bool budget_take(struct budget *b, uint64_t bytes)
{
	pthread_mutex_lock(&b->lock);
	uint64_t ticket = b->next_ticket++;
	while (!b->closed && (ticket != b->serving || !budget_fits(b, bytes)))
		pthread_cond_wait(&b->changed, &b->lock);
	bool taken = !b->closed;
	if (taken) {
		b->serving++;
		b->used += bytes;
		if (b->used > b->peak)
			b->peak = b->used;
		pthread_cond_broadcast(&b->changed);
	}
	pthread_mutex_unlock(&b->lock);
	return taken;
}

void budget_give(struct budget *b, uint64_t bytes)
{
	pthread_mutex_lock(&b->lock);
	b->used -= bytes;
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
}

void budget_close(struct budget *b)
{
	pthread_mutex_lock(&b->lock);
	b->closed = true;
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
}
