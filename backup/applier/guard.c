/* SPDX-License-Identifier: Apache-2.0 */
#include "applier/guard.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "applier/job.h"
#include "slackwater/dialect.h"
#include "slackwater/digest.h"

enum { LOCK_NAME = 64, ER_EMPTY_QUERY = 1065, SEEN_WITHIN_MS = 10000 };

struct guard {
	const struct conn_options *o;
	const struct instance *in;
	const char *const *names;
	size_t n, guarded;  /* guarded: how many of the names are guarded together now */
	uint64_t stops;     /* as for guard_channel */
	bool *wanted;       /* ... and which */
	unsigned long *stopper;
	int64_t wait_s;
	int64_t fires_ms;   /* monotonic: from then on it may be starting channels */
	struct run *run;
	struct conn *holder;
	struct job *waiter; /* n of them */
	bool armed;
	char run_lock[LOCK_NAME + 1], done_lock[LOCK_NAME + 1]; /* at most 64 characters: 5.7 and later refuse more */
};

void guard_newest_sql(struct buf *out, const struct instance *in)
{
	buf_addf(out, "SELECT MAX(ID) FROM %s", dialect_processlist(&in->server));
}

/* Has the channel's applier a thread with such a number? Where the server does not say whose a thread is (5.7 and before), any channel's counts. */
static void add_thread_exists(struct buf *out, const struct instance *in, const char *channel, const char *number)
{
	if (in->worker_stamps) {
		buf_addf(out, "EXISTS (SELECT 1 FROM performance_schema.replication_applier_status_by_worker w JOIN "
		              "performance_schema.threads t ON t.THREAD_ID = w.THREAD_ID WHERE t.PROCESSLIST_ID %s AND "
		              "w.CHANNEL_NAME = ", number);
		sql_string(out, channel);
		buf_addc(out, ')');
	} else {
		/* A busy thread of the applier may be in any state, a receiver only in those. */
		buf_addf(out, "EXISTS (SELECT 1 FROM information_schema.PROCESSLIST WHERE USER = 'system user' AND ID %s AND "
		              "IFNULL(STATE, '') NOT LIKE '%%master%%' AND IFNULL(STATE, '') NOT LIKE 'Requesting binlog dump%%' AND "
		              "IFNULL(STATE, '') NOT LIKE 'Reconnecting%%')", number);
	}
}

void guard_restarted_sql(struct buf *out, const struct instance *in, const char *channel, size_t channels, const char *since)
{
	char number[48];
	if (in->server.flavor == FLAVOR_MARIADB) {
		buf_addf(out,
		         "(SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE COMMAND = 'Slave_SQL' AND ID > %s) >= %zu",
		         since, channels);
		return;
	}
	snprintf(number, sizeof number, "> %s", since);
	add_thread_exists(out, in, channel, number);
}

/*
 * Preparing an empty text is an error (1065), and that ends the multi-statement: the way out.
 *
 * No STOP comes from a session that is gone, and none of its is in progress, for a session stays in the list until its statement has ended: a
 * START after that is the last that is needed. Without this a channel that was never stopped (no thread of it is new) would be started for a
 * minute against whoever stops it. A server whose STOP gives up (1875) does not show one that is still in effect: there all attempts are made.
 */
static void add_attempt(struct buf *out, const struct instance *in, const struct guard_channel *ch, const char *done_lock,
                        const char *start, bool first)
{
	bool told = ch->stopper && !instance_stop_gives_up(in);
	buf_addf(out, "; SET @s = IF(IS_USED_LOCK('%s') IS NOT NULL", done_lock);
	if (!first) {
		buf_adds(out, told ? " OR @gone OR " : " OR ");
		/* Whoever stops it after that means it. */
		guard_restarted_sql(out, in, ch->name, ch->together, "@w");
	}
	buf_adds(out, ", '', ");
	sql_string(out, start);
	buf_addc(out, ')');
	if (told)
		buf_addf(out, "; SET @gone = NOT EXISTS (SELECT 1 FROM %s WHERE ID = %lu)", dialect_processlist(&in->server), ch->stopper);
	buf_adds(out, "; PREPARE slackwater FROM @s; EXECUTE slackwater");
}

/* An expression: how many STOPs the server has been sent since it was started, by anybody; NULL where it does not say. */
static const char *stops_counted(const struct instance *in)
{
	if (!instance_stop_gives_up(in))
		return NULL;
	if (in->server.version < 50700)
		return "(SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'COM_SLAVE_STOP')";
	return in->ps ? "(SELECT SUM(COUNT_STAR) FROM performance_schema.events_statements_summary_global_by_event_name "
	                "WHERE EVENT_NAME IN ('statement/sql/slave_stop', 'statement/sql/replica_stop'))"
	              : NULL;
}

