/* SPDX-License-Identifier: Apache-2.0 */
#include "model.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "answer.h"
#include "fault.h"
#include "server/conn_error.h"

enum { ER_UNKNOWN = 1105, ER_EMPTY = 1065, CR_GONE = 2006, CR_LOST = 2013, LOCK_NAME = 72, SECOND = 1000000000, FIRST_ID = 100 };

struct session {
	struct conn base;
	unsigned long id;
	bool shielded, cut, waits; /* waits: for a named lock */
	unsigned warnings;
	struct run_hook hook;
	struct session *next;
};

struct named_lock {
	char name[LOCK_NAME];
	unsigned long owner;
	struct named_lock *next;
};

/* A dead-man's switch whose client is gone: it goes on waiting inside the server. */
struct orphan {
	char run_lock[LOCK_NAME], done_lock[LOCK_NAME];
	struct orphan *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct session *sessions;
static struct named_lock *locks;
static struct orphan *orphans;
static unsigned long last_id = FIRST_ID;
static bool running = true, deaf;
static unsigned stops, starts, unknown;
static const char *recording, *report;

__attribute__((constructor(1000))) static void model_begin(void)
{
	recording = getenv("SLACKWATER_FAULT_REPLAY");
	report = getenv("SLACKWATER_FAULT_REPORT");
	deaf = getenv("SLACKWATER_FAULT_DEAF") != NULL;
}

bool model_on(void)
{
	return recording != NULL;
}

/* ---- applier and locks; all with the mutex held ---- */

static void start(void)
{
	running = running || !deaf;
	starts++;
}

static struct named_lock *find_lock(const char *name)
{
	struct named_lock *l = locks;
	while (l && strcmp(l->name, name) != 0)
		l = l->next;
	return l;
}

static void take(const char *name, unsigned long owner)
{
	struct named_lock *l = fault_new(sizeof *l);
	snprintf(l->name, sizeof l->name, "%s", name);
	l->owner = owner;
	l->next = locks;
	locks = l;
}

/* An orphan gets its lock as soon as it is free, and does what its text says. */
static void orphans_go_on(void)
{
	struct orphan **at = &orphans;
	while (*at) {
		struct orphan *o = *at;
		if (find_lock(o->run_lock)) {
			at = &o->next;
			continue;
		}
		if (!find_lock(o->done_lock))
			start();
		*at = o->next;
		free(o);
	}
}

static void let_go(const char *name, unsigned long owner)
{
	struct named_lock **at = &locks;
	while (*at) {
		struct named_lock *l = *at;
		if (l->owner != owner || (name && strcmp(l->name, name) != 0)) {
			at = &l->next;
			continue;
		}
		*at = l->next;
		free(l);
	}
	orphans_go_on();
	pthread_cond_broadcast(&changed);
}

static void end_session(struct session *s)
{
	s->cut = true;
	let_go(NULL, s->id);
}

void model_cut(struct conn *c)
{
	pthread_mutex_lock(&lock);
	end_session((struct session *)c);
	pthread_mutex_unlock(&lock);
}

/* False: it did not become free in time, or the session was cut. */
static bool wait_for(struct session *s, const char *name, double seconds)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += (time_t)seconds;
	until.tv_nsec += (long)((seconds - (double)(time_t)seconds) * SECOND);
	if (until.tv_nsec >= SECOND) {
		until.tv_sec++;
		until.tv_nsec -= SECOND;
	}
	s->waits = seconds > 0;
	while (!s->cut && find_lock(name) && find_lock(name)->owner != s->id)
		if (pthread_cond_timedwait(&changed, &lock, &until) == ETIMEDOUT)
			break;
	s->waits = false;
	if (s->cut || (find_lock(name) && find_lock(name)->owner != s->id))
		return false;
	if (!find_lock(name))
		take(name, s->id);
	return true;
}

/* ---- statements ---- */

/* FUNCTION('name'[, number]) in a statement; false when it is not there. */
static bool lock_call(const char *sql, const char *function, char name[LOCK_NAME], double *ret_number)
{
	const char *at = strstr(sql, function), *end;
	if (!at || !(end = strchr(at += strlen(function), '\'')))
		return false;
	snprintf(name, LOCK_NAME, "%.*s", (int)(end - at), at);
	if (ret_number)
		*ret_number = end[1] == ',' ? strtod(end + 2, NULL) : 0;
	return true;
}

static struct answer *one_cell(const char *column, long n)
{
	char text[32];
	const char *cell[1] = { text };
	struct answer *a = answer_new();
	snprintf(text, sizeof text, "%ld", n);
	size_t len[1] = { strlen(text) };
	answer_columns(a, 1, &column);
	answer_row(a, cell, len);
	return a;
}

