/* SPDX-License-Identifier: Apache-2.0 */
/* upload: one object written front to back: parts are filled by the writer and sent by the store's threads. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "store/s3/bucket.h"
#include "store/s3/xml.h"

enum { UPLOAD_PARTS_MAX = 10000, UPLOAD_ID_MAX = 2048, UPLOAD_XML_MAX = 4 << 20 };
/* Parts that have grown need not all be in memory at once. */
static const uint64_t upload_sending_max = 1ull << 30;

struct upload {
	struct store_writer base;
	struct bucket *b;
	char *key, *buffer;
	uint64_t size, len;      /* of the buffer */
	uint64_t total;
	char until[MARKS_UNTIL]; /* the end of its lock */
	char writer[33];         /* random: how our object is told from another of the same key */
	struct buf id;           /* "" until the first part is full */
	struct strlist etag;     /* of the parts, in their order; "" until it is there */
	unsigned parts, in_flight; /* in_flight, failed and etag under the bucket's lock */
	enum status failed;
	struct error why;
	atomic_bool stop;
	bool begun_twice, maybe_there, resent, done;
};

struct upload_part {
	struct workers_job job;
	struct upload *u;
	unsigned number;
	char *data;
	uint64_t size, len;
	char sha256[DIGEST_HEX];
};

static bool upload_on_id(void *arg, const char *path, const char *text)
{
	if (strcmp(path, "InitiateMultipartUploadResult/UploadId") == 0)
		buf_adds(arg, text);
	return true;
}

static enum status upload_read_id(struct client_call *call, struct error *err)
{
	struct buf *id = call->arg;
	buf_clear(id);
	enum status st = xml_read(buf_str(&call->a.body), call->a.body.len, upload_on_id, id, err);
	if (!st && (!id->len || id->bad))
		st = error_set(err, ST_RETRY, ERR_STORE, "the store began an upload and did not name it");
	return st;
}

static enum status upload_begin(struct upload *u, struct error *err)
{
	struct client_call call = { .what = "begin the upload of", .method = "POST", .key = u->key, .check = upload_read_id, .arg = &u->id };
	client_query(&call, "uploads", "");
	marks_add(&u->b->marks, client_wall_ms(&u->b->client), u->until, &call);
	call.md5_too = false; /* there is no body */
	client_header(&call, "x-amz-meta-slackwater-writer", u->writer);
	enum status st = client_do(&u->b->client, &call, err);
	if (st)
		buf_clear(&u->id);
	/* An attempt whose answer was lost has begun one of which only the store knows the name. */
	u->begun_twice = call.attempts > 1 || (st && call.attempts);
	client_done(&call);
	return st;
}

static enum status upload_send_part(struct upload_part *p, char etag[HTTP_WORD], bool *ret_resent, struct error *err)
{
	char number[16];
	snprintf(number, sizeof number, "%u", p->number);
	struct client_call call = {
		.what = "write a part of", .method = "PUT", .key = p->u->key, .body = p->data, .len = p->len,
		.md5_too = p->u->b->content_md5 || p->u->b->marks.lock_mode, .stop = &p->u->stop,
	};
	memcpy(call.sha256, p->sha256, sizeof call.sha256);
	client_query(&call, "partNumber", number);
	client_query(&call, "uploadId", p->u->id.data);
	enum status st = client_do(&p->u->b->client, &call, err);
	if (!st && !*call.a.etag)
		st = error_set(err, ST_FAILED, ERR_STORE, "the store took a part of %s and gave no ETag for it", p->u->key);
	/* The upload was ended by somebody: not what a reader would call a missing object. */
	if (st && err->kind == ERR_SNAPSHOT) {
		error_set(err, ST_FAILED, ERR_STORE, "the unfinished upload of %s is gone from the store", p->u->key);
		error_hint(err, "does a lifecycle rule of the bucket, or another run, end uploads that are younger than a backup takes?");
	}
	memcpy(etag, call.a.etag, HTTP_WORD);
	*ret_resent = call.attempts > 1;
	client_done(&call);
	return st;
}

