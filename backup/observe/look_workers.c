/* SPDX-License-Identifier: Apache-2.0 */
/* Workers as performance_schema knows them: by channel and number, from 8.0 on with the transaction in hand and since when. */
#include <stdlib.h>
#include <strings.h>

#include "observe/look.h"

enum { STATEMENT_MAX = 200, TEXT_MAX = 512, GTID_MAX = 160 };

/* 8.0+. The progress tables count workers from 0, the status tables from 1 [run 9.7.4]: the thread is what they have in common. */
static void stamped_sql(struct buf *sql, bool statements, bool retries, bool progress)
{
	buf_adds(sql, "SELECT w.CHANNEL_NAME, w.WORKER_ID, w.SERVICE_STATE, w.LAST_ERROR_NUMBER, w.LAST_ERROR_MESSAGE, "
	              "w.LAST_APPLIED_TRANSACTION AS last_applied, w.APPLYING_TRANSACTION AS applying, "
	              "TIMESTAMPDIFF(MICROSECOND, w.APPLYING_TRANSACTION_START_APPLY_TIMESTAMP, SYSDATE(6)) DIV 1000 AS age_ms, "
	              "TIMESTAMPDIFF(MICROSECOND, w.APPLYING_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP, SYSDATE(6)) DIV 1000 AS lag_ms");
	if (statements)
		buf_adds(sql, ", t.PROCESSLIST_ID AS thread, t.PROCESSLIST_STATE AS state, "
		              "IFNULL(t.PROCESSLIST_INFO, s.SQL_TEXT) AS statement");
	if (retries)
		buf_adds(sql, ", w.APPLYING_TRANSACTION_RETRIES_COUNT AS retries");
	if (progress)
		buf_adds(sql, ", p.ONGOING_TRANSACTION_FULL_SIZE_BYTES AS size_bytes, "
		              "p.ONGOING_TRANSACTION_APPLIED_SIZE_BYTES AS done_bytes");
	buf_adds(sql, " FROM performance_schema.replication_applier_status_by_worker w");
	if (statements)
		buf_adds(sql, " LEFT JOIN performance_schema.threads t ON t.THREAD_ID = w.THREAD_ID"
		              " LEFT JOIN performance_schema.events_statements_current s ON s.THREAD_ID = w.THREAD_ID"
		              " AND s.END_EVENT_ID IS NULL AND s.NESTING_EVENT_LEVEL = 0");
	if (progress)
		buf_adds(sql, " LEFT JOIN performance_schema.replication_applier_progress_by_worker p ON p.THREAD_ID = w.THREAD_ID");
	buf_adds(sql, " ORDER BY w.CHANNEL_NAME, w.WORKER_ID");
}

/* 5.7 says which transaction a worker has seen last, not whether it has finished it. */
static void plain_sql(struct buf *sql, bool statements)
{
	buf_adds(sql, "SELECT w.CHANNEL_NAME, w.WORKER_ID, w.SERVICE_STATE, w.LAST_ERROR_NUMBER, w.LAST_ERROR_MESSAGE, "
	              "w.LAST_SEEN_TRANSACTION AS last_seen");
	if (statements)
		buf_adds(sql, ", t.PROCESSLIST_ID AS thread, t.PROCESSLIST_STATE AS state, t.PROCESSLIST_INFO AS statement");
	buf_adds(sql, " FROM performance_schema.replication_applier_status_by_worker w");
	if (statements)
		buf_adds(sql, " LEFT JOIN performance_schema.threads t ON t.THREAD_ID = w.THREAD_ID");
	buf_adds(sql, " ORDER BY w.CHANNEL_NAME, w.WORKER_ID");
}

static void in_hand_without_stamps(const struct look *l, struct observed_worker *w)
{
	w->busy = w->running && !look_state_is_idle(w->state);
	if (w->busy)
		look_age(l, w);
}

static enum status take_texts(struct observed_worker *w, const struct rows *r, bool stamped, struct error *err)
{
	const char *seen = rows_get(r, "last_seen");
	enum status st = look_text(&w->state, rows_get(r, "state"), TEXT_MAX, err);
	if (!st)
		st = look_text(&w->statement, rows_get(r, "statement"), STATEMENT_MAX, err);
	if (!st)
		st = look_text(&w->applying, rows_get(r, "applying"), GTID_MAX, err);
	if (!st && w->error_no)
		st = look_text(&w->error, rows_get(r, "LAST_ERROR_MESSAGE"), TEXT_MAX, err);
	if (!st && !stamped && w->running && !look_state_is_idle(w->state))
		return look_text(&w->applying, seen, GTID_MAX, err);
	return st ? st : look_text(&w->last_applied, stamped ? rows_get(r, "last_applied") : seen, GTID_MAX, err);
}

