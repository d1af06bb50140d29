/* SPDX-License-Identifier: Apache-2.0 */
/* PREFLIGHT of the window: look, and decide which channels are ours to stop. */
#include <stdlib.h>
#include <string.h>

#include "applier/preflight.h"
#include "applier/quiesce.h"

static enum status take_ours(struct quiesce *q, struct error *err)
{
	size_t n = q->described.n;
	q->ours = calloc(n ? n : 1, sizeof *q->ours);
	q->names = calloc(n ? n : 1, sizeof *q->names);
	q->which = calloc(n ? n : 1, sizeof *q->which);
	if (!q->ours || !q->names || !q->which)
		return error_oom(err);
	for (size_t i = 0; i < n; i++) {
		const struct channel *ch = &q->described.item[i];
		if (!ch->sql_running)
			continue;
		struct ours *o = &q->ours[q->nours];
		o->name = strdup(ch->cp.name);
		if (!o->name)
			return error_oom(err);
		q->names[q->nours++] = o->name;
	}
	return ST_OK;
}

static void move_facts(struct quiesce *q, struct preflight_facts *f)
{
	q->in = f->in;
	q->described = f->ch;
	q->gaps = f->gaps;
	q->warnings = f->warnings;
	q->no_xa_right = f->no_xa_right;
	f->in = (struct instance){ 0 };
	f->ch = (struct channels){ 0 };
	f->gaps = (struct gaps){ 0 };
	f->warnings = (struct strlist){ 0 };
}

enum quiesce_event quiesce_preflight(struct quiesce *q)
{
	struct error e = ERROR_INIT;
	struct preflight_facts f = { 0 };
	struct conn *c = NULL; /* not shielded: nothing is touched yet, and a cancel may cut it off */
	q->deadline_ms = run_now_ms(q->run) + q->w->deadline_ms;
	enum status st = conn_open(&c, q->o, 0, q->run, &e);
	if (!st)
		st = preflight_examine(c, q->w, q->run, &f, &e);
	conn_free(c);
	for (size_t i = 0; !st && i < f.notes.n; i++)
		event_info(q->run->events, "window", "%s", f.notes.item[i]);
	for (size_t i = 0; !st && i < f.warnings.n; i++)
		event_warning(q->run->events, "window", "%s", f.warnings.item[i]);
	move_facts(q, &f);
	preflight_facts_free(&f);
	if (!st)
		st = take_ours(q, &e);
	if (!st && !q->nours) { /* the sessions that ARMED would open */
		st = conn_open(&q->watch, q->o, CONN_SHIELDED, &q->shield, &e);
	}
	if (st)
		return quiesce_fail(q, &e);
	return q->nours ? E_DONE : E_IDLE;
}
