/* SPDX-License-Identifier: Apache-2.0 */
#include "secrets.h"

#include <string.h>

#include "slackwater/fs.h"

enum { SECRETS_TOKEN_MAX = 4096, SECRETS_PEM_MAX = 1 << 20 };

enum status secrets_take_token(struct secrets *s, const char *token, size_t len, struct error *err)
{
	if (len >= SECRETS_TOKEN_MIN) {
		enum status st = digest_of(token, len, s->token_digest, err);
		s->has_token = !st;
		return st;
	}
	error_set(err, ST_FAILED, ERR_USAGE, "the token is shorter than %d characters", SECRETS_TOKEN_MIN);
	return error_hint(err, "openssl rand -hex 32 makes a good one");
}

static enum status read_token(const char *path, struct secrets *s, struct error *err)
{
	struct buf text = BUF_INIT(SECRETS_TOKEN_MAX);
	text.secret = 1;
	enum status st = fs_read_file(path, &text, err);
	while (!st && text.len && strchr(" \t\r\n", text.data[text.len - 1]))
		text.len--;
	if (!st && !text.len)
		st = error_set(err, ST_FAILED, ERR_USAGE, "the file %s is empty", path);
	if (!st)
		st = secrets_take_token(s, text.data, text.len, err);
	buf_free(&text);
	return st ? error_prefix(err, "the token") : ST_OK;
}

enum status secrets_read(const char *token_file, const char *tls_cert, const char *tls_key, struct secrets *ret, struct error *err)
{
	struct secrets s = { .cert = BUF_INIT(SECRETS_PEM_MAX), .key = BUF_INIT(SECRETS_PEM_MAX) };
	enum status st = ST_OK;
	s.key.secret = 1;
	if (!tls_cert != !tls_key)
		st = error_set(err, ST_FAILED, ERR_USAGE, "a certificate and its key belong together: one of them is missing");
	if (!st && token_file)
		st = read_token(token_file, &s, err);
	if (!st && tls_cert)
		st = fs_read_file(tls_cert, &s.cert, err);
	if (!st && tls_cert)
		st = fs_read_file(tls_key, &s.key, err);
	if (!st && tls_cert && (!s.cert.len || !s.key.len))
		st = error_set(err, ST_FAILED, ERR_USAGE, "the file %s is empty", s.cert.len ? tls_key : tls_cert);
	if (st)
		secrets_free(&s);
	else
		*ret = s;
	return st;
}

static bool same_bytes(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && (!a->len || !memcmp(a->data, b->data, a->len));
}

bool secrets_same(const struct secrets *a, const struct secrets *b)
{
	return a->has_token == b->has_token && (!a->has_token || !memcmp(a->token_digest, b->token_digest, DIGEST_HEX)) &&
	       same_bytes(&a->cert, &b->cert) && same_bytes(&a->key, &b->key);
}

void secrets_free(struct secrets *s)
{
	buf_free(&s->cert);
	buf_free(&s->key);
	s->has_token = false;
}
