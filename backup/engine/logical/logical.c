/* SPDX-License-Identifier: Apache-2.0 */
#include "define.h"
#include "logical.h"
#include "touch.h"

#include <stdlib.h>

/* How often is looked when a DDL comes in between, before the window. */
enum { LOGICAL_LOOKS = 5 };

/* ---- the attempt: sessions, and a run of their own that ends when the parent's does or when one of them fails ---- */

static void logical_release(struct engine *e)
{
	struct logical *l = (struct logical *)e;
	if (!l->live)
		return;
	watch_stop(&l->watch);
	for (unsigned i = 0; i < l->nsessions; i++)
		session_close(&l->session[i]);
	conn_free(l->lock);
	conn_free(l->control);
	conn_free(l->copier);
	conn_free(l->watch.c);
	l->lock = l->control = l->copier = l->watch.c = NULL;
	l->lock_held = false;
	plan_free(&l->plan);
	copy_clear(&l->copy);
	retry_clear(&l->retry);
	inventory_clear(&l->inv);
	inventory_clear(&l->window);
	buf_free(&l->slave_info);
	buf_free(&l->binlog_info);
	run_destroy(&l->run);
	l->live = false;
}

static enum status logical_begin(struct logical *l, struct run *run, struct error *err)
{
	enum status st = run_child(&l->run, run, err);
	if (st)
		return st;
	l->live = true;
	l->attempt++;
	return ST_OK;
}

static enum status logical_lock_session(struct logical *l, struct error *err)
{
	if (l->locks != LOCKS_BACKUP)
		return ST_OK;
	enum status st = conn_open(&l->lock, l->o, 0, &l->run, err);
	/* The wait falls into the window. */
	if (!st)
		st = conn_exec(l->lock, "SET SESSION lock_wait_timeout = 1", err);
	return st ? st : conn_scalar_u64(l->lock, LOGICAL_LOCK_HITS, &l->lock_hits, err);
}

static enum status logical_sessions(struct logical *l, struct error *err)
{
	enum status st = conn_open(&l->control, l->o, 0, &l->run, err);
	if (!st)
		st = session_settle(l->control, false, err);
	if (!st) {
		l->locks = logical_locks_for(l->control, l->eo);
		st = probe_rights(l->control, l->locks, err);
	}
	for (unsigned i = 0; !st && i < l->nsessions; i++)
		st = session_open(&l->session[i], i, l->o, &l->run, err);
	if (!st)
		st = logical_lock_session(l, err);
	if (!st)
		st = conn_open(&l->copier, l->o, CONN_MULTI | CONN_NO_TIMEOUT, &l->run, err);
	if (!st)
		st = conn_exec(l->copier, "SET SESSION lock_wait_timeout = 1", err);
	if (!st)
		st = session_settle(l->copier, true, err);
	if (!st)
		st = conn_open(&l->watch.c, l->o, 0, &l->run, err);
	return st;
}

static enum status logical_look(struct logical *l, struct conn *c, struct error *err)
{
	enum status st = inventory_list(&l->inv, c, l->eo, err);
	if (!st)
		st = inventory_objects(&l->inv, c, l->eo, err);
	if (!st)
		st = define_run(&l->inv, c, l->session, l->nsessions, l->eo, err);
	if (!st)
		st = inventory_check_views(&l->inv, c, err);
	return st ? st : inventory_refuse(&l->inv, err);
}

/*
 * Everything there is, and the fingerprint that tells in the window whether it still is so. It warms the table cache, too. What is
 * refused while a DDL runs (a table that cannot be opened, a view whose table has gone) may be fine the next time.
 */
static enum status logical_inventory(struct logical *l, struct conn *c, struct error *err)
{
	struct fingerprint now;
	enum status st = fingerprint_settle(c, l->eo->users, 1000, &l->listed, &l->settled, err);
	if (!st && !l->listed.known && logical_locks_for(c, l->eo) != LOCKS_BACKUP) {
		st = error_set(err, ST_FAILED, ERR_PREFLIGHT, "the server has no counters of statements, so that a DDL would go unnoticed");
		error_hint(err, "performance_schema=OFF hides them: switch it on");
	}
	if (st)
		return st;
	st = dump_ddl_error(logical_look(l, c, err), err);
	if (st == ST_FAILED && err->kind == ERR_PREFLIGHT && !fingerprint_take(c, l->eo->users, &now, NULL) &&
	    (!l->settled || !fingerprint_equal(&now, &l->listed)))
		return err->status = ST_RETRY;
	return st;
}

/* A DDL may run while we look: look again. */
static enum status logical_looks(struct logical *l, struct conn *c, struct error *err)
{
	enum status st = logical_inventory(l, c, err);
	for (unsigned i = 1; st == ST_RETRY && i < LOGICAL_LOOKS; i++)
		st = logical_inventory(l, c, err);
	return st;
}

/* ---- before the window ---- */

/*
 * Is the inventory what probe saw a moment ago? Reading twenty thousand definitions takes long enough to do it once. The counters of the
 * fingerprint are those of one life of the server, which the session that is still there vouches for.
 */
