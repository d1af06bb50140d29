/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "catalog/id.h"
#include "slackwater/catalog.h"

enum { SWEEP_KEY_MAX = 1024 };

/* A snapshot of which objects were seen. */
struct sweep_item {
	char *prefix;      /* "<key of the instance>/<id>/" */
	int64_t newest_ms; /* of its id and its objects */
	bool published;
};

struct sweep {
	struct sweep_item *item; /* in the order of their prefixes, which is that of the listing */
	size_t n, cap;
	struct error *err;
	enum status st;
};

static int64_t sweep_id_ms(const char *id)
{
	struct tm tm = { 0 };
	return strptime(id, "%Y%m%dT%H%M%SZ", &tm) ? (int64_t)timegm(&tm) * 1000 : INT64_MAX;
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

/* "<instance>/<id>/": from a key of the one or the other kind; false when it is neither. */
static bool sweep_prefix(const char *key, char ret[SWEEP_KEY_MAX], const char **ret_id, bool *ret_manifest)
{
	static const char manifests[] = "manifests/";
	const char *slash = strchr(key, '/');
	if (!slash || strlen(key) >= SWEEP_KEY_MAX)
		return false;
	const char *id = slash + 1;
	*ret_manifest = strncmp(id, manifests, strlen(manifests)) == 0;
	if (*ret_manifest)
		id += strlen(manifests);
	size_t len = strcspn(id, "/."), instance = (size_t)(slash + 1 - key);
	if (!id_valid(id, len) || (*ret_manifest ? strcmp(id + len, ".json") != 0 : id[len] != '/'))
		return false;
	memcpy(ret, key, instance);
	memcpy(ret + instance, id, len);
	memcpy(ret + instance + len, "/", 2);
	*ret_id = id;
	return true;
}

/* Ids begin with a digit: an instance's objects are listed before its manifests. */
static bool sweep_one(void *arg, const struct store_object *o)
{
	struct sweep *s = arg;
	char prefix[SWEEP_KEY_MAX];
	const char *id;
	bool manifest;
	if (!sweep_prefix(o->key, prefix, &id, &manifest))
		return true;
	struct sweep_item *it = sweep_find(s, prefix);
	if (it && manifest)
		it->published = true;
	else if (it && o->modified_ms > it->newest_ms)
		it->newest_ms = o->modified_ms;
	else if (!it && !manifest)
		s->st = sweep_add(s, prefix, sweep_id_ms(id) > o->modified_ms ? sweep_id_ms(id) : o->modified_ms);
	return s->st == ST_OK;
}

struct sweep_keys {
	struct strlist list;
	struct error *err;
	enum status st;
};

static bool sweep_collect(void *arg, const struct store_object *o)
{
	struct sweep_keys *k = arg;
	k->st = strlist_add(&k->list, o->key, k->err);
	return k->st == ST_OK;
}

static enum status sweep_remove(struct store *store, const char *prefix, unsigned *removed, struct error *err)
{
	struct sweep_keys keys = { .err = err };
	enum status st = store->ops->list(store, prefix, sweep_collect, &keys, err);
	if (!st)
		st = keys.st;
	for (size_t i = 0; !st && i < keys.list.n; i++) {
		st = store->ops->remove(store, keys.list.item[i], err);
		*removed += st == ST_OK;
	}
	strlist_free(&keys.list);
	return st;
}

enum status catalog_sweep(struct store *store, const char *instance, int64_t age_ms, unsigned *ret_removed, struct error *err)
{
	struct sweep s = { .err = err };
	struct buf prefix = BUF_INIT(SWEEP_KEY_MAX);
	int64_t before = run_wall_ms(store->run) - age_ms;
	unsigned removed = 0;
	if (instance) {
		catalog_instance_key(instance, &prefix);
		buf_addc(&prefix, '/');
	}
	enum status st = buf_check(&prefix, "the instance's name", err);
	if (!st)
		st = store->ops->list(store, buf_str(&prefix), sweep_one, &s, err);
	if (!st)
		st = s.st;
	for (size_t i = 0; !st && i < s.n; i++)
		if (!s.item[i].published && s.item[i].newest_ms < before)
			st = sweep_remove(store, s.item[i].prefix, &removed, err);
	for (size_t i = 0; i < s.n; i++)
		free(s.item[i].prefix);
	free(s.item);
	buf_free(&prefix);
	if (!st)
		*ret_removed = removed;
	return st;
}