/*
 * For another hour, but only while a STOP of ours can be in effect: all of ours have come to the server, and the channel has a thread from
 * before them. Its last thread gone, one more START follows, and no other. A text of its own is prepared, for the sake of the size of the whole.
 */
static void add_patience(struct buf *out, const struct instance *in, const struct guard_channel *ch, const char *done_lock,
                         const char *start)
{
	enum { TIMES = 2400 }; /* of 1.5 seconds */
	struct buf ask = BUF_INIT(8192);
	buf_addf(&ask, "SET @s = IF(NOT @old OR IS_USED_LOCK('%s') IS NOT NULL OR ", done_lock);
	guard_restarted_sql(&ask, in, ch->name, ch->together, "@w");
	buf_adds(&ask, ", '', ");
	sql_string(&ask, start);
	buf_adds(&ask, "), @old = "); /* the value before is what the first expression sees */
	add_thread_exists(&ask, in, ch->name, "<= @w");
	buf_addf(out, "; SET @old = %s >= %" PRIu64 "; PREPARE slackwater_ask FROM ", stops_counted(in), ch->stops);
	sql_string(out, buf_str(&ask));
	for (unsigned k = 0; k < TIMES; k++)
		buf_adds(out, "; DO SLEEP(1.5); EXECUTE slackwater_ask; PREPARE slackwater FROM @s; EXECUTE slackwater");
	buf_free(&ask);
}

void guard_statement(struct buf *out, const struct instance *in, const struct guard_channel *ch, const char *run_lock,
                     const char *done_lock, int64_t wait_s)
{
	struct buf start = BUF_INIT(8192);
	dialect_start_sql(&start, &in->server, ch->name);
	buf_adds(out, "SET @w = (");
	guard_newest_sql(out, in);
	buf_addf(out, "); SET @r = GET_LOCK('%s', %" PRId64 "); DO RELEASE_LOCK('%s')", run_lock, wait_s, run_lock);
	add_attempt(out, in, ch, done_lock, buf_str(&start), true);
	/*
	 * A START's OK proves nothing while a STOP that gave up waiting (1875) is still in effect: it is repeated for about a minute. Not for
	 * longer without knowing more: a channel that we never came to stop is started against whoever stops it meanwhile.
	 */
	static const struct { unsigned times, ms; } pauses[] = { { 10, 20 }, { 10, 100 }, { 118, 500 } };
	for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++) {
		for (unsigned k = 0; k < pauses[i].times; k++) {
			buf_addf(out, "; DO SLEEP(0.%03u)", pauses[i].ms);
			add_attempt(out, in, ch, done_lock, buf_str(&start), false);
		}
	}
	if (ch->stops)
		add_patience(out, in, ch, done_lock, buf_str(&start));
	buf_free(&start);
}

/* Names nobody else has: the server's identity, and a random number for this arming. */
static enum status new_names(struct guard *g, struct error *err)
{
	char hex[DIGEST_HEX];
	uint64_t id = 0;
	if (getrandom(&id, sizeof id, 0) != (ssize_t)sizeof id)
		return error_sys(err, ST_FAILED, ERR_UNEXPECTED, errno, "no random number to be had");
	enum status st = digest_of(g->in->server.identity, strlen(g->in->server.identity), hex, err);
	if (st)
		return st;
	snprintf(g->run_lock, sizeof g->run_lock, "slackwater.run.%.16s.%016" PRIx64, hex, id);
	snprintf(g->done_lock, sizeof g->done_lock, "slackwater.done.%.16s.%016" PRIx64, hex, id);
	return ST_OK;
}

static enum status open_waiter(struct guard *g, size_t i, struct error *err)
{
	return job_open(&g->waiter[i], g->o, CONN_SHIELDED | CONN_MULTI | CONN_NO_TIMEOUT, g->run, -1, err);
}

enum status guard_new(const struct conn_options *o, const struct instance *in, const char *const *names, size_t n,
                      int64_t max_pause_ms, struct run *run, struct guard **ret, struct error *err)
{
	struct guard *g = calloc(1, sizeof *g);
	if (!g)
		return error_oom(err);
	*g = (struct guard){ .o = o, .in = in, .names = names, .wait_s = (max_pause_ms + 999) / 1000, .run = run };
	g->waiter = calloc(n ? n : 1, sizeof *g->waiter);
	g->wanted = calloc(n ? n : 1, sizeof *g->wanted);
	g->stopper = calloc(n ? n : 1, sizeof *g->stopper);
	enum status st = g->waiter && g->wanted && g->stopper ? conn_open(&g->holder, o, CONN_SHIELDED, run, err) : error_oom(err);
	for (; !st && g->n < n; g->n++)
		st = open_waiter(g, g->n, err);
	if (st) {
		error_prefix(err, "the dead-man's switch");
		guard_free(g);
		return st;
	}
	*ret = g;
	return ST_OK;
}

