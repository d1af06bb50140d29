/* SPDX-License-Identifier: Apache-2.0 */
#include "watch.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "slackwater/dialect.h"
#include "slackwater/hash.h"

enum { WATCH_EVERY_MS = 200, WATCH_HISTORY_EVERY = 10, WATCH_PING_EVERY = 150 };

static void watch_give_up(struct watch *w, enum status st)
{
	w->verdict = st;
	run_cancel(w->run, SIGUSR2);
}

/* Waiting threads come and go; one that waits with another statement than at the last look has got what it waited for in between. */
static void watch_note(struct watch *w, unsigned long long thread, const char *statement, int64_t now)
{
	uint64_t h = hash_text(statement);
	for (size_t i = 0; i < w->nwaits; i++) {
		if (w->wait[i].thread == thread && w->wait[i].statement == h) {
			w->wait[i].seen = true;
			return;
		}
	}
	if (w->nwaits == WATCH_WAITS)
		return;
	w->wait[w->nwaits++] = (struct watch_wait){ thread, h, now, true };
	event_warning(w->run->events, "dump", "the applier waits for a table that is being read (a replicated DDL; a flush of the table), and what commits behind it with it: %.200s",
	              statement ? statement : "");
}

/* Drop the waits that are over; the longest that goes on, in ms, or -1. */
static int64_t watch_sweep(struct watch *w, int64_t now)
{
	int64_t longest = -1;
	size_t kept = 0;
	for (size_t i = 0; i < w->nwaits; i++) {
		struct watch_wait x = w->wait[i];
		/* It may have begun just after the last look. */
		int64_t waited = now - x.since + WATCH_EVERY_MS;
		if (waited > w->ddl_wait_ms)
			w->ddl_wait_ms = waited;
		if (!x.seen) {
			event_info(w->run->events, "dump", "the applier has gone on after about %lld ms", (long long)waited);
			continue;
		}
		if (now - x.since > longest)
			longest = now - x.since;
		x.seen = false;
		w->wait[kept++] = x;
	}
	w->nwaits = kept;
	return longest;
}

/*
 * Elsewhere than on MySQL 8.0 and later we hold no backup lock, so it is somebody else's (MariaDB: BACKUP STAGE or FTWRL; Percona Server 5.7: LOCK
 * TABLES FOR BACKUP [infer]), and no snapshot of ours that starts over would help. A thread that is being started waits for it as well and says that
 * it runs [run MariaDB 10.11.19].
 */
static bool watch_is_foreign(struct watch *w, const char *by_backup_lock)
{
	if (conn_is_mysql(w->c, 80000) || !by_backup_lock || strcmp(by_backup_lock, "1") != 0)
		return false;
	if (!w->foreign)
		event_warning(w->run->events, "dump", "the applier has been started and waits for the backup lock of another session (BACKUP STAGE, "
		                                      "FLUSH TABLES WITH READ LOCK): it goes on when that is let go");
	w->foreign = true;
	return true;
}

/*
 * The applier's threads that wait for a metadata lock or the backup lock, or to open a table anew that was flushed under a reader of ours (5.6:
 * an ANALYZE TABLE, of anybody's, does it [run 5.6.24]). Their TIME is lag, so the wait is timed by us.
 */
static enum status watch_ddl(struct watch *w, struct error *err)
{
	struct rows *r = NULL;
	int64_t now = run_now_ms(w->run);
	enum status st = conn_queryf(w->c, &r, err, "SELECT ID, LEFT(INFO, 200), STATE LIKE 'Waiting for backup lock%%' FROM %s WHERE USER = 'system user'"
	                             " AND (STATE LIKE 'Waiting for%%metadata lock%%' OR STATE LIKE 'Waiting for backup lock%%'"
	                             " OR STATE LIKE 'Waiting for table flush%%')", dialect_processlist(&w->c->server));
	while (rows_more(r, &st, err))
		if (!watch_is_foreign(w, r->row[2]))
			watch_note(w, r->row[0] ? strtoull(r->row[0], NULL, 10) : 0, r->row[1], now);
	rows_free(r);
	if (st)
		return st;
	if (watch_sweep(w, now) > w->ddl_max_wait_ms && w->ddl_max_wait_ms) {
		error_set(&w->err, ST_RETRY, ERR_INCONSISTENT, "the applier waited longer than %lld ms for tables that are being read: locks given up",
		          (long long)w->ddl_max_wait_ms);
		error_hint(&w->err, "raise --ddl-max-wait, or take the backup at a time with less DDL");
		watch_give_up(w, ST_RETRY);
	}
	return ST_OK;
}

static enum status watch_history(struct watch *w, struct error *err)
{
	uint64_t n = 0;
	enum status st = conn_scalar_u64(w->c, "SELECT `COUNT` FROM information_schema.INNODB_METRICS WHERE NAME = 'trx_rseg_history_len'", &n, err);
	if (st)
		return st;
	if (n > w->history_max)
		w->history_max = n;
	if (w->max_history && n > w->max_history) {
		error_set(&w->err, ST_FAILED, ERR_SERVER, "InnoDB's history list is %llu long, more than --max-history %llu",
		          (unsigned long long)n, (unsigned long long)w->max_history);
		error_hint(&w->err, "take the backup when less is written, with more threads, or raise --max-history");
		watch_give_up(w, ST_FAILED);
	}
	return ST_OK;
}

/* Sleep until the next look is due; false: it is over. */
static bool watch_sleep(struct watch *w)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += WATCH_EVERY_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	pthread_mutex_lock(&w->lock);
	int e = 0;
	while (!w->stop && !e)
		e = pthread_cond_timedwait(&w->wake, &w->lock, &until);
	bool stop = w->stop;
	pthread_mutex_unlock(&w->lock);
	return !stop && !run_cancelled(w->run);
}

static void *watch_main(void *arg)
{
	struct watch *w = arg;
	struct error err = ERROR_INIT;
	enum status st = ST_OK;
	unsigned i = 0;
	do {
		st = watch_ddl(w, &err);
		if (!st && !w->verdict && i % WATCH_HISTORY_EVERY == 0)
			st = watch_history(w, &err);
		if (++i % WATCH_PING_EVERY == 0)
			for (unsigned s = 0; s < w->nsessions; s++)
				session_ping(&w->session[s]);
	} while (!st && !w->verdict && watch_sleep(w));
	/* Blind, we may not hold locks that stop the applier. A cancelled run is somebody else's failure. */
	if (st && err.kind != ERR_INTERRUPTED && !run_cancelled(w->run)) {
		w->err = err;
		error_prefix(&w->err, "watching for replicated DDL");
		watch_give_up(w, ST_FAILED);
	}
	return NULL;
}

enum status watch_start(struct watch *w, struct error *err)
{
	pthread_condattr_t a;
	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_cond_init(&w->wake, &a);
	pthread_condattr_destroy(&a);
	pthread_mutex_init(&w->lock, NULL);
	w->stop = w->foreign = false;
	w->nwaits = 0;
	w->verdict = ST_OK;
	int e = pthread_create(&w->thread, NULL, watch_main, w);
	if (e)
		return error_sys(err, ST_FATAL, ERR_UNEXPECTED, e, "cannot start a thread");
	w->started = true;
	return ST_OK;
}

void watch_stop(struct watch *w)
{
	if (!w->started)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	w->started = false;
}

enum status watch_verdict(const struct watch *w, struct error *err)
{
	if (w->verdict)
		*err = w->err;
	return w->verdict;
}
