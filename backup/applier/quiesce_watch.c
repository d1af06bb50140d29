/* SPDX-License-Identifier: Apache-2.0 */
/* WATCHING, STOPPING: up to the moment when the applier stands still. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "applier/quiesce.h"
#include "slackwater/dialect.h"

enum { TELL_EVERY_MS = 2000, AGAIN_PAUSE_MS = 250, STOP_POLL_MS = 5 };

/* ---- WATCHING ---- */

/* Somebody had stopped it and has started it again: it runs as when we came. The switch does not know of it, and is set anew. */
static enum status take_back(struct quiesce *q, struct ours *o, struct channel *ch, struct error *err)
{
	char label[160];
	o->dropped = false;
	ch->cp.was_running = true;
	event_info(q->run->events, "window", "%s was started again by somebody else", channels_label(&ch->cp, label));
	enum status st = gaps_read(q->watch, &q->in, &q->now, &q->gaps, err);
	return st ? st : quiesce_unsecure(q, err);
}

/* What somebody else has done to our channels since we looked last. */
static enum status look_after_ours(struct quiesce *q, size_t *ret_left, struct error *err)
{
	char label[160];
	*ret_left = 0;
	for (size_t i = 0; i < q->nours; i++) {
		struct ours *o = &q->ours[i];
		struct channel *ch = channels_find(&q->now, o->name);
		if (o->dropped && !ch->sql_running)
			continue;
		if (ch->sql_running) {
			++*ret_left;
			if (o->dropped) {
				enum status st = take_back(q, o, ch, err);
				if (st)
					return st;
			}
			continue;
		}
		if (ch->sql_errno)
			return channels_error(ch, err);
		o->dropped = true;
		ch->cp.was_running = false;
		event_warning(q->run->events, "window", "%s was stopped by somebody else: it is left stopped",
		              channels_label(&ch->cp, label));
		/* Neither switch nor journal may start it: both are set anew without it. */
		enum status st = quiesce_unsecure(q, err);
		if (st)
			return st;
	}
	return ST_OK;
}

/* The channel over whose gap the server is still busy; NULL = none. */
static const struct channel *filling(const struct quiesce *q)
{
	for (size_t i = 0; i < q->now.n; i++) {
		const struct gap *was = gaps_find(&q->gaps, q->now.item[i].cp.name);
		if (was && gaps_filling(was, &q->now.item[i]))
			return &q->now.item[i];
	}
	return NULL;
}

/*
 * Does another thread than the coordinator have a transaction open? A gap is filled by the coordinator itself. Before 8.0, with one channel:
 * nothing else tells which thread is which there but a state that no worker is ever in.
 */
static enum status workers_apply(struct quiesce *q, bool *ret, struct error *err)
{
	uint64_t n = 0;
	enum status st = conn_scalar_u64(q->watch,
	                                 "SELECT COUNT(*) FROM information_schema.innodb_trx t "
	                                 "JOIN information_schema.PROCESSLIST w ON w.ID = t.trx_mysql_thread_id "
	                                 "JOIN information_schema.PROCESSLIST c ON c.ID <> w.ID WHERE w.USER = 'system user' "
	                                 "AND c.USER = 'system user' AND c.STATE LIKE 'Reading event from the relay log%'",
	                                 &n, err);
	*ret = !st && n;
	return st;
}

/*
 * Once the server has been seen beyond a gap, what is ahead of the low-water mark is work that it hands out as always: behind a worker that is
 * held up the mark stands still for long.
 */
static enum status note_filled(struct quiesce *q, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < q->gaps.n; i++) {
		struct gap *was = &q->gaps.item[i];
		const struct channel *ch = was->workers_ahead ? channels_find(&q->now, was->channel) : NULL;
		bool beyond = ch && !gaps_filling(was, ch);
		if (ch && !beyond && q->now.n == 1 && !q->in.worker_stamps)
			st = workers_apply(q, &beyond, err);
		if (!st && beyond && ch->sql_running)
			was->workers_ahead = 0;
	}
	return st;
}

/* One look at everything that speaks against stopping now. */
static enum status look(struct quiesce *q, bool *ret_quiet, size_t *ret_left, struct error *err)
{
	enum status st = inflight_look(q->watch, &q->in, &q->inflight, run_now_ms(q->run), err);
	if (!st && q->w->refuse_prepared)
		st = prepared_look(q->watch, &q->no_xa_right, &q->prepared, err);
	/* Last, so that nothing lies between it and a STOP: a channel that somebody else has stopped is not ours. */
	if (!st)
		st = quiesce_read_channels(q, err);
	if (!st)
		st = look_after_ours(q, ret_left, err);
	if (!st)
		st = note_filled(q, err);
	*ret_quiet = !st && inflight_young(&q->inflight, q->w->pause_budget_ms) && !prepared_any(&q->prepared) && !filling(q);
	return st;
}

