/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/index_read.h"

#include <stdlib.h>
#include <string.h>

#include "slackwater/array.h"
#include "slackwater/jsonx.h"
#include "stream/names.h"
#include "stream/object_read.h"
#include "stream/objects.h"

enum { INDEX_KEY_MAX = 1024 };

void stream_index_free(struct stream_index *ix)
{
	for (size_t i = 0; i < ix->n; i++)
		free(ix->item[i].name);
	free(ix->item);
	free(ix->by_name);
	*ix = (struct stream_index){ 0 };
}

enum status index_read_grow(struct stream_index *ix, struct error *err)
{
	struct stream_index_entry *item = array_room(ix->item, ix->n, &ix->cap, sizeof *item);
	if (!item)
		return error_oom(err);
	ix->item = item;
	return ST_OK;
}

static enum status index_read_entry(const json_t *doc, unsigned shard, struct stream_index *ret, struct error *err)
{
	struct stream_index_entry e = { .shard = shard };
	const char *name = NULL, *sha256 = NULL;
	enum status st = jsonx_str(doc, "name", &name, err);
	if (!st)
		st = jsonx_u64(doc, "offset", &e.offset, err);
	if (!st)
		st = jsonx_u64(doc, "size", &e.size, err);
	if (!st)
		st = jsonx_u64(doc, "raw_bytes", &e.raw_bytes, err);
	if (!st)
		st = jsonx_u64(doc, "rows", &e.rows, err);
	if (!st)
		st = jsonx_str(doc, "sha256", &sha256, err);
	if (st)
		return st;
	if (!names_entry_valid(name) || names_entry_reserved(name))
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "\"%.300s\" cannot be the name of an entry", name);
	if (!names_sha256_valid(sha256))
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "the digest of %s is not one", name);
	memcpy(e.sha256, sha256, sizeof e.sha256);
	st = index_read_grow(ret, err);
	if (!st && !(e.name = strdup(name)))
		st = error_oom(err);
	if (!st)
		ret->item[ret->n++] = e;
	return st;
}

static enum status index_read_document(const json_t *doc, struct stream_index *ret, struct error *err)
{
	uint64_t format = 0;
	const char *shard = NULL;
	json_t *entries = NULL;
	unsigned number = 0;
	enum status st = jsonx_u64(doc, "format", &format, err);
	if (!st && format != 1)
		st = error_set(err, ST_FAILED, ERR_SNAPSHOT, "format %llu is not known to this version", (unsigned long long)format);
	if (!st)
		st = jsonx_str(doc, "shard", &shard, err);
	if (!st && (names_object(shard, &number) != NAMES_SHARD || names_sealed(shard)))
		st = error_set(err, ST_FAILED, ERR_SNAPSHOT, "\"%.60s\" is not the name of a shard", shard);
	if (!st)
		st = jsonx_array(doc, "entries", &entries, err);
	for (size_t i = 0; !st && i < json_array_size(entries); i++)
		st = index_read_entry(json_array_get(entries, i), number, ret, err);
	return st;
}

enum status index_read_part(const char *text, size_t len, const char *what, struct stream_index *ret, struct error *err)
{
	json_t *doc = NULL;
	enum status st = jsonx_parse(text, len, what, &doc, err);
	if (st)
		return st;
	st = index_read_document(doc, ret, err);
	if (st)
		error_prefix(err, "%s", what);
	json_decref(doc);
	return st;
}

static enum status index_read_object(struct store *store, const char *prefix, const struct stream_object *o,
                                     struct age_keyring *keyring, struct stream_index *ret, struct error *err)
{
	struct buf key = BUF_INIT(INDEX_KEY_MAX), text = BUF_INIT(INDEX_READ_MAX);
	buf_addf(&key, "%s%s", prefix, o->key);
	enum status st = buf_check(&key, "a key", err);
	if (!st)
		st = object_read_text(store, prefix, o, keyring, &text, err);
	if (!st)
		st = index_read_part(buf_str(&text), text.len, key.data, ret, err);
	buf_free(&text);
	buf_free(&key);
	return st;
}

static int index_order_place(const void *a, const void *b)
{
	const struct stream_index_entry *x = a, *y = b;
	if (x->shard != y->shard)
		return x->shard < y->shard ? -1 : 1;
	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return x->size < y->size ? -1 : x->size > y->size;
}

static int index_order_name(const void *a, const void *b)
{
	return strcmp((*(struct stream_index_entry *const *)a)->name, (*(struct stream_index_entry *const *)b)->name);
}

/* Every entry lies inside a shard that exists, and none inside another. An encrypted shard is larger than what is in it: its reader sees to the rest. */
static enum status index_check_places(const struct stream_index *ix, const struct stream_objects *objects, struct error *err)
{
	const struct stream_object *shard = NULL;
	for (size_t i = 0; i < ix->n; i++) {
		const struct stream_index_entry *e = &ix->item[i], *before = i && e[-1].shard == e->shard ? e - 1 : NULL;
		char key[64];
		names_shard(e->shard, key);
		if (!before)
			shard = objects_find_shard(objects, e->shard);
		if (!shard)
			return error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s is indexed, but its shard %s is not in the manifest", e->name, key);
		if (e->offset > shard->size || e->size > shard->size - e->offset)
			return error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s is indexed beyond the end of %s", e->name, key);
		if (before && before->offset + before->size > e->offset)
			return error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s and %s overlap in %s", before->name, e->name, key);
	}
	return ST_OK;
}

static enum status index_sort(struct stream_index *ix, struct error *err)
{
	if (!ix->n)
		return ST_OK;
	qsort(ix->item, ix->n, sizeof *ix->item, index_order_place);
	ix->by_name = calloc(ix->n, sizeof *ix->by_name);
	if (!ix->by_name)
		return error_oom(err);
	for (size_t i = 0; i < ix->n; i++)
		ix->by_name[i] = &ix->item[i];
	qsort(ix->by_name, ix->n, sizeof *ix->by_name, index_order_name);
	for (size_t i = 1; i < ix->n; i++)
		if (strcmp(ix->by_name[i - 1]->name, ix->by_name[i]->name) == 0)
			return error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s is indexed twice", ix->by_name[i]->name);
	return ST_OK;
}

enum status stream_index_read(struct store *store, const char *prefix, const struct stream_objects *objects,
                              struct stream_index *ret, struct error *err)
{
	struct stream_index ix = { 0 };
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < objects->n; i++)
		if (names_object(objects->item[i].key, NULL) == NAMES_INDEX)
			st = index_read_object(store, prefix, &objects->item[i], objects->keyring, &ix, err);
	if (!st)
		st = index_sort(&ix, err);
	if (!st)
		st = index_check_places(&ix, objects, err);
	if (st)
		stream_index_free(&ix);
	else
		*ret = ix;
	return st;
}

const struct stream_index_entry *stream_index_find(const struct stream_index *ix, const char *name)
{
	const struct stream_index_entry wanted = { .name = (char *)name }, *key = &wanted;
	if (!ix->n)
		return NULL;
	struct stream_index_entry **found = bsearch(&key, ix->by_name, ix->n, sizeof *ix->by_name, index_order_name);
	return found ? *found : NULL;
}
