/* SPDX-License-Identifier: Apache-2.0 */
/* The story of copying: manifest read -> objects, in parallel, each checked while it passes -> manifest -> proof. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/id.h"
#include "slackwater/stored.h"
#include "stream/objects.h"
#include "stream/parallel.h"

enum { COPY_BLOCK = 1 << 20, COPY_KEY_MAX = 1024, COPY_TEXT_MAX = 64 << 20, COPY_PROOF_MAX = 1 << 20 };

struct copy {
	struct store *from, *to;
	struct run *run;
	struct manifest *manifest;
	struct buf prefix, text;
	bool there; /* the manifest is: its objects were checked when they came */
	bool tried; /* a trial at the destination came to something less than a proof: its objects are looked into again */
	uint64_t total;
	_Atomic uint64_t done, objects, bytes;
};

static void copy_progress(void *arg, uint64_t bytes)
{
	struct copy *c = arg;
	uint64_t done = atomic_fetch_add(&c->done, bytes) + bytes;
	event_progress(c->run->events, "copy", done, c->total, 0, 0);
}

struct copy_pass {
	struct store_reader *from;
	struct store_writer *to;
	struct digest *digest;
	char *block;
	uint64_t size;
};

static enum status copy_blocks(struct copy *c, struct copy_pass *p, const atomic_bool *stop, struct error *err)
{
	for (size_t n = 1; n;) {
		enum status st = run_check(c->run, err);
		if (!st && atomic_load(stop))
			st = error_set(err, ST_FAILED, ERR_STORE, "given up, because another object failed");
		if (!st)
			st = p->from->ops->read(p->from, p->block, COPY_BLOCK, &n, err);
		if (!st && n)
			st = p->to->ops->write(p->to, p->block, n, err);
		if (st)
			return st;
		digest_add(p->digest, p->block, n);
		p->size += n;
		copy_progress(c, n);
	}
	return ST_OK;
}

/* Nothing is visible at its place before all of it has proved to be what the manifest says. */
static enum status copy_send(struct copy *c, const struct stream_object *o, const char *key, const atomic_bool *stop, struct error *err)
{
	struct copy_pass p = { 0 };
	char sha256[DIGEST_HEX] = "";
	enum status st = (p.block = malloc(COPY_BLOCK)) ? digest_new(&p.digest, err) : error_oom(err);
	if (!st)
		st = c->from->ops->open(c->from, key, 0, 0, &p.from, err);
	if (!st)
		st = c->to->ops->create(c->to, key, &p.to, err);
	if (!st)
		st = copy_blocks(c, &p, stop, err);
	if (!st)
		digest_hex(p.digest, sha256);
	if (!st && (p.size != o->size || strcmp(sha256, o->sha256) != 0)) {
		st = error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s is damaged: its digest is not the manifest's", key);
		error_hint(err, "copy another snapshot; `slackwater verify` shows what else is damaged");
	}
	if (!st)
		st = p.to->ops->commit(p.to, err);
	store_writer_free(p.to);
	store_reader_free(p.from);
	digest_free(p.digest);
	free(p.block);
	if (st)
		return st;
	atomic_fetch_add(&c->objects, 1);
	atomic_fetch_add(&c->bytes, o->size);
	return ST_OK;
}

/* Is it at its place already? What an earlier copy left is read before it is believed. */
static enum status copy_is_there(struct copy *c, const struct stream_object *o, const char *key, bool *ret, struct error *err)
{
	struct error mine = ERROR_INIT;
	uint64_t size = 0;
	*ret = false;
	enum status st = c->to->ops->stat(c->to, key, &size, &mine);
	if (!st && size == o->size && (!c->there || c->tried))
		st = stream_object_verify(c->to, c->prefix.data, o, NULL, NULL, &mine);
	*ret = !st && size == o->size;
	if (!st || mine.kind == ERR_SNAPSHOT)
		return ST_OK;
	if (err)
		*err = mine;
	return st;
}

