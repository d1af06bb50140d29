/* SPDX-License-Identifier: Apache-2.0 */
#include "slackwater/stream.h"

#include <stdlib.h>
#include <string.h>

#include "stream/names.h"
#include "stream/nameset.h"
#include "stream/objects.h"
#include "stream/shard.h"

enum {
	WRITER_SHARDS_MAX = 256,
	WRITER_KEY_MAX = 1024,
	WRITER_ENTRY_OVERHEAD = 200 /* an item of the queue, and what malloc adds to each piece */
};
static const uint64_t writer_queue_bytes = 64u << 20;

struct stream_writer {
	struct shard_common common;
	struct run_hook hook;
	struct run *heeded;    /* as for stream_writer_heed */
	struct run_hook heeded_hook;
	struct nameset names;  /* of all entries put; under common.lock */
	struct shard *shard;
	unsigned shards;
	bool finished, ended;
};

void stream_entry_free(struct stream_entry *e)
{
	free(e->name);
	buf_free(&e->data);
	*e = (struct stream_entry){ 0 };
}

/* From the cancelling thread: whoever waits for room must not wait for a store that does not move. */
static void writer_cancelled(void *arg)
{
	budget_close(&((struct stream_writer *)arg)->common.budget);
}

enum status stream_writer_open(struct store *store, const char *prefix, const struct stream_options *o, struct run *run,
                               struct stream_writer **ret, struct error *err)
{
	bool sequential = store->ops->features & STORE_SEQUENTIAL;
	if (o->shards < 1 || o->shards > WRITER_SHARDS_MAX || (sequential && o->shards != 1))
		return error_set(err, ST_FAILED, ERR_USAGE, "%u shards are not possible: 1 to %d, and 1 through a pipe", o->shards,
		                 WRITER_SHARDS_MAX);
	struct stream_writer *w = calloc(1, sizeof *w);
	if (!w)
		return error_oom(err);
	w->common.store = store;
	w->common.run = run;
	w->common.recipients = o->recipients;
	w->common.sequential = sequential;
	atomic_store(&w->common.next_index, o->shards);
	w->common.mtime_s = run_wall_ms(run) / 1000;
	w->common.prefix = strdup(prefix);
	w->shard = calloc(o->shards, sizeof *w->shard);
	if (!w->common.prefix || !w->shard) {
		free(w->common.prefix);
		free(w->shard);
		free(w);
		return error_oom(err);
	}
	pthread_mutex_init(&w->common.lock, NULL);
	budget_init(&w->common.budget, o->queue_bytes ? o->queue_bytes : writer_queue_bytes);
	for (w->shards = 0; w->shards < o->shards; w->shards++)
		shard_init(&w->shard[w->shards], &w->common, w->shards);
	w->hook = (struct run_hook){ .fn = writer_cancelled, .arg = w };
	run_hook_add(run, &w->hook);
	*ret = w;
	return ST_OK;
}

/* A buffer grows by halves and may be much larger than what is in it; the bound is on memory. */
static uint64_t writer_trim(struct stream_entry *e)
{
	struct buf *b = &e->data;
	if (b->data && !b->secret && b->cap - b->len > 4096) {
		char *less = realloc(b->data, b->len + 1);
		if (less) {
			b->data = less;
			b->cap = b->len + 1;
		}
	}
	return b->cap + strlen(e->name) + WRITER_ENTRY_OVERHEAD;
}

/* The shard that has had the least, so that shards become equally large; but one that falls behind (its share of the queue is full) gets
 * nothing while another keeps up. */
static struct shard *writer_choose(struct stream_writer *w)
{
	struct shard *best = &w->shard[0];
	uint64_t share = w->common.budget.bound / w->shards;
	pthread_mutex_lock(&w->common.lock);
	for (unsigned i = 1; i < w->shards; i++) {
		struct shard *s = &w->shard[i];
		bool behind = s->queued > share, best_behind = best->queued > share;
		if (behind == best_behind ? s->given < best->given : best_behind)
			best = s;
	}
	pthread_mutex_unlock(&w->common.lock);
	return best;
}

static enum status writer_check_entry(const struct stream_writer *w, int shard, const struct stream_entry *e, struct error *err)
{
	if (!e->name || !names_entry_valid(e->name) || names_entry_reserved(e->name))
		return error_set(err, ST_FAILED, ERR_UNEXPECTED, "\"%s\" cannot be the name of an entry", e->name ? e->name : "");
	if (shard >= (int)w->shards)
		return error_set(err, ST_FAILED, ERR_UNEXPECTED, "there is no shard %d", shard);
	return buf_check(&e->data, e->name, err);
}

/* Two files of one name cannot be restored: found out now, and not when the snapshot is needed. */
static enum status writer_note_name(struct stream_writer *w, const char *name, struct error *err)
{
	pthread_mutex_lock(&w->common.lock);
	bool fresh = false;
	enum status st = nameset_add(&w->names, name, &fresh, err);
	pthread_mutex_unlock(&w->common.lock);
	if (!st && !fresh)
		st = error_set(err, ST_FAILED, ERR_UNEXPECTED, "two entries are called %s", name);
	return st;
}

static enum status writer_reserve(struct stream_writer *w, uint64_t bytes, struct error *err)
{
	enum status st = run_check(w->common.run, err);
	if (!st)
		st = shard_common_check(&w->common, err);
	if (st || budget_take(&w->common.budget, bytes))
		return st;
	/* Closed: by a failure, or by a cancel. */
	st = shard_common_check(&w->common, err);
	if (!st)
		st = run_check(w->common.run, err);
	if (!st && w->heeded)
		st = run_check(w->heeded, err);
	return st ? st : error_set(err, ST_FAILED, ERR_UNEXPECTED, "the stream is closed");
}