static void upload_run_part(struct workers_job *job)
{
	struct upload_part *p = (struct upload_part *)job;
	struct upload *u = p->u;
	struct bucket *b = u->b;
	char etag[HTTP_WORD] = "";
	struct error err = ERROR_INIT;
	bool resent = false;
	enum status st = upload_send_part(p, etag, &resent, &err);
	char *copy = st ? NULL : strdup(etag);
	if (!st && !copy)
		st = error_oom(&err);
	bucket_give_back(b, p->data, p->size);
	pthread_mutex_lock(&b->lock);
	if (copy) {
		free(u->etag.item[p->number - 1]);
		u->etag.item[p->number - 1] = copy;
	}
	if (st && !u->failed) {
		u->failed = st;
		u->why = err;
		atomic_store(&u->stop, true);
	}
	u->resent = u->resent || resent;
	u->in_flight--;
	b->sending--;
	b->sending_bytes -= p->len;
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
	free(p);
}

static enum status upload_failed(struct upload *u, struct error *err)
{
	pthread_mutex_lock(&u->b->lock);
	enum status st = u->failed;
	if (st && err)
		*err = u->why;
	pthread_mutex_unlock(&u->b->lock);
	return st;
}

/*
 * Wait until one more part may be handed over: one more than there are threads, so that a thread that has sent its part finds the next one ready
 * and no connection is idle. Those on their way end with a cancel, so the wait does, too.
 */
static void upload_take_slot(struct upload *u, uint64_t len)
{
	struct bucket *b = u->b;
	pthread_mutex_lock(&b->lock);
	while (b->sending && (b->sending > b->parallel || b->sending_bytes + len > upload_sending_max))
		pthread_cond_wait(&b->changed, &b->lock);
	b->sending++;
	b->sending_bytes += len;
	u->in_flight++;
	pthread_mutex_unlock(&b->lock);
}

static void upload_drop_slot(struct upload *u, uint64_t len)
{
	struct bucket *b = u->b;
	pthread_mutex_lock(&b->lock);
	b->sending--;
	b->sending_bytes -= len;
	u->in_flight--;
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
}

static enum status upload_add_etag(struct upload *u, struct error *err)
{
	pthread_mutex_lock(&u->b->lock);
	enum status st = strlist_add(&u->etag, "", err);
	pthread_mutex_unlock(&u->b->lock);
	return st;
}

/* Hand the buffer over to the threads. */
static enum status upload_push(struct upload *u, struct error *err)
{
	if (u->parts == UPLOAD_PARTS_MAX)
		return error_set(err, ST_FAILED, ERR_STORE, "%s has more than %d parts", u->key, UPLOAD_PARTS_MAX);
	enum status st = u->id.len ? ST_OK : upload_begin(u, err);
	if (!st)
		st = upload_add_etag(u, err);
	struct upload_part *p = st ? NULL : calloc(1, sizeof *p);
	if (!st && !p)
		st = error_oom(err);
	if (st)
		return st;
	*p = (struct upload_part){ .job.fn = upload_run_part, .u = u, .number = ++u->parts, .data = u->buffer, .size = u->size, .len = u->len };
	/* Here and not where it is signed: the threads only send, while the next part is read and summed up. */
	st = u->b->client.unsigned_payload ? ST_OK : digest_of(p->data, p->len, p->sha256, err);
	if (!st) {
		upload_take_slot(u, p->len);
		st = workers_push(&u->b->workers, &p->job, err);
		if (st)
			upload_drop_slot(u, p->len);
	}
	if (st) {
		free(p);
		return st;
	}
	u->buffer = NULL;
	return ST_OK;
}

