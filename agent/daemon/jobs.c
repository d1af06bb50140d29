/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../exitcode.h"
#include "listings.h"
#include "outcome.h"
#include "slackwater/jsonx.h"

/* FIRST_LOOKS: so many poll intervals a run that minds the lag waits for the first look at its replica. */
enum { JOBS_DROPS = 1000, JOBS_FIRST_LOOKS = 5 };

/* ---- memory on disk ---- */

static void save(struct core *c)
{
	struct error err = ERROR_INIT;
	c->changed = true;
	bool bad = memory_save(&c->memory, &err) != ST_OK;
	if (bad && !c->memory_bad)
		core_say(c, LOG_LEVEL_ERROR, NULL, "what is remembered could not be written, and runs may be repeated after a restart: %s", err.message);
	if (!bad && c->memory_bad)
		core_say(c, LOG_LEVEL_INFO, NULL, "what is remembered could be written again");
	c->memory_bad = bad;
}

/* ---- from settings ---- */

/* What was asked for, or is to follow a backup, outlives a reload. */
static void carry_over(const struct core *c, struct job *j)
{
	for (size_t i = 0; i < c->njobs; i++)
		if (c->job[i].memory == j->memory) {
			j->asked = c->job[i].asked;
			j->expire = c->job[i].expire && c->settings->snapshot[j->at].retention.n;
		}
}

/* One that has been away, or has another schedule now, has missed nothing. */
static enum status take_schedules(struct core *c, const struct job *job, struct error *err)
{
	enum status st = ST_OK;
	int64_t now = core_wall_ms();
	for (size_t i = 0; !st && i < c->memory.n; i++) {
		struct memory_job *m = c->memory.job[i];
		const struct settings_snapshot *n = NULL;
		for (size_t k = 0; !n && k < c->settings->nsnapshots; k++)
			n = job[k].memory == m ? &c->settings->snapshot[k] : NULL;
		st = memory_schedule(m, n ? n->schedule_text : NULL, n ? n->zone_name : NULL, now, err);
		if (!st)
			st = memory_proof_schedule(m, n ? n->proof_text : NULL, n ? n->zone_name : NULL, now, err);
	}
	return st;
}

enum status jobs_build(struct core *c, struct error *err)
{
	const struct settings *s = c->settings;
	struct job *job = calloc(s->nsnapshots + 1, sizeof *job);
	enum status st = job ? ST_OK : error_oom(err);
	for (size_t i = 0; !st && i < s->nsnapshots; i++) {
		job[i].at = i;
		st = memory_job(&c->memory, s->snapshot[i].name, core_wall_ms(), &job[i].memory, err);
		if (!st)
			carry_over(c, &job[i]);
	}
	if (!st)
		st = listings_build(c, err);
	if (!st)
		st = take_schedules(c, job, err);
	if (st) {
		free(job);
		return st;
	}
	free(c->job);
	c->job = job;
	c->njobs = s->nsnapshots;
	c->memory.history = s->agent.history;
	save(c);
	return ST_OK;
}

void jobs_free(struct core *c)
{
	free(c->job);
	c->job = NULL;
	c->njobs = 0;
	listings_free(c);
}

void jobs_bury(struct core *c)
{
	struct error ignored;
	while (json_array_size(c->memory.open)) {
		json_t *run = json_deep_copy(json_array_get(c->memory.open, 0));
		const char *id = jsonx_str_or(run, "id", "?"), *snapshot = jsonx_str_or(run, "snapshot", "?");
		enum run_kind kind = run_kind_find(jsonx_str_or(run, "kind", ""));
		struct memory_job *m = NULL;
		json_array_remove(c->memory.open, 0);
		if (!run || memory_job(&c->memory, snapshot, core_wall_ms(), &m, &ignored)) {
			json_decref(run);
			continue;
		}
		core_say(c, LOG_LEVEL_WARNING, snapshot, "%s had begun when the agent ended without notice; it counts as failed", id);
		(void)json_object_set_new(run, "state", json_string("failed"));
		(void)json_object_set_new(run, "exit", json_integer(exitcode_of(ERR_UNEXPECTED, 0)));
		(void)json_object_set_new(run, "error", outcome_error("unexpected", exitcode_of(ERR_UNEXPECTED, 0), "the agent ended while this ran",
		                          "the run was told to end, and what it had stopped has been started again, or will be before the next run"));
		if (memory_plan(m, kind))
			plan_ended(memory_plan(m, kind), PLAN_FAILED, core_wall_ms());
		(void)memory_add_run(&c->memory, m, kind, run, &ignored);
		json_decref(run);
	}
	save(c);
}

/* ---- starting ---- */

