/* SPDX-License-Identifier: Apache-2.0 */
#include "observers.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../connection.h"
#include "../state.h"
#include "slackwater/journal.h"
#include "slackwater/observe.h"

/* libmysqlclient and OpenSSL want some; what is not touched is no memory. */
enum { OBSERVERS_STACK = 384 << 10, OBSERVERS_CANCEL = SIGTERM, OBSERVERS_PATIENCE_MS = 5000, OBSERVERS_LOGIN_S = 10 };

struct seer {
	struct observers *all;
	pthread_t thread;
	bool started, joined;
	char *name, *state_dir;
	struct strlist options;
	struct config config;       /* borrows from options */
	struct conn_options server;
	struct observer *observer;
	struct journal_report report; /* the last */
	struct error unfinished;    /* why journals are still open, as it was said */
	pthread_mutex_t lock;       /* of what follows */
	bool finish;                /* journals are to be seen to */
	struct observers_seen seen;
};

struct observers {
	struct run run;
	struct event_sink *events;
	int changed_fd;
	int64_t poll_ms;
	struct seer *seer;
	size_t n;
	pthread_mutex_t gate;       /* held until observers_go; every thread goes through it */
	bool shut;
	struct observers *next;     /* of a list of those that leave */
};

void observers_seen_free(struct observers_seen *s)
{
	free(s->endpoint);
	json_decref(s->observation);
	*s = (struct observers_seen){ .endpoint = NULL };
}

/* ---- figures ---- */

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t sum(int64_t a, int64_t b)
{
	return a < 0 ? b : b < 0 ? a : a + b;
}

static const char *state_of(const struct observation *o)
{
	bool stopped = false, broken = false;
	if (o->behind_stop)
		return "unknown";
	for (size_t i = 0; i < o->nchannels; i++) {
		broken = broken || (!o->channel[i].applier_running && o->channel[i].applier_errno);
		stopped = stopped || !o->channel[i].applier_running;
	}
	return !o->nchannels ? "no replica" : broken ? "error" : stopped ? "stopped" : "running";
}

static void sum_up(const struct observation *o, struct observers_seen *s)
{
	s->applier = state_of(o);
	s->lag_ms = s->gap_transactions = s->behind_transactions = PLAN_UNKNOWN;
	for (size_t i = 0; i < o->nchannels; i++) {
		const struct observed_channel *ch = &o->channel[i];
		s->lag_ms = larger(s->lag_ms, ch->lag_s >= 0 ? ch->lag_s * 1000 : ch->lag_ms);
		s->gap_transactions = sum(s->gap_transactions, ch->gap_transactions);
		s->behind_transactions = sum(s->behind_transactions, ch->behind_transactions);
	}
}

static void tell(struct seer *s)
{
	const uint64_t one = 1;
	ssize_t done = write(s->all->changed_fd, &one, sizeof one);
	(void)done;
}

/* ---- one look ---- */

static void say_change(struct seer *s, const struct error *now)
{
	bool was_well = s->seen.looked_ms == 0 || s->seen.error.kind == ERR_NONE;
	if (now->kind != ERR_NONE && (was_well || strcmp(now->message, s->seen.error.message) != 0))
		event_warning(s->all->events, "observe", "instance %s: %s", s->name, now->message);
	else if (now->kind == ERR_NONE && !was_well)
		event_info(s->all->events, "observe", "instance %s can be reached again", s->name);
}

static void keep(struct seer *s, const struct observation *o, const struct error *why)
{
	struct observers_seen now = { .looked_ms = run_wall_ms(&s->all->run), .error = *why, .applier = "unknown",
		                      .lag_ms = PLAN_UNKNOWN, .gap_transactions = PLAN_UNKNOWN, .behind_transactions = PLAN_UNKNOWN };
	if (o) {
		sum_up(o, &now);
		now.took_ms = o->took_ms;
		now.observation = observation_to_json(o);
	}
	pthread_mutex_lock(&s->lock);
	say_change(s, why);
	now.journal = s->seen.journal;
	now.endpoint = s->seen.endpoint;
	json_decref(s->seen.observation);
	s->seen = now;
	pthread_mutex_unlock(&s->lock);
	tell(s);
}

static enum status finish(struct seer *s, struct error *err)
{
	pthread_mutex_lock(&s->lock);
	bool wanted = s->finish;
	s->finish = false;
	pthread_mutex_unlock(&s->lock);
	if (!wanted)
		return ST_OK;
	enum status st = state_finish_again(&s->all->run, s->state_dir, &s->server, &s->report, err);
	pthread_mutex_lock(&s->lock);
	if (!s->report.alive)
		s->seen.journal = s->report.kept > 0;
	s->finish = s->finish || st || s->report.kept || s->report.alive;
	pthread_mutex_unlock(&s->lock);
	return st;
}