static enum status upload_write(struct store_writer *w, const void *data, size_t len, struct error *err)
{
	struct upload *u = (struct upload *)w;
	enum status st = run_check(u->b->base.run, err);
	if (!st)
		st = upload_failed(u, err);
	for (const char *from = data; !st && len;) {
		if (!u->buffer) {
			u->len = 0;
			u->size = bucket_part_size(u->b->part_bytes, u->parts + 1);
			u->buffer = bucket_buffer(u->b, u->size);
		}
		if (!u->buffer)
			return error_oom(err);
		size_t n = len < u->size - u->len ? len : (size_t)(u->size - u->len);
		memcpy(u->buffer + u->len, from, n);
		u->len += n;
		u->total += n;
		from += n;
		len -= n;
		if (u->len == u->size)
			st = upload_push(u, err);
	}
	return st;
}

static void upload_wait(struct upload *u)
{
	pthread_mutex_lock(&u->b->lock);
	while (u->in_flight)
		pthread_cond_wait(&u->b->changed, &u->b->lock);
	pthread_mutex_unlock(&u->b->lock);
}

/* Quotes belong to an ETag. */
static void upload_escape(const char *text, struct buf *out)
{
	for (; *text; text++)
		switch (*text) {
		case '"': buf_adds(out, "&quot;"); break;
		case '&': buf_adds(out, "&amp;"); break;
		case '<': buf_adds(out, "&lt;"); break;
		case '>': buf_adds(out, "&gt;"); break;
		default: buf_addc(out, *text);
		}
}