static enum status give_up(struct quiesce *q, struct error *err)
{
	const struct inflight_item *old = inflight_oldest(&q->inflight);
	const struct channel *busy = filling(q);
	double waited = (double)q->w->deadline_ms / 1000;
	char label[160];
	if (busy) {
		error_set(err, ST_FAILED, ERR_NO_QUIET, "%s: the server was still filling a gap, left before we came, after %.1f s",
		          channels_label(&busy->cp, label), waited);
		error_hint(err, "a stop in the middle of that can make it apply a transaction twice: raise --deadline");
	} else if (prepared_any(&q->prepared)) {
		error_set(err, ST_FAILED, ERR_NO_QUIET, "no moment without prepared work within %.1f s: %s", waited,
		          buf_str(&q->prepared.text));
		error_hint(err, "commit or roll back what is prepared on the source, raise --deadline, or take a physical snapshot");
	} else if (old && !inflight_young(&q->inflight, q->w->pause_budget_ms)) {
		error_set(err, ST_FAILED, ERR_NO_QUIET, "no quiet moment within %.1f s: %s, for at least %.1f s", waited, old->what,
		          (double)old->age_ms / 1000);
		error_hint(err, "%sraise --deadline or --pause-budget, or use --on-deadline=stop",
		           q->pause_ms ? "" : "nothing was stopped; ");
	} else {
		error_set(err, ST_FAILED, ERR_NO_QUIET, "no usable stillness within %.1f s: %s", waited,
		          *q->why ? q->why : "the deadline came first");
		error_hint(err, "raise --deadline, or try again at a quieter time");
	}
	return ST_FAILED;
}

