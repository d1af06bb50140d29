/* SPDX-License-Identifier: Apache-2.0 */
/* After the window: the applier runs again. Make the lists exact, let go of what need not be held, write definitions, read rows. */
#include "logical.h"

#include <stdlib.h>

#include "define.h"
#include "json_types.h"
#include "layout.h"
#include "schema.h"
#include "touch.h"

enum { EMIT_PROGRESS_MS = 500, EMIT_TOUCH = 200, EMIT_TOUCH_WAIT_MS = 15000, EMIT_NAMES = 10, EMIT_NAMES_BYTES = 16384 };

/* What is in the inventory was not exact in the window: read it again, under whatever holds it still. */
static enum status emit_relist(struct logical *l, struct error *err)
{
	enum status st = inventory_list(&l->inv, l->control, l->eo, err);
	if (!st)
		st = inventory_objects(&l->inv, l->control, l->eo, err);
	return st;
}

/*
 * What no lock has held still must not have been touched by a DDL since the window. Under the backup lock nothing can have been: there
 * statements that wait count already, so that the fingerprint would say too much.
 */
static enum status emit_prove(struct logical *l, bool unlocked, struct error *err)
{
	struct fingerprint now;
	if (l->lock_held || (!unlocked && !l->changed && l->locks != LOCKS_NONE))
		return ST_OK;
	enum status st = fingerprint_take(l->control, l->eo->users, &now, err);
	if (st)
		return st;
	bool tables = unlocked || l->locks == LOCKS_NONE, objects = l->changed;
	if (!now.known || (tables && now.tables != l->captured.tables) || (objects && !fingerprint_objects_equal(&now, &l->captured)))
		return error_set(err, ST_RETRY, ERR_INCONSISTENT, "a DDL ran right behind the window, while the definitions were read");
	return ST_OK;
}

static enum status emit_unlock(struct logical *l, struct error *err)
{
	if (!l->lock_held)
		return ST_OK;
	l->lock_held = false;
	event_debug(l->run.events, "dump", "backup lock held for %lld ms", (long long)(run_now_ms(&l->run) - l->locked_ms));
	return conn_exec(l->lock, "UNLOCK INSTANCE", err);
}

/*
 * Between steps under the backup lock: still there (its session has a short wait_timeout), and nobody runs into it? A STOP REPLICA or PURGE
 * BINARY LOGS that it made fail was perhaps a failover: let go, and leave it to the fingerprint whether anything changed.
 */
static enum status emit_polite(struct logical *l, struct error *err)
{
	uint64_t hits = 0;
	if (!l->lock_held)
		return ST_OK;
	enum status st = conn_scalar_u64(l->lock, LOGICAL_LOCK_HITS, &hits, err);
	if (st || hits == l->lock_hits)
		return st;
	event_warning(l->run.events, "dump", "the backup lock made a statement of somebody else fail: given up early");
	return emit_unlock(l, err);
}

/*
 * MariaDB looks for a lock in the list of all that the session holds, and opening a table looks for three. A session that holds none opens it
 * first: then it is in the cache, and one look is left.
 */
static enum status emit_scout(struct logical *l, struct error *err)
{
	enum status st = ST_OK;
	if (!conn_is_mariadb(l->control, 0) || !capture_touches_later(l))
		return ST_OK;
	for (unsigned i = 0; !st && i < l->nsessions; i++)
		st = session_scout(&l->session[i], l->copier, &l->plan, EMIT_TOUCH, err);
	return st;
}

/* A table that somebody holds locked (LOCK TABLES ... WRITE, a local DDL) is waited for, for a while. */
static enum status emit_touch(struct logical *l, struct error *err)
{
	int64_t begun = run_now_ms(&l->run), until = begun + EMIT_TOUCH_WAIT_MS;
	enum status st = ST_OK;
	while (!st && !l->touched) {
		st = emit_scout(l, err);
		if (!st)
			st = touch_some(l->session, l->nsessions, &l->plan, EMIT_TOUCH, &l->touched, err);
		if (!st)
			until = run_now_ms(&l->run) + EMIT_TOUCH_WAIT_MS;
		else if (st == ST_RETRY && err->my_errno == 1205 && run_now_ms(&l->run) < until)
			st = ST_OK;
		if (!st)
			st = emit_polite(l, err);
	}
	l->touch_ms = run_now_ms(&l->run) - begun;
	event_debug(l->run.events, "dump", "%zu tables locked in %lld ms", l->plan.n, (long long)l->touch_ms);
	return st;
}

