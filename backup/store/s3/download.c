/* SPDX-License-Identifier: Apache-2.0 */
/* download: one object read front to back, in pieces that are fetched ahead in parallel and handed out in order. */
#include <stdlib.h>
#include <string.h>

#include "store/s3/bucket.h"

struct download;

struct download_piece {
	struct workers_job job;
	struct download *d;
	unsigned char *data;
	uint64_t from, len, size; /* size: of the buffer */
	size_t got;
	bool ready;               /* under the bucket's lock */
	enum status st;
	struct error err;
	struct download_piece *next;
};

struct download {
	struct store_reader base;
	struct bucket *b;
	char *key;
	char etag[HTTP_WORD];
	uint64_t from, end;   /* what nobody fetches yet; end of what is wanted, the object's own once it is known */
	struct download_piece *first, **last; /* in order; the first is being handed out */
	unsigned n;
	size_t given;         /* of the first */
	atomic_bool stop;
};

static enum status download_fetch(struct download_piece *p, uint64_t *ret_total, char *ret_etag, struct error *err)
{
	struct client_call call = {
		.what = "read", .method = "GET", .key = p->d->key, .into = p->data, .from = p->from, .cap = p->len, .stop = &p->d->stop,
		.also = { 412, 416 },
	};
	memcpy(call.etag, p->d->etag, sizeof call.etag);
	enum status st = client_do(&p->d->b->client, &call, err);
	const char *total = strrchr(call.a.content_range, '/');
	if (!st && call.a.status == 412)
		st = error_set(err, ST_FAILED, ERR_STORE, "%s was replaced while it was read", p->d->key);
	/* 416: it ends before the piece; 200: a store that sends no parts has sent it all. */
	if (!st && ret_total)
		*ret_total = call.a.status == 416 ? p->from : call.a.status == 206 && total ? strtoull(total + 1, NULL, 10) : call.got;
	if (!st && ret_etag)
		memcpy(ret_etag, call.etag, HTTP_WORD);
	p->got = call.got;
	client_done(&call);
	return st;
}

static void download_run_piece(struct workers_job *job)
{
	struct download_piece *p = (struct download_piece *)job;
	struct bucket *b = p->d->b;
	struct error err = ERROR_INIT;
	enum status st = download_fetch(p, NULL, NULL, &err);
	/* The size is known by now, and the ETag says that it is the same object. */
	if (!st && p->got != p->len)
		st = error_set(&err, ST_FAILED, ERR_STORE, "%s is shorter than the store said", p->d->key);
	pthread_mutex_lock(&b->lock);
	p->st = st;
	p->err = err;
	p->ready = true;
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
}

static enum status download_piece_new(struct download *d, struct download_piece **ret, struct error *err)
{
	struct download_piece *p = calloc(1, sizeof *p);
	if (!p)
		return error_oom(err);
	uint64_t left = d->end - d->from, size = d->b->part_bytes;
	p->job.fn = download_run_piece;
	p->d = d;
	p->from = d->from;
	p->len = left < size ? left : size;
	p->size = p->len;
	p->data = (unsigned char *)bucket_buffer(d->b, p->size);
	if (!p->data) {
		free(p);
		return error_oom(err);
	}
	*ret = p;
	return ST_OK;
}

static void download_piece_free(struct download_piece *p)
{
	if (!p)
		return;
	bucket_give_back(p->d->b, (char *)p->data, p->size);
	free(p);
}

static void download_append(struct download *d, struct download_piece *p)
{
	*d->last = p;
	d->last = &p->next;
	d->from = p->from + p->len;
	d->n++;
}

