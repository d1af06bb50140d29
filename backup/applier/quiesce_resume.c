/* SPDX-License-Identifier: Apache-2.0 */
/* RESUMING and RUNNING: what we stopped runs again, whatever else happened. Nothing here heeds a cancel. */
#include <inttypes.h>
#include <stdio.h>

#include "applier/quiesce.h"
#include "slackwater/dialect.h"

enum { START_TRIES = 40, START_POLL_MS = 2, SETTLE_POLL_MS = 10, GOING_DOWN_MS = 1000, REOPEN_MS = 30000, TELL_EVERY_MS = 5000 };

/* The server is gone, and all of RESUMING together has waited for it long enough. */
static bool given_up(const struct quiesce *q)
{
	return !q->watch && q->reopen_until_ms && run_now_ms(q->run) > q->reopen_until_ms;
}

/* No session reconnects by itself; here one is opened anew on purpose, for as long as a server may take to come back. */
static enum status watch_again(struct quiesce *q, struct error *err)
{
	if (q->watch && !q->watch->lost)
		return ST_OK;
	q->reopened = true;
	conn_free(q->watch);
	q->watch = NULL;
	if (!q->reopen_until_ms)
		q->reopen_until_ms = run_now_ms(q->run) + REOPEN_MS;
	for (;;) {
		enum status st = conn_open(&q->watch, q->o, CONN_SHIELDED, &q->shield, err);
		if (!st)
			(void)inflight_prepare(q->watch, &q->in, NULL); /* for another window: no START waits for it */
		if (!st || given_up(q))
			return st;
		st = run_sleep_ms(&q->shield, 250, NULL);
	}
}

static enum status read_channels(struct quiesce *q, struct error *err)
{
	enum status st = watch_again(q, err);
	return st ? st : channels_read(q->watch, &q->now, err);
}

static const struct channel *channel_of(const struct quiesce *q, const struct ours *o)
{
	return channels_find(&q->now, o->name);
}

/* Is the session that sent the STOP still in the server's list? It was lost on our side; the server may be busy with it. */
static enum status stop_session_alive(struct quiesce *q, const struct ours *o, bool *ret, struct error *err)
{
	uint64_t n = 0;
	char sql[128];
	snprintf(sql, sizeof sql, "SELECT COUNT(*) FROM %s WHERE ID = %lu", dialect_processlist(&q->watch->server),
	         o->job.c->ops->thread_id(o->job.c));
	enum status st = conn_scalar_u64(q->watch, sql, &n, err);
	*ret = n > 0;
	return st;
}

/* Has the server been started since the STOP was sent? It counts its sessions anew then, and has been up for less time. */
static enum status server_restarted(struct quiesce *q, const struct ours *o, bool *ret, struct error *err)
{
	uint64_t up_s = 0;
	*ret = false;
	if (!q->reopened)
		return ST_OK;
	enum status st = instance_uptime(q->watch, &up_s, err);
	int64_t since_s = (run_now_ms(q->run) - q->still_ms) / 1000;
	if (!st)
		*ret = (int64_t)up_s + 1 < since_s || q->watch->ops->thread_id(q->watch) < o->job.c->ops->thread_id(o->job.c);
	return st;
}

/* May the STOP still take effect? After 1875 it outlives its statement, in a lost session its statement may go on: neither outlives its server. */
static enum status stop_goes_on(struct quiesce *q, const struct ours *o, bool *ret, struct error *err)
{
	bool gone = false;
	*ret = false;
	enum status st = watch_again(q, err);
	if (!st)
		st = server_restarted(q, o, &gone, err);
	if (st || gone)
		return st;
	if (o->stop_error.my_errno == ER_STOP_TIMEOUT)
		*ret = true;
	else if (o->job.c->lost)
		st = stop_session_alive(q, o, ret, err);
	return st;
}

static void tell_settling(struct quiesce *q, const struct ours *o, int64_t since, int64_t *told_ms)
{
	int64_t now = run_now_ms(q->run);
	if (now - *told_ms < TELL_EVERY_MS)
		return;
	*told_ms = now;
	event_info(q->run->events, "window", "channel '%s' has been stopping for %.0f s; it is started as soon as it has stopped", o->name,
	           (double)(now - since) / 1000);
}

/*
 * A STOP whose outcome is not known yet: 1875 (in effect, and cannot be taken back), a lost session (perhaps in effect), or an error that
 * does not say whether it took effect before. A START sent into it may return OK and be undone by it, so it is waited out first. Whether it
 * goes on is asked before the status is: what the status says of a STOP that has ended is final.
 */
static enum status settle_stop(struct quiesce *q, struct ours *o, struct error *err)
{
	int64_t since = run_now_ms(q->run), told = since;
	enum status st = ST_OK;
	if (o->job.begun)
		(void)job_join(&o->job, &o->stop_error);
	while (!st && o->stopping) {
		bool goes_on = false, restarted = false;
		st = stop_goes_on(q, o, &goes_on, err);
		if (!st)
			st = read_channels(q, err);
		const struct channel *ch = st ? NULL : channel_of(q, o);
		bool running = ch && ch->sql_running;
		if (!st && running && goes_on)
			st = quiesce_restarted(q, o, &restarted, err);
		if (!st && (!goes_on || !running || restarted)) {
			o->stopping = false;
			o->stopped = ch && (!running || restarted);
		} else if (!st) {
			st = run_sleep_ms(&q->shield, SETTLE_POLL_MS, err);
			tell_settling(q, o, since, &told);
		}
	}
	return st;
}

