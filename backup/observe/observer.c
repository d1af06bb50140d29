/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session that looks, and what keeps it from waiting: on MySQL 5.6 the status statement blocks while a STOP is in progress
 * (facts/servers 1), and a session that waits in the server cannot be called back, only left. So a STOP is looked for first; one that
 * comes in between is met by a watch that shuts our own session.
 */
#include <stdlib.h>
#include <string.h>

#include "observe/look.h"

enum { PATIENCE_MS = 5000, STOP_POLL_MS = 100, OURS = 1 };

struct watch {
	struct run *own;
	struct run bell; /* cancelled when the look is over */
	pthread_t thread;
	int64_t ms;
	_Atomic int64_t until_ms;
	atomic_bool fired;
};

struct observer {
	const struct conn_options *conn;
	struct observe_options opt;
	struct run *parent;
	struct run own;          /* what the session hangs on */
	struct conn *c;
	struct instance in;
	struct inflight flight;
	struct watch watch;      /* during a look */
	struct observation *before; /* counters and names of the look before */
};

/* ---- the session ---- */

static void close_session(struct observer *ob)
{
	conn_free(ob->c);
	ob->c = NULL;
	run_destroy(&ob->own);
	instance_free(&ob->in);
}

static enum status open_session(struct observer *ob, struct error *err)
{
	enum status st = run_child(&ob->own, ob->parent, err);
	if (st)
		return st;
	st = conn_open(&ob->c, ob->conn, 0, &ob->own, err);
	if (!st)
		st = instance_read(ob->c, &ob->in, err);
	if (!st)
		st = inflight_prepare(ob->c, &ob->in, err);
	if (st)
		close_session(ob);
	return st;
}

/* ---- the watch ---- */

/* Whoever is about to wait for the server sets it again: it fires when a single step takes too long. */
static void watch_feed(struct watch *w)
{
	atomic_store(&w->until_ms, run_now_ms(&w->bell) + w->ms);
}

static void *watch_main(void *arg)
{
	struct watch *w = arg;
	struct error ignored;
	int64_t left;
	while ((left = atomic_load(&w->until_ms) - run_now_ms(&w->bell)) > 0)
		if (run_sleep_ms(&w->bell, left, &ignored))
			return NULL;
	atomic_store(&w->fired, true);
	run_cancel(w->own, OURS);
	return NULL;
}

static enum status watch_begin(struct watch *w, struct run *own, int64_t ms, struct error *err)
{
	*w = (struct watch){ .own = own, .ms = ms };
	enum status st = run_shield(&w->bell, own, err);
	if (st)
		return st;
	watch_feed(w);
	int no = pthread_create(&w->thread, NULL, watch_main, w);
	if (!no)
		return ST_OK;
	run_destroy(&w->bell);
	return error_sys(err, ST_FAILED, ERR_UNEXPECTED, no, "cannot start a thread");
}

static bool watch_end(struct watch *w)
{
	run_cancel(&w->bell, OURS);
	pthread_join(w->thread, NULL);
	run_destroy(&w->bell);
	return atomic_load(&w->fired);
}

/* ---- a STOP in progress ---- */

/* *ret_s = how long a STOP has been waiting; -1 = there is none. Its session shows in the processlist. */
static enum status stop_in_progress(struct observer *ob, int64_t *ret_s, struct error *err)
{
	struct rows *r = NULL;
	bool more = false;
	*ret_s = -1;
	if (!ob->in.server.version || ob->in.server.flavor != FLAVOR_MYSQL || ob->in.server.version >= 50700)
		return ST_OK;
	enum status st = conn_query(ob->c,
	                            "SELECT TIME FROM information_schema.processlist WHERE COMMAND = 'Query' AND ID <> CONNECTION_ID() "
	                            "AND INFO LIKE '%STOP SLAVE%' ORDER BY TIME DESC LIMIT 1",
	                            &r, err);
	if (!st && !(st = rows_next(r, &more, err)) && more)
		*ret_s = (int64_t)rows_u64(r, "TIME", 0);
	rows_free(r);
	return st;
}

static enum status wait_for_stop(struct observer *ob, int64_t *ret_s, struct error *err)
{
	int64_t until = run_now_ms(ob->parent) + ob->opt.patience_ms;
	enum status st = stop_in_progress(ob, ret_s, err);
	while (!st && *ret_s >= 0 && run_now_ms(ob->parent) < until) {
		st = run_sleep_ms(ob->parent, STOP_POLL_MS, err);
		watch_feed(&ob->watch);
		if (!st)
			st = stop_in_progress(ob, ret_s, err);
	}
	return st;
}

/* ---- one look ---- */

typedef enum status (*step)(struct look *l, struct error *err);

static enum status look_ages(struct look *l, struct error *err)
{
	struct error why = ERROR_INIT;
	if (l->in->worker_stamps)
		return ST_OK;
	enum status st = inflight_look(l->c, l->in, l->flight, l->now_ms, &why);
	return st ? look_refused(l, &why, "ages of transactions", "PROCESS", err) : ST_OK;
}

static const struct observed_channel *same_channel(const struct observation *before, const char *name)
{
	return before ? look_channel(before, name) : NULL;
}

