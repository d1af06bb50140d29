/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/id.h"
#include "catalog/instance.h"
#include "catalog/remove.h"
#include "slackwater/array.h"

enum { SWEEP_KEY_MAX = 1024 };

const int64_t catalog_sweep_age_ms = INT64_C(7) * 24 * 3600 * 1000;

/* A snapshot that has objects. */
struct sweep_item {
	char *prefix;      /* "<key of the instance>/<id>/" */
	int64_t newest_ms; /* of its id, and of its objects once they were looked at */
	bool keep;         /* it has a manifest, or somebody wants it kept whatever it is: a pin */
};

struct sweep {
	struct sweep_item *item; /* in the order of their prefixes, which is that of the listing */
	size_t n, cap;
	int64_t before_ms;
	char published[SWEEP_KEY_MAX]; /* prefix of the last manifest */
	struct strlist proofs;         /* old ones of snapshots that are gone */
	struct sweep_item *aged;       /* whose objects are being looked at */
	struct error *err;
	enum status st;
};

static int sweep_order(const void *key, const void *item)
{
	return strcmp(key, ((const struct sweep_item *)item)->prefix);
}

static struct sweep_item *sweep_find(const struct sweep *s, const char *prefix)
{
	return s->n ? bsearch(prefix, s->item, s->n, sizeof *s->item, sweep_order) : NULL;
}

static enum status sweep_add(struct sweep *s, const char *prefix, int64_t ms)
{
	struct sweep_item *item = array_room(s->item, s->n, &s->cap, sizeof *item);
	if (!item)
		return error_oom(s->err);
	s->item = item;
	char *copy = strdup(prefix);
	if (!copy)
		return error_oom(s->err);
	s->item[s->n++] = (struct sweep_item){ .prefix = copy, .newest_ms = ms };
	return ST_OK;
}

static bool sweep_folder(void *arg, const char *folder)
{
	struct sweep *s = arg;
	const char *id = strchr(folder, '/') + 1;
	size_t len = strcspn(id, "/");
	int64_t ms;
	if (id_valid(id, len))
		s->st = sweep_add(s, folder, id_time_ms(id, &ms) ? ms : INT64_MAX);
	return s->st == ST_OK;
}

static void sweep_keep(struct sweep *s, const char *prefix)
{
	struct sweep_item *it = sweep_find(s, prefix);
	if (it)
		it->keep = true;
}

/* What is in "<instance>/manifests/": a manifest is listed before its pin and its proofs. */
static bool sweep_beside(void *arg, const struct store_object *o)
{
	static const char manifests[] = "manifests/";
	struct sweep *s = arg;
	const char *id = strchr(o->key, '/') + 1 + strlen(manifests), *tail = id + strcspn(id, ".");
	char prefix[SWEEP_KEY_MAX];
	int64_t ms;
	if (strlen(o->key) >= sizeof prefix || !id_valid(id, (size_t)(tail - id)))
		return true;
	int n = snprintf(prefix, sizeof prefix, "%.*s%.*s/", (int)(id - o->key - (ptrdiff_t)strlen(manifests)), o->key, (int)(tail - id), id);
	if (n < 0 || (size_t)n >= sizeof prefix)
		return true;
	if (strcmp(tail, ".json") == 0)
		memcpy(s->published, prefix, (size_t)n + 1);
	if (strcmp(tail, ".json") == 0 || strcmp(tail, ".pin") == 0)
		sweep_keep(s, prefix);
	bool record = strcmp(tail, ".proof.json") == 0 || strcmp(tail, ".trial.json") == 0;
	bool orphan = record && strcmp(prefix, s->published) != 0;
	if (orphan && o->modified_ms < s->before_ms && id_time_ms(id, &ms) && ms < s->before_ms)
		s->st = strlist_add(&s->proofs, o->key, s->err);
	return s->st == ST_OK;
}

static bool sweep_object(void *arg, const struct store_object *o)
{
	struct sweep *s = arg;
	if (o->modified_ms > s->aged->newest_ms)
		s->aged->newest_ms = o->modified_ms;
	return s->aged->newest_ms < s->before_ms;
}

/*
 * Which snapshots have objects, which of them a manifest, and how old are the objects of the others: in this order, so that one that is being written
 * is seen by its young objects although its manifest comes in between. Objects of whole snapshots are not listed.
 */
static enum status sweep_look(struct sweep *s, struct store *store, const char *folder, struct error *err)
{
	struct buf manifests = BUF_INIT(SWEEP_KEY_MAX);
	size_t first = s->n;
	buf_addf(&manifests, "%smanifests/", folder);
	enum status st = buf_check(&manifests, "a key", err);
	if (!st)
		st = store->ops->folders(store, folder, sweep_folder, s, err);
	if (!st && !(st = s->st))
		st = store->ops->list(store, manifests.data, sweep_beside, s, err);
	if (!st)
		st = s->st;
	for (size_t i = first; !st && i < s->n; i++) {
		s->aged = &s->item[i];
		if (!s->aged->keep && s->aged->newest_ms < s->before_ms)
			st = store->ops->list(store, s->aged->prefix, sweep_object, s, err);
	}
	buf_free(&manifests);
	return st;
}

static enum status sweep_remove(const struct sweep *s, struct store *store, struct catalog_swept *n, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < s->n; i++)
		if (!s->item[i].keep && s->item[i].newest_ms < s->before_ms)
			st = remove_objects(store, s->item[i].prefix, NULL, &n->removed, &n->held, err);
	for (size_t i = 0; !st && i < s->proofs.n; i++) {
		struct error mine = ERROR_INIT;
		st = store->ops->remove(store, s->proofs.item[i], &mine);
		n->removed += st == ST_OK;
		if (st && store_held(&mine)) {
			n->held++;
			st = ST_OK;
		} else if (st && err) {
			*err = mine;
		}
	}
	return st;
}

enum status catalog_sweep(struct store *store, const char *instance, int64_t age_ms, struct catalog_swept *ret, struct error *err)
{
	struct sweep s = { .err = err, .before_ms = run_wall_ms(store->run) - age_ms };
	struct strlist folders = { 0 };
	struct catalog_swept n = { 0 };
	enum status st = instance_folders(store, instance, &folders, err);
	for (size_t i = 0; !st && i < folders.n; i++)
		st = sweep_look(&s, store, folders.item[i], err);
	if (!st)
		st = sweep_remove(&s, store, &n, err);
	for (size_t i = 0; i < s.n; i++)
		free(s.item[i].prefix);
	free(s.item);
	strlist_free(&s.proofs);
	strlist_free(&folders);
	if (!st)
		*ret = n;
	return st;
}