static struct answer *failure(unsigned no, const char *text)
{
	struct answer *a = answer_new();
	a->my_errno = no;
	a->error = fault_copy(text, strlen(text));
	return a;
}

static struct answer *act_switch(struct session *s, const char *sql)
{
	char run_lock[LOCK_NAME], done_lock[LOCK_NAME];
	double seconds;
	if (!lock_call(sql, "GET_LOCK('", run_lock, &seconds) || !lock_call(sql, "IS_USED_LOCK('", done_lock, NULL))
		return failure(ER_UNKNOWN, "a dead-man's switch without its two locks");
	bool got = wait_for(s, run_lock, seconds);
	if (s->cut) {
		struct orphan *o = fault_new(sizeof *o);
		snprintf(o->run_lock, sizeof o->run_lock, "%s", run_lock);
		snprintf(o->done_lock, sizeof o->done_lock, "%s", done_lock);
		o->next = orphans;
		orphans = o;
		orphans_go_on();
		return failure(CR_LOST, "Lost connection to server during query");
	}
	if (got)
		let_go(run_lock, s->id);
	if (!find_lock(done_lock))
		start();
	return failure(ER_EMPTY, "Query was empty");
}

static struct answer *act_lock(struct session *s, const char *sql)
{
	char name[LOCK_NAME];
	double seconds;
	(void)lock_call(sql, "GET_LOCK('", name, &seconds);
	return one_cell("GET_LOCK", wait_for(s, name, seconds));
}

static struct answer *act_release(struct session *s, const char *sql)
{
	char name[LOCK_NAME];
	(void)lock_call(sql, "RELEASE_LOCK('", name, NULL);
	let_go(name, s->id);
	return answer_new();
}

static struct answer *act_used(struct session *s, const char *sql)
{
	char name[LOCK_NAME];
	(void)s;
	(void)lock_call(sql, "IS_USED_LOCK('", name, NULL);
	struct named_lock *l = find_lock(name);
	struct answer *a = one_cell("IS_USED_LOCK", l ? (long)l->owner : 0);
	if (!l) {
		free(a->cell[0].data);
		a->cell[0].data = NULL;
	}
	return a;
}

/* COUNT(*) of the processlist, by ID: those in the list "IN (0, 1, 2)" that wait for a lock, or the one in "= 1" if it lives. */
static struct answer *act_processlist(struct session *mine, const char *sql)
{
	bool waiting = strstr(sql, "'User lock'") != NULL;
	const char *at = strstr(sql, "ID IN (");
	long n = 0;
	(void)mine;
	at = at ? at + strlen("ID IN (") : strstr(sql, "ID = ") + strlen("ID = ");
	for (char *end; *at >= '0' && *at <= '9'; at = *end == ',' ? end + 2 : end) {
		unsigned long id = strtoul(at, &end, 10);
		for (struct session *s = sessions; s; s = s->next)
			n += s->id == id && !s->cut && (s->waits || !waiting);
	}
	return one_cell("COUNT(*)", n);
}

static struct answer *act_stop(struct session *s, const char *sql)
{
	(void)s;
	(void)sql;
	running = false;
	stops++;
	return answer_new();
}

static struct answer *act_start(struct session *s, const char *sql)
{
	(void)s;
	(void)sql;
	start();
	return answer_new();
}

static const struct action {
	const char *begin, *part;
	struct answer *(*act)(struct session *s, const char *sql);
} actions[] = {
	{ "STOP ", "SQL_THREAD", act_stop },
	{ "START ", "SQL_THREAD", act_start },
	{ "SET @w", "GET_LOCK('", act_switch },
	{ "SELECT ", "GET_LOCK('", act_lock },
	{ "SELECT ", "IS_USED_LOCK('", act_used },
	{ "DO ", "RELEASE_LOCK('", act_release },
	{ "SELECT COUNT(*) FROM ", "WHERE STATE = 'User lock' AND ID IN (", act_processlist },
	{ "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = ", "", act_processlist },
	{ "SELECT COUNT(*) FROM performance_schema.processlist WHERE ID = ", "", act_processlist },
};

static const struct action *find_action(const char *sql)
{
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
		if (strncmp(sql, actions[i].begin, strlen(actions[i].begin)) == 0 && strstr(sql, actions[i].part))
			return &actions[i];
	return NULL;
}

/* A status row says what the applier does now, not what it did then. */
static struct answer *with_applier(const struct answer *a)
{
	struct answer *copy = NULL;
	bool now = running;
	for (unsigned i = 0; i < a->ncols; i++) {
		if (strcmp(a->col[i], "Slave_SQL_Running") != 0 && strcmp(a->col[i], "Replica_SQL_Running") != 0)
			continue;
		copy = answer_copy(a);
		for (size_t row = 0; row < a->nrows; row++) {
			struct answer_cell *cell = &copy->cell[row * a->ncols + i];
			free(cell->data);
			*cell = (struct answer_cell){ fault_copy(now ? "Yes" : "No", now ? 3 : 2), now ? 3 : 2 };
		}
	}
	return copy;
}