static enum status take_lock(struct conn *c, const char *name, struct error *err)
{
	char sql[128];
	uint64_t got = 0;
	snprintf(sql, sizeof sql, "SELECT IFNULL(GET_LOCK('%s', 0), 0)", name);
	enum status st = conn_scalar_u64(c, sql, &got, err);
	if (!st && !got)
		st = error_set(err, ST_FAILED, ERR_SERVER, "the lock %s is held by somebody else", name);
	return st;
}

static bool lost(const struct job *waiter)
{
	return !waiter->c || waiter->c->lost;
}

/* Somebody has interrupted what it does, or ended its session: it will not start anything. */
static bool broken(const struct job *waiter)
{
	return job_done(waiter) && (lost(waiter) || (waiter->begun && waiter->st && waiter->err.my_errno != ER_EMPTY_QUERY));
}

/* One whose session somebody has ended gets a new one. */
static enum status send_waiter(struct guard *g, size_t i, struct error *err)
{
	struct job *w = &g->waiter[i];
	enum status st = ST_OK;
	if (w->begun)
		(void)job_join(w, NULL);
	if (lost(w)) {
		job_close(w);
		st = open_waiter(g, i, err);
	}
	if (st)
		return st;
	buf_clear(&w->sql);
	struct guard_channel ch = { .name = g->names[i], .together = g->guarded, .stopper = g->stopper[i], .stops = g->stops };
	guard_statement(&w->sql, g->in, &ch, g->run_lock, g->done_lock, g->wait_s);
	return job_begin(w, err);
}

/*
 * Before the first STOP: a session that is set again later goes by the same count. Where it may not be read, or counts nothing, there is no
 * patience beyond the minute.
 */
static enum status count_stops(struct guard *g, struct conn *watch, struct error *err)
{
	const char *counted = stops_counted(g->in);
	char sql[256];
	struct error why = ERROR_INIT;
	g->stops = 0;
	if (!counted)
		return ST_OK;
	snprintf(sql, sizeof sql, "SELECT IFNULL(%s + %zu, 0)", counted, g->guarded);
	enum status st = conn_scalar_u64(watch, sql, &g->stops, &why);
	if (st && why.my_errno && !watch->lost) {
		event_note(g->run->events, "guard", "after a STOP that gives up waiting (1875) the dead-man's switch tries for a minute, not for an "
		           "hour: it cannot read how many STOPs the server was sent: %s", why.message);
		return ST_OK;
	}
	if (st && err)
		*err = why;
	return st;
}

static enum status send_waiters(struct guard *g, struct conn *watch, const bool *which, struct error *err)
{
	g->guarded = 0;
	for (size_t i = 0; i < g->n; i++)
		g->guarded += g->wanted[i] = which[i];
	enum status st = count_stops(g, watch, err);
	for (size_t i = 0; !st && i < g->n; i++) {
		if (which[i])
			st = send_waiter(g, i, err);
	}
	return st;
}

static void waiter_query(const struct guard *g, struct buf *sql, uint64_t *ret_n)
{
	*ret_n = 0;
	buf_addf(sql, "SELECT COUNT(*) FROM %s WHERE STATE = 'User lock' AND ID IN (0", dialect_processlist(&g->in->server));
	for (size_t i = 0; i < g->n; i++) {
		if (g->waiter[i].begun) {
			buf_addf(sql, ", %lu", g->waiter[i].c->ops->thread_id(g->waiter[i].c));
			++*ret_n;
		}
	}
	buf_addc(sql, ')');
}

static enum status see_waiters(struct guard *g, struct conn *watch, struct error *err)
{
	struct buf sql = BUF_INIT(1u << 20);
	uint64_t want, seen = 0;
	int64_t until = run_now_ms(g->run) + SEEN_WITHIN_MS;
	waiter_query(g, &sql, &want);
	enum status st = buf_check(&sql, "a statement", err);
	while (!st) {
		st = conn_scalar_u64(watch, buf_str(&sql), &seen, err);
		if (st || seen == want)
			break;
		if (guard_fired(g) || run_now_ms(g->run) > until)
			st = error_set(err, ST_FAILED, ERR_SERVER, "the dead-man's switch was not seen waiting in the server");
		else
			st = run_sleep_ms(g->run, 1, err);
	}
	buf_free(&sql);
	return st;
}

/* The first statement that failed in a waiting session says why it could not be set. */
static void explain(struct guard *g, struct error *err)
{
	for (size_t i = 0; i < g->n; i++) {
		if (!g->waiter[i].begun || !job_done(&g->waiter[i]) || !g->waiter[i].st)
			continue;
		if (err)
			*err = g->waiter[i].err;
		error_prefix(err, "the dead-man's switch");
		error_hint(err, "it needs GET_LOCK, PREPARE and several statements in one text: is there a proxy in between that "
		                "refuses them?");
		return;
	}
}