static enum status copy_object(void *arg, size_t i, const atomic_bool *stop, struct error *err)
{
	struct copy *c = arg;
	const struct stream_object *o = &c->manifest->objects.item[i];
	struct buf key = BUF_INIT(COPY_KEY_MAX);
	bool there = false;
	buf_addf(&key, "%s%s", c->prefix.data, o->key);
	enum status st = buf_check(&key, "a key", err);
	if (!st)
		st = run_check(c->run, err);
	if (!st)
		st = copy_is_there(c, o, key.data, &there, err);
	if (!st && there)
		copy_progress(c, o->size);
	else if (!st)
		st = copy_send(c, o, key.data, stop, err);
	buf_free(&key);
	return st;
}

/* Has the destination this manifest, another one, or none? */
static enum status copy_look(struct copy *c, struct error *err)
{
	struct buf key = BUF_INIT(COPY_KEY_MAX), there = BUF_INIT(COPY_TEXT_MAX);
	struct error mine = ERROR_INIT;
	enum status st = id_key(c->manifest->instance, c->manifest->id, ".json", &key, &mine);
	if (!st)
		st = store_get(c->to, key.data, &there, &mine);
	c->there = !st && there.len == c->text.len && memcmp(buf_str(&there), buf_str(&c->text), there.len) == 0;
	if (st && store_missing(&mine))
		st = ST_OK;
	else if (!st && !c->there) {
		st = error_set(&mine, ST_FAILED, ERR_STORE, "the destination has another snapshot of the name %s", key.data);
		mine.sys_errno = EEXIST;
	}
	if (st && err)
		*err = mine;
	buf_free(&key);
	buf_free(&there);
	return st;
}

/* That a restore of these very bytes was proven stays true wherever they lie; unless a trial where they lie now has said otherwise. */
static enum status copy_proof(struct copy *c, struct error *err)
{
	struct buf key = BUF_INIT(COPY_KEY_MAX), text = BUF_INIT(COPY_PROOF_MAX);
	struct error mine = ERROR_INIT;
	enum status st = id_key(c->manifest->instance, c->manifest->id, ".proof.json", &key, &mine);
	if (!st)
		st = store_get(c->from, key.data, &text, &mine);
	bool none = st && mine.kind == ERR_SNAPSHOT;
	if (!st)
		st = c->to->ops->put(c->to, key.data, buf_str(&text), text.len, false, &mine);
	if (none)
		st = ST_OK;
	else if (st && err)
		*err = mine;
	buf_free(&key);
	buf_free(&text);
	return st;
}

static enum status copy_begin(struct copy *c, const struct catalog_item *it, struct error *err)
{
	enum status st = catalog_load(c->from, it, &c->manifest, &c->text, err);
	if (!st && strcmp(c->manifest->layout, "store") != 0)
		st = error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s has the layout of a pipe, and lies in a store", it->id);
	if (st)
		return st;
	catalog_prefix(c->manifest, &c->prefix);
	c->total = objects_bytes(&c->manifest->objects);
	st = buf_check(&c->prefix, "the snapshot's prefix", err);
	if (!st)
		st = copy_look(c, err);
	/* There already: was it tried since, without being proven? */
	return st || !c->there ? st : id_there(c->to, c->manifest->instance, c->manifest->id, ".trial.json", &c->tried, err);
}

/* A manifest that is there is left alone: to write it again could only lose it. */
static enum status copy_publish(struct copy *c, struct error *err)
{
	enum status st = c->there ? catalog_check_objects(c->to, c->manifest, err) : catalog_publish_text(c->to, c->manifest, &c->text, NULL, err);
	return st || c->tried ? st : copy_proof(c, err);
}

enum status snapshot_copy(struct store *from, struct store *to, const struct catalog_item *it, unsigned threads, struct run *run,
                          struct copy_report *ret, struct error *err)
{
	struct copy c = { .from = from, .to = to, .run = run, .prefix = BUF_INIT(COPY_KEY_MAX), .text = BUF_INIT(COPY_TEXT_MAX) };
	enum status st = copy_begin(&c, it, err);
	if (!st)
		st = parallel_run(c.manifest->objects.n, threads, copy_object, &c, err);
	if (!st)
		st = run_check(run, err);
	if (!st)
		st = copy_publish(&c, err);
	if (!st)
		*ret = (struct copy_report){ .objects = c.objects, .bytes = c.bytes, .was_there = c.there && !c.objects };
	manifest_free(c.manifest);
	buf_free(&c.prefix);
	buf_free(&c.text);
	return st;
}
