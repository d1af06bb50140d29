/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/shard.h"

#include <stdlib.h>
#include <string.h>

#include "stream/names.h"
#include "stream/objects.h"

enum { SHARD_KEY_MAX = 1024, SHARD_SEALED_MAX = 2 * INDEX_PART_MAX };

struct shard_item {
	struct shard_item *next;
	struct stream_entry entry;
	uint64_t bytes;
};

void shard_common_fail(struct shard_common *c, const struct error *err)
{
	pthread_mutex_lock(&c->lock);
	if (!c->failure.status) {
		c->failure = *err;
		atomic_store(&c->failed, true);
	}
	pthread_mutex_unlock(&c->lock);
	budget_close(&c->budget);
}

enum status shard_common_check(struct shard_common *c, struct error *err)
{
	if (!atomic_load(&c->failed))
		return ST_OK;
	pthread_mutex_lock(&c->lock);
	if (err)
		*err = c->failure;
	enum status st = c->failure.status;
	pthread_mutex_unlock(&c->lock);
	return st;
}

static enum status shard_key(const struct shard_common *c, const char *name, struct buf *key, struct error *err)
{
	buf_addf(key, "%s%s", c->prefix, name);
	return buf_check(key, "the key of an object", err);
}

static enum status shard_open(struct shard *s, struct error *err)
{
	struct buf key = BUF_INIT(SHARD_KEY_MAX);
	names_shard(s->number, s->object.key);
	if (s->common->recipients)
		names_seal(s->object.key);
	enum status st = shard_key(s->common, s->object.key, &key, err);
	if (!st)
		st = chain_open(&s->chain, s->common->store, key.data, s->common->recipients, &s->common->stored, err);
	if (!st)
		st = tar_new(s->chain.first, s->common->mtime_s, &s->tar, err);
	buf_free(&key);
	return st;
}

static enum status shard_put_object(struct shard *s, const char *name, const struct buf *json, struct error *err)
{
	struct buf key = BUF_INIT(SHARD_KEY_MAX);
	enum status st = shard_key(s->common, name, &key, err);
	if (!st)
		st = s->common->store->ops->put(s->common->store, key.data, json->data, json->len, false, err);
	if (!st)
		atomic_fetch_add(&s->common->stored, json->len);
	buf_free(&key);
	return st;
}

/* In a pipe it is an entry of the tar, and encrypted with it; in a store an object, encrypted by itself. */
static enum status shard_put_index(struct shard *s, struct stream_object *o, struct error *err)
{
	const struct buf *text = &s->part.json;
	struct buf sealed = BUF_INIT(SHARD_SEALED_MAX);
	uint64_t offset;
	enum status st = ST_OK;
	if (s->common->recipients && !s->common->sequential) {
		names_seal(o->key);
		st = age_seal(s->common->recipients, text->data, text->len, &sealed, err);
		text = &sealed;
	}
	o->size = text->len;
	if (!st)
		st = digest_of(text->data, text->len, o->sha256, err);
	if (!st && s->common->sequential)
		st = tar_add(s->tar, o->key, text->data, text->len, &offset, err);
	else if (!st)
		st = shard_put_object(s, o->key, text, err);
	buf_free(&sealed);
	return st;
}

static enum status shard_end_part(struct shard *s, struct error *err)
{
	struct stream_object o = { 0 };
	enum status st = index_part_end(&s->part, err);
	if (st)
		return st;
	/* The first part of a shard has the shard's number, so that in all but the largest snapshots the two go together. */
	names_index(s->parts++ ? atomic_fetch_add(&s->common->next_index, 1) : s->number, o.key);
	st = shard_put_index(s, &o, err);
	if (!st) {
		pthread_mutex_lock(&s->common->lock);
		st = objects_add(&s->common->indexes, &o, err);
		pthread_mutex_unlock(&s->common->lock);
	}
	index_part_clear(&s->part);
	return st;
}

static enum status shard_write(struct shard *s, const struct stream_entry *e, struct error *err)
{
	struct stream_index_entry ix = { .name = e->name, .size = e->data.len, .raw_bytes = e->raw_bytes, .rows = e->rows };
	enum status st = run_check(s->common->run, err);
	if (!st && !s->tar)
		st = shard_open(s, err);
	if (!st)
		st = digest_of(buf_str(&e->data), e->data.len, ix.sha256, err);
	if (!st)
		st = tar_add(s->tar, e->name, buf_str(&e->data), e->data.len, &ix.offset, err);
	if (st)
		return st;
	index_part_add(&s->part, s->number, &ix);
	s->object.entries++;
	s->object.raw_bytes += e->raw_bytes;
	s->object.rows += e->rows;
	return index_part_full(&s->part) ? shard_end_part(s, err) : ST_OK;
}

