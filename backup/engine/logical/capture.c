/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the window: the applier stands still and waits for us. A handful of round trips when no DDL has run since prepare; the names of the
 * tables are listed again when one has.
 */
#include "logical.h"
#include "touch.h"

/* Touching this many tables costs little; with more the applier is set going first, and the fingerprint has to prove that nothing slipped in. */
enum { CAPTURE_TOUCH = 1000, CAPTURE_TOUCH_MS = 2000 };

/* All of it is tried before a failure is returned. */
static enum status capture_reset(struct logical *l, struct error *err)
{
	enum status st = ST_OK;
	for (unsigned i = 0; i < l->nsessions; i++) {
		enum status one = session_drop(&l->session[i], st ? NULL : err);
		st = st ? st : one;
	}
	if (l->lock_held) {
		enum status one = conn_exec(l->lock, "UNLOCK INSTANCE", st ? NULL : err);
		st = st ? st : one;
	}
	l->lock_held = false;
	l->touched = false;
	copy_clear(&l->copy);
	inventory_clear(&l->window);
	return st;
}

/* Whatever fails here is a session that is gone, and its locks with it. */
void capture_drop(struct logical *l)
{
	(void)capture_reset(l, NULL);
}

static enum status capture_snapshots(struct logical *l, struct error *err)
{
	enum status st = ST_OK;
	if (l->locks == LOCKS_BACKUP) {
		/* Should our host vanish, the server must not keep the lock for hours; only now, for the window may be long in coming. */
		st = conn_exec(l->lock, "SET SESSION wait_timeout = 120", err);
		/* After the stop, or STOP REPLICA would have failed with 3857. */
		if (!st)
			st = conn_exec(l->lock, "LOCK INSTANCE FOR BACKUP", err);
		l->lock_held = !st;
		l->locked_ms = run_now_ms(&l->run);
	}
	for (unsigned i = 0; !st && i < l->nsessions; i++)
		st = session_begin(&l->session[i], err);
	return st;
}

/* Names and engines as they are now; columns only of tables that are copied here and now. */
static enum status capture_list(struct logical *l, struct error *err)
{
	enum status st = inventory_names(&l->window, l->control, l->eo, err);
	for (size_t i = 0; !st && i < l->window.ntables; i++) {
		struct table *t = &l->window.table[i];
		if (!t->view && !t->gone && t->how == ROWS_COPIED)
			st = inventory_columns(&l->window, t, l->control, err);
	}
	return st ? st : inventory_refuse(&l->window, err);
}

bool capture_touches_later(const struct logical *l)
{
	return l->plan.n > CAPTURE_TOUCH && (l->attempt == 1 || l->touch_ms > CAPTURE_TOUCH_MS);
}

static enum status capture_touch(struct logical *l, struct error *err)
{
	const struct inventory *now = l->changed ? &l->window : &l->inv;
	enum status st = plan_build(&l->plan, now, &l->inv, l->nsessions, l->eo->chunk_bytes, err);
	if (!st && !capture_touches_later(l))
		st = touch_some(l->session, l->nsessions, &l->plan, TOUCH_EVERYTHING, &l->touched, err);
	return st;
}

static void capture_texts(struct logical *l, const struct checkpoint *cp)
{
	buf_clear(&l->slave_info);
	buf_clear(&l->binlog_info);
	checkpoint_slave_info(cp, &l->slave_info);
	checkpoint_binlog_info(cp, &l->binlog_info);
}

enum status capture_run(struct logical *l, const struct checkpoint *cp, struct error *err)
{
	int64_t begun = run_now_ms(&l->run);
	enum status st = run_check(&l->run, err);
	if (!st)
		st = capture_reset(l, err);
	if (!st)
		st = capture_snapshots(l, err);
	if (!st)
		st = fingerprint_take(l->control, l->eo->users, &l->captured, err);
	if (st)
		return dump_ddl_error(st, err);

	l->changed = !l->settled || !fingerprint_equal(&l->listed, &l->captured);
	if (l->changed)
		st = capture_list(l, err);
	if (!st && l->locks == LOCKS_METADATA)
		st = capture_touch(l, err);
	if (!st)
		st = copy_read(&l->copy, l->changed ? &l->window : &l->inv, l->copier, l->eo->chunk_bytes, l->eo->zstd_level, err);
	l->report.nontransactional_tables = l->copy.tables;
	capture_texts(l, cp);
	event_debug(l->run.events, "dump", "captured in %lld ms: %s, %s", (long long)(run_now_ms(&l->run) - begun),
	            l->changed ? "tables listed again" : "list unchanged", l->touched ? "tables locked" : "tables not yet locked");
	return dump_ddl_error(st, err);
}
