/* SPDX-License-Identifier: Apache-2.0 */
/* ARMED: what starts the applier again, whatever becomes of us, is set before anything is stopped. */
#include <stdlib.h>

#include "applier/quiesce.h"

static enum status open_sessions(struct quiesce *q, struct error *err)
{
	enum status st = ST_OK;
	if (!q->watch) {
		st = conn_open(&q->watch, q->o, CONN_SHIELDED, &q->shield, err);
		if (!st)
			st = inflight_prepare(q->watch, &q->in, err);
	}
	for (size_t i = 0; !st && i < q->nours; i++) {
		if (!q->ours[i].job.c)
			st = job_open(&q->ours[i].job, q->o, CONN_SHIELDED | CONN_NO_TIMEOUT | CONN_SOON_OR_NEVER, &q->shield, q->done_fd, err);
	}
	if (!st && !q->guard && q->nours && !q->w->no_guard)
		st = guard_new(q->o, &q->in, q->names, q->nours, q->w->max_pause_ms, &q->shield, &q->guard, err);
	if (!st && !q->journal && q->nours && q->w->state_dir)
		st = journal_new(q->w->state_dir, q->o, q->watch, &q->journal, err);
	return st;
}

/* Of the channels with q->which. */
static enum status write_journal(struct quiesce *q, bool guarded, struct error *err)
{
	size_t n = 0;
	const char **left = calloc(q->nours, sizeof *left);
	if (!left)
		return error_oom(err);
	for (size_t i = 0; i < q->nours; i++)
		if (q->which[i])
			left[n++] = q->ours[i].name;
	enum status st = journal_write(q->journal, left, n, guarded, q->w->max_pause_ms, err);
	free(left);
	return st;
}

enum status quiesce_secure(struct quiesce *q, struct error *err)
{
	bool any = false;
	enum status st = ST_OK;
	for (size_t i = 0; i < q->nours; i++) {
		struct conn *stopper = q->ours[i].job.c;
		any |= (q->which[i] = !q->ours[i].dropped);
		if (q->guard)
			guard_stopper(q->guard, i, stopper ? stopper->ops->thread_id(stopper) : 0);
	}
	/* Before the switch: writing to a disk may take its time, and between the last look and the STOP there is to be none. */
	if (any && q->journal)
		st = write_journal(q, q->guard != NULL, err);
	if (!st && any && q->guard)
		st = guard_arm(q->guard, q->watch, q->which, err);
	q->secured = !st;
	return st;
}

enum status quiesce_unsecure(struct quiesce *q, struct error *err)
{
	enum status st = guard_disarm(q->guard, q->watch, err), closed = ST_OK;
	if (q->journal)
		closed = journal_close(q->journal, st ? NULL : err);
	q->secured = false;
	return st ? st : closed;
}

enum status quiesce_leave_to_journal(struct quiesce *q, struct error *err)
{
	bool any = false;
	for (size_t i = 0; i < q->nours; i++)
		any |= (q->which[i] = q->ours[i].stopping || q->ours[i].stopped);
	enum status st = any && q->journal ? write_journal(q, false, err) : ST_OK, off = guard_disarm(q->guard, q->watch, st ? NULL : err);
	return st ? st : off;
}

enum quiesce_event quiesce_arm(struct quiesce *q)
{
	struct error e = ERROR_INIT;
	q->again = false;
	enum status st = run_check(q->run, &e);
	if (!st)
		st = open_sessions(q, &e);
	if (!st)
		st = quiesce_secure(q, &e);
	if (!q->armed_ms)
		q->armed_ms = run_now_ms(q->run);
	return st ? quiesce_fail(q, &e) : E_DONE;
}
