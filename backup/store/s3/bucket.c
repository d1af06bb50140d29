/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3/bucket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/key.h"
#include "store/s3/xml.h"

enum {
	BUCKET_PARTS_ALIKE = 2000, /* with the smallest first size 16 GiB */
	BUCKET_PARTS_STEADY = 8000,
	BUCKET_STEP = 200,         /* parts for one more first size */
	BUCKET_DOUBLING = 500
};
static const uint64_t bucket_part_max = 5ull << 30;
static const char bucket_probe_key[] = "slackwater-probe";

enum status bucket_check_key(const char *key, struct error *err)
{
	if (key_valid(key))
		return ST_OK;
	return error_set(err, ST_FAILED, ERR_STORE, "%.200s cannot be the key of an object", key);
}

/*
 * Alike at first, so that what is of usual size needs the usual memory; then growing in proportion, which keeps the largest part small for the
 * size that is reached; at the end doubling, so that no stream meets the limit of 10,000.
 */
uint64_t bucket_part_size(uint64_t first, unsigned n)
{
	uint64_t steady = n < BUCKET_PARTS_STEADY ? n : BUCKET_PARTS_STEADY;
	uint64_t size = first;
	if (steady > BUCKET_PARTS_ALIKE)
		size += first / BUCKET_STEP * (steady - BUCKET_PARTS_ALIKE);
	if (n > BUCKET_PARTS_STEADY)
		size <<= 1 + (n - BUCKET_PARTS_STEADY) / BUCKET_DOUBLING;
	return size < bucket_part_max ? size : bucket_part_max;
}

char *bucket_buffer(struct bucket *b, uint64_t size)
{
	char *buffer = NULL;
	pthread_mutex_lock(&b->lock);
	if (size == b->part_bytes && b->nspare)
		buffer = b->spare[--b->nspare];
	pthread_mutex_unlock(&b->lock);
	return buffer ? buffer : malloc(size);
}

void bucket_give_back(struct bucket *b, char *buffer, uint64_t size)
{
	pthread_mutex_lock(&b->lock);
	if (buffer && size == b->part_bytes && b->nspare < BUCKET_SPARE && b->nspare < b->parallel + 1) {
		b->spare[b->nspare++] = buffer;
		buffer = NULL;
	}
	pthread_mutex_unlock(&b->lock);
	free(buffer);
}

static enum status bucket_exists(const char *key, struct error *err)
{
	error_sys(err, ST_FAILED, ERR_STORE, EEXIST, "will not replace %s", key);
	error_hint(err, "objects of a snapshot are never changed once they are written");
	return ST_FAILED;
}

static void bucket_put_call(struct bucket *b, struct client_call *call, const char *key, const void *data, size_t len)
{
	*call = (struct client_call){ .what = "write", .method = "PUT", .key = key, .body = data, .len = len, .md5_too = b->content_md5 };
}

enum status bucket_put(struct bucket *b, const char *key, const void *data, size_t len, const char *writer, bool *ret_ambiguous,
                       struct error *err)
{
	struct client_call call;
	char until[MARKS_UNTIL];
	bucket_put_call(b, &call, key, data, len);
	marks_add(&b->marks, client_wall_ms(&b->client), until, &call);
	if (writer)
		client_header(&call, "x-amz-meta-slackwater-writer", writer);
	enum status st = client_do(&b->client, &call, err);
	*ret_ambiguous = call.ambiguous || (st && call.attempts);
	client_done(&call);
	return st;
}

/* What is there may be ours: the answer to an attempt that had succeeded was lost. */
static enum status bucket_compare(struct bucket *b, const char *key, const void *data, size_t len, bool *ret_same, struct error *err)
{
	struct buf there = BUF_INIT(len);
	struct error mine = ERROR_INIT;
	enum status st = store_get(&b->base, key, &there, &mine);
	*ret_same = !st && there.len == len && memcmp(buf_str(&there), data, len) == 0;
	buf_free(&there);
	/* Larger than ours, or gone again: not what we wrote. */
	if (!st || mine.kind == ERR_SNAPSHOT)
		return ST_OK;
	if (err)
		*err = mine;
	return st;
}

/* 412: it is there; 501: the store cannot say. */
static void bucket_if_absent(struct client_call *call)
{
	client_header(call, "If-None-Match", "*");
	call->also[0] = 412;
	call->also[1] = 501;
}

/* For stores without If-None-Match: what came in between is not seen; the feature bit says so. */
static enum status bucket_put_unless_seen(struct bucket *b, const char *key, const void *data, size_t len, struct error *err)
{
	struct error mine = ERROR_INIT;
	uint64_t size;
	bool ambiguous;
	enum status st = bucket_head(b, key, false, &size, NULL, &mine);
	if (!st)
		return bucket_exists(key, err);
	if (mine.kind == ERR_SNAPSHOT)
		return bucket_put(b, key, data, len, NULL, &ambiguous, err);
	if (err)
		*err = mine;
	return st;
}

enum status bucket_put_absent(struct bucket *b, const char *key, const void *data, size_t len, struct error *err)
{
	if (atomic_load(&b->no_if_absent))
		return bucket_put_unless_seen(b, key, data, len, err);
	struct client_call call;
	bool same = false;
	char until[MARKS_UNTIL];
	bucket_put_call(b, &call, key, data, len);
	marks_add(&b->marks, client_wall_ms(&b->client), until, &call);
	bucket_if_absent(&call);
	enum status st = client_do(&b->client, &call, err);
	long status = call.a.status;
	if (!st && status == 412 && call.ambiguous)
		st = bucket_compare(b, key, data, len, &same, err);
	if (!st && status == 412 && !same)
		st = bucket_exists(key, err);
	client_done(&call);
	if (st || status != 501)
		return st;
	atomic_store(&b->no_if_absent, true);
	return bucket_put_unless_seen(b, key, data, len, err);
}

