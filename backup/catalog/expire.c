/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The story of expiring: list -> read every manifest -> apply the rules -> sweep what dead runs left -> remove, oldest first. Nothing is removed before
 * everything that decides about it has been read.
 */
#include <stdlib.h>
#include <string.h>

#include "catalog/id.h"
#include "catalog/remove.h"
#include "slackwater/retention.h"
#include "stream/objects.h"

void expire_free(struct expire_report *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->item[i].instance);
	free(r->item);
	*r = (struct expire_report){ 0 };
}

struct expire {
	struct store *store;
	const struct expire_options *o;
	const struct catalog *catalog;
	struct retention_item *policy; /* as many as the catalogue's */
	struct expire_report *report;  /* likewise */
};

static enum status expire_one(void *arg, size_t i, const struct manifest *m, const struct error *damage, struct error *err)
{
	struct expire *e = arg;
	const struct catalog_item *it = &e->catalog->item[i];
	struct retention_item *p = &e->policy[i];
	(void)err;
	*p = (struct retention_item){ .instance = it->instance, .pinned = it->pinned, .proven = it->proven };
	p->damaged = !id_time_ms(it->id, &p->time_ms) || !m;
	if (m) {
		p->partial = m->partial;
		e->report->item[i].bytes = objects_bytes(&m->objects);
	} else {
		event_warning(e->store->run->events, "expire", "%s of %s is kept: %s", it->id, it->instance, damage->message);
	}
	return ST_OK;
}

static enum status expire_decide(struct expire *e, struct error *err)
{
	size_t n = e->catalog->n;
	e->policy = calloc(n + 1, sizeof *e->policy);
	e->report->item = calloc(n + 1, sizeof *e->report->item);
	if (!e->policy || !e->report->item)
		return error_oom(err);
	enum status st = catalog_each(e->store, e->catalog, e->o->threads, expire_one, e, err);
	if (st)
		return st;
	retention_apply(&e->o->rules, run_wall_ms(e->store->run), e->policy, n);
	for (size_t i = 0; i < n; i++) {
		struct expire_item *it = &e->report->item[i];
		it->instance = strdup(e->catalog->item[i].instance);
		if (!it->instance)
			return error_oom(err);
		memcpy(it->id, e->catalog->item[i].id, sizeof it->id);
		it->time_ms = e->policy[i].time_ms;
		it->partial = e->policy[i].partial;
		it->keep = e->policy[i].keep;
		it->fate = it->keep ? EXPIRE_KEPT : EXPIRE_EXPIRED;
		e->report->n = i + 1;
	}
	return ST_OK;
}

static enum status expire_remove(struct expire *e, size_t i, struct error *err)
{
	struct expire_item *it = &e->report->item[i];
	struct event_sink *events = e->store->run->events;
	enum remove_outcome outcome = REMOVE_DONE;
	enum status st = run_check(e->store->run, err);
	if (!st)
		st = remove_snapshot(e->store, &e->catalog->item[i], &outcome, &e->report->held_objects, err);
	if (st)
		return error_prefix(err, "%s of %s", it->id, it->instance);
	switch (outcome) {
	case REMOVE_PINNED:
		it->keep = KEEP_PINNED;
		it->fate = EXPIRE_KEPT;
		break;
	case REMOVE_HELD:
		event_warning(events, "expire", "%s of %s stays: the store does not let its manifest be removed", it->id, it->instance);
		it->fate = EXPIRE_HELD;
		break;
	case REMOVE_DONE:
		event_info(events, "expire", "%s of %s removed", it->id, it->instance);
		it->fate = EXPIRE_REMOVED;
		e->report->bytes += it->bytes;
		break;
	}
	return ST_OK;
}

static enum status expire_sweep_uploads(struct expire *e, const char *instance, struct error *err)
{
	struct buf below = BUF_INIT(1024);
	unsigned removed = 0;
	catalog_instance_key(instance, &below);
	buf_addc(&below, '/');
	enum status st = buf_check(&below, "the instance's name", err);
	if (!st)
		st = e->store->ops->sweep(e->store, below.data, catalog_sweep_age_ms, &removed, err);
	e->report->swept_uploads += removed;
	buf_free(&below);
	return st;
}

/* Unfinished uploads look the same whoever began them: only below an instance that has snapshots are they ours. */
static enum status expire_sweep(struct expire *e, struct error *err)
{
	const struct catalog *c = e->catalog;
	struct catalog_swept swept = { 0 };
	enum status st = catalog_sweep(e->store, e->o->instance, catalog_sweep_age_ms, &swept, err);
	for (size_t i = 0; !st && i < c->n; i++)
		if (!i || strcmp(c->item[i].instance, c->item[i - 1].instance) != 0)
			st = expire_sweep_uploads(e, c->item[i].instance, err);
	e->report->swept_objects = swept.removed;
	e->report->held_objects += swept.held;
	return st;
}

enum status catalog_expire(struct store *s, const struct expire_options *o, struct expire_report *ret, struct error *err)
{
	struct catalog catalog = { 0 };
	struct expire e = { .store = s, .o = o, .catalog = &catalog, .report = ret };
	*ret = (struct expire_report){ 0 };
	if (!retention_any(&o->rules))
		return error_set(err, ST_FAILED, ERR_USAGE, "no rule says what to keep");

	enum status st = catalog_list(s, o->instance, &catalog, err);
	if (!st && o->instance && !catalog.n)
		st = error_set(err, ST_FAILED, ERR_SNAPSHOT, "there is no snapshot of %s", o->instance);
	if (!st)
		st = expire_decide(&e, err);
	if (!st && !o->dry_run)
		st = expire_sweep(&e, err);
	for (size_t i = 0; !st && !o->dry_run && i < ret->n; i++)
		if (ret->item[i].fate == EXPIRE_EXPIRED)
			st = expire_remove(&e, i, err);
	free(e.policy);
	catalog_free(&catalog);
	return st;
}
