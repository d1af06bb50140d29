/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "catalog/id.h"
#include "catalog/remove.h"

enum { SWEEP_KEY_MAX = 1024 };

const int64_t catalog_sweep_age_ms = INT64_C(7) * 24 * 3600 * 1000;

/* A snapshot of which objects were seen. */
struct sweep_item {
	char *prefix;      /* "<key of the instance>/<id>/" */
	int64_t newest_ms; /* of its id and its objects */
	bool keep;         /* it has a manifest, or somebody wants it kept whatever it is: a pin */
};

struct sweep {
	struct sweep_item *item; /* in the order of their prefixes, which is that of the listing */
	size_t n, cap;
	int64_t before_ms;
	char published[SWEEP_KEY_MAX]; /* prefix of the last manifest */
	struct strlist proofs;         /* old ones of snapshots that are gone */
	struct error *err;
	enum status st;
};

static int64_t sweep_newest_ms(const char *id, const struct store_object *o)
{
	int64_t ms;
	if (!id_time_ms(id, &ms))
		return INT64_MAX;
	return ms > o->modified_ms ? ms : o->modified_ms;
}

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
	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 64;
		struct sweep_item *item = realloc(s->item, cap * sizeof *item);
		if (!item)
			return error_oom(s->err);
		s->item = item;
		s->cap = cap;
	}
	char *copy = strdup(prefix);
	if (!copy)
		return error_oom(s->err);
	s->item[s->n++] = (struct sweep_item){ .prefix = copy, .newest_ms = ms };
	return ST_OK;
}

/*
 * "<instance>/<id>/": from the key of an object, or of what stands beside its manifests (then *ret_tail is ".json" and so on, else NULL); false when it
 * is neither.
 */
static bool sweep_prefix(const char *key, char ret[SWEEP_KEY_MAX], const char **ret_id, const char **ret_tail)
{
	static const char manifests[] = "manifests/";
	const char *slash = strchr(key, '/');
	if (!slash || strlen(key) >= SWEEP_KEY_MAX)
		return false;
	const char *id = slash + 1;
	bool beside = strncmp(id, manifests, strlen(manifests)) == 0;
	if (beside)
		id += strlen(manifests);
	size_t len = strcspn(id, "/."), instance = (size_t)(slash + 1 - key);
	if (!id_valid(id, len) || id[len] != (beside ? '.' : '/'))
		return false;
	memcpy(ret, key, instance);
	memcpy(ret + instance, id, len);
	memcpy(ret + instance + len, "/", 2);
	*ret_id = id;
	*ret_tail = beside ? id + len : NULL;
	return true;
}

static enum status sweep_beside(struct sweep *s, const char *prefix, const char *id, const char *tail, const struct store_object *o)
{
	struct sweep_item *it = sweep_find(s, prefix);
	bool manifest = strcmp(tail, ".json") == 0;
	if (it && (manifest || strcmp(tail, ".pin") == 0))
		it->keep = true;
	if (manifest)
		memcpy(s->published, prefix, strlen(prefix) + 1);
	bool record = strcmp(tail, ".proof.json") == 0 || strcmp(tail, ".trial.json") == 0;
	bool orphan = record && strcmp(prefix, s->published) != 0;
	if (!orphan || sweep_newest_ms(id, o) >= s->before_ms)
		return ST_OK;
	return strlist_add(&s->proofs, o->key, s->err);
}

/* Ids begin with a digit: an instance's objects are listed before its manifests, and a manifest before its pin and its proofs. */
static bool sweep_one(void *arg, const struct store_object *o)
{
	struct sweep *s = arg;
	char prefix[SWEEP_KEY_MAX];
	const char *id, *tail;
	if (!sweep_prefix(o->key, prefix, &id, &tail))
		return true;
	struct sweep_item *it = tail ? NULL : sweep_find(s, prefix);
	if (tail)
		s->st = sweep_beside(s, prefix, id, tail, o);
	else if (!it)
		s->st = sweep_add(s, prefix, sweep_newest_ms(id, o));
	else if (o->modified_ms > it->newest_ms)
		it->newest_ms = o->modified_ms;
	return s->st == ST_OK;
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
	struct buf prefix = BUF_INIT(SWEEP_KEY_MAX);
	struct catalog_swept n = { 0 };
	if (instance) {
		catalog_instance_key(instance, &prefix);
		buf_addc(&prefix, '/');
	}
	enum status st = buf_check(&prefix, "the instance's name", err);
	if (!st)
		st = store->ops->list(store, buf_str(&prefix), sweep_one, &s, err);
	if (!st)
		st = s.st;
	if (!st)
		st = sweep_remove(&s, store, &n, err);
	for (size_t i = 0; i < s.n; i++)
		free(s.item[i].prefix);
	free(s.item);
	strlist_free(&s.proofs);
	buf_free(&prefix);
	if (!st)
		*ret = n;
	return st;
}
