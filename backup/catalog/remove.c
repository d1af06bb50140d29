/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/remove.h"

#include <errno.h>
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

/* Is there an object of that name? */
static enum status remove_there(struct store *s, const char *key, bool *ret, struct error *err)
{
	struct error mine = ERROR_INIT;
	uint64_t size;
	enum status st = s->ops->stat(s, key, &size, &mine);
	*ret = st == ST_OK;
	if (st && mine.kind == ERR_SNAPSHOT && mine.sys_errno == ENOENT)
		return ST_OK;
	if (st && err)
		*err = mine;
	return st;
}

struct remove_names {
	struct buf manifest, pin, proof, trial, prefix;
};

static void remove_names_free(struct remove_names *n)
{
	buf_free(&n->manifest);
	buf_free(&n->pin);
	buf_free(&n->proof);
	buf_free(&n->trial);
	buf_free(&n->prefix);
}

static enum status remove_names(struct remove_names *n, const char *instance, const char *id, struct error *err)
{
	id_key(instance, id, ".json", &n->manifest);
	id_key(instance, id, ".pin", &n->pin);
	id_key(instance, id, ".proof.json", &n->proof);
	id_key(instance, id, ".trial.json", &n->trial);
	catalog_instance_key(instance, &n->prefix);
	buf_addf(&n->prefix, "/%s/", id);
	enum status st = buf_check(&n->manifest, "the manifest's key", err);
	if (!st)
		st = buf_check(&n->pin, "the pin's key", err);
	if (!st)
		st = buf_check(&n->proof, "the proof's key", err);
	if (!st)
		st = buf_check(&n->trial, "the trial's key", err);
	return st ? st : buf_check(&n->prefix, "the snapshot's prefix", err);
}

/* remove: of one object whose loss decides nothing. */
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
static enum status remove_manifest(struct store *s, const struct remove_names *n, const struct buf *text, enum remove_outcome *ret,
                                   struct error *err)
{
	bool pinned = false, held = false;
	enum status st = remove_there(s, n->pin.data, &pinned, err);
	if (!st && !pinned)
		st = remove_one(s, n->manifest.data, &held, err);
	*ret = pinned ? REMOVE_PINNED : held ? REMOVE_HELD : REMOVE_DONE;
	if (st || *ret != REMOVE_DONE)
		return st;
	st = remove_there(s, n->pin.data, &pinned, err);
	if (!st && !pinned)
		return ST_OK;
	/* Where it cannot be told it counts as pinned: what has no manifest would be swept. */
	enum status back = s->ops->put(s, n->manifest.data, text->data, text->len, false, st ? NULL : err);
	*ret = REMOVE_PINNED;
	return st ? st : back;
}

static enum status remove_rest(struct store *s, const struct remove_names *n, const struct manifest *m, unsigned *held, struct error *err)
{
	unsigned removed = 0;
	bool proof_held = false, trial_held = false;
	enum status st = remove_one(s, n->proof.data, &proof_held, err);
	enum status trial = remove_one(s, n->trial.data, &trial_held, st ? NULL : err);
	st = st ? st : trial;
	enum status objects = remove_objects(s, n->prefix.data, &m->objects, &removed, held, st ? NULL : err);
	*held += (unsigned)proof_held + (unsigned)trial_held;
	return st ? st : objects;
}

enum status remove_snapshot(struct store *s, const struct catalog_item *it, enum remove_outcome *ret, unsigned *held, struct error *err)
{
	struct remove_names n = {
		BUF_INIT(REMOVE_KEY_MAX), BUF_INIT(REMOVE_KEY_MAX), BUF_INIT(REMOVE_KEY_MAX), BUF_INIT(REMOVE_KEY_MAX),
		BUF_INIT(REMOVE_KEY_MAX),
	};
	struct buf text = BUF_INIT(REMOVE_MANIFEST_MAX);
	struct manifest *m = NULL;
	enum remove_outcome outcome = REMOVE_DONE;
	enum status st = remove_names(&n, it->instance, it->id, err);
	if (!st)
		st = catalog_load(s, it, &m, &text, err);
	if (!st)
		st = remove_manifest(s, &n, &text, &outcome, err);
	if (!st && outcome == REMOVE_DONE)
		st = remove_rest(s, &n, m, held, err);
	if (!st)
		*ret = outcome;
	manifest_free(m);
	buf_free(&text);
	remove_names_free(&n);
	return st;
}