static enum status take_worker(struct look *l, const struct rows *r, struct error *err)
{
	struct observed_channel *ch = look_channel(l->o, rows_get(r, "CHANNEL_NAME"));
	if (!ch)
		return ST_OK;
	struct observed_worker *w = look_add_worker(&ch->worker, &ch->nworkers, err);
	if (!w)
		return ST_FATAL;
	const char *on = rows_get(r, "SERVICE_STATE");
	w->id = look_number(r, "WORKER_ID");
	w->thread = rows_u64(r, "thread", 0);
	const char *applying = rows_get(r, "applying");
	/* While a STOP waits for them the service is OFF, and those still at work have their transaction [run 9.7.4]. */
	w->running = (on && strcasecmp(on, "ON") == 0) || (ch->applier_running && applying && *applying);
	w->error_no = (unsigned)rows_u64(r, "LAST_ERROR_NUMBER", 0);
	enum status st = take_texts(w, r, l->in->worker_stamps, err);
	if (st)
		return st;
	if (!l->in->worker_stamps) {
		in_hand_without_stamps(l, w);
		return ST_OK;
	}
	w->busy = w->running && w->applying;
	if (!w->busy)
		return look_text(&w->applying, NULL, GTID_MAX, err);
	w->age_ms = w->age_max_ms = look_number(r, "age_ms");
	w->lag_ms = look_number(r, "lag_ms");
	w->retries = look_number(r, "retries");
	w->size_bytes = look_number(r, "size_bytes");
	w->done_bytes = look_number(r, "done_bytes");
	ch->lag_ms = w->lag_ms > ch->lag_ms ? w->lag_ms : ch->lag_ms;
	return ST_OK;
}

static enum status read_workers(struct look *l, bool statements, struct error *err)
{
	struct buf sql = BUF_INIT(8192);
	struct rows *r = NULL;
	bool more = false;
	if (l->in->worker_stamps)
		stamped_sql(&sql, statements, conn_is_mysql(l->c, 80013), l->component);
	else
		plain_sql(&sql, statements);
	enum status st = buf_check(&sql, "the query for workers", err);
	if (!st)
		st = conn_query(l->c, buf_str(&sql), &r, err);
	while (!st && !(st = rows_next(r, &more, err)) && more)
		st = take_worker(l, r, err);
	rows_free(r);
	buf_free(&sql);
	return st;
}

enum status look_workers(struct look *l, struct error *err)
{
	struct error why = ERROR_INIT;
	if (!l->in->ps || !conn_is_mysql(l->c, 50706))
		return look_threads(l, err);
	enum status st = read_workers(l, true, &why);
	if (st && why.kind == ERR_PREFLIGHT && !l->c->lost) {
		st = look_refused(l, &why, "what workers wait for", "SELECT on performance_schema.threads and events_statements_current", err);
		why = ERROR_INIT;
		if (!st)
			st = read_workers(l, false, &why);
	}
	return st && why.kind ? look_refused(l, &why, "workers", "SELECT on performance_schema.*", err) : st;
}

enum status look_row_locks(struct look *l, struct error *err)
{
	struct error why = ERROR_INIT;
	struct rows *r = NULL;
	bool more = false;
	enum status st = conn_query(l->c, "SELECT trx_mysql_thread_id AS thread FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'",
	                            &r, &why);
	while (!st && !(st = rows_next(r, &more, &why)) && more) {
		uint64_t thread = rows_u64(r, "thread", 0);
		for (size_t c = 0; c <= l->o->nchannels; c++) {
			struct observed_worker *w = c < l->o->nchannels ? l->o->channel[c].worker : l->o->pool;
			size_t n = c < l->o->nchannels ? l->o->channel[c].nworkers : l->o->npool;
			for (size_t i = 0; i < n; i++)
				w[i].waits_for_row = w[i].waits_for_row || (thread && w[i].thread == thread);
		}
	}
	rows_free(r);
	return st ? look_refused(l, &why, "waits for row locks", "PROCESS", err) : ST_OK;
}
