/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3/place.h"

#include <stdlib.h>
#include <string.h>

enum { PLACE_BUCKET_MAX = 255, PLACE_HOST_MAX = 512 };

static const char place_scheme[] = "s3://";

static enum status place_bad(const char *url, const char *why, struct error *err)
{
	bool account = strchr(url, '@'); /* what stands before it may be a password */
	error_set(err, ST_FAILED, ERR_USAGE, "%.300s %s", account ? "the store's address" : url, why);
	error_hint(err, "s3://BUCKET or s3://BUCKET/PREFIX; the server is named by --s3-endpoint");
	return ST_FAILED;
}

static bool place_bucket_valid(const char *name, size_t len)
{
	if (len < 1 || len > PLACE_BUCKET_MAX || *name == '.' || *name == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!(name[i] >= 'a' && name[i] <= 'z') && !(name[i] >= 'A' && name[i] <= 'Z') && !(name[i] >= '0' && name[i] <= '9') &&
		    name[i] != '.' && name[i] != '-' && name[i] != '_')
			return false;
	return true;
}

static enum status place_take(char **slot, struct buf *b, struct error *err)
{
	enum status st = buf_check(b, "the store's address", err);
	if (!st && !b->data)
		buf_adds(b, "");
	if (!st && !(*slot = buf_take(b)))
		st = error_oom(err);
	return st;
}

/* Slashes at both ends are nobody's intention. */
static enum status place_set_prefix(struct place *p, const char *text, struct error *err)
{
	struct buf prefix = BUF_INIT(PLACE_PREFIX_MAX);
	size_t len = strlen(text);
	while (len && *text == '/') {
		text++;
		len--;
	}
	while (len && text[len - 1] == '/')
		len--;
	buf_add(&prefix, text, len);
	if (len)
		buf_addc(&prefix, '/');
	enum status st = place_take(&p->prefix, &prefix, err);
	buf_free(&prefix);
	return st;
}

static enum status place_set_bucket(struct place *p, const char *url, struct error *err)
{
	const char *name = url + strlen(place_scheme);
	size_t len = strcspn(name, "/");
	if (!place_bucket_valid(name, len))
		return place_bad(url, "names no bucket", err);
	for (const unsigned char *c = (const unsigned char *)name; *c; c++)
		if (*c < ' ' || *c == 0x7f)
			return place_bad("the store's address", "has a control character in it", err);
	if (strstr(name + len, "//") || strstr(name + len, "/../") || strstr(name + len, "/./"))
		return place_bad(url, "has an empty, . or .. segment in its prefix", err);
	p->bucket = strndup(name, len);
	return p->bucket ? place_set_prefix(p, name + len, err) : error_oom(err);
}

static enum status place_bad_endpoint(const char *endpoint, const char *why, struct error *err)
{
	error_set(err, ST_FAILED, ERR_USAGE, "the S3 endpoint %s", why);
	if (!strchr(endpoint, '@')) /* what stands before it may be a password */
		error_set(err, ST_FAILED, ERR_USAGE, "the S3 endpoint %.200s %s", endpoint, why);
	error_hint(err, "for example https://s3.example.com or http://127.0.0.1:9000, without bucket and path");
	return ST_FAILED;
}

static bool place_ends_with(const char *text, size_t len, const char *end)
{
	size_t n = strlen(end);
	return len >= n && strncmp(text + len - n, end, n) == 0;
}

static enum status place_set_endpoint(struct place *p, const char *endpoint, struct error *err)
{
	const char *colon = strstr(endpoint, "://"), *host = colon ? colon + 3 : endpoint;
	bool plain = colon && strncmp(endpoint, "http://", 7) == 0;
	if (colon && !plain && strncmp(endpoint, "https://", 8) != 0)
		return place_bad_endpoint(endpoint, "is neither http:// nor https://", err);
	size_t len = strcspn(host, "/?#");
	if (!len || len > PLACE_HOST_MAX || strspn(host + len, "/") != strlen(host + len))
		return place_bad_endpoint(endpoint, "is no address of a server", err);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)host[i] <= ' ' || strchr("@\\\"<>", host[i]))
			return place_bad_endpoint(endpoint, "is no address of a server", err);
	/* As libcurl writes the Host header, which is signed. */
	if (place_ends_with(host, len, plain ? ":80" : ":443"))
		len -= plain ? 3 : 4;
	p->scheme = strdup(plain ? "http" : "https");
	p->host = strndup(host, len);
	return p->scheme && p->host ? ST_OK : error_oom(err);
}

enum status place_init(struct place *p, const char *url, const char *endpoint, enum s3_style style, struct error *err)
{
	*p = (struct place){ .bucket = NULL };
	if (strncmp(url, place_scheme, strlen(place_scheme)) != 0)
		return place_bad(url, "is not an address in S3", err);
	enum status st = place_set_bucket(p, url, err);
	if (!st && endpoint && *endpoint)
		st = place_set_endpoint(p, endpoint, err);
	else if (!st && !(p->scheme = strdup("https")))
		st = error_oom(err);
	/* A dot in the bucket's name fits no certificate for *.HOST. */
	if (!st)
		p->virtual_host = style == S3_STYLE_VIRTUAL_HOST || (style == S3_STYLE_AUTO && !p->host && !strchr(p->bucket, '.'));
	if (st)
		place_free(p);
	return st;
}

void place_free(struct place *p)
{
	free(p->bucket);
	free(p->prefix);
	free(p->scheme);
	free(p->host);
	*p = (struct place){ .bucket = NULL };
}

void place_host(const struct place *p, const char *region, struct buf *out)
{
	if (p->virtual_host)
		buf_addf(out, "%s.", p->bucket);
	if (p->host)
		buf_adds(out, p->host);
	else
		buf_addf(out, "s3.%s.amazonaws.com%s", region, strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
}

void place_path(const struct place *p, const char *key, struct buf *out)
{
	buf_addc(out, '/');
	if (!p->virtual_host)
		buf_adds(out, p->bucket);
	if (!p->virtual_host && key)
		buf_addc(out, '/');
	if (key)
		buf_adds(out, key);
}