/* *ret_owned: whether the answer is the caller's to free. With the mutex held. */
static struct answer *find_answer(struct session *s, const char *sql, size_t len, bool wants_rows, bool *ret_owned)
{
	const struct action *act = find_action(sql);
	*ret_owned = true;
	if (act)
		return act->act(s, sql);
	struct answer *a = answer_find(recording, sql, len), *copy = a ? with_applier(a) : NULL;
	*ret_owned = copy || !a;
	if (a)
		return copy ? copy : a;
	/* what asks for nothing is believed to have worked: it is the recording's order that differs, not its kind */
	if (!wants_rows)
		return answer_new();
	unknown++;
	fprintf(stderr, "slackwater-fault: not in the recording: %.200s\n", sql);
	return failure(ER_UNKNOWN, "not in the recording");
}

/* ---- the vtable ---- */

static enum status model_answer(struct session *s, const char *sql, size_t len, struct answer **ret_a, bool wants_rows,
                                bool *ret_owned, struct error *err)
{
	enum status st = ST_OK;
	pthread_mutex_lock(&lock);
	if (s->cut)
		st = conn_error_set(err, CR_GONE, "Server has gone away", false);
	else
		*ret_a = find_answer(s, sql, len, wants_rows, ret_owned);
	if (s->cut && !st)
		st = conn_error_set(err, CR_LOST, "Lost connection to server during query", false);
	if (st)
		s->base.lost = true;
	pthread_mutex_unlock(&lock);
	if (!st && (*ret_a)->my_errno)
		st = conn_error_set(err, (*ret_a)->my_errno, (*ret_a)->error, false);
	return st;
}

static enum status model_query(struct conn *base, const char *sql, size_t len, bool stream, struct rows **ret, struct error *err)
{
	struct session *s = (struct session *)base;
	struct answer *a = NULL;
	bool owned = false;
	(void)stream;
	if (!s->shielded && run_cancelled(base->run))
		return run_check(base->run, err);
	if (base->lost)
		return conn_error_set(err, CR_GONE, "the session was lost before", false);
	char *text = fault_copy(sql, len);
	enum status st = model_answer(s, text, len, &a, ret != NULL, &owned, err);
	free(text);
	if (st && !s->shielded && run_cancelled(base->run))
		st = run_check(base->run, err);
	s->warnings = a ? a->warnings : 0;
	bool rows = !st && ret;
	if (rows)
		*ret = answer_rows(a, owned);
	if (!rows && owned)
		answer_free(a);
	return st;
}

static unsigned model_warning_count(struct conn *c)
{
	return ((struct session *)c)->warnings;
}

static unsigned long model_thread_id(struct conn *c)
{
	return ((struct session *)c)->id;
}

static void model_free(struct conn *base)
{
	struct session *s = (struct session *)base;
	if (!s->shielded)
		run_hook_del(base->run, &s->hook);
	pthread_mutex_lock(&lock);
	end_session(s);
	struct session **at = &sessions;
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	pthread_mutex_unlock(&lock);
	free(s);
}

static const struct conn_ops model_ops = { model_query, model_warning_count, model_thread_id, model_free };

static void model_cancelled(void *arg)
{
	model_cut(arg);
}

struct conn *model_open(unsigned flags, struct run *run)
{
	struct session *s = fault_new(sizeof *s);
	*s = (struct session){ .base = { .ops = &model_ops, .run = run }, .shielded = flags & CONN_SHIELDED };
	pthread_mutex_lock(&lock);
	s->id = ++last_id;
	s->next = sessions;
	sessions = s;
	pthread_mutex_unlock(&lock);
	s->hook = (struct run_hook){ .fn = model_cancelled, .arg = s };
	if (!s->shielded)
		run_hook_add(run, &s->hook);
	return &s->base;
}

/* The process ends, and all its sessions with it, in whatever order: the locks go first, then the switches look. */
__attribute__((destructor)) static void model_end(void)
{
	FILE *out = report ? fopen(report, "we") : NULL;
	while (locks) {
		struct named_lock *l = locks;
		locks = l->next;
		free(l);
	}
	orphans_go_on();
	if (report && !out)
		fault_usage("cannot write", report);
	if (!out)
		return;
	fprintf(out, "applier %s, stops %u, starts %u, unknown %u\n", running ? "running" : "stopped", stops, starts, unknown);
	fclose(out);
}