static enum status send_start(struct quiesce *q, struct ours *o, struct error *err)
{
	if (o->job.c && o->job.c->lost) {
		conn_free(o->job.c);
		o->job.c = NULL;
	}
	if (!o->job.c) {
		enum status st = conn_open(&o->job.c, q->o, CONN_SHIELDED | CONN_NO_TIMEOUT, &q->shield, err);
		if (st)
			return st;
	}
	buf_clear(&o->job.sql);
	dialect_start_sql(&o->job.sql, &q->in.server, o->name);
	return job_begin(&o->job, err);
}

/* All STARTs at once: each takes milliseconds, during which the server makes the workers. */
static enum status start_round(struct quiesce *q, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; i < q->nours; i++) {
		struct error e = ERROR_INIT;
		if (!q->ours[i].stopped)
			continue;
		enum status one = send_start(q, &q->ours[i], &e);
		if (one && !st && err)
			*err = e;
		st = st ? st : one;
	}
	for (size_t i = 0; i < q->nours; i++) {
		struct error e = ERROR_INIT;
		if (!q->ours[i].job.begun)
			continue;
		enum status one = job_join(&q->ours[i].job, &e);
		if (one && !st && err)
			*err = e;
		st = st ? st : one;
	}
	return st;
}

static void note_running(struct quiesce *q)
{
	for (size_t i = 0; i < q->nours; i++) {
		struct ours *o = &q->ours[i];
		const struct channel *ch = o->stopped ? channel_of(q, o) : NULL;
		if (ch && ch->sql_running)
			o->stopped = false;
	}
}

static bool stopped_as_a_whole(const struct ours *o, const struct channel *ch)
{
	return o->io_ran && ch->io_stopped && !ch->io_errno;
}

/* A server that is going down stops everything as well, and then loses us. */
static bool going_down(struct quiesce *q)
{
	struct error ignored = ERROR_INIT;
	(void)run_sleep_ms(&q->shield, GOING_DOWN_MS, NULL);
	return channels_read(q->watch, &q->now, &ignored) != ST_OK;
}

static void leave(struct quiesce *q, struct ours *o, const char *done)
{
	char label[160];
	o->stopped = false;
	o->dropped = true;
	event_warning(q->run->events, "window", "%s was %s by somebody else while it stood still: starting it is left to them",
	              channels_label(&(struct checkpoint_channel){ .name = o->name }, label), done);
}

/*
 * Whoever has removed the channel, stopped its receiver as well, or pointed it at another source, while it stood still has taken it over:
 * starting it is theirs. Not when the server is being restarted, or has been, which stops everything.
 */
static void leave_to_others(struct quiesce *q)
{
	bool seen = false;
	for (size_t i = 0; i < q->nours && !q->reopened; i++) {
		struct ours *o = &q->ours[i];
		const struct channel *ch = o->stopped ? channel_of(q, o) : NULL;
		if (ch && !ch->sql_running && !quiesce_redirected(q, ch) && stopped_as_a_whole(o, ch) && !seen) {
			seen = true;
			if (going_down(q))
				return;
			ch = channel_of(q, o);
		}
		if (!o->stopped || (ch && ch->sql_running))
			continue;
		if (!ch)
			leave(q, o, "removed");
		else if (quiesce_redirected(q, ch))
			leave(q, o, "pointed at another source");
		else if (stopped_as_a_whole(o, ch))
			leave(q, o, "stopped as a whole");
	}
}

static enum status not_started(struct quiesce *q, const struct error *last, struct error *err)
{
	struct buf sql = BUF_INIT(8192), names = BUF_INIT(4096), why = BUF_INIT(4096);
	for (size_t i = 0; i < q->nours; i++) {
		const struct ours *o = &q->ours[i];
		const struct channel *ch = channel_of(q, o);
		if (!o->stopped && !o->stopping)
			continue;
		buf_addf(&names, "%s'%s'", names.len ? ", " : "", o->name);
		if (ch && ch->sql_errno)
			buf_addf(&why, "%s%u: %.300s", why.len ? "; " : "", ch->sql_errno, ch->sql_error ? ch->sql_error : "");
		buf_adds(&sql, sql.len ? "; " : "");
		dialect_start_sql(&sql, &q->in.server, o->name);
	}
	error_set(err, ST_FAILED, ERR_APPLIER, "THE APPLIER IS STOPPED: channel %s could not be started again: %.600s", buf_str(&names),
	          why.len ? buf_str(&why) : last->status ? last->message : "the server gives no reason");
	error_hint(err, "run by hand: %.480s", buf_str(&sql));
	buf_free(&sql);
	buf_free(&names);
	buf_free(&why);
	return ST_FAILED;
}