void stream_writer_heed(struct stream_writer *w, struct run *run)
{
	if (w->heeded)
		run_hook_del(w->heeded, &w->heeded_hook);
	w->heeded = run;
	w->heeded_hook = (struct run_hook){ .fn = writer_cancelled, .arg = w };
	if (run)
		run_hook_add(run, &w->heeded_hook);
}

enum status stream_writer_put_text(struct stream_writer *w, int shard, const char *name, struct buf *text, struct error *err)
{
	enum status st = buf_check(text, name, err);
	if (st)
		return st;
	struct stream_entry e = { .name = strdup(name), .data = *text, .raw_bytes = text->len };
	*text = BUF_INIT(text->max);
	if (e.name)
		return stream_writer_put(w, shard, &e, err);
	stream_entry_free(&e);
	return error_oom(err);
}

enum status stream_writer_put(struct stream_writer *w, int shard, struct stream_entry *e, struct error *err)
{
	enum status st = writer_check_entry(w, shard, e, err);
	if (!st)
		st = writer_note_name(w, e->name, err);
	uint64_t bytes = st ? 0 : writer_trim(e);
	if (!st)
		st = writer_reserve(w, bytes, err);
	if (st) {
		stream_entry_free(e);
		return st;
	}
	st = shard_put(shard < 0 ? writer_choose(w) : &w->shard[shard], e, bytes, err);
	if (st)
		budget_give(&w->common.budget, bytes);
	return st;
}

uint64_t stream_writer_stored(const struct stream_writer *w)
{
	return atomic_load(&w->common.stored);
}

static int writer_object_order(const void *a, const void *b)
{
	unsigned x = 0, y = 0;
	names_object(((const struct stream_object *)a)->key, &x);
	names_object(((const struct stream_object *)b)->key, &y);
	return x < y ? -1 : x > y;
}

static enum status writer_collect(struct stream_writer *w, struct stream_objects *out, struct error *err)
{
	enum status st = ST_OK;
	for (unsigned i = 0; !st && i < w->shards; i++)
		if (w->shard[i].committed)
			st = objects_add(out, &w->shard[i].object, err);
	const struct stream_objects *indexes = &w->common.indexes;
	if (indexes->n > 1)
		qsort(indexes->item, indexes->n, sizeof *indexes->item, writer_object_order);
	for (size_t i = 0; !st && i < indexes->n; i++)
		st = objects_add(out, &indexes->item[i], err);
	if (st)
		stream_objects_free(out);
	return st;
}

enum status stream_writer_finish(struct stream_writer *w, struct stream_objects *ret, struct error *err)
{
	for (unsigned i = 0; i < w->shards; i++)
		shard_close(&w->shard[i]);
	for (unsigned i = 0; i < w->shards; i++)
		shard_join(&w->shard[i]);
	struct stream_objects all = { 0 };
	enum status st = shard_common_check(&w->common, err);
	if (!st)
		st = run_check(w->common.run, err);
	if (!st)
		st = writer_collect(w, &all, err);
	if (!st) {
		w->finished = true;
		*ret = all;
	}
	return st;
}

enum status stream_writer_last(struct stream_writer *w, const char *name, const struct buf *data, struct error *err)
{
	if (!w->finished || !w->common.sequential || w->ended)
		return error_set(err, ST_FAILED, ERR_UNEXPECTED, "a last entry belongs to a finished stream to a pipe");
	w->ended = true;
	enum status st = buf_check(data, name, err);
	return st ? st : shard_last(&w->shard[0], name, data, err);
}

static void writer_remove(const struct stream_writer *w, const char *name)
{
	struct buf key = BUF_INIT(WRITER_KEY_MAX);
	struct error ignored;
	buf_addf(&key, "%s%s", w->common.prefix, name);
	/* What cannot be removed has no manifest, and so is no snapshot. */
	if (buf_check(&key, "a key", &ignored) == ST_OK)
		(void)w->common.store->ops->remove(w->common.store, key.data, &ignored);
	buf_free(&key);
}

void stream_writer_free(struct stream_writer *w)
{
	if (!w)
		return;
	run_hook_del(w->common.run, &w->hook);
	if (!w->finished)
		shard_common_fail(&w->common, &(struct error){ .status = ST_FAILED, .kind = ERR_UNEXPECTED, .message = "given up" });
	for (unsigned i = 0; i < w->shards; i++) {
		shard_close(&w->shard[i]);
		shard_join(&w->shard[i]);
	}
	for (unsigned i = 0; i < w->shards; i++) {
		shard_free(&w->shard[i]);
		/* Also what was reported as failed: the store may have done it and the answer got lost. */
		if (!w->finished && w->shard[i].object.key[0])
			writer_remove(w, w->shard[i].object.key);
	}
	unsigned indexes = w->finished || w->common.sequential ? 0 : atomic_load(&w->common.next_index);
	for (unsigned i = 0; i < indexes; i++) {
		char name[64];
		names_index(i, name);
		if (w->common.recipients)
			names_seal(name);
		writer_remove(w, name);
	}
	nameset_free(&w->names);
	stream_objects_free(&w->common.indexes);
	budget_destroy(&w->common.budget);
	pthread_mutex_destroy(&w->common.lock);
	free(w->common.prefix);
	free(w->shard);
	free(w);
}