static void start(struct core *c, struct job *j, enum run_kind kind, uint64_t number, const struct plan_decision *d)
{
	const char *name = c->settings->snapshot[j->at].name;
	struct plan_memory *m = memory_plan(j->memory, kind);
	struct error err = ERROR_INIT;
	struct task *t = NULL;
	if (task_new(c->settings, j->at, kind, number, core_wall_ms(), &c->app->sink, &t, &err)) {
		core_say(c, LOG_LEVEL_ERROR, name, "%s could not be started: %s", run_kind_name(kind), err.message);
		return;
	}
	t->trigger = d->trigger;
	if (m) {
		t->due_ms = d->trigger == PLAN_BY_RETRY ? m->due_ms : d->due_ms;
		t->due_before_ms = d->due_ms ? m->due_ms : -1;
		plan_took(m, d, core_wall_ms());
	}
	json_t *run = task_json(t);
	if (!run || memory_open_run(&c->memory, run, &err))
		core_say(c, LOG_LEVEL_ERROR, name, "no memory is left for the history of runs");
	json_decref(run);
	save(c); /* before it begins: a run that has begun is never forgotten */
	core_say(c, LOG_LEVEL_INFO, name, "%s begins: %s, %s", t->id, plan_trigger_name(t->trigger), d->why);
	core_begin(c, t);
}

/* What expires or lists is short and is no burden to a server: it does not count. */
static bool full(const struct core *c)
{
	size_t n = 0;
	for (const struct task *t = c->tasks; t; t = t->next)
		n += t->kind == RUN_BACKUP || t->kind == RUN_PROOF;
	return c->settings->agent.max_runs && n >= c->settings->agent.max_runs;
}

static struct plan_situation situation(const struct core *c, const struct job *j)
{
	const struct settings_snapshot *n = &c->settings->snapshot[j->at];
	int64_t look_ms = c->observed_ms + JOBS_FIRST_LOOKS * c->settings->agent.poll_ms - core_now_ms();
	bool looked = observers_looked(c->observers, n->instance);
	return (struct plan_situation){
		.now_ms = core_wall_ms(), .up_since_ms = c->started_ms,
		.busy = core_task_of_instance(c, c->settings->instance[n->instance].name) != NULL,
		.full = full(c),
		.paused = c->memory.paused || j->memory->paused,
		.lag_ms = observers_lag_ms(c->observers, n->instance),
		.lag_by_ms = looked || look_ms <= 0 ? 0 : core_wall_ms() + look_ms,
	};
}

static void drop(struct core *c, struct job *j, enum run_kind kind, struct plan_memory *m, const struct plan_decision *d)
{
	const char *name = c->settings->snapshot[j->at].name;
	char due[32];
	struct error err = ERROR_INIT;
	run_format_time(d->due_ms, due);
	core_say(c, d->excused ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, name, "%s due %s is dropped%s: %s", run_kind_name(kind), due,
	         d->dropped > 1 ? ", with those before it" : "", d->why);
	plan_took(m, d, core_wall_ms());
	if (kind == RUN_BACKUP && !d->excused && memory_drop(j->memory, d->due_ms, d->dropped, d->why, &err))
		core_say(c, LOG_LEVEL_ERROR, name, "%s", err.message);
	save(c);
}

static void sooner(int64_t *look, int64_t ms)
{
	if (ms && (!*look || ms < *look))
		*look = ms;
}

static void decide(struct core *c, struct job *j, enum run_kind kind)
{
	const struct settings_snapshot *n = &c->settings->snapshot[j->at];
	const struct plan_rules *rules = kind == RUN_PROOF ? &n->proof_rules : &n->rules;
	struct plan_memory *m = memory_plan(j->memory, kind);
	struct plan_situation now = situation(c, j);
	now.asked = kind == RUN_BACKUP && j->asked;
	struct plan_decision d = plan_decide(rules, m, &now);
	for (int i = 0; d.act == PLAN_DROP && i < JOBS_DROPS; i++) {
		drop(c, j, kind, m, &d);
		d = plan_decide(rules, m, &now);
	}
	if (d.act == PLAN_START) {
		uint64_t number = now.asked ? j->asked : ++c->memory.sequence;
		if (kind == RUN_BACKUP) {
			j->asked = 0;
			j->waits_for[0] = '\0';
		}
		start(c, j, kind, number, &d);
		c->turn = j->at + 1;
		return;
	}
	sooner(&j->look_ms, d.look_ms);
	if (kind == RUN_BACKUP && strcmp(j->waits_for, d.held_up ? d.why : "") != 0) {
		snprintf(j->waits_for, sizeof j->waits_for, "%s", d.held_up ? d.why : "");
		c->changed = true;
	}
}

static void expire(struct core *c, struct job *j)
{
	const struct plan_decision after = { .act = PLAN_START, .trigger = PLAN_BY_BACKUP, .why = "a backup has succeeded" };
	if (!j->expire || situation(c, j).busy)
		return;
	j->expire = false;
	start(c, j, RUN_EXPIRE, ++c->memory.sequence, &after);
}

