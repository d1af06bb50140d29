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

static void add(json_t *doc, const char *name, json_t *value)
{
	(void)json_object_set_new(doc, name, value);
}

/* Half a document would be taken for a whole one. */
static json_t *whole(json_t *doc, size_t members)
{
	if (json_object_size(doc) == members)
		return doc;
	json_decref(doc);
	return NULL;
}

static json_t *time_or_null(int64_t ms)
{
	return ms > 0 ? output_json_time(ms) : json_null();
}

static json_t *known_or_null(int64_t n)
{
	return n == PLAN_UNKNOWN ? json_null() : json_integer(n);
}

static json_t *text_or_null(const char *text)
{
	return text && *text ? jsonx_text(text) : json_null();
}

static json_t *shared_or_null(json_t *v)
{
	return v ? json_incref(v) : json_null();
}

static json_t *error_or_null(const struct error *e)
{
	return e->kind == ERR_NONE ? json_null() : outcome_error(exitcode_find(e->kind)->name, exitcode_of(e->kind, 0), e->message, e->hint);
}

static bool ready(const struct core *c)
{
	bool all = !c->stopping && c->observers;
	for (size_t i = 0; all && i < observers_count(c->observers); i++)
		all = observers_looked(c->observers, i);
	return all;
}

static json_t *agent(const struct core *c)
{
	json_t *doc = json_object();
	add(doc, "version", json_string(SLACKWATER_VERSION));
	add(doc, "pid", json_integer(getpid()));
	add(doc, "now", output_json_time(core_wall_ms()));
	add(doc, "started", time_or_null(c->started_ms));
	add(doc, "config", json_pack("{so so so}", "file", jsonx_text(c->config_file), "loaded", time_or_null(c->loaded_ms), "error",
	                             text_or_null(c->config_error)));
	add(doc, "paused", json_boolean(c->memory.paused));
	add(doc, "ready", json_boolean(ready(c)));
	add(doc, "stopping", json_boolean(c->stopping));
	add(doc, "proof_age_ms", c->settings->agent.proof_age_ms ? json_integer(c->settings->agent.proof_age_ms) : json_null());
	add(doc, "list_ms", json_integer(c->settings->agent.list_ms));
	return whole(doc, 10);
}

/* ---- instances ---- */

static json_t *instance(const struct core *c, size_t i)
{
	const char *name = c->settings->instance[i].name;
	const struct task *t = core_task_of_instance(c, name);
	struct observers_seen s = { .applier = "unknown", .lag_ms = PLAN_UNKNOWN, .gap_transactions = PLAN_UNKNOWN, .behind_transactions = PLAN_UNKNOWN };
	struct error ignored;
	if (c->observers && i < observers_count(c->observers) && observers_get(c->observers, i, &s, &ignored))
		return NULL;
	json_t *doc = json_object();
	add(doc, "name", jsonx_text(name));
	add(doc, "endpoint", text_or_null(s.endpoint));
	add(doc, "reachable", json_boolean(s.looked_ms && s.error.kind == ERR_NONE));
	add(doc, "looked", time_or_null(s.looked_ms));
	add(doc, "took_ms", s.observation ? json_integer(s.took_ms) : json_null());
	add(doc, "error", error_or_null(&s.error));
	add(doc, "busy", text_or_null(t ? t->id : NULL));
	add(doc, "applier", json_string(s.applier));
	add(doc, "lag_ms", known_or_null(s.lag_ms));
	add(doc, "gap_transactions", known_or_null(s.gap_transactions));
	add(doc, "behind_transactions", known_or_null(s.behind_transactions));
	add(doc, "observation", shared_or_null(s.observation));
	add(doc, "journal", s.looked_ms ? json_boolean(s.journal) : json_null());
	observers_seen_free(&s);
	return whole(doc, 13);
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
				return shared_or_null(json_object_get(item, "time"));
	return json_null();
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
	json_t *doc = json_object();
	add(doc, "name", jsonx_text(n->name));
	add(doc, "instance", jsonx_text(c->settings->instance[n->instance].name));
	add(doc, "store", jsonx_text(c->settings->store[n->store].name));
	add(doc, "schedule", text_or_null(n->schedule_text));
	add(doc, "proof_schedule", text_or_null(n->proof_text));
	add(doc, "timezone", text_or_null(n->zone_name));
	add(doc, "paused", json_boolean(m->paused || c->memory.paused));
	add(doc, "next", time_or_null(plan_next_ms(&n->rules, &m->backup, now)));
	add(doc, "next_proof", time_or_null(plan_next_ms(&n->proof_rules, &m->proof, now)));
	add(doc, "missed", json_integer((json_int_t)m->missed));
	add(doc, "last_missed", m->missed_due_ms ? json_pack("{so so}", "due", time_or_null(m->missed_due_ms), "why", text_or_null(m->missed_why))
	                                         : json_null());
	add(doc, "failures", json_integer(m->backup.failures));
	add(doc, "waits_for", text_or_null(j->waits_for));
	add(doc, "running", text_or_null(t ? t->id : NULL));
	add(doc, "asked", text_or_null(asked));
	add(doc, "last", shared_or_null(m->last));
	add(doc, "last_success", shared_or_null(m->last_success));
	add(doc, "last_proof", shared_or_null(m->last_proof));
	add(doc, "newest_proven", newest_proven(c, n));
	return whole(doc, 19);
}

/* ---- the rest ---- */

static json_t *repository(const struct listing *l)
{
	return json_pack("{so so so so so}", "store", jsonx_text(l->store), "instance", jsonx_text(l->instance), "listed", time_or_null(l->listed_ms),
	                 "error", shared_or_null(l->error), "snapshots", l->items ? json_incref(l->items) : json_array());
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
	json_t *doc = json_object(), *instances = json_array(), *snapshots = json_array(), *repositories = json_array(), *counters = json_object();
	for (size_t i = 0; i < c->settings->ninstances; i++)
		(void)json_array_append_new(instances, instance(c, i));
	for (size_t i = 0; i < c->settings->nsnapshots; i++) {
		(void)json_array_append_new(snapshots, snapshot(c, i));
		add(counters, c->settings->snapshot[i].name, memory_counters(c->job[i].memory));
	}
	for (size_t i = 0; i < c->nlistings; i++)
		(void)json_array_append_new(repositories, repository(&c->listing[i]));
	add(doc, "agent", agent(c));
	add(doc, "instances", instances);
	add(doc, "snapshots", snapshots);
	add(doc, "repositories", repositories);
	add(doc, "runs", runs(c));
	add(doc, "counters", counters);
	return whole(doc, 6);
}

void view_status(const struct core *c, char out[CORE_TEXT])
{
	const char *first = NULL, *running = NULL;
	int64_t soonest = 0, now = core_wall_ms();
	char when[UNITS_TEXT];
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
		snprintf(out, CORE_TEXT, "next is %.60s at %s UTC", first, when);
	else
		snprintf(out, CORE_TEXT, "nothing is scheduled");
}
