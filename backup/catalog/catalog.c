/* SPDX-License-Identifier: Apache-2.0 */
#include "slackwater/catalog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/id.h"
#include "catalog/instance.h"
#include "slackwater/array.h"

enum { CATALOG_KEY_MAX = 1024, CATALOG_MANIFEST_MAX = 64 << 20, CATALOG_NAMED_MAX = 10 };
static const char catalog_middle[] = "/manifests/";

void catalog_prefix(const struct manifest *m, struct buf *out)
{
	catalog_instance_key(m->instance, out);
	buf_addf(out, "/%s/", m->id);
}

/* Somebody has it already. A store whose answer got lost may have taken our own: then what is there is what we wrote. */
static enum status catalog_is_ours(struct store *s, const char *key, const struct buf *json, struct error *err)
{
	struct buf there = BUF_INIT(json->len);
	struct error ignored;
	bool same = store_get(s, key, &there, &ignored) == ST_OK && there.len == json->len &&
	            memcmp(there.data, json->data, json->len) == 0;
	buf_free(&there);
	return same ? ST_OK : error_prefix(err, "the snapshot cannot be published");
}

static enum status catalog_check_object(struct store *s, const struct buf *prefix, const struct stream_object *o, struct error *err)
{
	struct buf key = BUF_INIT(CATALOG_KEY_MAX);
	uint64_t size = 0;
	buf_addf(&key, "%s%s", buf_str(prefix), o->key);
	enum status st = buf_check(&key, "a key", err);
	if (!st)
		st = s->ops->stat(s, key.data, &size, err);
	if (!st && size != o->size)
		st = error_set(err, ST_FAILED, ERR_STORE, "%s has %llu bytes in the store, %llu were written", key.data,
		               (unsigned long long)size, (unsigned long long)o->size);
	buf_free(&key);
	return st ? error_prefix(err, "the snapshot cannot be published") : ST_OK;
}

enum status catalog_check_objects(struct store *s, const struct manifest *m, struct error *err)
{
	struct buf prefix = BUF_INIT(CATALOG_KEY_MAX);
	catalog_prefix(m, &prefix);
	enum status st = buf_check(&prefix, "the snapshot's prefix", err);
	for (size_t i = 0; !st && i < m->objects.n; i++)
		st = catalog_check_object(s, &prefix, &m->objects.item[i], err);
	/* Nobody asked for a snapshot that is missing: the store has lost what it had taken. */
	if (st && err && err->kind == ERR_SNAPSHOT)
		err->kind = ERR_STORE;
	buf_free(&prefix);
	return st;
}

/*
 * A put that failed may have been done all the same. Whoever gave up a snapshot removes its objects: not before the manifest that names them
 * has gone, and not at all when it is another's.
 */
static bool catalog_withdraw(struct store *s, const char *key, struct error *err)
{
	struct error why = ERROR_INIT;
	if (err->kind == ERR_STORE && err->sys_errno == EEXIST)
		return false;
	if (s->ops->remove(s, key, &why) == ST_OK)
		return true;
	error_hint(err, "%s may be there, and cannot be removed: if it is, see whether `slackwater verify` takes it for sound", key);
	return false;
}

enum status catalog_publish_text(struct store *s, const struct manifest *m, const struct buf *text, bool *ret_stay, struct error *err)
{
	struct buf key = BUF_INIT(CATALOG_KEY_MAX);
	struct error mine = ERROR_INIT;
	if (ret_stay)
		*ret_stay = false;
	enum status st = id_key(m->instance, m->id, ".json", &key, &mine);
	if (!st)
		st = catalog_check_objects(s, m, &mine);
	if (!st) {
		st = s->ops->put(s, key.data, text->data, text->len, true, &mine);
		if (st && mine.kind == ERR_STORE && mine.sys_errno == EEXIST)
			st = catalog_is_ours(s, key.data, text, &mine);
		if (ret_stay)
			*ret_stay = st && !catalog_withdraw(s, key.data, &mine);
	}
	if (st && err)
		*err = mine;
	buf_free(&key);
	return st;
}

enum status catalog_publish(struct store *s, const struct manifest *m, bool *ret_stay, struct error *err)
{
	struct buf json = BUF_INIT(CATALOG_MANIFEST_MAX);
	*ret_stay = false;
	enum status st = manifest_write(m, &json, err);
	if (!st)
		st = catalog_publish_text(s, m, &json, ret_stay, err);
	buf_free(&json);
	return st;
}

