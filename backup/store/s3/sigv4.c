/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3/sigv4.h"

#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "slackwater/digest.h"

enum { SIGV4_DATE = 8, SIGV4_TEXT_MAX = 64 << 10, SIGV4_HEADERS_MAX = 32, SIGV4_QUERY_MAX = 32 };

void sigv4_encode(const char *text, bool encode_slash, struct buf *out)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		bool plain = (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || strchr("-._~", *p) ||
		             (*p == '/' && !encode_slash);
		if (plain)
			buf_addc(out, (char)*p);
		else
			buf_addf(out, "%%%02X", *p);
	}
}

static int sigv4_order_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names and values are compared encoded. '=' sorts below every character of an encoded name but '-', '.', '%' and the digits, so the
 * two cannot be compared as one text with it in between: \1 stands there until they are sorted. */
static enum status sigv4_query_item(const struct sigv4_pair *p, char **ret, struct error *err)
{
	struct buf item = BUF_INIT(SIGV4_TEXT_MAX);
	sigv4_encode(p->name, true, &item);
	buf_addc(&item, '\1');
	sigv4_encode(p->value ? p->value : "", true, &item);
	enum status st = buf_check(&item, "the query", err);
	if (!st && !(*ret = buf_take(&item)))
		st = error_oom(err);
	buf_free(&item);
	return st;
}

enum status sigv4_query(const struct sigv4_pair *query, size_t n, struct buf *out, struct error *err)
{
	char *item[SIGV4_QUERY_MAX] = { NULL };
	enum status st = n <= SIGV4_QUERY_MAX ? ST_OK : error_set(err, ST_FAILED, ERR_UNEXPECTED, "a query of %zu parts", n);
	for (size_t i = 0; !st && i < n; i++)
		st = sigv4_query_item(&query[i], &item[i], err);
	if (!st)
		qsort(item, n, sizeof *item, sigv4_order_text);
	for (size_t i = 0; !st && i < n; i++) {
		*strchr(item[i], '\1') = '=';
		buf_addf(out, "%s%s", i ? "&" : "", item[i]);
	}
	for (size_t i = 0; i < n && i < SIGV4_QUERY_MAX; i++)
		free(item[i]);
	return st ? st : buf_check(out, "the query", err);
}

/* Headers in the order of their names; those of one name stay in the order they are sent in. */
static void sigv4_sort_headers(const struct sigv4_request *rq, const struct sigv4_pair *sorted[SIGV4_HEADERS_MAX])
{
	for (size_t i = 0; i < rq->nheader; i++) {
		size_t at = i;
		for (; at && strcasecmp(sorted[at - 1]->name, rq->header[i].name) > 0; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = &rq->header[i];
	}
}

static void sigv4_lower(const char *name, struct buf *out)
{
	for (; *name; name++)
		buf_addc(out, *name >= 'A' && *name <= 'Z' ? (char)(*name - 'A' + 'a') : *name);
}

/* Blanks at both ends dropped, several inside become one. */
static void sigv4_trimmed(const char *value, struct buf *out)
{
	size_t begun = out->len;
	for (bool blank = false; *value; value++) {
		if (*value == ' ' || *value == '\t') {
			blank = true;
			continue;
		}
		if (blank && out->len > begun)
			buf_addc(out, ' ');
		buf_addc(out, *value);
		blank = false;
	}
}

static void sigv4_header_lines(const struct sigv4_pair *const *sorted, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		if (i && strcasecmp(sorted[i - 1]->name, sorted[i]->name) == 0) {
			buf_addc(out, ',');
		} else {
			if (i)
				buf_addc(out, '\n');
			sigv4_lower(sorted[i]->name, out);
			buf_addc(out, ':');
		}
		sigv4_trimmed(sorted[i]->value, out);
	}
	buf_addc(out, '\n');
}

static enum status sigv4_signed_headers(const struct sigv4_request *rq, struct buf *lines, struct buf *names, struct error *err)
{
	const struct sigv4_pair *sorted[SIGV4_HEADERS_MAX];
	if (rq->nheader > SIGV4_HEADERS_MAX)
		return error_set(err, ST_FAILED, ERR_UNEXPECTED, "%zu headers to be signed", rq->nheader);
	sigv4_sort_headers(rq, sorted);
	if (lines)
		sigv4_header_lines(sorted, rq->nheader, lines);
	for (size_t i = 0; i < rq->nheader; i++) {
		if (i && strcasecmp(sorted[i - 1]->name, sorted[i]->name) == 0)
			continue;
		if (i)
			buf_addc(names, ';');
		sigv4_lower(sorted[i]->name, names);
	}
	return ST_OK;
}