/* One of those that are to be started has stopped with an error of its own. */
static bool in_error(const struct quiesce *q)
{
	for (size_t i = 0; i < q->nours; i++) {
		const struct channel *ch = q->ours[i].stopped ? channel_of(q, &q->ours[i]) : NULL;
		if (ch && !ch->sql_running && ch->sql_errno)
			return true;
	}
	return false;
}

static enum status start_until_seen(struct quiesce *q, struct error *err)
{
	struct error last = ERROR_INIT;
	if (quiesce_owes_start(q) && !read_channels(q, &last))
		leave_to_others(q);
	for (unsigned i = 0; i < START_TRIES && quiesce_owes_start(q) && !given_up(q); i++) {
		/* An error right after a START is the applier's own: trying it twice more is enough. */
		if (i >= 3 && in_error(q))
			break;
		if (i)
			(void)run_sleep_ms(&q->shield, (int64_t)START_POLL_MS * i * i / 4, NULL);
		if (start_round(q, &last) && last.kind == ERR_SERVER)
			event_debug(q->run->events, "window", "START: %s", last.message);
		if (!read_channels(q, &last))
			note_running(q);
	}
	return quiesce_owes_start(q) ? not_started(q, &last, err) : ST_OK;
}

enum status quiesce_start_all(struct quiesce *q, struct error *err)
{
	enum status st = ST_OK;
	if (q->fixed && !q->captured) {
		q->capture->drop(q->capture->arg);
		q->fixed = false;
	}
	if (!quiesce_owes_start(q)) {
		q->still_ms = 0; /* nothing stands still any more, if anything did */
		return ST_OK;
	}
	q->reopen_until_ms = 0;
	for (size_t i = 0; i < q->nours; i++) {
		struct error e = ERROR_INIT;
		if (q->ours[i].stopping && settle_stop(q, &q->ours[i], &e)) {
			q->ours[i].stopping = false;
			q->ours[i].stopped = true; /* not known: a START does no harm to one that runs */
		}
	}
	st = start_until_seen(q, err);
	if (q->still_ms)
		q->pause_ms += run_now_ms(q->run) - q->still_ms;
	q->still_ms = 0;
	return st;
}

/* After the switch is off: does what was started still run? */
static enum status look_back(struct quiesce *q, struct error *err)
{
	char label[160];
	struct error ignored = ERROR_INIT;
	if (!q->watch || read_channels(q, &ignored))
		return ST_OK; /* it was seen running: a session lost afterwards does not change that */
	for (size_t i = 0; i < q->nours; i++) {
		const struct channel *ch = channel_of(q, &q->ours[i]);
		if (q->ours[i].dropped || !ch || ch->sql_running || !ch->sql_errno)
			continue;
		error_set(err, ST_FAILED, ERR_APPLIER, "%s: the applier was started again and stopped with error %u: %.600s",
		          channels_label(&ch->cp, label), ch->sql_errno, ch->sql_error ? ch->sql_error : "");
		return error_hint(err, "this is the applier's own error: see the server's error log");
	}
	return ST_OK;
}

/* An applier that is left stopped outweighs whatever went wrong before. */
static enum quiesce_event resume_failed(struct quiesce *q, const struct error *e)
{
	struct error was = q->error;
	q->error = *e;
	if (was.status)
		event_warning(q->run->events, "window", "before that: %s", was.message);
	return E_FAILED;
}

enum quiesce_event quiesce_resume(struct quiesce *q)
{
	struct error e = ERROR_INIT, ignored = ERROR_INIT;
	bool stopped = quiesce_owes_start(q);
	enum status st = quiesce_start_all(q, &e);
	/* What could not be started is left to the switch if the server is gone, and to the journal in any case. */
	enum status off = ST_OK;
	if (q->watch && !st)
		off = quiesce_unsecure(q, &ignored);
	else if (q->watch && !q->watch->lost)
		off = quiesce_leave_to_journal(q, &ignored);
	if (off)
		event_warning(q->run->events, "guard", "the dead-man's switch and the journal were not let go in order: %s", ignored.message);
	if (!st && stopped)
		st = look_back(q, &e);
	if (st)
		return resume_failed(q, &e);
	if (q->error.status || !q->again)
		return E_DONE;
	event_info(q->run->events, "window", "another window is needed: %s", q->why);
	return E_AGAIN;
}

enum quiesce_event quiesce_report(struct quiesce *q)
{
	if (q->cp) {
		q->cp->pause_ms = q->pause_ms;
		q->cp->wait_ms = q->wait_ms;
		q->cp->in_flight_ms = q->in_flight_ms;
		q->cp->gap_rounds = q->rounds;
	}
	if (q->nours)
		event_info(q->run->events, "window",
		           "paused for %" PRId64 " ms, waited for %" PRId64 " ms before; oldest in flight at the stop: %" PRId64 " ms",
		           q->pause_ms, q->wait_ms, q->in_flight_ms);
	return E_DONE;
}
