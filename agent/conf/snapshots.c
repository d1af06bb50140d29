/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshots.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../text.h"
#include "words.h"
#include "slackwater/hash.h"

struct job {
	struct section *from;
	struct settings_snapshot *to;
	struct settings *settings;
	struct mistakes *mistakes;
};

/* ---- what it is about ---- */

static const char *name_at(const struct settings *s, enum known_kind kind, size_t i)
{
	return kind == KNOWN_INSTANCE ? s->instance[i].name : s->store[i].name;
}

/* The one that is named, or the only one. */
static size_t find(const struct job *j, enum known_kind kind, const char *name)
{
	const struct settings *s = j->settings;
	const char *what = known_kind_name(kind);
	size_t n = kind == KNOWN_INSTANCE ? s->ninstances : s->nstores;
	const char *similar = NULL;
	char hint[200] = "";
	for (size_t i = 0; name && i < n; i++) {
		if (!strcmp(name_at(s, kind, i), name))
			return i;
		similar = text_nearer(name, name_at(s, kind, i), similar);
	}
	if (similar)
		snprintf(hint, sizeof hint, "did you mean %s?", similar);
	if (name)
		section_wrong(j->from, what, j->mistakes, hint, "there is no [%s %.64s]", what, name);
	else if (!n)
		section_wrong(j->from, what, j->mistakes, "", "there is no [%s NAME]", what);
	else if (n > 1 && !section_entry(j->from, what))
		section_wrong(j->from, what, j->mistakes, "", "there are several [%s NAME]: %s = NAME says which", what, what);
	return 0;
}

/* ---- when ---- */

static void read_schedule(const struct job *j, const char *key, const char *text, struct schedule *ret)
{
	struct error why = ERROR_INIT;
	if (!text)
		return;
	if (schedule_parse(text, ret, &why))
		section_mistake(j->from, key, j->mistakes, &why);
	else if (j->to->zone && schedule_next(ret, j->to->zone, 0) < 0)
		section_wrong(j->from, key, j->mistakes, "no month that is named has the day that is named", "%s \"%.60s\" is never due", key, text);
}

/* "04:30" in minutes; 24:00 is the day's end. */
static int read_hour(const struct job *j, const char *key, const char *text)
{
	if (!text)
		return PLAN_UNKNOWN;
	size_t colon = strcspn(text, ":");
	bool form = colon && colon <= 2 && strlen(text) == colon + 3;
	for (size_t i = 0; form && text[i]; i++)
		form = i == colon || isdigit((unsigned char)text[i]);
	int minute = form ? (int)(strtoul(text, NULL, 10) * 60 + strtoul(text + colon + 1, NULL, 10)) : -1;
	bool end_of_day = minute == 1440 && !strcmp(key, "not-after");
	if (!form || text[colon + 1] > '5' || (minute >= 1440 && !end_of_day)) {
		section_wrong(j->from, key, j->mistakes, "as in 22:30", "%s is a time of the day, not \"%.20s\"", key, text);
		return PLAN_UNKNOWN;
	}
	return minute;
}

static enum status load_zone(const struct job *j, struct error *err)
{
	struct error why = ERROR_INIT;
	j->to->zone_name = j->from->own.snapshot.timezone ? j->from->own.snapshot.timezone : "UTC";
	if (!zone_load(j->to->zone_name, &j->to->zone, &why))
		return ST_OK;
	if (why.kind != ERR_USAGE) {
		*err = why;
		return ST_FAILED;
	}
	section_mistake(j->from, "timezone", j->mistakes, &why);
	return ST_OK;
}

static void fill_rules(const struct job *j)
{
	const struct known_snapshot *k = &j->from->own.snapshot;
	struct settings_snapshot *to = j->to;
	read_schedule(j, "schedule", k->schedule, &to->schedule);
	read_schedule(j, "proof-schedule", k->proof_schedule, &to->proof);
	to->rules = (struct plan_rules){
		.schedule = k->schedule ? &to->schedule : NULL,
		.zone = to->zone,
		.jitter_ms = k->jitter_ms,
		.not_before = read_hour(j, "not-before", k->not_before),
		.not_after = read_hour(j, "not-after", k->not_after),
		.catch_up = k->catch_up,
		.retries = k->retries,
		.retry_ms = k->retry_ms,
		.retry_max_ms = k->retry_max_ms,
		.min_interval_ms = k->min_interval_ms,
		.max_lag_ms = k->max_lag_ms,
		.seed = hash_text(to->name),
	};
	/* A proof burdens no replica: it waits neither for hours nor for lag. */
	to->proof_rules = (struct plan_rules){
		.schedule = k->proof_schedule ? &to->proof : NULL,
		.zone = to->zone,
		.jitter_ms = k->jitter_ms,
		.not_before = PLAN_UNKNOWN,
		.not_after = PLAN_UNKNOWN,
		.catch_up = k->catch_up,
		.retries = k->retries,
		.retry_ms = k->retry_ms,
		.retry_max_ms = k->retry_max_ms,
		.seed = hash_text(to->name) + 1,
	};
	if (to->rules.not_before != PLAN_UNKNOWN && to->rules.not_before == to->rules.not_after)
		section_wrong(j->from, "not-after", j->mistakes, "", "not-before and not-after are the same: it could never start");
	if (k->retry_max_ms < k->retry_ms)
		section_wrong(j->from, section_entry(j->from, "retry-max-delay") ? "retry-max-delay" : "retry-delay", j->mistakes, "",
		              "retry-max-delay is less than retry-delay");
}

