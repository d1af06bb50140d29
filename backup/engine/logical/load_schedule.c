/* SPDX-License-Identifier: Apache-2.0 */
#include "load_schedule.h"

#include <pthread.h>
#include <stdlib.h>

/* The chunks of one table; open while some are left. */
struct span { size_t next, end; uint64_t bytes_left; unsigned threads; };

struct lane { const void *who; struct span *span; };

struct load_schedule {
	const struct load_plan *plan;
	pthread_mutex_t lock;
	struct span *span; /* by table, in the order of the chunks */
	size_t nspans, fresh;
	struct lane *lane;
	size_t nlanes, cap;
};

static void cut_spans(struct load_schedule *s)
{
	const struct load_plan *p = s->plan;
	for (size_t i = 0; i < p->nchunks; i++) {
		if (i == 0 || p->chunk[i].table != p->chunk[i - 1].table)
			s->span[s->nspans++] = (struct span){ .next = i };
		struct span *last = &s->span[s->nspans - 1];
		last->end = i + 1;
		last->bytes_left += p->chunk[i].entry->raw_bytes;
	}
}

enum status load_schedule_new(const struct load_plan *plan, unsigned threads, struct load_schedule **ret, struct error *err)
{
	struct load_schedule *s = calloc(1, sizeof *s);
	if (!s)
		return error_oom(err);
	s->plan = plan;
	s->cap = threads ? threads : 1;
	s->span = calloc(plan->nchunks + 1, sizeof *s->span);
	s->lane = calloc(s->cap, sizeof *s->lane);
	pthread_mutex_init(&s->lock, NULL);
	if (!s->span || !s->lane) {
		load_schedule_free(s);
		return error_oom(err);
	}
	cut_spans(s);
	*ret = s;
	return ST_OK;
}

void load_schedule_free(struct load_schedule *s)
{
	if (!s)
		return;
	pthread_mutex_destroy(&s->lock);
	free(s->span);
	free(s->lane);
	free(s);
}

static struct lane *lane_of(struct load_schedule *s, const void *who)
{
	for (size_t i = 0; i < s->nlanes; i++)
		if (s->lane[i].who == who)
			return &s->lane[i];
	if (s->nlanes == s->cap)
		return &s->lane[0]; /* more threads than were spoken of: they share a place */
	s->lane[s->nlanes] = (struct lane){ .who = who };
	return &s->lane[s->nlanes++];
}

/* An open table has a thread, which is in a lane: so the lanes know all of them. */
static struct span *best(struct load_schedule *s)
{
	struct span *b = s->fresh < s->nspans ? &s->span[s->fresh] : NULL;
	uint64_t most = b ? b->bytes_left : 0;
	for (size_t i = 0; i < s->nlanes; i++) {
		struct span *o = s->lane[i].span;
		if (o && o->next < o->end && (!b || o->bytes_left / (o->threads + 1) > most)) {
			b = o;
			most = o->bytes_left / (o->threads + 1);
		}
	}
	if (b && s->fresh < s->nspans && b == &s->span[s->fresh])
		s->fresh++;
	return b;
}

const struct load_chunk *load_schedule_take(struct load_schedule *s, const void *who)
{
	const struct load_chunk *c = NULL;
	pthread_mutex_lock(&s->lock);
	struct lane *l = lane_of(s, who);
	if (!l->span || l->span->next == l->span->end) {
		if (l->span)
			l->span->threads--;
		l->span = best(s);
		if (l->span)
			l->span->threads++;
	}
	if (l->span) {
		c = &s->plan->chunk[l->span->next++];
		l->span->bytes_left -= c->entry->raw_bytes;
	}
	pthread_mutex_unlock(&s->lock);
	return c;
}