/* Fetch ahead as long as the store's pieces in memory allow it. The one that is asked for next does not count: nobody may starve. */
static enum status download_ahead(struct download *d, struct error *err)
{
	struct bucket *b = d->b;
	while (d->from < d->end && d->n <= b->parallel) {
		struct download_piece *p;
		pthread_mutex_lock(&b->lock);
		bool may = d->n == 0 || b->ahead < b->parallel;
		b->ahead += may && d->n > 0;
		pthread_mutex_unlock(&b->lock);
		if (!may)
			break;
		bool counted = d->n > 0;
		enum status st = download_piece_new(d, &p, err);
		if (!st)
			st = workers_push(&b->workers, &p->job, err);
		if (st && counted) {
			pthread_mutex_lock(&b->lock);
			b->ahead--;
			pthread_mutex_unlock(&b->lock);
		}
		if (st)
			return st;
		download_append(d, p);
	}
	return ST_OK;
}

/* The first has been handed out; the one behind it does not count as fetched ahead any more. */
static void download_drop_first(struct download *d)
{
	struct download_piece *p = d->first;
	d->first = p->next;
	if (!d->first)
		d->last = &d->first;
	d->n--;
	d->given = 0;
	download_piece_free(p);
	if (!d->n)
		return;
	pthread_mutex_lock(&d->b->lock);
	d->b->ahead--;
	pthread_mutex_unlock(&d->b->lock);
}

static enum status download_wait_first(struct download *d, struct error *err)
{
	struct download_piece *p = d->first;
	pthread_mutex_lock(&d->b->lock);
	while (!p->ready)
		pthread_cond_wait(&d->b->changed, &d->b->lock);
	pthread_mutex_unlock(&d->b->lock);
	if (p->st && err)
		*err = p->err;
	return p->st;
}

static enum status download_read(struct store_reader *r, void *data, size_t cap, size_t *ret_n, struct error *err)
{
	struct download *d = (struct download *)r;
	enum status st = run_check(d->b->base.run, err);
	if (!st && d->given && d->given == d->first->got)
		download_drop_first(d);
	if (!st)
		st = download_ahead(d, err);
	if (!st && !d->first) {
		*ret_n = 0;
		return ST_OK;
	}
	if (!st)
		st = download_wait_first(d, err);
	if (st)
		return st;
	size_t left = d->first->got - d->given, n = cap < left ? cap : left;
	memcpy(data, d->first->data + d->given, n);
	d->given += n;
	*ret_n = n;
	return ST_OK;
}

static void download_free(struct store_reader *r)
{
	struct download *d = (struct download *)r;
	struct error ignored;
	atomic_store(&d->stop, true);
	while (d->first) {
		(void)download_wait_first(d, &ignored);
		download_drop_first(d);
	}
	free(d->key);
	free(d);
}

static const struct store_reader_ops download_ops = { download_read, download_free };

/* The first piece is fetched here: it says whether there is such an object, and how large it is. */
static enum status download_begin(struct download *d, uint64_t offset, uint64_t len, struct error *err)
{
	uint64_t total = 0;
	struct download_piece *p;
	d->from = offset;
	d->end = len && len < UINT64_MAX - offset ? offset + len : UINT64_MAX;
	enum status st = download_piece_new(d, &p, err);
	if (st)
		return st;
	st = download_fetch(p, &total, d->etag, err);
	if (st) {
		download_piece_free(p);
		return st;
	}
	if (total < d->end)
		d->end = total;
	p->ready = true;
	p->len = p->got;
	if (p->got) {
		download_append(d, p);
	} else {
		d->end = d->from;
		download_piece_free(p);
	}
	return ST_OK;
}

enum status download_open(struct store *s, const char *key, uint64_t offset, uint64_t len, struct store_reader **ret,
                          struct error *err)
{
	enum status st = run_check(s->run, err);
	if (!st)
		st = bucket_check_key(key, err);
	if (!st && offset > INT64_MAX)
		st = error_set(err, ST_FAILED, ERR_STORE, "cannot read %s from offset %llu", key, (unsigned long long)offset);
	if (st)
		return st;
	struct download *d = calloc(1, sizeof *d);
	if (!d)
		return error_oom(err);
	d->base.ops = &download_ops;
	d->b = (struct bucket *)s;
	d->last = &d->first;
	d->key = strdup(key);
	st = d->key ? download_begin(d, offset, len, err) : error_oom(err);
	if (st)
		download_free(&d->base);
	else
		*ret = &d->base;
	return st;
}
