/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3/s3.h"

#include <stdlib.h>
#include <string.h>

#include "store/s3/bucket.h"

enum {
	S3_PARALLEL = 4,
	S3_PARALLEL_MAX = 64,
	S3_PART = 8 << 20,
	S3_PART_MIN = 5 << 20, /* the protocol's own, of all but the last part */
	S3_STALL_MS = 30 * 1000,
	S3_RETRY_MS = 5 * 60 * 1000
};

static struct store_options s3_defaults(const struct store_options *o)
{
	struct store_options r = o ? *o : (struct store_options){ .upload_limit = 0 };
	if (!r.s3.parallel)
		r.s3.parallel = S3_PARALLEL;
	if (!r.s3.part_bytes)
		r.s3.part_bytes = S3_PART;
	if (!r.s3.stall_ms)
		r.s3.stall_ms = S3_STALL_MS;
	if (!r.s3.retry_ms)
		r.s3.retry_ms = S3_RETRY_MS;
	return r;
}

static enum status s3_check_options(const struct store_options *o, struct error *err)
{
	if (o->s3.parallel > S3_PARALLEL_MAX)
		return error_set(err, ST_FAILED, ERR_USAGE, "%u parts at once are too many", o->s3.parallel);
	if (o->s3.part_bytes >= S3_PART_MIN)
		return ST_OK;
	error_set(err, ST_FAILED, ERR_USAGE, "parts of %llu bytes are smaller than S3 takes", (unsigned long long)o->s3.part_bytes);
	error_hint(err, "--s3-part-size is at least 5M");
	return ST_FAILED;
}

static enum status s3_check_signed(const struct place *p, const struct store_options *o, struct error *err)
{
	if (!o->s3.unsigned_payload || strcmp(p->scheme, "https") == 0)
		return ST_OK;
	error_set(err, ST_FAILED, ERR_USAGE, "without TLS what is sent has to be signed");
	error_hint(err, "leave --s3-unsigned-payload out, or name an https:// endpoint");
	return ST_FAILED;
}

enum status s3_check(const char *url, const struct store_options *o, struct error *err)
{
	struct place p;
	struct marks m;
	struct store_options full = s3_defaults(o);
	enum status st = place_init(&p, url, client_endpoint(&full), full.s3.style, err);
	if (st)
		return st;
	st = s3_check_signed(&p, &full, err);
	place_free(&p);
	if (!st)
		st = s3_check_options(&full, err);
	if (st)
		return st;
	st = marks_init(&m, &full.s3, err);
	marks_free(&m);
	return st;
}

static enum status s3_put(struct store *s, const char *key, const void *data, size_t len, bool if_absent, struct error *err)
{
	struct bucket *b = (struct bucket *)s;
	bool ambiguous;
	enum status st = run_check(s->run, err);
	if (!st)
		st = bucket_check_key(key, err);
	if (st)
		return st;
	return if_absent ? bucket_put_absent(b, key, data, len, err) : bucket_put(b, key, data, len, NULL, &ambiguous, err);
}

static enum status s3_stat(struct store *s, const char *key, uint64_t *ret_size, struct error *err)
{
	enum status st = bucket_check_key(key, err);
	return st ? st : bucket_head((struct bucket *)s, key, false, ret_size, NULL, err);
}

static enum status s3_remove(struct store *s, const char *key, struct error *err)
{
	enum status st = bucket_check_key(key, err);
	return st ? st : bucket_remove((struct bucket *)s, key, err);
}

static void s3_free(struct store *s)
{
	struct bucket *b = (struct bucket *)s;
	workers_destroy(&b->workers);
	client_free(&b->client);
	for (unsigned i = 0; i < b->nspare; i++)
		free(b->spare[i]);
	marks_free(&b->marks);
	pthread_cond_destroy(&b->changed);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

static const struct store_ops s3_ops = {
	.features = STORE_LIST | STORE_RANGED | STORE_IF_ABSENT,
	.create = upload_create,
	.put = s3_put,
	.open = download_open,
	.stat = s3_stat,
	.list = listing_list,
	.folders = listing_folders,
	.remove = s3_remove,
	.sweep = uploads_sweep,
	.free = s3_free,
};

static enum status s3_init(struct bucket *b, const char *url, const struct store_options *o, struct run *run, struct error *err)
{
	b->ops = s3_ops;
	b->base = (struct store){ &b->ops, run };
	b->part_bytes = o->s3.part_bytes;
	b->parallel = o->s3.parallel;
	b->content_md5 = o->s3.content_md5;
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->changed, NULL);
	enum status st = marks_init(&b->marks, &o->s3, err);
	if (!st)
		st = client_init(&b->client, url, o, run, err);
	return st ? st : workers_init(&b->workers, b->parallel, err);
}

enum status s3_open(const char *url, enum store_use use, const struct store_options *o, struct run *run, struct store **ret,
                    struct error *err)
{
	struct store_options full = s3_defaults(o);
	enum status st = s3_check(url, o, err);
	struct bucket *b = st ? NULL : calloc(1, sizeof *b);
	if (!b)
		return st ? st : error_oom(err);
	st = s3_init(b, url, &full, run, err);
	if (!st && use == STORE_WRITE)
		st = bucket_probe(b, err);
	if (!st && use == STORE_WRITE && b->marks.lock_mode && bucket_without_locks(b)) {
		st = error_set(err, ST_FAILED, ERR_STORE, "the bucket %s has no Object Lock", b->client.place.bucket);
		error_hint(err, "a bucket gets it when it is made; leave --s3-object-lock out, or name another bucket");
	}
	if (st)
		s3_free(&b->base);
	else
		*ret = &b->base;
	return st;
}
