/* SPDX-License-Identifier: Apache-2.0 */
#include "orders.h"

#include <stdio.h>
#include <string.h>

#include "../text.h"
#include "slackwater/jsonx.h"

struct order {
	const char *name;
	enum status (*one)(struct core *c, struct job *j, json_t *answer, struct error *err);
	enum status (*all)(struct core *c, json_t *answer, struct error *err);
};

static const char *name_of(const struct core *c, const struct job *j)
{
	return c->settings->snapshot[j->at].name;
}

static void answer_add(json_t *answer, const char *snapshot, const char *run)
{
	(void)json_array_append_new(json_object_get(answer, "snapshots"),
	                            json_pack("{so so}", "name", jsonx_text(snapshot), "run", run ? json_string(run) : json_null()));
}

static struct task *backup_of(const struct core *c, const struct job *j)
{
	struct task *t = core_task_of_snapshot(c, name_of(c, j));
	return t && t->kind == RUN_BACKUP ? t : NULL;
}

/* ---- run ---- */

static enum status run_one(struct core *c, struct job *j, json_t *answer, struct error *err)
{
	char id[40];
	const struct task *t = backup_of(c, j);
	if (c->stopping)
		return error_set(err, ST_RETRY, ERR_BUSY, "the agent is ending");
	if (t) {
		error_set(err, ST_FAILED, ERR_BUSY, "%s is being taken already, by %s", name_of(c, j), t->id);
		return error_hint(err, "slackwater cancel %s ends it", name_of(c, j));
	}
	if (!j->asked)
		j->asked = ++c->memory.sequence;
	core_say(c, LOG_LEVEL_INFO, name_of(c, j), "a run is asked for");
	snprintf(id, sizeof id, "%s-%llu", run_kind_name(RUN_BACKUP), (unsigned long long)j->asked);
	answer_add(answer, name_of(c, j), id);
	return ST_OK;
}

/* What is being taken already is left out. */
static enum status run_all(struct core *c, json_t *answer, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < c->settings->nsnapshots; i++)
		if (!backup_of(c, &c->job[i]))
			st = run_one(c, &c->job[i], answer, err);
	return st;
}

/* ---- pause, resume ---- */

static enum status pause_to(struct core *c, struct job *j, bool paused, json_t *answer, struct error *err)
{
	j->memory->paused = paused;
	core_say(c, LOG_LEVEL_INFO, name_of(c, j), "%s", paused ? "paused" : "goes on");
	answer_add(answer, name_of(c, j), NULL);
	return memory_save(&c->memory, err);
}

static enum status pause_one(struct core *c, struct job *j, json_t *answer, struct error *err)
{
	return pause_to(c, j, true, answer, err);
}

/* The pause of everything is lifted as a whole: "goes on" would not be true of one name. */
static enum status resume_one(struct core *c, struct job *j, json_t *answer, struct error *err)
{
	if (c->memory.paused) {
		error_set(err, ST_FAILED, ERR_USAGE, "everything is paused, and %s with it", name_of(c, j));
		return error_hint(err, "slackwater resume, without a name, lifts that");
	}
	return pause_to(c, j, false, answer, err);
}

static enum status pause_all_to(struct core *c, bool paused, json_t *answer, struct error *err)
{
	c->memory.paused = paused;
	core_say(c, LOG_LEVEL_INFO, NULL, "%s", paused ? "everything is paused" : "goes on, but for snapshots that are paused by name");
	for (size_t i = 0; i < c->settings->nsnapshots; i++)
		if (paused || !c->job[i].memory->paused)
			answer_add(answer, name_of(c, &c->job[i]), NULL);
	return memory_save(&c->memory, err);
}

static enum status pause_all(struct core *c, json_t *answer, struct error *err)
{
	return pause_all_to(c, true, answer, err);
}

static enum status resume_all(struct core *c, json_t *answer, struct error *err)
{
	return pause_all_to(c, false, answer, err);
}

/* ---- cancel ---- */

