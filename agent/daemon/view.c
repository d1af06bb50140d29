/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../exitcode.h"
#include "../output_json.h"
#include "slackwater/units.h"
#include "listings.h"
#include "outcome.h"

static json_t *known_or_null(int64_t n)
{
	return n == PLAN_UNKNOWN ? json_null() : json_integer(n);
}

static json_t *text_or_null(const char *text)
{
	return jsonx_text_or_null(text && *text ? text : NULL);
}

static json_t *error_or_null(const struct error *e)
{
	return e->kind == ERR_NONE ? json_null() : outcome_error(exitcode_find(e->kind)->name, exitcode_of(e->kind, 0), e->message, e->hint);
}

static bool ready(const struct core *c)
{
	bool all = !c->stopping;
	for (size_t i = 0; all && i < c->settings->ninstances; i++)
		all = observers_looked(c->observers, i);
	return all;
}

static json_t *agent(const struct core *c)
{
	const struct jsonx_member member[] = {
		{ "version", json_string(SLACKWATER_VERSION) },
		{ "pid", json_integer(getpid()) },
		{ "now", output_json_time(core_wall_ms()) },
		{ "started", output_json_time_or_null(c->started_ms) },
		{ "config", json_pack("{so so so}", "file", jsonx_text(c->config_file), "loaded", output_json_time_or_null(c->loaded_ms), "error",
		                      text_or_null(c->config_error)) },
		{ "paused", json_boolean(c->memory.paused) },
		{ "ready", json_boolean(ready(c)) },
		{ "stopping", json_boolean(c->stopping) },
		{ "proof_age_ms", c->settings->agent.proof_age_ms ? json_integer(c->settings->agent.proof_age_ms) : json_null() },
		{ "list_ms", json_integer(c->settings->agent.list_ms) },
	};
	return JSONX_MAKE(member);
}

/* ---- instances ---- */

static json_t *instance(const struct core *c, size_t i)
{
	const char *name = c->settings->instance[i].name;
	const struct task *t = core_task_of_instance(c, name);
	struct observers_seen s;
	struct error ignored;
	if (observers_get(c->observers, i, &s, &ignored))
		return NULL;
	const struct jsonx_member member[] = {
		{ "name", jsonx_text(name) },
		{ "endpoint", text_or_null(s.endpoint) },
		{ "reachable", json_boolean(s.looked_ms && s.error.kind == ERR_NONE) },
		{ "looked", output_json_time_or_null(s.looked_ms) },
		{ "took_ms", s.observation ? json_integer(s.took_ms) : json_null() },
		{ "error", error_or_null(&s.error) },
		{ "busy", text_or_null(t ? t->id : NULL) },
		{ "applier", json_string(s.applier) },
		{ "lag_ms", known_or_null(s.lag_ms) },
		{ "gap_transactions", known_or_null(s.gap_transactions) },
		{ "behind_transactions", known_or_null(s.behind_transactions) },
		{ "observation", jsonx_or_null(s.observation) },
		{ "journal", s.looked_ms ? json_boolean(s.journal) : json_null() },
	};
	observers_seen_free(&s);
	return JSONX_MAKE(member);
}

/* ---- snapshots ---- */

static json_t *newest_proven(const struct core *c, const struct settings_snapshot *n)
{
	const struct listing *l = listings_find(c, c->settings->store[n->store].name, c->settings->instance[n->instance].name);
	size_t i;
	json_t *item;
	if (l && l->items)
		json_array_foreach(l->items, i, item)
			if (json_is_string(json_object_get(item, "proven")) || json_is_true(json_object_get(item, "proven")))
				return jsonx_or_null(json_object_get(item, "time"));
	return json_null();
}

static json_t *last_missed(const struct memory_job *m)
{
	if (!m->missed_due_ms)
		return json_null();
	return json_pack("{so so}", "due", output_json_time_or_null(m->missed_due_ms), "why", text_or_null(m->missed_why));
}