static void tell_waiting(struct quiesce *q, int64_t *told_ms, int64_t now)
{
	const struct inflight_item *old = inflight_oldest(&q->inflight);
	if (now - *told_ms < TELL_EVERY_MS)
		return;
	*told_ms = now;
	if (filling(q))
		event_info(q->run->events, "window", "waiting: the server may still be filling a gap that was there when we came");
	else if (prepared_any(&q->prepared))
		event_info(q->run->events, "window", "waiting for a moment without %s", buf_str(&q->prepared.text));
	else if (old)
		event_info(q->run->events, "window", "waiting: %s, for at least %.1f s", old->what, (double)old->age_ms / 1000);
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/*
 * The switch is set only around the moment of stopping: while we wait, a channel may be stopped by a person, and a switch that
 * fired then would start it. So it is let go as soon as a look says "not yet", and set again before a look that may be the last.
 */
static enum status watch_once(struct quiesce *q, bool *ret_stop, size_t *ret_left, struct error *err)
{
	bool quiet = false;
	*ret_stop = false;
	enum status st = look(q, &quiet, ret_left, err);
	if (st || !*ret_left)
		return st;
	int64_t now = run_now_ms(q->run);
	bool late = now >= q->deadline_ms;
	if (late && (q->w->on_deadline == ON_DEADLINE_GIVE_UP || prepared_any(&q->prepared) || filling(q) || *q->why))
		return give_up(q, err);
	if (quiet || late) {
		*ret_stop = q->secured && !guard_fired(q->guard);
		if (*ret_stop)
			return ST_OK;
		st = quiesce_unsecure(q, err);
		return st ? st : quiesce_secure(q, err);
	}
	st = quiesce_unsecure(q, err);
	return st ? st : run_sleep_ms(q->run, smaller(inflight_interval_ms(&q->in), q->deadline_ms - now), err);
}

enum quiesce_event quiesce_watch(struct quiesce *q)
{
	struct error e = ERROR_INIT;
	bool stop = false;
	size_t left = 1;
	int64_t told = run_now_ms(q->run);
	enum status st = *q->why ? run_sleep_ms(q->run, AGAIN_PAUSE_MS, &e) : ST_OK;
	if (!st && *q->why && run_now_ms(q->run) >= q->deadline_ms)
		st = give_up(q, &e); /* also when nothing is ours to stop */
	if (!q->nours)
		return st ? quiesce_fail(q, &e) : E_IDLE;
	while (!st && !stop && left) {
		st = run_check(q->run, &e);
		if (!st)
			st = watch_once(q, &stop, &left, &e);
		if (!st && !stop)
			tell_waiting(q, &told, run_now_ms(q->run));
	}
	if (st)
		return quiesce_fail(q, &e);
	return left ? E_DONE : E_IDLE;
}

/* ---- STOPPING ---- */

static void tell_stopping(struct quiesce *q)
{
	struct error ignored = ERROR_INIT;
	struct inflight seen = { 0 };
	int64_t ms = run_now_ms(q->run) - q->still_ms;
	/* The status statement would wait behind the STOP on 5.6; the processlist and performance_schema do not. */
	if (!inflight_look(q->watch, &q->in, &seen, run_now_ms(q->run), &ignored)) {
		const struct inflight_item *old = inflight_oldest(&seen);
		event_info(q->run->events, "window", "the applier has been stopping for %.1f s%s%s%s", (double)ms / 1000, old ? ": " : "",
		           old ? old->what : "", ms > q->w->max_pause_ms ? "; --max-pause cannot take a STOP back: it is started as soon as it has stopped"
		                                                         : "");
	}
	inflight_free(&seen);
}

static bool all_returned(const struct quiesce *q)
{
	for (size_t i = 0; i < q->nours; i++) {
		if (!job_done(&q->ours[i].job))
			return false;
	}
	return true;
}

static void drain_fd(int fd)
{
	uint64_t n;
	ssize_t got = read(fd, &n, sizeof n);
	(void)got; /* nothing to read is fine */
}

/* A stop cannot be taken back: it is waited for, however long it takes and whoever wants to go home. */
static void wait_for_stops(struct quiesce *q)
{
	int64_t told = run_now_ms(q->run);
	while (!all_returned(q)) {
		q->run->clock->wait(q->run->clock_arg, q->done_fd, 200);
		drain_fd(q->done_fd);
		int64_t now = run_now_ms(q->run);
		if (now - told >= TELL_EVERY_MS) {
			told = now;
			tell_stopping(q);
			guard_repair(q->guard);
		}
	}
}

/* Which threads are new is told by their numbers. Asked only where a STOP may outlast its statement: it costs a moment. */
static enum status remember_newest(struct quiesce *q, struct error *err)
{
	struct buf sql = BUF_INIT(256);
	q->newest = 0;
	guard_newest_sql(&sql, &q->in);
	enum status st = instance_stop_gives_up(&q->in) ? conn_scalar_u64(q->watch, buf_str(&sql), &q->newest, err) : ST_OK;
	buf_free(&sql);
	return st;
}

enum status quiesce_restarted(struct quiesce *q, const struct ours *o, bool *ret, struct error *err)
{
	struct buf sql = BUF_INIT(BUF_MAX_SQL);
	char since[32];
	uint64_t n = 0;
	*ret = guard_restarted(q->guard, (size_t)(o - q->ours));
	/* Any channel's new thread would do for MySQL 5.7: a channel that is taken for running is stopped a moment later. */
	if (*ret || !q->newest || (!q->in.worker_stamps && q->now.n > 1))
		return ST_OK;
	snprintf(since, sizeof since, "%" PRIu64, q->newest);
	buf_adds(&sql, "SELECT ");
	guard_restarted_sql(&sql, &q->in, o->name, 1, since);
	enum status st = buf_check(&sql, "a query", err);
	if (!st)
		st = conn_scalar_u64(q->watch, buf_str(&sql), &n, err);
	*ret = !st && n;
	buf_free(&sql);
	return st;
}

static enum status send_stops(struct quiesce *q, struct error *err)
{
	enum status st = remember_newest(q, err);
	q->still_ms = run_now_ms(q->run);
	for (size_t i = 0; !st && i < q->nours; i++) {
		struct ours *o = &q->ours[i];
		if (o->dropped)
			continue;
		buf_clear(&o->job.sql);
		dialect_stop_sql(&o->job.sql, &q->in.server, o->name);
		o->stop_error = ERROR_INIT;
		o->io_ran = channels_find(&q->now, o->name)->cp.io_running;
		st = job_begin(&o->job, err);
		o->stopping = !st;
	}
	return st;
}

/* The server has done nothing. Any other error may have come after the thread was told to stop, as 1182 does: then its status has to tell. */
static bool is_refusal(const struct error *e)
{
	return e->my_errno == ER_BACKUP_LOCK || e->my_errno == ER_CANT_STOP_HERE || e->kind == ERR_PREFLIGHT;
}

/*
 * "Already stopped", says a note: somebody's STOP was in progress and ours has only waited for it (run: 1255 on 5.6.24 and MariaDB
 * 10.11.19, 3084 on 9.7.4), so the channel is theirs. A STOP may be told other things, too: of open temporary tables, say.
 */
static bool stopped_by_others(struct job *j)
{
	enum { ER_WAS_NOT_RUNNING = 1255, ER_CHANNEL_WAS_NOT_RUNNING = 3084 };
	struct error ignored = ERROR_INIT;
	struct rows *r = NULL;
	bool more = false, found = false;
	if (!j->warnings || conn_query(j->c, "SHOW WARNINGS", &r, &ignored))
		return false;
	while (!found && !rows_next(r, &more, &ignored) && more) {
		uint64_t code = rows_u64(r, "Code", 0);
		found = code == ER_WAS_NOT_RUNNING || code == ER_CHANNEL_WAS_NOT_RUNNING;
	}
	rows_free(r);
	return found;
}

/* A STOP that has succeeded. */
static void take_stopped(struct quiesce *q, struct ours *o, bool *ret_others)
{
	o->stopping = false;
	o->dropped = stopped_by_others(&o->job);
	o->stopped = !o->dropped;
	if (!o->dropped)
		return;
	*ret_others = true;
	snprintf(q->why, sizeof q->why, "channel '%.100s' was stopped by somebody else in the same moment", o->name);
	event_warning(q->run->events, "window", "%s: it is left stopped", q->why);
}

/* What the STOPs said. 1875: the statement gave up waiting, the stop itself goes on. *ret_others: somebody else has stopped a channel of ours. */
static enum status take_results(struct quiesce *q, bool *ret_others, struct error *err)
{
	enum status st = ST_OK;
	*ret_others = false;
	for (size_t i = 0; i < q->nours; i++) {
		struct ours *o = &q->ours[i];
		if (!o->stopping)
			continue;
		enum status one = job_join(&o->job, &o->stop_error);
		if (!one)
			take_stopped(q, o, ret_others);
		if (!one || o->stop_error.my_errno == ER_STOP_TIMEOUT)
			continue;
		if (is_refusal(&o->stop_error))
			o->stopping = false;
		if (!st && err)
			*err = o->stop_error;
		st = st ? st : one;
	}
	return st;
}

static bool still_stopping(const struct quiesce *q)
{
	for (size_t i = 0; i < q->nours; i++) {
		if (q->ours[i].stopping)
			return true;
	}
	return false;
}

/* Has the one channel stopped, or been started again so soon after it had that no look of ours fell in between? */
static enum status look_stopped(struct quiesce *q, struct ours *o, bool *ret_again, struct error *err)
{
	bool restarted = false, running = channels_find(&q->now, o->name)->sql_running;
	enum status st = running ? quiesce_restarted(q, o, &restarted, err) : ST_OK;
	if (st || (running && !restarted))
		return st;
	o->stopping = false;
	o->stopped = true;
	*ret_again = *ret_again || restarted;
	return ST_OK;
}

/* After a 1875: until the thread is seen to have stopped. *ret_again: the switch or a person has started it again. */
static enum status wait_seen_stopped(struct quiesce *q, bool *ret_again, struct error *err)
{
	int64_t told = run_now_ms(q->run);
	enum status st = ST_OK;
	*ret_again = false;
	while (!st && still_stopping(q)) {
		st = quiesce_read_channels(q, err);
		for (size_t i = 0; !st && i < q->nours; i++)
			if (q->ours[i].stopping)
				st = look_stopped(q, &q->ours[i], ret_again, err);
		if (!st && still_stopping(q))
			st = run_sleep_ms(&q->shield, STOP_POLL_MS, err);
		if (run_now_ms(q->run) - told >= TELL_EVERY_MS) {
			told = run_now_ms(q->run);
			tell_stopping(q);
			guard_repair(q->guard);
		}
	}
	return st;
}

/* Why the stop is of no use, and another one is; false: it is good, or an error says more. */
static bool stop_again(struct quiesce *q, bool restarted, bool others, const struct error *stop_error)
{
	if (restarted)
		snprintf(q->why, sizeof q->why, "%s", guard_fired(q->guard)
		         ? "the stop took longer than --max-pause, and the dead-man's switch went off"
		         : "the applier was started by somebody else while its stop was still in effect");
	else if (stop_error->my_errno == ER_BACKUP_LOCK)
		snprintf(q->why, sizeof q->why, "another session holds LOCK INSTANCE FOR BACKUP, under which no applier can be stopped");
	else if (!others || stop_error->status)
		return false;
	return true;
}

enum quiesce_event quiesce_stop(struct quiesce *q)
{
	struct error e = ERROR_INIT, stop_error = ERROR_INIT;
	const struct inflight_item *old = inflight_oldest(&q->inflight);
	if (old && old->age_ms > q->in_flight_ms)
		q->in_flight_ms = old->age_ms;
	q->moves = 0;
	bool restarted = false, others = false;
	enum status st = send_stops(q, &e), stop;
	q->wait_ms = q->still_ms - q->armed_ms;
	wait_for_stops(q);
	stop = take_results(q, &others, &stop_error);
	if (!st && !stop)
		st = wait_seen_stopped(q, &restarted, &e);
	/* Also when a channel has turned out to be somebody else's: switch and journal are set anew without it. */
	if (!st && stop_again(q, restarted, others, &stop_error)) {
		q->again = true;
		return E_AGAIN;
	}
	if (!st && stop) {
		st = stop;
		e = stop_error;
	}
	if (!st)
		st = run_check(q->run, &e);
	return st ? quiesce_fail(q, &e) : E_DONE;
}