static enum status shard_commit(struct shard *s, struct error *err)
{
	enum status st = tar_end(s->tar, err);
	if (!st)
		st = sink_end(s->chain.first, err);
	if (st)
		return st;
	s->committed = true;
	s->object.size = s->chain.digest->size;
	memcpy(s->object.sha256, s->chain.digest->sha256, sizeof s->object.sha256);
	return ST_OK;
}

static enum status shard_finish(struct shard *s, struct error *err)
{
	if (!s->tar)
		return ST_OK; /* it never got an entry: there is no such object */
	enum status st = s->part.entries ? shard_end_part(s, err) : ST_OK;
	return st || s->common->sequential ? st : shard_commit(s, err);
}

static void shard_item_free(struct shard_item *it)
{
	stream_entry_free(&it->entry);
	free(it);
}

/* The next entry; NULL when none follows or somebody has failed. */
static struct shard_item *shard_take(struct shard *s)
{
	pthread_mutex_lock(&s->common->lock);
	while (!s->first && !s->closed && !s->common->failure.status)
		pthread_cond_wait(&s->wake, &s->common->lock);
	struct shard_item *it = s->common->failure.status ? NULL : s->first;
	if (it) {
		s->first = it->next;
		if (!s->first)
			s->last = &s->first;
	}
	pthread_mutex_unlock(&s->common->lock);
	return it;
}

static void shard_done(struct shard *s, struct shard_item *it)
{
	pthread_mutex_lock(&s->common->lock);
	s->queued -= it->bytes;
	pthread_mutex_unlock(&s->common->lock);
	uint64_t bytes = it->bytes;
	shard_item_free(it); /* first the memory, then the right to it */
	budget_give(&s->common->budget, bytes);
}

static void *shard_thread(void *arg)
{
	struct shard *s = arg;
	struct error err = ERROR_INIT;
	enum status st = ST_OK;
	for (struct shard_item *it; !st && (it = shard_take(s));) {
		st = shard_write(s, &it->entry, &err);
		shard_done(s, it);
	}
	if (!st && !atomic_load(&s->common->failed))
		st = shard_finish(s, &err);
	if (st)
		shard_common_fail(s->common, &err);
	return NULL;
}

void shard_init(struct shard *s, struct shard_common *common, unsigned number)
{
	*s = (struct shard){ .common = common, .number = number, .last = &s->first };
	index_part_init(&s->part);
	pthread_cond_init(&s->wake, NULL);
}

enum status shard_put(struct shard *s, struct stream_entry *e, uint64_t bytes, struct error *err)
{
	struct shard_item *it = calloc(1, sizeof *it);
	enum status st = it ? ST_OK : error_oom(err);
	if (!st) {
		pthread_mutex_lock(&s->common->lock);
		if (s->closed)
			st = error_set(err, ST_FAILED, ERR_UNEXPECTED, "an entry was put after the end of the stream");
		if (!st && !s->started) {
			int bad = pthread_create(&s->thread, NULL, shard_thread, s);
			st = bad ? error_sys(err, ST_FATAL, ERR_UNEXPECTED, bad, "cannot start a thread") : ST_OK;
			s->started = !bad;
		}
		if (!st) {
			*it = (struct shard_item){ .entry = *e, .bytes = bytes };
			*e = (struct stream_entry){ 0 };
			*s->last = it;
			s->last = &it->next;
			s->queued += bytes;
			s->given += bytes;
			pthread_cond_signal(&s->wake);
		}
		pthread_mutex_unlock(&s->common->lock);
	}
	if (st) {
		free(it);
		stream_entry_free(e);
	}
	return st;
}

void shard_close(struct shard *s)
{
	pthread_mutex_lock(&s->common->lock);
	s->closed = true;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->common->lock);
}

void shard_join(struct shard *s)
{
	if (s->started)
		pthread_join(s->thread, NULL);
	s->started = false;
}

enum status shard_last(struct shard *s, const char *name, const struct buf *data, struct error *err)
{
	uint64_t offset;
	enum status st = s->tar ? ST_OK : shard_open(s, err);
	if (!st)
		st = tar_add(s->tar, name, buf_str(data), data->len, &offset, err);
	return st ? st : shard_commit(s, err);
}

void shard_free(struct shard *s)
{
	while (s->first) {
		struct shard_item *it = s->first;
		s->first = it->next;
		shard_item_free(it);
	}
	tar_free(s->tar);
	chain_free(&s->chain);
	index_part_free(&s->part);
	pthread_cond_destroy(&s->wake);
}