static json_t *snapshot(const struct core *c, size_t i)
{
	const struct settings_snapshot *n = &c->settings->snapshot[i];
	const struct job *j = &c->job[i];
	const struct memory_job *m = j->memory;
	const struct task *t = core_task_of_snapshot(c, n->name);
	int64_t now = core_wall_ms();
	char asked[CORE_TEXT] = "";
	if (j->asked)
		snprintf(asked, sizeof asked, "%s-%llu", run_kind_name(RUN_BACKUP), (unsigned long long)j->asked);
	const struct jsonx_member member[] = {
		{ "name", jsonx_text(n->name) },
		{ "instance", jsonx_text(c->settings->instance[n->instance].name) },
		{ "store", jsonx_text(c->settings->store[n->store].name) },
		{ "schedule", text_or_null(n->schedule_text) },
		{ "proof_schedule", text_or_null(n->proof_text) },
		{ "timezone", text_or_null(n->zone_name) },
		{ "paused", json_boolean(m->paused || c->memory.paused) },
		{ "next", output_json_time_or_null(plan_next_ms(&n->rules, &m->backup, now)) },
		{ "next_proof", output_json_time_or_null(plan_next_ms(&n->proof_rules, &m->proof, now)) },
		{ "missed", json_integer((json_int_t)m->missed) },
		{ "last_missed", last_missed(m) },
		{ "failures", json_integer(m->backup.failures) },
		{ "waits_for", text_or_null(j->waits_for) },
		{ "running", text_or_null(t ? t->id : NULL) },
		{ "asked", text_or_null(asked) },
		{ "last", jsonx_or_null(m->last) },
		{ "last_success", jsonx_or_null(m->last_success) },
		{ "last_proof", jsonx_or_null(m->last_proof) },
		{ "newest_proven", newest_proven(c, n) },
	};
	return JSONX_MAKE(member);
}

/* ---- the rest ---- */

static json_t *repository(const struct listing *l)
{
	const struct jsonx_member member[] = {
		{ "store", jsonx_text(l->store) },
		{ "instance", jsonx_text(l->instance) },
		{ "listed", output_json_time_or_null(l->listed_ms) },
		{ "error", jsonx_or_null(l->error) },
		{ "snapshots", l->items ? json_incref(l->items) : json_array() },
	};
	return JSONX_MAKE(member);
}

static json_t *runs(const struct core *c)
{
	json_t *list = json_array();
	for (const struct task *t = c->tasks; t; t = t->next)
		if (t->kind != RUN_LIST)
			(void)json_array_append_new(list, task_json(t));
	(void)json_array_extend(list, c->memory.runs);
	return list;
}

json_t *view_make(struct core *c)
{
	json_t *instances = json_array(), *snapshots = json_array(), *repositories = json_array(), *counters = json_object();
	for (size_t i = 0; i < c->settings->ninstances; i++)
		(void)json_array_append_new(instances, instance(c, i));
	for (size_t i = 0; i < c->settings->nsnapshots; i++) {
		(void)json_array_append_new(snapshots, snapshot(c, i));
		(void)json_object_set_new(counters, c->settings->snapshot[i].name, memory_counters(c->job[i].memory));
	}
	for (size_t i = 0; i < c->nlistings; i++)
		(void)json_array_append_new(repositories, repository(&c->listing[i]));
	const struct jsonx_member member[] = {
		{ "agent", agent(c) },
		{ "instances", instances },
		{ "snapshots", snapshots },
		{ "repositories", repositories },
		{ "runs", runs(c) },
		{ "counters", counters },
	};
	return JSONX_MAKE(member);
}

void view_status(const struct core *c, char out[CORE_TEXT])
{
	const char *first = NULL, *running = NULL;
	int64_t soonest = 0, now = core_wall_ms();
	char when[UNITS_TEXT];
	const char *refused = c->config_error ? "; a changed configuration was refused" : "";
	for (size_t i = 0; i < c->settings->nsnapshots; i++) {
		int64_t next = plan_next_ms(&c->settings->snapshot[i].rules, &c->job[i].memory->backup, now);
		if (next && (!soonest || next < soonest)) {
			soonest = next;
			first = c->settings->snapshot[i].name;
		}
	}
	for (const struct task *t = c->tasks; t; t = t->next)
		if (t->kind != RUN_LIST)
			running = t->id;
	units_time(soonest, when);
	if (c->stopping)
		snprintf(out, CORE_TEXT, running ? "ending; waiting for %.60s" : "ending", running);
	else if (running)
		snprintf(out, CORE_TEXT, "running %.60s", running);
	else if (c->memory.paused)
		snprintf(out, CORE_TEXT, "paused");
	else if (soonest)
		snprintf(out, CORE_TEXT, "next is %.60s at %s UTC%s", first, when, refused);
	else
		snprintf(out, CORE_TEXT, "nothing is scheduled%s", refused);
}
