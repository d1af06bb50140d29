/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/object_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "slackwater/age.h"
#include "stream/names.h"

enum { OBJECT_KEY_MAX = 1024, OBJECT_BLOCK = 256 * 1024 };

static enum status object_counted_read(struct store_reader *base, void *data, size_t cap, size_t *ret_n, struct error *err)
{
	struct object_read *r = (struct object_read *)base;
	enum status st = r->raw->ops->read(r->raw, data, cap, ret_n, err);
	if (!st) {
		digest_add(r->digest, data, *ret_n);
		r->stored += *ret_n;
	}
	return st;
}

static void object_counted_free(struct store_reader *base)
{
	(void)base; /* a part of the object_read */
}

static const struct store_reader_ops object_counted_ops = { object_counted_read, object_counted_free };

static enum status object_read_stored(struct object_read *r, struct store *store, const char *prefix, const struct stream_object *o,
                                      struct error *err)
{
	*r = (struct object_read){ .counted = { &object_counted_ops }, .object = o, .key = BUF_INIT(OBJECT_KEY_MAX) };
	buf_addf(&r->key, "%s%s", prefix, o->key);
	enum status st = buf_check(&r->key, "a key", err);
	if (!st)
		st = digest_new(&r->digest, err);
	return st ? st : store->ops->open(store, r->key.data, 0, 0, &r->raw, err);
}

enum status object_read_open(struct object_read *r, struct store *store, const char *prefix, const struct stream_object *o,
                             struct age_keyring *keyring, struct error *err)
{
	enum status st = object_read_stored(r, store, prefix, o, err);
	if (!st && names_sealed(o->key))
		st = age_reader_new(&r->counted, keyring, r->key.data, &r->clear, err);
	return st;
}

enum status object_read_next(struct object_read *r, void *data, size_t cap, size_t *ret_n, struct error *err)
{
	struct store_reader *from = r->clear ? r->clear : &r->counted;
	return from->ops->read(from, data, cap, ret_n, err);
}

enum status object_read_judge(struct object_read *r, struct error *err)
{
	char sha256[DIGEST_HEX];
	digest_hex(r->digest, sha256);
	if (r->stored != r->object->size)
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s has %llu bytes instead of %llu", r->key.data, (unsigned long long)r->stored,
		                 (unsigned long long)r->object->size);
	if (strcmp(sha256, r->object->sha256) != 0)
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s is damaged: its digest is not the manifest's", r->key.data);
	return ST_OK;
}

void object_read_close(struct object_read *r)
{
	store_reader_free(r->clear);
	store_reader_free(r->raw);
	digest_free(r->digest);
	buf_free(&r->key);
	*r = (struct object_read){ 0 };
}

/* What the store has of it, to the end. */
static enum status object_read_rest(struct object_read *r, char *block, void (*progress)(void *arg, uint64_t bytes), void *arg, struct error *err)
{
	enum status st = ST_OK;
	for (size_t n = 1; !st && n;) {
		st = object_counted_read(&r->counted, block, OBJECT_BLOCK, &n, err);
		if (!st && n && progress)
			progress(arg, n);
	}
	return st;
}

/* No key opens it: has its header been damaged? The digest knows. */
static void object_read_blame(struct object_read *r, char *block, struct error *err)
{
	struct error mine = ERROR_INIT;
	if (!object_read_rest(r, block, NULL, NULL, &mine) && object_read_judge(r, &mine))
		*err = mine;
}

enum status object_read_text(struct store *store, const char *prefix, const struct stream_object *o, struct age_keyring *keyring,
                             struct buf *text, struct error *err)
{
	struct object_read r = { 0 };
	char *block = malloc(OBJECT_BLOCK);
	enum status st = block ? object_read_open(&r, store, prefix, o, keyring, err) : error_oom(err);
	for (size_t n = 1; !st && n;) {
		st = object_read_next(&r, block, OBJECT_BLOCK, &n, err);
		if (!st && n > text->max - text->len)
			st = error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s has more than %zu bytes", r.key.data, text->max);
		if (!st) {
			buf_add(text, block, n);
			st = buf_check(text, r.key.data, err);
		}
	}
	if (!st)
		st = object_read_judge(&r, err);
	else if (err && err->kind == ERR_SNAPSHOT && err->sys_errno == ENOKEY)
		object_read_blame(&r, block, err);
	if (block)
		explicit_bzero(block, OBJECT_BLOCK);
	free(block);
	object_read_close(&r);
	return st;
}

enum status stream_object_verify(struct store *store, const char *prefix, const struct stream_object *o,
                                 void (*progress)(void *arg, uint64_t bytes), void *arg, struct error *err)
{
	struct object_read r = { 0 };
	char *block = malloc(OBJECT_BLOCK);
	enum status st = block ? object_read_stored(&r, store, prefix, o, err) : error_oom(err);
	if (!st)
		st = object_read_rest(&r, block, progress, arg, err);
	if (!st)
		st = object_read_judge(&r, err);
	free(block);
	object_read_close(&r);
	return st;
}