/* ---- hooks ---- */

static enum status read_hook(const struct job *j, const char *key, const struct strlist *lines, struct strlist *ret, struct error *err)
{
	for (size_t i = 0; i < lines->n; i++) {
		struct error why = ERROR_INIT;
		if (!words_split(lines->item[i], ret, &why))
			continue;
		if (why.kind != ERR_USAGE) {
			*err = why;
			return ST_FAILED;
		}
		section_mistake(j->from, key, j->mistakes, &why);
		return ST_OK;
	}
	if (ret->n && *ret->item[0] != '/')
		section_wrong(j->from, key, j->mistakes, "no PATH is searched, and no shell reads it", "%s: the program \"%.100s\" is no absolute path", key, ret->item[0]);
	return ST_OK;
}

static enum status fill_hooks(const struct job *j, struct error *err)
{
	struct known_snapshot *k = &j->from->own.snapshot;
	j->to->hook_ms = k->hook_ms;
	enum status st = read_hook(j, "run-before", &k->before, &j->to->before, err);
	if (!st)
		st = read_hook(j, "run-after", &k->after, &j->to->after, err);
	if (!st)
		st = read_hook(j, "run-on-failure", &k->failure, &j->to->failure, err);
	return st;
}

/* ---- one of them ---- */

/* How the store is written to is the store's, and an option of the backup. */
static const struct strlist *store_write_options(const struct sections *all, const char *store)
{
	static const struct strlist none;
	for (size_t i = 0; i < all->n; i++)
		if (all->item[i].kind == KNOWN_STORE_SECTION && store && !strcmp(all->item[i].lines->name, store))
			return &all->item[i].option[KNOWN_STORE_WRITE];
	return &none;
}

static enum status fill_options(const struct job *j, const struct sections *all, struct error *err)
{
	struct settings_snapshot *to = j->to;
	const char *store = to->store < j->settings->nstores ? j->settings->store[to->store].name : NULL;
	enum status st = strlist_add_all(&to->options, store_write_options(all, store), err);
	if (!st)
		st = strlist_add_all(&to->options, &j->from->option[KNOWN_BACKUP], err);
	if (!st)
		st = strlist_add_all(&to->retention, &j->from->option[KNOWN_EXPIRE], err);
	return st ? st : strlist_add_all(&to->proof_options, &j->from->option[KNOWN_PROOF], err);
}

static enum status fill_one(const struct job *j, const struct sections *all, struct error *err)
{
	const struct known_snapshot *k = &j->from->own.snapshot;
	enum known_for takes;
	j->to->name = j->from->lines->name;
	j->to->engine = known_find(KNOWN_SNAPSHOT, "engine", &takes)->choices[k->engine];
	j->to->schedule_text = k->schedule;
	j->to->proof_text = k->proof_schedule;
	enum status st = load_zone(j, err);
	if (st)
		return st;
	j->to->instance = find(j, KNOWN_INSTANCE, k->instance);
	j->to->store = find(j, KNOWN_STORE_SECTION, k->store);
	fill_rules(j);
	st = fill_options(j, all, err);
	if (!st)
		st = fill_hooks(j, err);
	return st;
}

static bool same_list(const struct strlist *a, const struct strlist *b)
{
	bool same = a->n == b->n;
	for (size_t i = 0; i < a->n && same; i++)
		same = strlist_has(b, a->item[i]);
	return same;
}

/* What is kept is counted over all snapshots of an instance in a store: two sets of rules would undo each other. */
static void check_retention(const struct job *j)
{
	const struct settings_snapshot *other = j->settings->snapshot;
	for (; other < j->to; other++)
		if (other->instance == j->to->instance && other->store == j->to->store && other->retention.n && j->to->retention.n &&
		    !same_list(&other->retention, &j->to->retention)) {
			section_wrong(j->from, "", j->mistakes, "let one of them have them, or use two stores",
			        "[snapshot %.64s] has keep- rules of its own for the same instance and store", other->name);
			return;
		}
}

enum status snapshots_fill(struct sections *all, struct settings *s, struct mistakes *m, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; i < all->n && !st; i++) {
		if (all->item[i].kind != KNOWN_SNAPSHOT)
			continue;
		struct job j = { &all->item[i], &s->snapshot[s->nsnapshots++], s, m };
		st = fill_one(&j, all, err);
		if (!st)
			check_retention(&j);
	}
	return st;
}