/*
 * Should our host vanish, the server must not keep snapshots and locks for hours: from now on the sessions are pinged while they idle, and
 * end when they are not. Not before: the window may have been long in coming. Nor for hours if it is we who do not read on: a store may stall
 * for minutes, but replicated DDL waits for a session that can send no more.
 */
static enum status emit_mortal(struct logical *l, struct error *err)
{
	enum status st = ST_OK;
	for (unsigned i = 0; !st && i < l->nsessions; i++)
		st = conn_exec(l->session[i].c, "SET SESSION wait_timeout = 300, net_write_timeout = 900", err);
	return st;
}

/* The lists as they are now, and who reads what of them. */
static enum status emit_list(struct logical *l, struct error *err)
{
	enum status st = l->changed ? emit_relist(l, err) : ST_OK;
	if (!st)
		st = emit_polite(l, err);
	if (!st && l->locks != LOCKS_METADATA)
		st = plan_build(&l->plan, &l->inv, &l->inv, l->nsessions, l->eo->chunk_bytes, err);
	return st ? st : plan_bind(&l->plan, &l->inv, l->eo->chunk_bytes, err);
}

/* --ddl retry: what no lock holds is remembered as it is. */
static enum status emit_remember(struct logical *l, struct error *err)
{
	enum status st = l->changed ? define_run(&l->inv, l->control, l->session, l->nsessions, l->eo, err) : ST_OK;
	return st ? st : retry_remember(&l->retry, l->control, &l->captured, err);
}

/* From here on the inventory is exact and stays so for as long as it matters. */
static enum status emit_settle(struct logical *l, struct error *err)
{
	bool late = l->locks == LOCKS_METADATA && !l->touched;
	enum status st = emit_list(l, err);
	if (!st && l->locks == LOCKS_NONE)
		st = emit_remember(l, err);
	if (!st && !l->touched && l->locks != LOCKS_NONE)
		st = emit_touch(l, err);
	if (!st)
		st = emit_prove(l, late || (l->locks == LOCKS_BACKUP && !l->lock_held), err);
	if (!st)
		st = emit_unlock(l, err);
	if (!st && l->changed && l->locks != LOCKS_NONE)
		st = define_run(&l->inv, l->control, l->session, l->nsessions, l->eo, err);
	return st ? st : inventory_refuse(&l->inv, err);
}

static enum status emit_definitions(struct logical *l, struct stream_writer *w, struct error *err)
{
	enum status st = schema_put(&l->inv, w, err);
	if (!st && l->slave_info.len)
		st = stream_writer_put_text(w, -1, LAYOUT_SLAVE_INFO, &l->slave_info, err);
	if (!st && l->binlog_info.len)
		st = stream_writer_put_text(w, -1, LAYOUT_BINLOG_INFO, &l->binlog_info, err);
	return st ? st : copy_put(&l->copy, &l->plan, &l->inv, w, err);
}

static void emit_progress(struct logical *l, uint64_t bytes_total, uint64_t rows_total)
{
	uint64_t bytes = 0, rows = 0;
	dump_progress(&l->dump, &bytes, &rows);
	event_progress(l->run.events, "dump", bytes, bytes_total, rows, rows_total);
}

