/* SPDX-License-Identifier: Apache-2.0 */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

/* Below this many chunks sharing a table gains nothing. */
enum { PLAN_SHARED_CHUNKS = 2 };

static int plan_by_size(const void *a, const void *b)
{
	const struct task *x = a, *y = b;
	if (x->rows != y->rows)
		return x->rows ? 1 : -1; /* locks held for the definition alone are given up first */
	if (x->shared != y->shared)
		return x->shared ? 1 : -1;
	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	int d = strcmp(x->schema, y->schema);
	return d ? d : strcmp(x->name, y->name);
}

static enum status plan_task(struct task *k, const struct table *t, const struct inventory *sizes, unsigned nsessions,
                             uint64_t chunk_bytes, struct error *err)
{
	const struct table *known = inventory_find(sizes, t->schema, t->name);
	k->bytes = known ? known->bytes : t->bytes;
	k->rows = t->how == ROWS_SNAPSHOT;
	k->shared = k->rows && nsessions > 1 && known && known->key && k->bytes > PLAN_SHARED_CHUNKS * chunk_bytes;
	k->schema = strdup(t->schema);
	k->name = strdup(t->name);
	return k->schema && k->name ? ST_OK : error_oom(err);
}

static unsigned plan_least(const struct plan *p)
{
	unsigned best = 0;
	for (unsigned i = 1; i < p->nsessions; i++)
		if (p->session[i].load < p->session[best].load)
			best = i;
	return best;
}

static void plan_give(struct plan *p, unsigned session, struct task *k)
{
	p->session[session].item[p->session[session].n++] = k;
	p->session[session].load += k->bytes + 16384; /* a table costs something even when it is empty */
}

/*
 * A group is full when it has its part of the tables or of the bytes, and what is read for long has one of its own: no lock is held for much
 * longer than it is needed. Of weights that add up to 2 at most half of the groups can be full, and as many of one heavy task.
 */
static enum status plan_group(struct plan *p, unsigned session, struct error *err)
{
	size_t n = p->session[session].n;
	struct task **item = p->session[session].item;
	bool *ends = calloc(n + 1, sizeof *ends);
	double bytes = 0, full = 0;
	p->session[session].ends = ends;
	if (!ends)
		return error_oom(err);
	for (size_t i = 0; i < n; i++)
		bytes += (double)item[i]->bytes + 1;
	for (size_t i = 0; i < n; i++) {
		double weight = 1.0 / (double)n + ((double)item[i]->bytes + 1) / bytes;
		bool heavy = n <= PLAN_GROUPS || weight >= 4.0 / PLAN_GROUPS;
		if (heavy && i)
			ends[i - 1] = true;
		full = i && ends[i - 1] ? weight : full + weight;
		ends[i] = heavy || full >= 4.0 / PLAN_GROUPS || i + 1 == n;
	}
	return ST_OK;
}

/* Tasks are sorted: biggest first, so that each goes to whoever has least. */
static enum status plan_distribute(struct plan *p, struct error *err)
{
	for (unsigned i = 0; i < p->nsessions; i++) {
		p->session[i].item = calloc(p->n + 1, sizeof *p->session[i].item);
		if (!p->session[i].item)
			return error_oom(err);
	}
	for (size_t i = 0; i < p->n; i++) {
		struct task *k = &p->task[i];
		if (!k->shared) {
			k->owner = plan_least(p);
			plan_give(p, k->owner, k);
			continue;
		}
		for (unsigned s = 0; s < p->nsessions; s++)
			plan_give(p, s, k);
	}
	enum status st = ST_OK;
	for (unsigned i = 0; !st && i < p->nsessions; i++)
		st = plan_group(p, i, err);
	return st;
}

enum status plan_build(struct plan *p, const struct inventory *names, const struct inventory *sizes, unsigned nsessions,
                       uint64_t chunk_bytes, struct error *err)
{
	plan_free(p);
	p->nsessions = nsessions;
	p->session = calloc(nsessions, sizeof *p->session);
	p->task = calloc(names->ntables + 1, sizeof *p->task);
	enum status st = p->session && p->task ? ST_OK : error_oom(err);
	for (size_t i = 0; !st && i < names->ntables; i++)
		if (!names->table[i].view && !names->table[i].gone)
			st = plan_task(&p->task[p->n++], &names->table[i], sizes, nsessions, chunk_bytes, err);
	if (st)
		return st;
	qsort(p->task, p->n, sizeof *p->task, plan_by_size);
	return plan_distribute(p, err);
}

enum status plan_bind(struct plan *p, struct inventory *inv, uint64_t chunk_bytes, struct error *err)
{
	for (size_t i = 0; i < inv->ntables; i++)
		inv->table[i].gone = inv->table[i].gone || !inv->table[i].view;
	for (size_t i = 0; i < p->n; i++) {
		struct task *k = &p->task[i];
		struct table *t = inventory_find(inv, k->schema, k->name);
		if (!t || t->view || k->rows != (t->how == ROWS_SNAPSHOT))
			return error_set(err, ST_RETRY, ERR_INCONSISTENT, "a DDL changed table `%s`.`%s` while it was being listed", k->schema, k->name);
		t->gone = false;
		t->reader = k->shared ? (unsigned)(i % p->nsessions) : k->owner;
		k->table = t;
		if (k->rows)
			chunk_init(&k->chunker, t, chunk_bytes, !k->shared);
	}
	return ST_OK;
}

void plan_free(struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->task[i].schema);
		free(p->task[i].name);
		chunk_destroy(&p->task[i].chunker);
	}
	for (unsigned i = 0; p->session && i < p->nsessions; i++) {
		free(p->session[i].item);
		free(p->session[i].ends);
	}
	free(p->session);
	free(p->task);
	*p = (struct plan){ 0 };
}
