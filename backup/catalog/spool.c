/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The story of spooling: a snapshot that comes through a pipe becomes a repository of its own, so that seeding can read it in any order.
 *
 * The stream itself becomes its one shard. Which snapshot it is shows only at its end, in the manifest; until then it lies below
 * a directory that no snapshot can have, and is moved when everything was right. The manifest is published last.
 */
#include "slackwater/stored.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slackwater/fs.h"
#include "stream/chain.h"
#include "stream/names.h"
#include "stream/objects.h"
#include "whole.h"

/* As the key of an instance, "%00" followed by anything stands for no name. */
static const char spool_incoming[] = "%00incoming";
enum { SPOOL_PATH_MAX = 4096, SPOOL_CHECKPOINT_MAX = 64 << 20 };

struct spool {
	struct visitor base;
	const char *dir;
	struct run *run;
	struct store *store;
	struct chain chain;
	_Atomic uint64_t stored;
	struct buf checkpoint;
	bool keeping; /* the entry that passes is the checkpoint */
};

static enum status spool_put(struct spool *s, const char *name, const struct buf *data, struct error *err)
{
	char key[128];
	snprintf(key, sizeof key, "%s/%s", spool_incoming, name);
	return s->store->ops->put(s->store, key, buf_str(data), data->len, false, err);
}

static enum status spool_begin(struct visitor *v, const char *name, uint64_t size, struct error *err)
{
	struct spool *s = (struct spool *)v;
	s->keeping = strcmp(name, NAMES_CHECKPOINT_JSON) == 0;
	if (s->keeping && size > s->checkpoint.max)
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "the checkpoint has %llu bytes, more than it can have",
		                 (unsigned long long)size);
	return ST_OK;
}

static enum status spool_data(struct visitor *v, const void *data, size_t len, struct error *err)
{
	struct spool *s = (struct spool *)v;
	if (!s->keeping)
		return ST_OK;
	buf_add(&s->checkpoint, data, len);
	return buf_check(&s->checkpoint, "the checkpoint", err);
}

static enum status spool_end(struct visitor *v, struct error *err)
{
	struct spool *s = (struct spool *)v;
	return s->keeping ? spool_put(s, NAMES_CHECKPOINT_JSON, &s->checkpoint, err) : ST_OK;
}

static enum status spool_index(struct visitor *v, const char *name, const struct buf *json, struct error *err)
{
	return spool_put((struct spool *)v, name, json, err);
}

static const struct visitor_ops spool_ops = { spool_begin, spool_data, spool_end, spool_index };

/* The manifest of the stream becomes that of a store: the same snapshot, its objects lying otherwise. */
static enum status spool_describe(const struct spool *s, const struct sequence *came, struct manifest *m, struct error *err)
{
	struct stream_object shard = { .size = s->chain.digest->size, .entries = came->entries, .raw_bytes = came->raw_bytes, .rows = came->rows };
	struct stream_objects all = { 0 };
	names_shard(0, shard.key);
	memcpy(shard.sha256, s->chain.digest->sha256, sizeof shard.sha256);
	char *layout = strdup("store");
	enum status st = layout ? objects_add(&all, &shard, err) : error_oom(err);
	for (size_t i = 0; !st && i < m->objects.n; i++)
		st = objects_add(&all, &m->objects.item[i], err);
	if (st) {
		free(layout);
		stream_objects_free(&all);
		return st;
	}
	free(m->layout);
	m->layout = layout;
	stream_objects_free(&m->objects);
	m->objects = all;
	m->bytes_stored = shard.size;
	return ST_OK;
}

/* Only now is it known whose snapshot it is. */
static enum status spool_move(const struct spool *s, const struct manifest *m, struct error *err)
{
	struct buf from = BUF_INIT(SPOOL_PATH_MAX), parent = BUF_INIT(SPOOL_PATH_MAX), to = BUF_INIT(SPOOL_PATH_MAX);
	buf_addf(&from, "%s/%s", s->dir, spool_incoming);
	buf_addf(&parent, "%s/", s->dir);
	catalog_instance_key(m->instance, &parent);
	buf_addf(&to, "%s/%s", buf_str(&parent), m->id);
	enum status st = buf_check(&to, "the path", err);
	if (!st)
		st = buf_check(&parent, "the path", err);
	if (!st)
		st = fs_mkdirs(parent.data, 0700, err);
	if (!st && rename(from.data, to.data) != 0)
		st = error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot rename %s to %s", from.data, to.data);
	if (!st)
		st = fs_sync_dir(parent.data, err);
	if (!st)
		st = fs_sync_dir(s->dir, err);
	buf_free(&from);
	buf_free(&parent);
	buf_free(&to);
	return st;
}

/* An encrypted stream is kept in clear: below a directory that only we can read, for as long as it takes to load it. */
static enum status spool_open(struct spool *s, struct error *err)
{
	char key[128];
	snprintf(key, sizeof key, "%s/shard-0000.tar", spool_incoming);
	enum status st = store_open(s->dir, STORE_WRITE, NULL, s->run, &s->store, err);
	return st ? st : chain_open(&s->chain, s->store, key, NULL, &s->stored, err);
}

static void spool_close(struct spool *s, bool failed)
{
	chain_free(&s->chain);
	store_free(s->store);
	buf_free(&s->checkpoint);
	struct buf incoming = BUF_INIT(SPOOL_PATH_MAX);
	buf_addf(&incoming, "%s/%s", s->dir, spool_incoming);
	if (failed && !incoming.bad)
		(void)fs_remove_tree(incoming.data, NULL);
	buf_free(&incoming);
}

enum status snapshot_spool_stream(struct store *pipe, struct age_keyring *keyring, const char *dir, struct run *run, struct error *err)
{
	struct spool s = { .base = { &spool_ops }, .dir = dir, .run = run, .checkpoint = BUF_INIT(SPOOL_CHECKPOINT_MAX) };
	struct sequence came = { 0 };
	struct manifest *m = NULL;
	bool stay; /* the directory is ours alone */
	struct whole_stream w = { .pipe = pipe, .keyring = keyring, .run = run, .area = "restore", .visitor = &s.base };
	enum status st = spool_open(&s, err);
	w.copy = s.chain.first;
	if (!st)
		st = whole_read_stream(&w, &m, NULL, &came, err);
	if (!st)
		st = sink_end(s.chain.first, err);
	if (!st)
		st = spool_describe(&s, &came, m, err);
	if (!st)
		st = spool_move(&s, m, err);
	if (!st)
		st = catalog_publish(s.store, m, &stay, err);
	sequence_free(&came);
	manifest_free(m);
	spool_close(&s, st != ST_OK);
	return st;
}