static enum status explain_all(struct observer *ob, struct observation *o, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < o->nchannels; i++) {
		struct observed_channel *ch = &o->channel[i];
		st = observe_explain(&o->server, &o->settings, ch, same_channel(ob->before, ch->name), &ch->reasons, err);
	}
	return st;
}

static const step all_steps[] = { look_settings, look_ages, look_channels, look_waits, look_workers, look_row_locks };
static const step steps_behind_stop[] = { look_settings, look_ages, look_threads, look_row_locks };

static enum status look_all(struct observer *ob, struct observation *o, struct error *err)
{
	struct look l = { .c = ob->c, .in = &ob->in, .opt = &ob->opt, .flight = &ob->flight,
		          .now_ms = run_now_ms(ob->parent), .o = o };
	const step *steps = o->behind_stop ? steps_behind_stop : all_steps;
	size_t n = o->behind_stop ? sizeof steps_behind_stop / sizeof *steps : sizeof all_steps / sizeof *steps;
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < n; i++) {
		watch_feed(&ob->watch);
		st = steps[i](&l, err);
	}
	return st ? st : explain_all(ob, o, err);
}

static enum status look_watched(struct observer *ob, struct observation *o, struct error *err)
{
	int64_t stop_s = -1, from = run_now_ms(ob->parent);
	enum status st = wait_for_stop(ob, &stop_s, err);
	if (st)
		return st;
	o->server = ob->in.server;
	o->taken_ms = run_wall_ms(ob->parent);
	o->behind_stop = stop_s >= 0;
	o->stop_s = stop_s;
	st = look_all(ob, o, err);
	o->took_ms = run_now_ms(ob->parent) - from;
	return st;
}

/* *ret_fired: our session was shut, because nothing came for too long. */
static enum status look_once(struct observer *ob, struct observation **ret, bool *ret_fired, struct error *err)
{
	struct observation *o = calloc(1, sizeof *o);
	enum status st = o ? ST_OK : error_oom(err);
	*ret_fired = false;
	if (!st && (!ob->c || ob->c->lost || run_cancelled(&ob->own))) {
		close_session(ob);
		st = open_session(ob, err);
	}
	if (!st)
		st = watch_begin(&ob->watch, &ob->own, ob->opt.patience_ms, err);
	if (!st) {
		st = look_watched(ob, o, err);
		*ret_fired = watch_end(&ob->watch);
	}
	if (st)
		observation_free(o);
	else
		*ret = o;
	return st;
}

static enum status no_answer(const struct observer *ob, struct error *err)
{
	error_set(err, ST_FAILED, ERR_SERVER, "the server has not answered for %lld ms", (long long)ob->opt.patience_ms);
	return error_hint(err, "is a STOP of replication in progress, or the server out of reach?");
}

/* What the next look compares with. */
static enum status remember(struct observer *ob, const struct observation *o, struct error *err)
{
	struct observation *copy = calloc(1, sizeof *copy);
	if (!copy || (o->nchannels && !(copy->channel = calloc(o->nchannels, sizeof *copy->channel)))) {
		observation_free(copy);
		return error_oom(err);
	}
	for (size_t i = 0; i < o->nchannels; i++) {
		struct observed_channel *to = &copy->channel[copy->nchannels++];
		to->waits = o->channel[i].waits;
		to->waits.logged_at = NULL;
		if (!(to->name = strdup(o->channel[i].name))) {
			observation_free(copy);
			return error_oom(err);
		}
	}
	observation_free(ob->before);
	ob->before = copy;
	return ST_OK;
}

enum status observer_look(struct observer *ob, struct observation **ret, struct error *err)
{
	struct observation *o = NULL;
	struct error why = ERROR_INIT;
	bool fired = false;
	enum status st = look_once(ob, &o, &fired, &why);
	/* Once more: if it is a STOP that was in the way, it is seen before the status is asked for. */
	if (fired && st)
		st = look_once(ob, &o, &fired, &why);
	if (!st && !o->behind_stop)
		st = remember(ob, o, &why);
	if (!st) {
		*ret = o;
		return ST_OK;
	}
	observation_free(o);
	if (run_cancelled(ob->parent))
		return run_check(ob->parent, err);
	if (fired)
		return no_answer(ob, err);
	if (err)
		*err = why;
	return st;
}

enum status observer_open(const struct conn_options *o, const struct observe_options *opt, struct run *run,
                          struct observer **ret, struct error *err)
{
	struct observer *ob = calloc(1, sizeof *ob);
	if (!ob)
		return error_oom(err);
	ob->conn = o;
	ob->opt = *opt;
	ob->opt.patience_ms = opt->patience_ms ? opt->patience_ms : PATIENCE_MS;
	ob->parent = run;
	enum status st = open_session(ob, err);
	if (st && run_cancelled(run))
		st = run_check(run, err);
	if (st)
		observer_free(ob);
	else
		*ret = ob;
	return st;
}

void observer_free(struct observer *ob)
{
	if (!ob)
		return;
	close_session(ob);
	inflight_free(&ob->flight);
	observation_free(ob->before);
	free(ob);
}
