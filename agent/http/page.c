/* SPDX-License-Identifier: Apache-2.0 */
#include "page.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "page_data.h"
#include "response.h"

enum { PAGE_POLICY = 512, PAGE_HASH = 64, PAGE_DIGEST = 32 };

static enum status hash(const struct page_part *part, char out[PAGE_HASH], struct error *err)
{
	unsigned char digest[PAGE_DIGEST], text[PAGE_HASH];
	if (!EVP_Digest(part->data, part->len, digest, NULL, EVP_sha256(), NULL))
		return error_oom(err);
	EVP_EncodeBlock(text, digest, sizeof digest);
	snprintf(out, PAGE_HASH, "%s", (const char *)text);
	return ST_OK;
}

/* Copies the page up to a marker and puts a part in its place. */
static const char *put(struct buf *out, const char *rest, const char *marker, const struct page_part *part)
{
	const char *at = strstr(rest, marker);
	if (!at)
		return rest;
	buf_add(out, rest, (size_t)(at - rest));
	buf_add(out, part->data, part->len);
	return at + strlen(marker);
}

enum status page_make(struct MHD_Response **ret, struct error *err)
{
	struct buf body = BUF_INIT(RESPONSE_MAX);
	char style[PAGE_HASH], script[PAGE_HASH], policy[PAGE_POLICY];
	enum status st = hash(&page_css, style, err);
	if (!st)
		st = hash(&page_js, script, err);
	if (st)
		return st;
	snprintf(policy, sizeof policy,
	         "default-src 'none'; style-src 'sha256-%s'; script-src 'sha256-%s'; connect-src 'self'; img-src data:; "
	         "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	         style, script);
	const char *rest = put(&body, (const char *)page_html.data, "@STYLE@", &page_css);
	rest = put(&body, rest, "@SCRIPT@", &page_js);
	buf_adds(&body, rest);
	*ret = response_bytes(&body, "text/html; charset=utf-8", policy);
	return *ret ? ST_OK : error_oom(err);
}
