/* SPDX-License-Identifier: Apache-2.0 */
#include "whole.h"

#include <stdlib.h>
#include <string.h>

#include "stream/names.h"
#include "stream/objects.h"
#include "stream/parallel.h"
#include "stream/shard_read.h"
#include "stream/tee.h"

struct whole_reading {
	const struct whole *what;
	struct buf prefix;
	struct stream_index index;
	uint64_t total;
	_Atomic uint64_t done;
};

static void whole_progress(void *arg, uint64_t bytes)
{
	struct whole_reading *r = arg;
	uint64_t done = atomic_fetch_add(&r->done, bytes) + bytes;
	event_progress(r->what->run->events, r->what->area, done, r->total, 0, 0);
}

static size_t whole_first_of(const struct stream_index *ix, unsigned shard)
{
	size_t low = 0, high = ix->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (ix->item[middle].shard < shard)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static enum status whole_shard(struct whole_reading *r, const struct stream_object *o, unsigned number, const atomic_bool *stop,
                               struct error *err)
{
	size_t first = whole_first_of(&r->index, number), end = whole_first_of(&r->index, number + 1);
	struct visitor *v = r->what->make(r->what->arg, err);
	if (!v)
		return ST_FATAL;
	struct shard_read what = {
		.store = r->what->store, .prefix = r->prefix.data, .object = o, .keyring = r->what->manifest->objects.keyring, .entry = r->index.item + first, .n = end - first,
		.visitor = v, .stop = stop, .progress = whole_progress, .arg = r,
	};
	enum status st = shard_read(&what, err);
	r->what->end(r->what->arg, v);
	return st;
}

static enum status whole_object(void *arg, size_t i, const atomic_bool *stop, struct error *err)
{
	struct whole_reading *r = arg;
	const struct stream_object *o = &r->what->manifest->objects.item[i];
	unsigned number;
	enum status st = run_check(r->what->run, err);
	if (st)
		return st;
	switch (r->what->digests_only ? NAMES_OTHER : names_object(o->key, &number)) {
	case NAMES_SHARD:
		return whole_shard(r, o, number, stop, err);
	case NAMES_INDEX:
		whole_progress(r, o->size); /* read, and its digest checked, before anything else */
		return ST_OK;
	default:
		return stream_object_verify(r->what->store, r->prefix.data, o, whole_progress, r, err);
	}
}

enum status whole_read(const struct whole *w, struct verify_report *ret, struct error *err)
{
	struct whole_reading r = { .what = w, .prefix = BUF_INIT(1024) };
	const struct stream_objects *objects = &w->manifest->objects;
	if (strcmp(w->manifest->layout, "store") != 0)
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s has the layout of a pipe, and lies in a store", w->manifest->id);
	r.total = objects_bytes(objects);
	catalog_prefix(w->manifest, &r.prefix);
	enum status st = buf_check(&r.prefix, "the snapshot's prefix", err);
	if (!st && !w->digests_only)
		st = catalog_authenticate(w->store, w->manifest, err);
	if (!st && !w->digests_only)
		st = stream_index_read(w->store, r.prefix.data, objects, &r.index, err);
	if (!st)
		st = parallel_run(objects->n, w->threads, whole_object, &r, err);
	if (!st)
		*ret = (struct verify_report){ .objects = objects->n, .bytes = r.total, .entries = r.index.n, .digests_only = w->digests_only };
	stream_index_free(&r.index);
	buf_free(&r.prefix);
	return st;
}

/* Every object that the manifest names came as it says, and no part of the index came that it does not name. */
static enum status whole_compare(const struct sequence *came, const struct manifest *m, struct error *err)
{
	if (strcmp(m->layout, "pipe") != 0)
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "the manifest in the stream is that of a store");
	for (size_t i = 0; i < m->objects.n; i++) {
		const struct stream_object *said = &m->objects.item[i], *seen = objects_find(&came->objects, said->key);
		if (!seen)
			return error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s is in the manifest, but did not come", said->key);
		if (seen->size != said->size || strcmp(seen->sha256, said->sha256) != 0)
			return error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s is damaged: its digest is not the manifest's", said->key);
	}
	for (size_t i = 0; i < came->objects.n; i++)
		if (!objects_find(&m->objects, came->objects.item[i].key))
			return error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s came, but is not in the manifest", came->objects.item[i].key);
	return ST_OK;
}

static enum status whole_compare_stream(struct store_reader *r, struct visitor *v, struct manifest **ret_m, struct sequence *came, struct error *err)
{
	enum status st = sequence_read(r, v, came, err);
	if (!st)
		st = manifest_read(came->manifest.data, came->manifest.len, ret_m, err);
	return st ? st : whole_compare(came, *ret_m, err);
}

enum status whole_read_stream(const struct whole_stream *w, struct manifest **ret_m, struct verify_report *ret, struct sequence *ret_came,
                              struct error *err)
{
	struct store_reader *from = NULL, *clear = NULL, *counted = NULL;
	struct sequence came = { 0 };
	struct manifest *m = NULL;
	enum status st = w->pipe->ops->open(w->pipe, "stream", 0, 0, &from, err);
	if (!st)
		st = age_reader_detect(from, w->keyring, "the stream", &clear, err);
	if (!st)
		st = tee_new(clear, w->copy, w->run, w->area, &counted, err);
	if (!st)
		st = whole_compare_stream(counted, w->visitor, &m, &came, err);
	store_reader_free(counted);
	store_reader_free(clear);
	store_reader_free(from);
	if (!st && ret)
		*ret = (struct verify_report){ .objects = came.objects.n + 1, .bytes = came.data_bytes, .entries = came.entries };
	if (!st && ret_came)
		*ret_came = came;
	else
		sequence_free(&came);
	if (!st && ret_m)
		*ret_m = m;
	else
		manifest_free(m);
	return st;
}