static enum status upload_list_parts(const struct upload *u, struct buf *out, struct error *err)
{
	buf_adds(out, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (unsigned i = 0; i < u->parts; i++) {
		buf_addf(out, "<Part><PartNumber>%u</PartNumber><ETag>", i + 1);
		upload_escape(u->etag.item[i], out);
		buf_adds(out, "</ETag></Part>");
	}
	buf_adds(out, "</CompleteMultipartUpload>");
	return buf_check(out, "the list of parts", err);
}

struct upload_result { bool whole, etag; };

static bool upload_on_result(void *arg, const char *path, const char *text)
{
	struct upload_result *r = arg;
	r->whole = r->whole || strcmp(path, "CompleteMultipartUploadResult") == 0;
	r->etag = r->etag || (strcmp(path, "CompleteMultipartUploadResult/ETag") == 0 && *text);
	return true;
}

/* Success is a whole result, and nothing less. */
static enum status upload_read_result(struct client_call *call, struct error *err)
{
	struct upload_result *r = call->arg;
	*r = (struct upload_result){ .whole = false };
	enum status st = xml_read(buf_str(&call->a.body), call->a.body.len, upload_on_result, r, err);
	if (!st && !r->whole)
		st = error_set(err, ST_RETRY, ERR_STORE, "the store's answer to the completion of an upload is none");
	return st;
}

/* Is what is there under the key the object that this writer wrote? */
static bool upload_is_ours(struct upload *u, bool tidy)
{
	char writer[HTTP_WORD] = "";
	uint64_t size = 0;
	struct error ignored;
	return bucket_head(u->b, u->key, tidy, &size, writer, &ignored) == ST_OK && size == u->total && strcmp(writer, u->writer) == 0;
}

static enum status upload_complete(struct upload *u, struct error *err)
{
	struct buf list = BUF_INIT(UPLOAD_XML_MAX);
	struct error mine = ERROR_INIT;
	struct upload_result result = { .whole = false };
	enum status st = upload_list_parts(u, &list, &mine);
	struct client_call call = {
		.what = "complete the upload of", .method = "POST", .key = u->key, .body = list.data, .len = list.len,
		.check = upload_read_result, .arg = &result, .stall_ms = 10 * u->b->client.http.stall_ms, /* the store may copy terabytes meanwhile */
	};
	client_query(&call, "uploadId", u->id.data);
	if (!st)
		st = client_do(&u->b->client, &call, &mine);
	/* With an ETag, or the object itself has to tell: Ceph 16.2 leaves the ETag empty. */
	if (!st && !result.etag && !upload_is_ours(u, false))
		st = error_set(&mine, ST_FAILED, ERR_STORE, "the store says that %s is complete, and does not have it", u->key);
	u->maybe_there = st && call.attempts;
	/* An attempt whose answer was lost may have done it: then the upload is gone, and the object is there. */
	if (st && call.attempts > 1 && !run_cancelled(u->b->base.run) && upload_is_ours(u, false))
		st = ST_OK;
	if (st && mine.kind == ERR_SNAPSHOT)
		mine.kind = ERR_STORE;
	if (st && err)
		*err = mine;
	client_done(&call);
	buf_free(&list);
	return st;
}

static enum status upload_commit_parts(struct upload *u, struct error *err)
{
	struct error ignored;
	enum status st = u->buffer && u->len ? upload_push(u, err) : ST_OK;
	upload_wait(u);
	if (!st)
		st = upload_failed(u, err);
	if (!st)
		st = run_check(u->b->base.run, err);
	if (!st)
		st = upload_complete(u, err);
	if (!st && u->b->marks.lock_mode)
		st = bucket_confirm_lock(u->b, u->key, u->until, err);
	if (!st && u->begun_twice)
		(void)uploads_abort_key(u->b, u->key, &ignored); /* the next sweep finds what this did not */
	return st;
}

static enum status upload_commit(struct store_writer *w, struct error *err)
{
	struct upload *u = (struct upload *)w;
	enum status st = run_check(u->b->base.run, err);
	if (!st)
		st = upload_failed(u, err);
	if (!st && u->id.len)
		st = upload_commit_parts(u, err);
	else if (!st)
		st = bucket_put(u->b, u->key, u->buffer ? u->buffer : "", u->buffer ? u->len : 0, u->writer, &u->maybe_there, err);
	u->done = !st;
	return st;
}

static void upload_abort(struct upload *u)
{
	struct error err = ERROR_INIT;
	enum status st = ST_OK;
	if (u->id.len)
		st = uploads_abort(u->b, u->key, false, u->id.data, u->resent || u->failed, &err);
	if (!st && u->begun_twice)
		st = uploads_abort_key(u->b, u->key, &err);
	if (!st && u->maybe_there && upload_is_ours(u, true))
		st = bucket_delete(u->b, u->key, &err);
	if (st)
		event_warning(u->b->base.run->events, "store", "%s; the next run removes what is left of it", err.message);
}

static void upload_free(struct store_writer *w)
{
	struct upload *u = (struct upload *)w;
	atomic_store(&u->stop, true);
	upload_wait(u);
	if (!u->done)
		upload_abort(u);
	bucket_give_back(u->b, u->buffer, u->size);
	strlist_free(&u->etag);
	buf_free(&u->id);
	free(u->key);
	free(u);
}

static const struct store_writer_ops upload_ops = { upload_write, upload_commit, upload_free };

static enum status upload_name(struct upload *u, struct error *err)
{
	uint64_t random[2];
	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		return error_set(err, ST_FATAL, ERR_UNEXPECTED, "no random number to be had");
	snprintf(u->writer, sizeof u->writer, "%016llx%016llx", (unsigned long long)random[0], (unsigned long long)random[1]);
	return ST_OK;
}

enum status upload_create(struct store *s, const char *key, struct store_writer **ret, struct error *err)
{
	enum status st = run_check(s->run, err);
	if (!st)
		st = bucket_check_key(key, err);
	if (st)
		return st;
	struct upload *u = calloc(1, sizeof *u);
	if (!u)
		return error_oom(err);
	*u = (struct upload){ .base = { &upload_ops }, .b = (struct bucket *)s, .id = BUF_INIT(UPLOAD_ID_MAX) };
	st = (u->key = strdup(key)) ? upload_name(u, err) : error_oom(err);
	if (st)
		upload_free(&u->base);
	else
		*ret = &u->base;
	return st;
}
