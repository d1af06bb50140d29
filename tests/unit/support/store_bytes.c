/* SPDX-License-Identifier: Apache-2.0 */
#include "store_bytes.h"

#include <stdlib.h>
#include <string.h>

struct store_bytes_reader {
	struct store_reader base;
	const char *at;
	size_t left;
};

static enum status store_bytes_read(struct store_reader *base, void *data, size_t cap, size_t *ret_n, struct error *err)
{
	struct store_bytes_reader *r = (struct store_bytes_reader *)base;
	size_t n = r->left < cap ? r->left : cap;
	(void)err;
	memcpy(data, r->at, n);
	r->at += n;
	r->left -= n;
	*ret_n = n;
	return ST_OK;
}

static void store_bytes_reader_free(struct store_reader *base)
{
	free(base);
}

static const struct store_reader_ops store_bytes_reader_ops = { store_bytes_read, store_bytes_reader_free };

static enum status store_bytes_open(struct store *base, const char *key, uint64_t offset, uint64_t len, struct store_reader **ret,
                                    struct error *err)
{
	struct store_bytes *s = (struct store_bytes *)base;
	struct store_bytes_reader *r = calloc(1, sizeof *r);
	size_t from = offset < s->len ? (size_t)offset : s->len;
	(void)key;
	if (!r)
		return error_oom(err);
	*r = (struct store_bytes_reader){ { &store_bytes_reader_ops }, s->data + from, s->len - from };
	if (len && r->left > len)
		r->left = (size_t)len;
	*ret = &r->base;
	return ST_OK;
}

static const struct store_ops store_bytes_ops = { .features = STORE_RANGED, .open = store_bytes_open };

void store_bytes_init(struct store_bytes *s, const char *data, size_t len)
{
	*s = (struct store_bytes){ .base = { .ops = &store_bytes_ops }, .data = data, .len = len };
}