void catalog_free(struct catalog *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->item[i].instance);
	free(c->item);
	*c = (struct catalog){ 0 };
}

struct catalog_listing {
	struct catalog out;
	size_t cap;
	struct error *err;
	enum status st;
};

/* Keys come sorted: what stands beside a manifest (ID.pin, ID.proof.json, ID.trial.json) follows it. */
static void catalog_beside(struct catalog_listing *l, const char *name, const char *suffix)
{
	if (!l->out.n)
		return;
	struct catalog_item *last = &l->out.item[l->out.n - 1];
	if (strncmp(last->id, name, strlen(last->id)) != 0)
		return;
	last->pinned = last->pinned || strcmp(suffix, ".pin") == 0;
	last->proven = last->proven || strcmp(suffix, ".proof.json") == 0;
	last->tried = last->tried || strcmp(suffix, ".trial.json") == 0;
}

static enum status catalog_add(struct catalog_listing *l, const char *key, size_t instance_len, const char *id, uint64_t size)
{
	struct catalog_item it = { .size = size };
	struct buf name = BUF_INIT(CATALOG_KEY_MAX);
	struct catalog_item *item = array_room(l->out.item, l->out.n, &l->cap, sizeof *item);
	if (!item)
		return error_oom(l->err);
	l->out.item = item;
	instance_name(key, instance_len, &name);
	it.instance = buf_take(&name);
	buf_free(&name);
	if (!it.instance)
		return error_oom(l->err);
	memcpy(it.id, id, strcspn(id, "."));
	l->out.item[l->out.n++] = it;
	return ST_OK;
}

static bool catalog_one(void *arg, const struct store_object *o)
{
	struct catalog_listing *l = arg;
	const char *slash = strchr(o->key, '/');
	if (!slash || strncmp(slash, catalog_middle, strlen(catalog_middle)) != 0)
		return true;
	const char *name = slash + strlen(catalog_middle);
	size_t len = strcspn(name, ".");
	if (!id_valid(name, len))
		return true;
	if (strcmp(name + len, ".json") == 0)
		l->st = catalog_add(l, o->key, (size_t)(slash - o->key), name, o->size);
	else
		catalog_beside(l, name, name + len);
	return l->st == ST_OK;
}

static int catalog_order(const void *a, const void *b)
{
	const struct catalog_item *x = a, *y = b;
	int by_instance = strcmp(x->instance, y->instance);
	return by_instance ? by_instance : strcmp(x->id, y->id);
}

/* folder: the instance's key and a slash. */
static enum status catalog_list_one(struct store *s, const char *folder, struct catalog_listing *l, struct error *err)
{
	struct buf prefix = BUF_INIT(CATALOG_KEY_MAX);
	buf_addf(&prefix, "%smanifests/", folder);
	enum status st = buf_check(&prefix, "the instance's name", err);
	if (!st)
		st = s->ops->list(s, prefix.data, catalog_one, l, err);
	buf_free(&prefix);
	return st ? st : l->st;
}

static bool catalog_is_manifest(void *arg, const struct store_object *o)
{
	bool *found = arg;
	const char *name = o->key + strlen(catalog_middle) - 1;
	size_t len = strcspn(name, ".");
	*found = id_valid(name, len) && strcmp(name + len, ".json") == 0;
	return !*found;
}

/* "no snapshots" would be a fright for somebody who named the directory of an instance. */
static enum status catalog_not_below(struct store *s, const struct strlist *folders, struct error *err)
{
	bool found = false;
	for (size_t i = 0; i < folders->n; i++)
		if (strcmp(folders->item[i], catalog_middle + 1) == 0 && s->ops->list(s, folders->item[i], catalog_is_manifest, &found, err))
			return ST_FAILED;
	if (!found)
		return ST_OK;
	error_set(err, ST_FAILED, ERR_USAGE, "this is the directory of one instance, not a repository");
	error_hint(err, "the repository is the directory above it; --instance names the instance");
	return ST_FAILED;
}

/* Manifests only: whoever walked over everything would see each object of each snapshot. */
enum status catalog_list(struct store *s, const char *instance, struct catalog *ret, struct error *err)
{
	struct strlist folders = { 0 };
	struct catalog_listing l = { .err = err };
	enum status st = instance_folders(s, instance, &folders, err);
	for (size_t i = 0; !st && i < folders.n; i++)
		st = catalog_list_one(s, folders.item[i], &l, err);
	if (!st && !instance && !l.out.n)
		st = catalog_not_below(s, &folders, err);
	/* Keys sort otherwise than the names that they stand for: "a-b/" comes before "a/". */
	if (!st && l.out.n > 1)
		qsort(l.out.item, l.out.n, sizeof *l.out.item, catalog_order);
	if (st)
		catalog_free(&l.out);
	else
		*ret = l.out;
	strlist_free(&folders);
	return st;
}