static enum status emit_rows(struct logical *l, struct stream_writer *w, struct error *err)
{
	uint64_t bytes = 0, rows = 0;
	unsigned started = 0;
	pthread_t *thread = calloc(l->nsessions, sizeof *thread);
	if (!thread)
		return error_oom(err);
	for (size_t i = 0; i < l->inv.ntables; i++) {
		bytes += l->inv.table[i].gone ? 0 : l->inv.table[i].bytes;
		rows += l->inv.table[i].gone ? 0 : l->inv.table[i].rows;
	}
	l->dump = (struct dump){ .session = l->session, .nsessions = l->nsessions, .plan = &l->plan, .writer = w, .run = &l->run,
		                 .chunk_bytes = l->eo->chunk_bytes, .zstd_level = l->eo->zstd_level, .json_types = l->eo->json_types };
	if (l->locks == LOCKS_NONE) {
		l->dump.arrive = retry_arrive;
		l->dump.arrive_arg = &l->retry;
	}
	enum status st = dump_start(&l->dump, thread, &started, err);
	while (!dump_done(&l->dump, EMIT_PROGRESS_MS))
		emit_progress(l, bytes, rows);
	struct error first = ERROR_INIT;
	enum status joined = dump_join(&l->dump, thread, started, &first);
	free(thread);
	emit_progress(l, bytes, rows);
	if (!st && joined) {
		*err = first;
		st = joined;
	}
	return st;
}

/* Of a table's JSON values some have types that their text does not tell: said by name, or refused. */
static enum status emit_json(struct logical *l, struct error *err)
{
	struct buf b = BUF_INIT(EMIT_NAMES_BYTES);
	uint64_t tables = 0;
	for (size_t i = 0; i < l->plan.n; i++) {
		const struct task *k = &l->plan.task[i];
		uint64_t rows = atomic_load(&k->json_lost);
		if (!rows)
			continue;
		enum status st = json_types_check(k->table, l->eo->json_types, err);
		if (st) {
			buf_free(&b);
			return st;
		}
		if (tables++ < EMIT_NAMES)
			buf_addf(&b, "%s`%s`.`%s` (%llu rows)", b.len ? ", " : "", k->schema, k->name, (unsigned long long)rows);
	}
	if (tables)
		event_warning(l->run.events, "dump", "decimals, dates, times or bytes in JSON become numbers and strings in %llu table(s): %s%s",
		              (unsigned long long)tables, buf_str(&b), tables > EMIT_NAMES ? ", ..." : "");
	buf_free(&b);
	return ST_OK;
}

static void emit_report(struct logical *l)
{
	struct insert_totals all = l->dump.totals;
	insert_totals_add(&all, &l->copy.totals);
	l->report.rows = all.rows;
	l->report.bytes = all.bytes;
	l->report.tables = l->plan.n;
	l->report.largest_statement = all.largest_statement;
	for (size_t i = 0; i < l->inv.warnings.n; i++)
		event_warning(l->run.events, "dump", "%s", l->inv.warnings.item[i]);
	if (l->copy.tables)
		event_note(l->run.events, "dump", "%llu table(s) of non-transactional engines were copied while the applier was still",
		           (unsigned long long)l->copy.tables);
}

enum status emit_run(struct logical *l, struct stream_writer *w, struct error *err)
{
	stream_writer_heed(w, &l->run); /* locks that are given up are not held for as long as a store does not move */
	enum status st = emit_mortal(l, err);
	if (!st)
		st = watch_start(&l->watch, err);
	if (!st)
		st = dump_ddl_error(emit_settle(l, err), err);
	if (!st)
		st = emit_definitions(l, w, err);
	if (!st)
		st = emit_rows(l, w, err);
	if (!st)
		st = emit_json(l, err);
	watch_stop(&l->watch);
	stream_writer_heed(w, NULL);
	if (l->watch.ddl_wait_ms > l->report.ddl_wait_ms)
		l->report.ddl_wait_ms = l->watch.ddl_wait_ms;
	if (l->watch.history_max > l->report.history_max)
		l->report.history_max = l->watch.history_max;
	if (l->watch.verdict && run_cancelled(&l->run) && !run_cancelled(l->run.parent))
		return watch_verdict(&l->watch, err);
	if (!st)
		st = schema_put_metadata(&l->inv, &l->plan, l->eo->users, w, err);
	if (!st)
		emit_report(l);
	return st;
}