static enum status logical_known(struct logical *l, bool *ret, struct error *err)
{
	struct fingerprint now;
	*ret = false;
	if (!l->prober)
		return ST_OK;
	bool same_life = !conn_exec(l->prober, "DO 0", NULL);
	conn_free(l->prober);
	l->prober = NULL;
	enum status st = fingerprint_take(l->control, l->eo->users, &now, err);
	*ret = !st && same_life && l->settled && fingerprint_equal(&now, &l->listed);
	return st;
}

static enum status logical_prepare(struct engine *e, struct run *run, struct error *err)
{
	struct logical *l = (struct logical *)e;
	bool known = false;
	logical_release(e);
	enum status st = logical_begin(l, run, err);
	if (!st)
		st = logical_sessions(l, err);
	l->watch.run = &l->run;
	l->watch.session = l->session;
	l->watch.nsessions = l->nsessions;
	l->watch.ddl_max_wait_ms = l->locks == LOCKS_NONE ? 0 : l->eo->ddl_max_wait_ms;
	l->watch.max_history = l->eo->max_history;
	if (!st)
		st = logical_known(l, &known, err);
	if (!st && !known)
		st = logical_looks(l, l->control, err);
	if (!st && l->locks != LOCKS_NONE)
		st = plan_build(&l->plan, &l->inv, &l->inv, l->nsessions, l->eo->chunk_bytes, err);
	/* What is locked when the applier runs again need not be warm. */
	if (!st && l->locks != LOCKS_NONE && !capture_touches_later(l))
		st = dump_ddl_error(touch_warm(l->session, l->nsessions, &l->plan, err), err);
	return st;
}

static enum status logical_inspect(struct logical *l, struct conn *c, struct run *run, struct error *err)
{
	enum status st = ST_OK;
	for (unsigned i = 0; !st && i < l->nsessions; i++)
		st = session_open(&l->session[i], i, l->o, run, err);
	if (!st)
		st = logical_looks(l, c, err);
	for (unsigned i = 0; i < l->nsessions; i++)
		session_close(&l->session[i]);
	if (st == ST_RETRY)
		st = err->status = ST_FAILED;
	return st ? st : inventory_check_options(&l->inv, c, l->eo, err);
}

/* What prepare would refuse is refused before anything is touched. */
static enum status logical_probe(struct engine *e, struct run *run, struct error *err)
{
	struct logical *l = (struct logical *)e;
	struct conn *c = NULL;
	enum status st = conn_open(&c, l->o, 0, run, err);
	if (!st)
		st = session_settle(c, false, err);
	if (!st)
		st = probe_rights(c, logical_locks_for(c, l->eo), err);
	if (!st)
		st = logical_inspect(l, c, run, err);
	if (st)
		conn_free(c);
	else
		l->prober = c;
	return st;
}

static enum status logical_emit_before(struct engine *e, struct stream_writer *w, struct run *run, struct error *err)
{
	(void)e;
	(void)w;
	(void)run;
	(void)err;
	return ST_OK;
}

static enum status logical_capture(struct engine *e, const struct checkpoint *cp, struct run *run, struct error *err)
{
	(void)run;
	return capture_run((struct logical *)e, cp, err);
}

static void logical_drop(struct engine *e)
{
	capture_drop((struct logical *)e);
}

static enum status logical_emit_after(struct engine *e, struct stream_writer *w, struct run *run, struct error *err)
{
	(void)run;
	return emit_run((struct logical *)e, w, err);
}

static void logical_report(const struct engine *e, struct engine_report *ret)
{
	*ret = ((const struct logical *)e)->report;
}

static void logical_free(struct engine *e)
{
	struct logical *l = (struct logical *)e;
	logical_release(e);
	conn_free(l->prober);
	inventory_clear(&l->inv);
	retry_free(&l->retry);
	free(l->session);
	free(l);
}

static const struct engine_ops logical_ops = {
	.name = "logical",
	.features = ENGINE_TRANSACTIONAL_VIEW,
	.probe = logical_probe,
	.prepare = logical_prepare,
	.emit_before = logical_emit_before,
	.capture = logical_capture,
	.drop = logical_drop,
	.emit_after = logical_emit_after,
	.release = logical_release,
	.report = logical_report,
	.free = logical_free,
};

enum status engine_logical_new(const struct conn_options *o, const struct engine_options *eo, struct engine **ret, struct error *err)
{
	struct logical *l = calloc(1, sizeof *l);
	if (!l)
		return error_oom(err);
	l->base.ops = &logical_ops;
	l->o = o;
	l->eo = eo;
	l->nsessions = eo->threads ? eo->threads : 1;
	l->session = calloc(l->nsessions, sizeof *l->session);
	l->slave_info = l->binlog_info = BUF_INIT(1u << 20);
	inventory_init(&l->inv);
	inventory_init(&l->window);
	copy_init(&l->copy);
	retry_init(&l->retry);
	if (!l->session) {
		retry_free(&l->retry);
		free(l);
		return error_oom(err);
	}
	*ret = &l->base;
	return ST_OK;
}