static enum status catalog_several(const struct catalog *c, struct error *err)
{
	struct buf names = BUF_INIT(512);
	const char *last = NULL;
	size_t n = 0;
	for (size_t i = 0; i < c->n; i++) {
		if (last && strcmp(last, c->item[i].instance) == 0)
			continue;
		last = c->item[i].instance;
		if (n++ < CATALOG_NAMED_MAX && names.len + strlen(last) + 2 < names.max)
			buf_addf(&names, "%s%s", names.len ? ", " : "", last);
	}
	error_set(err, ST_FAILED, ERR_USAGE, "the repository holds %zu instances: %s%s", n, buf_str(&names),
	          n > CATALOG_NAMED_MAX ? ", ..." : "");
	error_hint(err, "name one with --instance");
	buf_free(&names);
	return ST_FAILED;
}

static enum status catalog_none(const struct catalog *c, const char *instance, const char *id, struct error *err)
{
	bool is_instance = false;
	for (size_t i = 0; id && i < c->n; i++)
		is_instance = is_instance || strcmp(c->item[i].instance, id) == 0;
	if (id)
		error_set(err, ST_FAILED, ERR_SNAPSHOT, "there is no snapshot %s%s%s", id, instance ? " of " : "", instance ? instance : "");
	else
		error_set(err, ST_FAILED, ERR_SNAPSHOT, "there is no snapshot%s%s", instance ? " of " : " in the repository",
		          instance ? instance : "");
	if (is_instance)
		error_hint(err, "%s is an instance: --instance %s", id, id);
	else
		error_hint(err, "`slackwater list` shows what there is");
	return ST_FAILED;
}

/* The item meant by instance and id, either of which may be NULL. */
static enum status catalog_choose(const struct catalog *c, const char *instance, const char *id, const struct catalog_item **ret,
                                  struct error *err)
{
	const struct catalog_item *found = NULL;
	bool several = false;
	for (size_t i = 0; i < c->n; i++) {
		const struct catalog_item *it = &c->item[i];
		if (id && strcmp(it->id, id) != 0)
			continue;
		several = several || (found && strcmp(found->instance, it->instance) != 0);
		if (!found || strcmp(it->id, found->id) > 0)
			found = it;
	}
	if (!found)
		return catalog_none(c, instance, id, err);
	if (several)
		return catalog_several(c, err);
	*ret = found;
	return ST_OK;
}

enum status catalog_load(struct store *s, const struct catalog_item *it, struct manifest **ret, struct buf *text, struct error *err)
{
	struct buf key = BUF_INIT(CATALOG_KEY_MAX), mine = BUF_INIT(CATALOG_MANIFEST_MAX);
	struct buf *json = text ? text : &mine;
	struct manifest *m = NULL;
	enum status st = id_key(it->instance, it->id, ".json", &key, err);
	if (!st)
		st = store_get(s, key.data, json, err);
	if (!st)
		st = manifest_read(buf_str(json), json->len, &m, err);
	/* A whole manifest under another's name would lead to another snapshot's data. */
	if (!st && (strcmp(m->id, it->id) != 0 || strcmp(m->instance, it->instance) != 0))
		st = error_set(err, ST_FAILED, ERR_SNAPSHOT, "it is the manifest of %s of %s", m->id, m->instance);
	if (st && err && err->kind == ERR_SNAPSHOT)
		error_prefix(err, "%s", buf_str(&key));
	buf_free(&key);
	buf_free(&mine);
	if (st)
		manifest_free(m);
	else
		*ret = m;
	return st;
}

enum status catalog_find(struct store *s, const char *instance, const char *id, struct manifest **ret, struct error *err)
{
	struct catalog c = { 0 };
	const struct catalog_item *it = NULL;
	if (id && strcmp(id, "latest") == 0)
		id = NULL;
	enum status st = catalog_list(s, instance, &c, err);
	if (!st)
		st = catalog_choose(&c, instance, id, &it, err);
	if (!st)
		st = catalog_load(s, it, ret, NULL, err);
	catalog_free(&c);
	return st;
}
