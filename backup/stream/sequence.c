/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/sequence.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "stream/index_read.h"
#include "stream/names.h"
#include "stream/objects.h"
#include "stream/untar.h"

enum {
	SEQUENCE_MANIFEST_MAX = 64 << 20,
	SEQUENCE_UNINDEXED_MAX = 1000000 /* entries that wait for their part of the index; ours hold some 10,000 */
};

struct sequence_reading {
	struct untar *tar;
	struct visitor *visitor;
	struct stream_index waiting; /* seen, not yet indexed */
	struct sequence out;
};

void sequence_free(struct sequence *s)
{
	stream_objects_free(&s->objects);
	buf_free(&s->manifest);
}

/* Read the current entry to its end: summed up, counted, and given to the visitor or kept in text. */
static enum status sequence_data(struct sequence_reading *r, struct buf *text, char sha256[DIGEST_HEX], struct error *err)
{
	struct digest *d = NULL;
	enum status st = digest_new(&d, err);
	for (size_t n = 1; !st && n;) {
		const void *piece = NULL;
		st = untar_data(r->tar, &piece, &n, err);
		if (st || !n)
			break;
		digest_add(d, piece, n);
		if (text)
			buf_add(text, piece, n);
		else
			st = r->visitor->ops->data(r->visitor, piece, n, err);
	}
	if (!st)
		digest_hex(d, sha256);
	digest_free(d);
	return st;
}

static enum status sequence_text(struct sequence_reading *r, const char *name, uint64_t size, size_t max, struct buf *text,
                                 char sha256[DIGEST_HEX], struct error *err)
{
	if (size > max)
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s has %" PRIu64 " bytes, more than it can have", name, size);
	enum status st = sequence_data(r, text, sha256, err);
	return st ? st : buf_check(text, name, err);
}

static enum status sequence_object(struct sequence_reading *r, const char *name, uint64_t size, const char *sha256, struct error *err)
{
	struct stream_object o = { .size = size };
	if (strlen(name) >= sizeof o.key || objects_find(&r->out.objects, name))
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "%.300s is in the stream twice", name);
	memcpy(o.key, name, strlen(name) + 1);
	memcpy(o.sha256, sha256, sizeof o.sha256);
	return objects_add(&r->out.objects, &o, err);
}

static enum status sequence_entry(struct sequence_reading *r, const char *name, uint64_t size, struct error *err)
{
	struct stream_index_entry e = { .size = size };
	if (r->waiting.n >= SEQUENCE_UNINDEXED_MAX)
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "%zu entries without an index", r->waiting.n);
	enum status st = index_read_grow(&r->waiting, err);
	if (st)
		return st;
	if (!(e.name = strdup(name)))
		return error_oom(err);
	struct stream_index_entry *kept = &r->waiting.item[r->waiting.n++];
	*kept = e;
	st = r->visitor->ops->begin(r->visitor, kept->name, size, err);
	if (!st)
		st = sequence_data(r, NULL, kept->sha256, err);
	if (!st)
		st = r->visitor->ops->end(r->visitor, err);
	if (!st && strcmp(kept->name, NAMES_CHECKPOINT_JSON) == 0)
		st = sequence_object(r, kept->name, size, kept->sha256, err);
	r->out.entries++;
	r->out.data_bytes += size;
	return st;
}

static enum status sequence_compare(struct sequence_reading *r, const struct stream_index_entry *seen,
                                    const struct stream_index_entry *said, struct error *err)
{
	if (strcmp(seen->name, said->name) != 0)
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "the stream has %s where its index has %s", seen->name, said->name);
	if (strcmp(seen->sha256, said->sha256) != 0 || seen->size != said->size)
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s is damaged: its digest is not the index's", seen->name);
	if (seen->offset != said->offset || said->shard != 0)
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s is not where the index says", seen->name);
	r->out.raw_bytes += said->raw_bytes;
	r->out.rows += said->rows;
	return ST_OK;
}

/* A part of the index: it lists exactly the entries since the one before it. */
static enum status sequence_index(struct sequence_reading *r, const char *name, uint64_t size, struct error *err)
{
	struct buf text = BUF_INIT(INDEX_READ_MAX);
	struct stream_index said = { 0 };
	char sha256[DIGEST_HEX];
	enum status st = sequence_text(r, name, size, INDEX_READ_MAX, &text, sha256, err);
	if (!st)
		st = index_read_part(buf_str(&text), text.len, name, &said, err);
	if (!st && said.n != r->waiting.n)
		st = error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s lists %zu entries, %zu came", name, said.n, r->waiting.n);
	for (size_t i = 0; !st && i < said.n; i++)
		st = sequence_compare(r, &r->waiting.item[i], &said.item[i], err);
	if (!st)
		st = sequence_object(r, name, size, sha256, err);
	if (!st)
		st = r->visitor->ops->index(r->visitor, name, &text, err);
	stream_index_free(&said);
	stream_index_free(&r->waiting);
	buf_free(&text);
	return st;
}

/* The header that follows an entry shows where the entry's data began: whole blocks before it. */
static void sequence_place(struct sequence_reading *r)
{
	if (!r->waiting.n)
		return;
	struct stream_index_entry *last = &r->waiting.item[r->waiting.n - 1];
	last->offset = untar_position(r->tar) - (last->size + 511) / 512 * 512;
}

static enum status sequence_next(struct sequence_reading *r, bool *ret_more, struct error *err)
{
	const char *name = NULL;
	char sha256[DIGEST_HEX];
	uint64_t size = 0;
	enum status st = untar_next(r->tar, &name, &size, err);
	if (st)
		return st;
	bool ended = r->out.manifest.len > 0;
	if (!name && !ended) {
		error_set(err, ST_FAILED, ERR_SNAPSHOT, "the stream ended before its manifest: it is not a whole snapshot");
		error_hint(err, "look for an error of the command that wrote it, and take the snapshot again");
		return ST_FAILED;
	}
	if (name && ended)
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s follows the manifest, which has to be last", name);
	*ret_more = name != NULL;
	if (!name)
		return ST_OK;
	sequence_place(r);
	if (names_object(name, NULL) == NAMES_INDEX && !names_sealed(name))
		return sequence_index(r, name, size, err);
	if (strcmp(name, NAMES_MANIFEST_JSON) != 0)
		return sequence_entry(r, name, size, err);
	if (r->waiting.n)
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s is in the stream, but not in its index", r->waiting.item[0].name);
	st = sequence_text(r, name, size, SEQUENCE_MANIFEST_MAX, &r->out.manifest, sha256, err);
	return st || size ? st : error_set(err, ST_FAILED, ERR_SNAPSHOT, "the manifest is empty");
}

enum status sequence_read(struct store_reader *reader, struct visitor *v, struct sequence *ret, struct error *err)
{
	struct sequence_reading r = { .visitor = v, .out.manifest = BUF_INIT(SEQUENCE_MANIFEST_MAX) };
	enum status st = untar_new(reader, &r.tar, err);
	for (bool more = true; !st && more;)
		st = sequence_next(&r, &more, err);
	if (!st)
		st = untar_drain(r.tar, err);
	untar_free(r.tar);
	stream_index_free(&r.waiting);
	if (st)
		sequence_free(&r.out);
	else
		*ret = r.out;
	return st;
}