/* A PUT that must fail: the digest is wrong. A store without If-None-Match says so first. */
enum status bucket_probe(struct bucket *b, struct error *err)
{
	struct client_call call;
	bucket_put_call(b, &call, bucket_probe_key, "?", 1);
	call.what = "write to";
	call.md5_too = false;
	bucket_if_absent(&call);
	client_header(&call, "Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA==");
	call.probe = true;
	enum status st = client_do(&b->client, &call, err);
	if (!st && call.a.status == 501) {
		atomic_store(&b->no_if_absent, true);
		b->ops.features &= ~(unsigned)STORE_IF_ABSENT;
	} else if (!st && call.a.status / 100 == 2) {
		st = bucket_delete(b, bucket_probe_key, err);
	} else if (st && err && err->kind == ERR_SNAPSHOT) {
		err->kind = ERR_STORE; /* a 404 is about the bucket, whatever its code: an object to be written cannot be missing */
	}
	client_done(&call);
	return st;
}

enum status bucket_head(struct bucket *b, const char *key, bool tidy, uint64_t *ret_size, char *ret_writer, struct error *err)
{
	struct client_call call = { .what = "look at", .method = "HEAD", .key = key, .tidy = tidy };
	enum status st = client_do(&b->client, &call, err);
	if (!st && call.a.length < 0)
		st = error_set(err, ST_FAILED, ERR_STORE, "the store does not say how large %s is", key);
	if (!st)
		*ret_size = (uint64_t)call.a.length;
	if (!st && ret_writer)
		snprintf(ret_writer, HTTP_WORD, "%s", call.a.writer);
	client_done(&call);
	return st;
}

enum status bucket_delete(struct bucket *b, const char *key, struct error *err)
{
	struct client_call call = { .what = "remove", .method = "DELETE", .key = key, .tidy = true, .also = { 404 } };
	enum status st = client_do(&b->client, &call, err);
	if (!st && strcmp(call.code, "NoSuchBucket") == 0)
		st = client_error(&b->client, &call, err);
	client_done(&call);
	return st;
}

/* Once: most buckets have no locks, and then nothing more is asked. */
static void bucket_ask_locks(struct bucket *b)
{
	struct client_call call = { .what = "ask about Object Lock of", .method = "GET", .tidy = true };
	struct error ignored;
	client_query(&call, "object-lock", "");
	(void)client_do(&b->client, &call, &ignored);
	bool none = call.a.status == 501 || strcmp(call.code, "ObjectLockConfigurationNotFoundError") == 0;
	atomic_store(&b->no_locks, none);
	atomic_store(&b->lock_asked, true);
	client_done(&call);
}

bool bucket_without_locks(struct bucket *b)
{
	if (!atomic_load(&b->lock_asked))
		bucket_ask_locks(b);
	return atomic_load(&b->no_locks);
}

static enum status bucket_put_lock(struct bucket *b, const char *key, const char *until, struct error *err)
{
	struct buf text = BUF_INIT(512);
	buf_addf(&text, "<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Mode>%s</Mode><RetainUntilDate>%s</RetainUntilDate></Retention>",
	         b->marks.lock_mode, until);
	struct client_call call = { .what = "lock", .method = "PUT", .key = key, .body = text.data, .len = text.len, .md5_too = true };
	client_query(&call, "retention", "");
	enum status st = buf_check(&text, "the lock", err);
	if (!st)
		st = client_do(&b->client, &call, err);
	client_done(&call);
	buf_free(&text);
	return st;
}

enum status bucket_confirm_lock(struct bucket *b, const char *key, const char *until, struct error *err)
{
	struct client_call call = { .what = "look at", .method = "HEAD", .key = key };
	enum status st = client_do(&b->client, &call, err);
	bool locked = xml_time(call.a.lock_until) >= xml_time(until);
	client_done(&call);
	return st || locked ? st : bucket_put_lock(b, key, until, err);
}

static enum status bucket_check_lock(struct bucket *b, const struct client_call *call, struct error *err)
{
	int64_t until = xml_time(call->a.lock_until);
	bool hold = strcmp(call->a.hold, "ON") == 0;
	if (!hold && until <= client_wall_ms(&b->client))
		return ST_OK;
	error_sys(err, ST_FAILED, ERR_STORE, EPERM, "%s is locked in the store%s%s%s", call->key, until ? " until " : "", call->a.lock_until,
	          hold ? " by a legal hold" : "");
	error_hint(err, "Object Lock keeps it from everybody; expire takes it once the lock has ended");
	return ST_FAILED;
}

enum status bucket_remove(struct bucket *b, const char *key, struct error *err)
{
	if (bucket_without_locks(b))
		return bucket_delete(b, key, err);
	struct client_call call = { .what = "look at", .method = "HEAD", .key = key, .tidy = true };
	struct error ignored;
	bool there = client_do(&b->client, &call, &ignored) == ST_OK, gone = call.a.status == 404;
	enum status st = there ? bucket_check_lock(b, &call, err) : ST_OK;
	client_done(&call);
	/* A look that is not allowed is no reason not to try. */
	return st || gone ? st : bucket_delete(b, key, err);
}
