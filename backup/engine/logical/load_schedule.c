/* SPDX-License-Identifier: Apache-2.0 */
#include "load_schedule.h"

#include <pthread.h>
#include <stdlib.h>

/* The chunks of one table; open while some are left. */
struct span { size_t next, end; uint64_t bytes_left; unsigned threads; };

struct load_schedule {
	const struct load_plan *plan;
	pthread_mutex_t lock;
	struct span *span; /* by table, in the order of the chunks */
	size_t nspans, fresh;
	struct span **lane; /* what each worker is at, NULL = nothing yet */
	size_t nlanes;
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
	s->nlanes = threads ? threads : 1;
	s->span = calloc(plan->nchunks + 1, sizeof *s->span);
	s->lane = calloc(s->nlanes, sizeof(struct span *));
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

/* An open table has a thread, which is in a lane: so the lanes know all of them. */
static struct span *best(struct load_schedule *s)
{
	struct span *b = s->fresh < s->nspans ? &s->span[s->fresh] : NULL;
	uint64_t most = b ? b->bytes_left : 0;
	for (size_t i = 0; i < s->nlanes; i++) {
		struct span *o = s->lane[i];
		if (o && o->next < o->end && (!b || o->bytes_left / (o->threads + 1) > most)) {
			b = o;
			most = o->bytes_left / (o->threads + 1);
		}
	}
	if (b && s->fresh < s->nspans && b == &s->span[s->fresh])
		s->fresh++;
	return b;
}

const struct load_chunk *load_schedule_take(struct load_schedule *s, unsigned worker)
{
	const struct load_chunk *c = NULL;
	pthread_mutex_lock(&s->lock);
	struct span **at = &s->lane[worker % s->nlanes];
	if (!*at || (*at)->next == (*at)->end) {
		if (*at)
			(*at)->threads--;
		*at = best(s);
		if (*at)
			(*at)->threads++;
	}
	if (*at) {
		c = &s->plan->chunk[(*at)->next++];
		(*at)->bytes_left -= c->entry->raw_bytes;
	}
	pthread_mutex_unlock(&s->lock);
	return c;
}
