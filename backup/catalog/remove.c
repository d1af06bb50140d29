/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/remove.h"

#include <string.h>

#include "catalog/id.h"
#include "stream/names.h"
#include "stream/objects.h"

enum { REMOVE_KEY_MAX = 1024, REMOVE_MANIFEST_MAX = 64 << 20 };

struct remove_keys {
	struct strlist list;
	size_t prefix;
	const struct stream_objects *named;
	struct error *err;
	enum status st;
};

/* What somebody else has put there has a name that no snapshot's object has, or lies deeper. */
static bool remove_collect(void *arg, const struct store_object *o)
{
	struct remove_keys *k = arg;
	const char *name = o->key + k->prefix;
	if (names_object(name, NULL) != NAMES_OTHER || (k->named && objects_find(k->named, name)))
		k->st = strlist_add(&k->list, o->key, k->err);
	return k->st == ST_OK;
}

enum status remove_objects(struct store *s, const char *prefix, const struct stream_objects *named, unsigned *removed, unsigned *held,
                           struct error *err)
{
	struct remove_keys keys = { .prefix = strlen(prefix), .named = named, .err = err };
	enum status st = s->ops->list(s, prefix, remove_collect, &keys, err);
	if (!st)
		st = keys.st;
	enum status first = st;
	for (size_t i = 0; !st && i < keys.list.n; i++) {
		struct error mine = ERROR_INIT;
		enum status one = s->ops->remove(s, keys.list.item[i], &mine);
		if (one && store_held(&mine)) {
			++*held;
			event_warning(s->run->events, "expire", "%s", mine.message);
		} else if (one && !first) {
			first = one;
			if (err)
				*err = mine;
		}
		*removed += one == ST_OK;
	}
	strlist_free(&keys.list);
	return first;
}

/* One object whose loss decides nothing. */
static enum status remove_one(struct store *s, const char *key, bool *ret_held, struct error *err)
{
	struct error mine = ERROR_INIT;
	enum status st = s->ops->remove(s, key, &mine);
	*ret_held = st && store_held(&mine);
	if (st && !*ret_held && err)
		*err = mine;
	return *ret_held ? ST_OK : st;
}

/*
 * Whoever pins puts the pin and then sees whether the manifest is still there; we remove the manifest and then see whether there is a pin. So one
 * of the two sees the other: either the pin is refused, or the manifest comes back.
 */
static enum status remove_manifest(struct store *s, const struct catalog_item *it, const struct buf *text, enum remove_outcome *ret,
                                   struct error *err)
{
	struct buf key = BUF_INIT(REMOVE_KEY_MAX);
	bool pinned = false, held = false;
	enum status st = id_key(it->instance, it->id, ".json", &key, err);
	if (!st)
		st = id_there(s, it->instance, it->id, ".pin", &pinned, err);
	if (!st && !pinned)
		st = remove_one(s, key.data, &held, err);
	*ret = pinned ? REMOVE_PINNED : held ? REMOVE_HELD : REMOVE_DONE;
	if (!st && *ret == REMOVE_DONE) {
		st = id_there(s, it->instance, it->id, ".pin", &pinned, err);
		/* Where it cannot be told it counts as pinned: what has no manifest would be swept. */
		enum status back = st || pinned ? s->ops->put(s, key.data, text->data, text->len, false, st ? NULL : err) : ST_OK;
		*ret = st || pinned ? REMOVE_PINNED : REMOVE_DONE;
		st = st ? st : back;
	}
	buf_free(&key);
	return st;
}

/* All of it is tried before a failure is returned. */
static enum status remove_rest(struct store *s, const struct catalog_item *it, const struct manifest *m, unsigned *held, struct error *err)
{
	static const char *const record[] = { ".proof.json", ".trial.json" };
	struct buf key = BUF_INIT(REMOVE_KEY_MAX);
	unsigned removed = 0;
	enum status first = ST_OK, st;
	for (size_t i = 0; i < sizeof record / sizeof record[0]; i++) {
		bool one_held = false;
		st = id_key(it->instance, it->id, record[i], &key, first ? NULL : err);
		if (!st)
			st = remove_one(s, key.data, &one_held, first ? NULL : err);
		*held += one_held;
		first = first ? first : st;
	}
	buf_clear(&key);
	catalog_prefix(m, &key);
	st = buf_check(&key, "the snapshot's prefix", first ? NULL : err);
	if (!st)
		st = remove_objects(s, key.data, &m->objects, &removed, held, first ? NULL : err);
	buf_free(&key);
	return first ? first : st;
}

enum status remove_snapshot(struct store *s, const struct catalog_item *it, enum remove_outcome *ret, unsigned *held, struct error *err)
{
	struct buf text = BUF_INIT(REMOVE_MANIFEST_MAX);
	struct manifest *m = NULL;
	enum remove_outcome outcome = REMOVE_DONE;
	enum status st = catalog_load(s, it, &m, &text, err);
	if (!st)
		st = remove_manifest(s, it, &text, &outcome, err);
	if (!st && outcome == REMOVE_DONE)
		st = remove_rest(s, it, m, held, err);
	if (!st)
		*ret = outcome;
	manifest_free(m);
	buf_free(&text);
	return st;
}
