/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3/sign.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { SIGN_TEXT_MAX = 16 << 10, SIGN_HEADER_MAX = CLIENT_HEADER_MAX + 8, SIGN_TOKEN_MAX = 16 << 10 };

struct sign_parts {
	struct buf host, path, key, authorization, range;
	char time[24], region[CLIENT_REGION];
	struct cred_keys keys;
	struct sigv4_pair header[SIGN_HEADER_MAX];
	size_t n;
};

static void sign_header(struct sign_parts *p, const char *name, const char *value)
{
	p->header[p->n++] = (struct sigv4_pair){ name, value };
}

static void sign_time(int64_t wall_ms, char out[24])
{
	time_t t = (time_t)(wall_ms / 1000);
	struct tm tm;
	gmtime_r(&t, &tm);
	strftime(out, 24, "%Y%m%dT%H%M%SZ", &tm);
}

/* Once for all attempts: the body does not change. */
static enum status sign_digests(const struct client *c, struct client_call *call, struct error *err)
{
	if (c->unsigned_payload && call->len && !*call->sha256)
		snprintf(call->sha256, sizeof call->sha256, "UNSIGNED-PAYLOAD");
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	const void *body = call->body ? call->body : "";
	enum status st = *call->sha256 ? ST_OK : digest_of(body, call->len, call->sha256, err);
	if (st || !call->md5_too || *call->md5)
		return st;
	if (EVP_Digest(body, call->len, md, &n, EVP_md5(), NULL) != 1 || n != 16) {
		error_set(err, ST_FAILED, ERR_STORE, "OpenSSL offers no MD5 here");
		error_hint(err, "Content-MD5 was asked for; leave --s3-content-md5 out where the bucket has no Object Lock");
		return ST_FAILED;
	}
	EVP_EncodeBlock((unsigned char *)call->md5, md, (int)n);
	return ST_OK;
}

static void sign_range(const struct client_call *call, struct buf *out)
{
	buf_addf(out, "bytes=%llu-%llu", (unsigned long long)(call->from + call->got), (unsigned long long)(call->from + call->cap - 1));
}

static void sign_collect(const struct client_call *call, struct sign_parts *p)
{
	sign_header(p, "Host", buf_str(&p->host));
	sign_header(p, "x-amz-date", p->time);
	sign_header(p, "x-amz-content-sha256", call->sha256);
	if (p->keys.token)
		sign_header(p, "x-amz-security-token", p->keys.token);
	if (call->len)
		sign_header(p, "Content-Type", "application/octet-stream");
	if (call->md5_too)
		sign_header(p, "Content-MD5", call->md5);
	if (call->into) {
		sign_range(call, &p->range);
		sign_header(p, "Range", buf_str(&p->range));
	}
	if (call->into && *call->etag)
		sign_header(p, "If-Match", call->etag);
	for (size_t i = 0; i < call->nheader; i++)
		sign_header(p, call->header[i].name, call->header[i].value);
}

static enum status sign_url(const struct client *c, const struct client_call *call, const struct sign_parts *p, struct buf *url,
                            struct error *err)
{
	buf_addf(url, "%s://%s", c->place.scheme, buf_str(&p->host));
	sigv4_encode(buf_str(&p->path), false, url);
	if (call->nquery)
		buf_addc(url, '?');
	enum status st = sigv4_query(call->query, call->nquery, url, err);
	return st ? st : buf_check(url, "the URL", err);
}

static enum status sign_header_lines(const struct sign_parts *p, struct strlist *out, struct error *err)
{
	enum status st = strlist_addf(out, err, "Authorization: %s", buf_str(&p->authorization));
	for (size_t i = 0; !st && i < p->n; i++)
		st = strlist_addf(out, err, "%s: %s", p->header[i].name, p->header[i].value);
	return st;
}

static enum status sign_place(struct client *c, const struct client_call *call, struct sign_parts *p, struct error *err)
{
	pthread_mutex_lock(&c->lock);
	memcpy(p->region, c->region, sizeof p->region);
	pthread_mutex_unlock(&c->lock);
	place_host(&c->place, p->region, &p->host);
	if (call->key && !call->bare)
		buf_adds(&p->key, c->place.prefix);
	if (call->key)
		buf_adds(&p->key, call->key);
	place_path(&c->place, call->key ? buf_str(&p->key) : NULL, &p->path);
	enum status st = buf_check(&p->host, "the store's address", err);
	return st ? st : buf_check(&p->path, "the key", err);
}

static enum status sign_all(struct client *c, struct client_call *call, struct sign_parts *p, struct sign_request *ret, struct error *err)
{
	call->signed_ms = client_wall_ms(c);
	sign_time(call->signed_ms, p->time);
	sign_collect(call, p);
	const struct sigv4_request rq = {
		.method = call->method, .path = buf_str(&p->path), .query = call->query, .nquery = call->nquery, .header = p->header,
		.nheader = p->n, .payload = call->sha256,
	};
	const struct sigv4_scope scope = { p->keys.access, p->keys.secret, p->time, p->region, "s3" };
	enum status st = sigv4_sign(&rq, &scope, &p->authorization, err);
	if (!st)
		st = sign_url(c, call, p, &ret->url, err);
	if (!st)
		st = sign_header_lines(p, &ret->header, err);
	snprintf(ret->access, sizeof ret->access, "%s", p->keys.access);
	return st;
}

enum status sign_request(struct client *c, struct client_call *call, const struct run *run, struct sign_request *ret, struct error *err)
{
	struct sign_parts p = {
		.host = BUF_INIT(SIGN_TEXT_MAX), .path = BUF_INIT(SIGN_TEXT_MAX), .key = BUF_INIT(PLACE_KEY_MAX),
		.authorization = BUF_INIT(SIGN_TEXT_MAX), .range = BUF_INIT(128),
	};
	ret->url = BUF_INIT(SIGN_TEXT_MAX);
	enum status st = cred_get(c->cred, run, &p.keys, err);
	if (!st)
		st = sign_digests(c, call, err);
	if (!st)
		st = sign_place(c, call, &p, err);
	if (!st)
		st = sign_all(c, call, &p, ret, err);
	cred_keys_free(&p.keys);
	buf_free(&p.host);
	buf_free(&p.path);
	buf_free(&p.key);
	buf_free(&p.authorization);
	buf_free(&p.range);
	return st;
}

/* A session token stands in the headers. */
void sign_request_free(struct sign_request *r)
{
	strlist_wipe(&r->header);
	buf_free(&r->url);
}