/* Those after the one that was started last come first, so that each has its turn. */
static void decide_all(struct core *c, enum run_kind kind)
{
	size_t n = c->settings->nsnapshots, first = c->turn;
	for (size_t i = 0; i < n; i++)
		decide(c, &c->job[(first + i) % n], kind);
}

void jobs_decide(struct core *c)
{
	if (c->stopping || (!c->changed && jobs_wait_ms(c) != 0))
		return;
	for (size_t i = 0; i < c->settings->nsnapshots; i++) {
		c->job[i].look_ms = 0;
		expire(c, &c->job[i]);
	}
	decide_all(c, RUN_BACKUP);
	decide_all(c, RUN_PROOF);
	listings_start(c);
}

int64_t jobs_wait_ms(const struct core *c)
{
	int64_t look = 0, now = core_wall_ms(), wait = listings_wait_ms(c);
	for (size_t i = 0; !c->stopping && i < c->settings->nsnapshots; i++)
		sooner(&look, c->job[i].look_ms);
	if (look && (wait < 0 || look - now < wait))
		wait = look > now ? look - now : 0;
	return wait;
}

/* ---- ends ---- */

static void say_end(struct core *c, const struct task *t)
{
	const char *message = jsonx_str_or(t->error, "message", ""), *hint = jsonx_str_or(t->error, "hint", "");
	int64_t s = (t->ended_ms - t->started_ms) / 1000;
	if (t->state == TASK_SUCCEEDED)
		core_say(c, LOG_LEVEL_INFO, t->snapshot, "%s succeeded after %" PRId64 " s%s%s", t->id, s, t->kind == RUN_BACKUP ? ": snapshot " : "",
		         t->kind == RUN_BACKUP ? jsonx_str_or(t->result, "id", "?") : "");
	else if (t->state == TASK_CANCELLED)
		core_say(c, LOG_LEVEL_WARNING, t->snapshot, "%s was cancelled after %" PRId64 " s", t->id, s);
	else
		core_say(c, LOG_LEVEL_ERROR, t->snapshot, "%s failed after %" PRId64 " s with exit %d: %s%s%s%s", t->id, s, t->exit, message,
		         *hint ? " (" : "", hint, *hint ? ")" : "");
}

static void remember(struct core *c, struct task *t, struct memory_job *m)
{
	struct error err = ERROR_INIT;
	static const enum plan_end end[] = { [TASK_SUCCEEDED] = PLAN_SUCCEEDED, [TASK_FAILED] = PLAN_FAILED, [TASK_CANCELLED] = PLAN_CANCELLED };
	struct plan_memory *p = memory_plan(m, t->kind);
	if (p && t->cut_off && t->state == TASK_CANCELLED) {
		/* nobody wanted it ended but the end of the agent: the next one makes up for it */
		if (t->due_before_ms >= 0) {
			p->due_ms = t->due_before_ms;
			p->attempts = 0;
		}
		p->ended_ms = t->ended_ms;
	} else if (p) {
		plan_ended(p, end[t->state], t->ended_ms);
	}
	json_t *run = task_json(t);
	if (!run || memory_add_run(&c->memory, m, t->kind, run, &err))
		core_say(c, LOG_LEVEL_ERROR, t->snapshot, "no memory is left for the history of runs");
	json_decref(run);
}

/* It may not have been able to set its applier going: it died, or the server refused. */
static void see_to_journals(struct core *c, const struct task *t)
{
	bool stops_appliers = t->kind == RUN_BACKUP || t->kind == RUN_PROOF;
	if (t->state == TASK_SUCCEEDED || !stops_appliers)
		return;
	for (size_t i = 0; i < c->settings->ninstances; i++)
		if (!strcmp(c->settings->instance[i].name, t->instance))
			observers_finish_journals(c->observers, i);
}

/* t is no longer in c->tasks; it is freed. */
static void ended(struct core *c, struct task *t)
{
	struct memory_job *m = NULL;
	struct error err = ERROR_INIT;
	struct job *j = core_job_named(c, t->snapshot);
	c->changed = true;
	if (t->kind == RUN_LIST) {
		listings_ended(c, t);
		task_free(t);
		return;
	}
	say_end(c, t);
	see_to_journals(c, t);
	if (memory_job(&c->memory, t->snapshot, core_wall_ms(), &m, &err))
		core_say(c, LOG_LEVEL_ERROR, t->snapshot, "%s", err.message);
	else
		remember(c, t, m);
	if (j && t->kind == RUN_BACKUP && t->state == TASK_SUCCEEDED && c->settings->snapshot[j->at].retention.n)
		j->expire = true;
	else
		listings_want(c, t->store, t->instance);
	save(c);
	task_free(t);
}

void jobs_go_on(struct core *c)
{
	for (struct task **at = &c->tasks; *at;) {
		struct task *t = *at;
		if (task_go_on(t, core_now_ms(), core_wall_ms())) {
			*at = t->next;
			ended(c, t);
		} else {
			listings_stuck(c, t);
			at = &t->next;
		}
	}
}