enum status sigv4_canonical(const struct sigv4_request *rq, struct buf *out, struct error *err)
{
	struct buf names = BUF_INIT(SIGV4_TEXT_MAX);
	buf_addf(out, "%s\n", rq->method);
	sigv4_encode(rq->path, false, out);
	buf_addc(out, '\n');
	enum status st = sigv4_query(rq->query, rq->nquery, out, err);
	buf_addc(out, '\n');
	if (!st)
		st = sigv4_signed_headers(rq, out, &names, err);
	buf_addf(out, "\n%s\n%s", buf_str(&names), rq->payload);
	if (!st)
		st = buf_check(&names, "the names of the signed headers", err);
	buf_free(&names);
	return st ? st : buf_check(out, "the canonical request", err);
}

enum status sigv4_string_to_sign(const char *canonical, const struct sigv4_scope *s, struct buf *out, struct error *err)
{
	char hex[DIGEST_HEX];
	enum status st = digest_of(canonical, strlen(canonical), hex, err);
	if (st)
		return st;
	buf_addf(out, "AWS4-HMAC-SHA256\n%s\n%.*s/%s/%s/aws4_request\n%s", s->time, SIGV4_DATE, s->time, s->region, s->service, hex);
	return buf_check(out, "the string to sign", err);
}

static bool sigv4_hmac(const void *key, size_t key_len, const char *text, size_t len, unsigned char out[SHA256_DIGEST_LENGTH])
{
	return HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)text, len, out, NULL) != NULL;
}

static enum status sigv4_signature(const char *to_sign, const struct sigv4_scope *s, unsigned char ret[SHA256_DIGEST_LENGTH],
                                   struct error *err)
{
	struct buf first = BUF_INIT(SIGV4_TEXT_MAX);
	unsigned char key[2][SHA256_DIGEST_LENGTH];
	first.secret = 1;
	buf_addf(&first, "AWS4%s", s->secret_key);
	enum status st = buf_check(&first, "a key", err);
	bool good = !st && sigv4_hmac(first.data, first.len, s->time, SIGV4_DATE, key[0]) &&
	            sigv4_hmac(key[0], sizeof key[0], s->region, strlen(s->region), key[1]) &&
	            sigv4_hmac(key[1], sizeof key[1], s->service, strlen(s->service), key[0]) &&
	            sigv4_hmac(key[0], sizeof key[0], "aws4_request", strlen("aws4_request"), key[1]) &&
	            sigv4_hmac(key[1], sizeof key[1], to_sign, strlen(to_sign), ret);
	explicit_bzero(key, sizeof key);
	buf_free(&first);
	if (!st && !good)
		st = error_set(err, ST_FATAL, ERR_UNEXPECTED, "OpenSSL cannot make an HMAC");
	return st;
}

static void sigv4_authorization(const struct sigv4_scope *s, const char *names, const unsigned char *signature, struct buf *out)
{
	buf_addf(out, "AWS4-HMAC-SHA256 Credential=%s/%.*s/%s/%s/aws4_request, SignedHeaders=%s, Signature=", s->access_key, SIGV4_DATE,
	         s->time, s->region, s->service, names);
	for (size_t i = 0; i < SHA256_DIGEST_LENGTH; i++)
		buf_addf(out, "%02x", signature[i]);
}

enum status sigv4_sign(const struct sigv4_request *rq, const struct sigv4_scope *s, struct buf *out, struct error *err)
{
	struct buf canonical = BUF_INIT(SIGV4_TEXT_MAX), to_sign = BUF_INIT(SIGV4_TEXT_MAX), names = BUF_INIT(SIGV4_TEXT_MAX);
	unsigned char signature[SHA256_DIGEST_LENGTH];
	canonical.secret = 1; /* a session token is among the headers */
	enum status st = sigv4_canonical(rq, &canonical, err);
	if (!st)
		st = sigv4_string_to_sign(canonical.data, s, &to_sign, err);
	if (!st)
		st = sigv4_signed_headers(rq, NULL, &names, err);
	if (!st)
		st = sigv4_signature(to_sign.data, s, signature, err);
	if (!st) {
		sigv4_authorization(s, buf_str(&names), signature, out);
		st = buf_check(out, "the signature", err);
	}
	buf_free(&canonical);
	buf_free(&to_sign);
	buf_free(&names);
	return st;
}
