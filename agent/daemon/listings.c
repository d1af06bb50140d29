/* SPDX-License-Identifier: Apache-2.0 */
#include "listings.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "slackwater/jsonx.h"

static struct listing *find(struct listing *l, size_t n, const char *store, const char *instance)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(l[i].store, store) && !strcmp(l[i].instance, instance))
			return &l[i];
	return NULL;
}

const struct listing *listings_find(const struct core *c, const char *store, const char *instance)
{
	return find(c->listing, c->nlistings, store, instance);
}

static void free_all(struct listing *l, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(l[i].store);
		free(l[i].instance);
		json_decref(l[i].items);
		json_decref(l[i].error);
	}
	free(l);
}

void listings_free(struct core *c)
{
	free_all(c->listing, c->nlistings);
	c->listing = NULL;
	c->nlistings = 0;
}

enum status listings_build(struct core *c, struct error *err)
{
	const struct settings *s = c->settings;
	struct listing *list = calloc(s->nsnapshots + 1, sizeof *list);
	size_t n = 0;
	enum status st = list ? ST_OK : error_oom(err);
	for (size_t i = 0; !st && i < s->nsnapshots; i++) {
		const char *store = s->store[s->snapshot[i].store].name, *instance = s->instance[s->snapshot[i].instance].name;
		if (find(list, n, store, instance))
			continue;
		struct listing *l = &list[n++];
		*l = (struct listing){ .at = i, .store = strdup(store), .instance = strdup(instance), .wanted = true };
		if (!l->store || !l->instance)
			st = error_oom(err);
	}
	if (st) {
		free_all(list, n);
		return st;
	}
	for (size_t i = 0; i < n; i++) {
		const struct listing *old = find(c->listing, c->nlistings, list[i].store, list[i].instance);
		if (!old)
			continue;
		list[i].items = json_incref(old->items);
		list[i].error = json_incref(old->error);
		list[i].listed_ms = old->listed_ms;
	}
	listings_free(c);
	c->listing = list;
	c->nlistings = n;
	return ST_OK;
}

void listings_want(struct core *c, const char *store, const char *instance)
{
	struct listing *l = find(c->listing, c->nlistings, store, instance);
	if (l)
		l->wanted = true;
}

static bool under_way(const struct core *c, const struct listing *l)
{
	for (const struct task *t = c->tasks; t; t = t->next)
		if (t->kind == RUN_LIST && !strcmp(t->store, l->store) && !strcmp(t->instance, l->instance))
			return true;
	return false;
}

static void start(struct core *c, struct listing *l)
{
	struct task *t = NULL;
	struct error err = ERROR_INIT;
	l->wanted = false;
	l->next_ms = core_now_ms() + c->settings->agent.list_ms;
	/* its number is of no use to anybody: it is in no history */
	if (task_new(c->settings, l->at, RUN_LIST, 0, core_wall_ms(), &c->app->sink, &t, &err)) {
		core_say(c, LOG_LEVEL_ERROR, NULL, "repository %s cannot be listed: %s", l->store, err.message);
		return;
	}
	core_begin(c, t);
}

void listings_start(struct core *c)
{
	for (size_t i = 0; i < c->nlistings; i++) {
		struct listing *l = &c->listing[i];
		if ((l->wanted || core_now_ms() >= l->next_ms) && !under_way(c, l))
			start(c, l);
	}
}

int64_t listings_wait_ms(const struct core *c)
{
	int64_t wait = -1, now = core_now_ms();
	for (size_t i = 0; !c->stopping && i < c->nlistings; i++) {
		int64_t left = c->listing[i].wanted || c->listing[i].next_ms <= now ? 0 : c->listing[i].next_ms - now;
		if (!under_way(c, &c->listing[i]) && (wait < 0 || left < wait))
			wait = left;
	}
	return wait;
}

/* ---- what it has found ---- */

static json_t *duration(const json_t *manifest)
{
	const json_t *from = json_object_get(manifest, "started_ms"), *to = json_object_get(manifest, "finished_ms");
	return json_is_integer(from) && json_is_integer(to) ? json_integer(json_integer_value(to) - json_integer_value(from)) : json_null();
}

static json_t *given(const json_t *doc, const char *name)
{
	return jsonx_or_null(json_object_get(doc, name));
}

/* When it was proven; true for a proof that somebody made by hand, of which nothing else is known. */
static json_t *proven(const json_t *item)
{
	json_t *at = json_object_get(json_object_get(item, "proof"), "at");
	return json_is_string(at) ? json_incref(at) : json_is_true(json_object_get(item, "proven")) ? json_true() : json_null();
}

static json_t *one(const json_t *item)
{
	const json_t *m = json_object_get(item, "manifest");
	return json_pack("{so so so so so so sb so so so so}", "id", given(item, "id"), "time", given(m, "started"), "bytes", given(m, "bytes_stored"),
	                 "data_bytes", given(m, "bytes"), "pause_ms", given(m, "pause_ms"), "duration_ms", duration(m), "encrypted",
	                 json_array_size(json_object_get(m, "encrypted_for")) > 0, "partial", given(m, "partial"), "damaged", given(item, "damaged"),
	                 "pinned", given(item, "pinned"), "proven", proven(item));
}

/* Newest first, as the view has it; the listing is oldest first. */
static json_t *items(const json_t *doc)
{
	json_t *list = json_array(), *from = json_object_get(doc, "snapshots");
	for (size_t i = json_array_size(from); i-- > 0;)
		(void)json_array_append_new(list, one(json_array_get(from, i)));
	return list;
}

static void take_error(struct core *c, struct listing *l, const struct task *t)
{
	if (t->error && (!l->error || !json_equal(t->error, l->error)))
		core_say(c, LOG_LEVEL_WARNING, NULL, "repository %s, instance %s: %s", l->store, l->instance, jsonx_str_or(t->error, "message", "?"));
	json_decref(l->error);
	l->error = json_incref(t->error);
}

void listings_stuck(struct core *c, const struct task *t)
{
	struct listing *l = t->kind == RUN_LIST && t->error ? find(c->listing, c->nlistings, t->store, t->instance) : NULL;
	if (!l || (l->error && json_equal(l->error, t->error)))
		return;
	take_error(c, l, t);
	c->changed = true;
}

void listings_ended(struct core *c, struct task *t)
{
	struct listing *l = find(c->listing, c->nlistings, t->store, t->instance);
	bool whole = json_is_array(json_object_get(t->doc, "snapshots"));
	if (!l || t->state == TASK_CANCELLED)
		return;
	take_error(c, l, t);
	/* some manifests are damaged: the others are listed all the same */
	if (whole) {
		json_decref(l->items);
		l->items = items(t->doc);
		l->listed_ms = t->ended_ms;
	}
	json_decref(t->doc);
	t->doc = NULL;
	malloc_trim(0);
}