static void say_unfinished(struct seer *s, const struct error *now)
{
	if (now->kind != ERR_NONE && strcmp(now->message, s->unfinished.message) != 0)
		event_warning(s->all->events, "journal", "instance %s: %s", s->name, now->message);
	s->unfinished = *now;
}

static void look(struct seer *s)
{
	const struct observe_options opt = { .error_log = s->config.error_log, .patience_ms = OBSERVERS_PATIENCE_MS };
	struct observation *o = NULL;
	struct error err = ERROR_INIT, unfinished = ERROR_INIT;
	enum status st = finish(s, &unfinished);
	/* what has nothing to do with reaching the server is no reason not to look at it */
	if (st && (unfinished.kind == ERR_APPLIER || unfinished.kind == ERR_STORE)) {
		say_unfinished(s, &unfinished);
		st = ST_OK;
	} else if (st) {
		err = unfinished;
	} else {
		say_unfinished(s, &ERROR_INIT);
	}
	if (!st && !s->observer)
		st = observer_open(&s->server, &opt, &s->all->run, &s->observer, &err);
	if (!st)
		st = observer_look(s->observer, &o, &err);
	if (run_cancelled(&s->all->run)) {
		observation_free(o);
		return;
	}
	keep(s, o, st ? &err : &ERROR_INIT);
	observation_free(o);
}

static void *seer_main(void *arg)
{
	struct seer *s = arg;
	struct error ignored;
	pthread_mutex_lock(&s->all->gate);
	pthread_mutex_unlock(&s->all->gate);
	while (!run_cancelled(&s->all->run)) {
		look(s);
		(void)run_sleep_ms(&s->all->run, s->all->poll_ms, &ignored);
	}
	observer_free(s->observer);
	s->observer = NULL;
	return NULL;
}

/* ---- from the options of an instance ---- */

static enum status parse(struct seer *s, const struct strlist *options, struct event_sink *events, struct error *err)
{
	config_init(&s->config);
	enum status st = strlist_add_all(&s->options, options, err);
	if (!st)
		st = connection_of_instance(&s->options, events, &s->all->run, &s->config, &s->server, err);
	if (!st && s->server.connect_timeout_s > OBSERVERS_LOGIN_S)
		s->server.connect_timeout_s = OBSERVERS_LOGIN_S;
	return st;
}

static enum status name_endpoint(struct seer *s, struct error *err)
{
	const struct conn_options *o = &s->server;
	int done = conn_options_local(o) ? asprintf(&s->seen.endpoint, "%s", o->socket ? o->socket : "localhost")
	                 : asprintf(&s->seen.endpoint, strchr(o->host, ':') ? "[%s]:%u" : "%s:%u", o->host, o->port ? o->port : 3306);
	if (done >= 0)
		return ST_OK;
	s->seen.endpoint = NULL;
	return error_oom(err);
}

static enum status seer_init(struct seer *s, struct observers *all, const struct settings *settings, size_t i, struct error *err)
{
	const struct settings_instance *in = &settings->instance[i];
	s->all = all;
	pthread_mutex_init(&s->lock, NULL);
	s->finish = true;
	s->seen = (struct observers_seen){ .applier = "unknown", .lag_ms = PLAN_UNKNOWN, .gap_transactions = PLAN_UNKNOWN,
		                           .behind_transactions = PLAN_UNKNOWN };
	s->name = strdup(in->name);
	s->state_dir = strdup(settings->agent.state_dir);
	enum status st = s->name && s->state_dir ? ST_OK : error_oom(err);
	if (!st)
		st = parse(s, &in->options, all->events, err);
	if (st)
		return st == ST_FATAL ? st : error_prefix(err, "instance %s", in->name);
	return name_endpoint(s, err);
}

static void seer_free(struct seer *s)
{
	observers_seen_free(&s->seen);
	journal_report_free(&s->report);
	conn_options_free(&s->server);
	config_free(&s->config);
	strlist_free(&s->options);
	free(s->name);
	free(s->state_dir);
	if (s->all)
		pthread_mutex_destroy(&s->lock);
}

static enum status start_threads(struct observers *o, struct error *err)
{
	pthread_attr_t attr;
	int bad = pthread_attr_init(&attr);
	if (!bad)
		bad = pthread_attr_setstacksize(&attr, OBSERVERS_STACK);
	for (size_t i = 0; !bad && i < o->n; i++) {
		bad = pthread_create(&o->seer[i].thread, &attr, seer_main, &o->seer[i]);
		o->seer[i].started = !bad;
	}
	pthread_attr_destroy(&attr);
	return bad ? error_sys(err, ST_FAILED, ERR_UNEXPECTED, bad, "cannot start a thread that looks at an instance") : ST_OK;
}

