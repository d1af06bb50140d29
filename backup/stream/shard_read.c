/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/shard_read.h"

#include <stdlib.h>
#include <string.h>

#include "stream/object_read.h"

enum { SHARD_READ_BLOCK = 256 * 1024 };

struct shard_reading {
	const struct shard_read *what;
	struct object_read from;
	char *block;
	struct digest *entry;         /* NULL between entries */
	uint64_t pos, left;           /* in the tar; of the entry */
	size_t at;                    /* the entry being read, or the next one */
};

static enum status shard_read_begin(struct shard_reading *r, struct error *err)
{
	const struct stream_index_entry *e = &r->what->entry[r->at];
	enum status st = digest_new(&r->entry, err);
	r->left = e->size;
	return st ? st : r->what->visitor->ops->begin(r->what->visitor, e->name, e->size, err);
}

static enum status shard_read_end(struct shard_reading *r, struct error *err)
{
	const struct stream_index_entry *e = &r->what->entry[r->at++];
	char sha256[DIGEST_HEX];
	digest_hex(r->entry, sha256);
	digest_free(r->entry);
	r->entry = NULL;
	if (strcmp(sha256, e->sha256) != 0)
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s in %s is damaged: its digest is not the index's", e->name,
		                 r->from.key.data);
	return r->what->visitor->ops->end(r->what->visitor, err);
}

/* How many of len bytes belong to the same thing: the entry, what is left before the next one, or the tail. */
static size_t shard_read_run(const struct shard_reading *r, size_t len)
{
	uint64_t run = len;
	if (r->entry)
		run = r->left;
	else if (r->at < r->what->n)
		run = r->what->entry[r->at].offset - r->pos;
	return run < len ? (size_t)run : len;
}

/* Also called with no bytes at the end, for an empty entry there. */
static enum status shard_read_feed(struct shard_reading *r, const char *data, size_t len, struct error *err)
{
	enum status st = ST_OK;
	while (!st) {
		bool begins = !r->entry && r->at < r->what->n && r->pos == r->what->entry[r->at].offset;
		if (begins)
			st = shard_read_begin(r, err);
		if (!st && r->entry && !r->left) {
			st = shard_read_end(r, err);
			continue;
		}
		if (st || !len)
			break;
		size_t run = shard_read_run(r, len);
		if (r->entry) {
			digest_add(r->entry, data, run);
			st = r->what->visitor->ops->data(r->what->visitor, data, run, err);
			r->left -= run;
		}
		r->pos += run;
		data += run;
		len -= run;
	}
	return st;
}

static enum status shard_read_blocks(struct shard_reading *r, struct error *err)
{
	for (size_t n = 1; n;) {
		if (r->what->stop && atomic_load(r->what->stop))
			return error_set(err, ST_FAILED, ERR_INTERRUPTED, "reading %s was given up", r->from.key.data);
		uint64_t before = r->from.stored;
		enum status st = object_read_next(&r->from, r->block, SHARD_READ_BLOCK, &n, err);
		if (!st)
			st = shard_read_feed(r, r->block, n, err);
		if (st)
			return st;
		if (r->from.stored > before && r->what->progress)
			r->what->progress(r->what->arg, r->from.stored - before);
	}
	return ST_OK;
}

static enum status shard_read_judge(struct shard_reading *r, struct error *err)
{
	const struct stream_object *o = r->what->object;
	enum status st = object_read_judge(&r->from, err);
	if (st)
		return st;
	if (r->at != r->what->n || r->what->n != o->entries)
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s has %zu entries, the index %zu, the manifest %llu", r->from.key.data, r->at,
		                 r->what->n, (unsigned long long)o->entries);
	return ST_OK;
}

enum status shard_read(const struct shard_read *what, struct error *err)
{
	struct shard_reading r = { .what = what };
	enum status st = object_read_open(&r.from, what->store, what->prefix, what->object, what->keyring, err);
	if (!st && !(r.block = malloc(SHARD_READ_BLOCK)))
		st = error_oom(err);
	if (!st)
		st = shard_read_blocks(&r, err);
	if (!st)
		st = shard_read_judge(&r, err);
	object_read_close(&r.from);
	digest_free(r.entry);
	free(r.block);
	return st;
}