/* What runs, also of a section that a reload has removed. name NULL = all. *ret_hook: one of which only a hook is left. */
static unsigned cancel_running(struct core *c, const char *name, json_t *answer, const struct task **ret_hook)
{
	unsigned n = 0;
	for (struct task *t = c->tasks; t; t = t->next) {
		if (t->kind == RUN_LIST || (name && strcmp(t->snapshot, name) != 0))
			continue;
		if (!task_cancel(t, false)) {
			*ret_hook = t;
			continue;
		}
		core_say(c, LOG_LEVEL_INFO, t->snapshot, "%s is told to end", t->id);
		answer_add(answer, t->snapshot, t->id);
		n++;
	}
	return n;
}

/* What is asked for and has not begun. */
static unsigned cancel_asked(struct core *c, const char *name, json_t *answer)
{
	unsigned n = 0;
	for (size_t i = 0; i < c->settings->nsnapshots; i++) {
		struct job *j = &c->job[i];
		if (!j->asked || (name && strcmp(name_of(c, j), name) != 0))
			continue;
		j->asked = 0;
		answer_add(answer, name_of(c, j), NULL);
		n++;
	}
	return n;
}

static enum status cancel(struct core *c, const char *name, json_t *answer, struct error *err)
{
	const struct task *hook = NULL;
	if (cancel_running(c, name, answer, &hook) + cancel_asked(c, name, answer))
		return ST_OK;
	if (hook) {
		error_set(err, ST_FAILED, ERR_USAGE, "%s is over: only its %s hook still runs", hook->id, hook->state == TASK_SUCCEEDED ? "after" : "failure");
		return error_hint(err, "run-timeout ends it");
	}
	error_set(err, ST_FAILED, ERR_USAGE, "nothing of %s is running", name ? name : "this agent");
	return error_hint(err, "slackwater status --config FILE shows what runs");
}

static enum status cancel_one(struct core *c, struct job *j, json_t *answer, struct error *err)
{
	return cancel(c, name_of(c, j), answer, err);
}

static enum status cancel_all(struct core *c, json_t *answer, struct error *err)
{
	return cancel(c, NULL, answer, err);
}

/* ---- which ---- */

static const struct order orders[] = {
	{ "run", run_one, run_all },
	{ "pause", pause_one, pause_all },
	{ "resume", resume_one, resume_all },
	{ "cancel", cancel_one, cancel_all },
};

static const struct order *find_order(const char *name)
{
	for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
		if (!strcmp(orders[i].name, name))
			return &orders[i];
	return NULL;
}

static struct job *find_job(struct core *c, const char *name, struct error *err)
{
	const char *similar = NULL;
	struct job *j = core_job_named(c, name);
	if (j)
		return j;
	for (size_t i = 0; i < c->settings->nsnapshots; i++)
		similar = text_nearer(name, c->settings->snapshot[i].name, similar);
	error_set(err, ST_FAILED, ERR_USAGE, "no [snapshot %.80s] is in the agent's configuration", name);
	if (similar)
		error_hint(err, "did you mean %s?", similar);
	else
		error_hint(err, "slackwater status --config FILE lists them");
	return NULL;
}

/* What runs of a section that a reload has removed can still be cancelled. */
static enum status by_name(struct core *c, const struct order *o, const char *name, json_t *answer, struct error *err)
{
	if (o->one == cancel_one && !core_job_named(c, name) && core_task_of_snapshot(c, name))
		return cancel(c, name, answer, err);
	struct job *j = find_job(c, name, err);
	return j ? o->one(c, j, answer, err) : ST_FAILED;
}

enum status orders_carry_out(struct core *c, const json_t *request, json_t **ret, struct error *err)
{
	const struct order *o = find_order(jsonx_str_or(request, "command", ""));
	const char *name = jsonx_str_or(request, "snapshot", NULL);
	json_t *answer = json_pack("{ss s[]}", "command", o ? o->name : "", "snapshots");
	enum status st = answer ? ST_OK : error_oom(err);
	if (!st && !o)
		st = error_set(err, ST_FAILED, ERR_USAGE, "there is no such command");
	if (!st)
		st = name ? by_name(c, o, name, answer, err) : o->all(c, answer, err);
	c->changed = true;
	if (st)
		json_decref(answer);
	else
		*ret = answer;
	return st;
}