static void open_gate(struct observers *o)
{
	if (o->shut)
		pthread_mutex_unlock(&o->gate);
	o->shut = false;
}

/* True once its threads have ended and o has been freed. */
static bool stop(struct observers *o, bool wait)
{
	if (o->run.clock && !run_cancelled(&o->run))
		run_cancel(&o->run, OBSERVERS_CANCEL);
	open_gate(o);
	for (size_t i = 0; i < o->n; i++) {
		struct seer *s = &o->seer[i];
		if (!s->started || s->joined)
			continue;
		if (wait ? pthread_join(s->thread, NULL) : pthread_tryjoin_np(s->thread, NULL))
			return false;
		s->joined = true;
	}
	for (size_t i = 0; i < o->n; i++)
		seer_free(&o->seer[i]);
	free(o->seer);
	run_destroy(&o->run);
	pthread_mutex_destroy(&o->gate);
	free(o);
	return true;
}

enum status observers_start(const struct settings *s, struct event_sink *events, int changed_fd, struct observers **ret, struct error *err)
{
	struct observers *o = calloc(1, sizeof *o);
	if (!o)
		return error_oom(err);
	*o = (struct observers){ .events = events, .changed_fd = changed_fd, .poll_ms = s->agent.poll_ms, .shut = true };
	pthread_mutex_init(&o->gate, NULL);
	pthread_mutex_lock(&o->gate);
	enum status st = run_init(&o->run, NULL, NULL, events, err);
	if (!st && !(o->seer = calloc(s->ninstances + 1, sizeof *o->seer)))
		st = error_oom(err);
	for (size_t i = 0; !st && i < s->ninstances; i++, o->n++)
		if ((st = seer_init(&o->seer[i], o, s, i, err)))
			seer_free(&o->seer[i]);
	if (!st)
		st = start_threads(o, err);
	if (!st)
		*ret = o;
	else
		stop(o, true);
	return st;
}

static bool same_options(const struct strlist *a, const struct strlist *b)
{
	bool same = a->n == b->n;
	for (size_t i = 0; same && i < a->n; i++)
		same = !strcmp(a->item[i], b->item[i]);
	return same;
}

static void inherit(struct seer *to, struct seer *from)
{
	char *endpoint = to->seen.endpoint;
	if (strcmp(to->name, from->name) != 0 || !same_options(&to->options, &from->options))
		return;
	pthread_mutex_lock(&from->lock);
	to->seen = from->seen;
	json_incref(to->seen.observation);
	pthread_mutex_unlock(&from->lock);
	to->seen.endpoint = endpoint;
}

void observers_go(struct observers *o, struct observers *before)
{
	for (size_t i = 0; before && i < o->n; i++)
		for (size_t k = 0; k < before->n; k++)
			inherit(&o->seer[i], &before->seer[k]);
	open_gate(o);
}

int64_t observers_lag_ms(struct observers *o, size_t instance)
{
	struct seer *s = &o->seer[instance];
	pthread_mutex_lock(&s->lock);
	int64_t ms = s->seen.lag_ms;
	pthread_mutex_unlock(&s->lock);
	return ms;
}

bool observers_looked(struct observers *o, size_t instance)
{
	struct seer *s = &o->seer[instance];
	pthread_mutex_lock(&s->lock);
	bool looked = s->seen.looked_ms != 0;
	pthread_mutex_unlock(&s->lock);
	return looked;
}

void observers_finish_journals(struct observers *o, size_t instance)
{
	struct seer *s = &o->seer[instance];
	pthread_mutex_lock(&s->lock);
	s->finish = true;
	pthread_mutex_unlock(&s->lock);
}

enum status observers_get(struct observers *o, size_t instance, struct observers_seen *ret, struct error *err)
{
	struct seer *s = &o->seer[instance];
	pthread_mutex_lock(&s->lock);
	struct observers_seen copy = s->seen;
	json_incref(copy.observation);
	pthread_mutex_unlock(&s->lock);
	if (copy.endpoint && !(copy.endpoint = strdup(copy.endpoint))) {
		json_decref(copy.observation);
		return error_oom(err);
	}
	*ret = copy;
	return ST_OK;
}

void observers_leave(struct observers *o, struct observers **list)
{
	if (!o || stop(o, false))
		return;
	o->next = *list;
	*list = o;
}

void observers_collect(struct observers **list, bool wait)
{
	for (struct observers **at = list; *at;) {
		struct observers *next = (*at)->next;
		if (stop(*at, wait))
			*at = next;
		else
			at = &(*at)->next;
	}
}
