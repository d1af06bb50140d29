/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "slackwater/stream.h"
#include "stream/names.h"
#include "stream/objects.h"

enum { READ_KEY_MAX = 1024 };

static enum status entry_read_range(struct store *store, const char *key, const struct stream_object *shard,
                                    struct age_keyring *keyring, const struct stream_index_entry *e, struct buf *ret, struct error *err)
{
	struct store_reader *r = NULL;
	buf_reserve(ret, e->size);
	enum status st = buf_check(ret, e->name, err);
	if (!st && names_sealed(shard->key))
		st = age_reader_at(store, key, shard->size, keyring, e->offset, e->size, &r, err);
	else if (!st)
		st = store->ops->open(store, key, e->offset, e->size, &r, err);
	for (size_t n = 1; !st && n && ret->len < e->size;) {
		st = r->ops->read(r, ret->data + ret->len, e->size - ret->len, &n, err);
		if (!st)
			ret->len += n;
	}
	store_reader_free(r);
	if (!st && ret->len < e->size)
		st = error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s ends in the middle of %s", key, e->name);
	if (!st)
		ret->data[ret->len] = '\0';
	return st;
}

enum status stream_entry_read(struct store *store, const char *prefix, const struct stream_objects *objects,
                              const struct stream_index_entry *e, struct buf *ret, struct error *err)
{
	struct buf key = BUF_INIT(READ_KEY_MAX);
	char sha256[DIGEST_HEX];
	const struct stream_object *shard = objects_find_shard(objects, e->shard);
	buf_clear(ret);
	if (!shard)
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s lies in shard %u, which is not in the manifest", e->name, e->shard);
	buf_addf(&key, "%s%s", prefix, shard->key);
	enum status st = buf_check(&key, "a key", err);
	/* A length of 0 would mean "to the end" to the store. */
	if (!st && e->size)
		st = entry_read_range(store, key.data, shard, objects->keyring, e, ret, err);
	if (!st)
		st = digest_of(buf_str(ret), ret->len, sha256, err);
	if (!st && strcmp(sha256, e->sha256) != 0) {
		st = error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s in %s is damaged: its digest is not the index's", e->name, key.data);
		error_hint(err, "use another snapshot; `slackwater verify` shows what else is damaged");
	}
	if (st)
		buf_clear(ret);
	buf_free(&key);
	return st;
}