/* The session that holds the lock may have been lost the last time. */
static enum status open_holder(struct guard *g, struct error *err)
{
	if (g->holder && !g->holder->lost)
		return ST_OK;
	conn_free(g->holder);
	g->holder = NULL;
	return conn_open(&g->holder, g->o, CONN_SHIELDED, g->run, err);
}

void guard_stopper(struct guard *g, size_t i, unsigned long id)
{
	g->stopper[i] = id;
}

static bool is_armed(const struct guard *g)
{
	return g && g->armed;
}

enum status guard_arm(struct guard *g, struct conn *watch, const bool *which, struct error *err)
{
	enum status st = new_names(g, err);
	if (!st)
		st = open_holder(g, err);
	if (!st)
		st = take_lock(g->holder, g->run_lock, err);
	if (st)
		return st;
	g->armed = true;
	g->fires_ms = run_now_ms(g->run) + g->wait_s * 1000;
	st = send_waiters(g, watch, which, err);
	if (!st)
		st = see_waiters(g, watch, err);
	if (st) {
		explain(g, err);
		(void)guard_disarm(g, watch, NULL);
		return st;
	}
	event_debug(g->run->events, "guard", "set: the server starts what we stop when we are gone, or after %" PRId64 " s",
	            g->wait_s);
	return ST_OK;
}

bool guard_fired(const struct guard *g)
{
	if (!is_armed(g))
		return false;
	for (size_t i = 0; i < g->n; i++) {
		if (g->waiter[i].begun && job_done(&g->waiter[i]))
			return true;
	}
	/* A session that is sending its STARTs has not ended yet. */
	return !g->holder || g->holder->lost || run_now_ms(g->run) >= g->fires_ms;
}

bool guard_restarted(const struct guard *g, size_t i)
{
	return is_armed(g) && g->waiter[i].begun && job_done(&g->waiter[i]) && g->waiter[i].err.my_errno == ER_EMPTY_QUERY;
}

void guard_repair(struct guard *g)
{
	if (!is_armed(g) || !g->holder || conn_exec(g->holder, "DO 0", NULL))
		return;
	for (size_t i = 0; i < g->n; i++) {
		struct error e = ERROR_INIT;
		if (!g->wanted[i] || !broken(&g->waiter[i]))
			continue;
		enum status st = send_waiter(g, i, &e);
		event_warning(g->run->events, "guard", "somebody ended or interrupted a session of the dead-man's switch; %s%s",
		              st ? "it could not be set again: " : "it is set again", st ? e.message : "");
	}
}

enum status guard_probe(const struct conn_options *o, struct run *run, struct error *err)
{
	static const char sql[] = "SET @r = GET_LOCK('slackwater.probe', 0); SET @s = IF(IS_USED_LOCK('slackwater.probe') IS NULL, 'DO 0', "
	                          "'DO 1'); PREPARE slackwater FROM @s; EXECUTE slackwater; DEALLOCATE PREPARE slackwater; "
	                          "DO RELEASE_LOCK('slackwater.probe')";
	struct conn *c = NULL;
	struct error e = ERROR_INIT;
	enum status st = conn_open(&c, o, CONN_MULTI, run, &e);
	if (!st && conn_exec(c, sql, &e)) {
		st = e.status;
		if (!c->lost && e.kind != ERR_INTERRUPTED) {
			error_prefix(&e, "the dead-man's switch cannot be set here");
			error_hint(&e, "it needs GET_LOCK, PREPARE and several statements in one text: connect to the server itself, not through "
			               "a proxy, or do without it: --no-guard");
			e.kind = ERR_PREFLIGHT;
		}
	}
	conn_free(c);
	if (st && err)
		*err = e;
	return st;
}

enum status guard_disarm(struct guard *g, struct conn *watch, struct error *err)
{
	if (!is_armed(g))
		return ST_OK;
	enum status st = take_lock(watch, g->done_lock, err), let_go = ST_OK;
	if (g->holder)
		let_go = conn_execf(g->holder, st ? NULL : err, "DO RELEASE_LOCK('%s')", g->run_lock);
	if (let_go) { /* its end lets the lock go as well */
		conn_free(g->holder);
		g->holder = NULL;
	}
	for (size_t i = 0; i < g->n; i++)
		(void)job_join(&g->waiter[i], NULL);
	g->armed = false;
	if (!st)
		(void)conn_execf(watch, NULL, "DO RELEASE_LOCK('%s')", g->done_lock);
	return st ? st : let_go;
}

void guard_free(struct guard *g)
{
	if (!g)
		return;
	conn_free(g->holder);
	for (size_t i = 0; i < g->n; i++)
		job_close(&g->waiter[i]);
	free(g->waiter);
	free(g->wanted);
	free(g->stopper);
	free(g);
}
