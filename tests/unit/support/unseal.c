/* SPDX-License-Identifier: Apache-2.0 */
#include "unseal.h"

#include <string.h>

enum { UNSEAL_BLOCK = 64 * 1024 };

struct unseal_bytes {
	struct store_reader base;
	const char *at;
	size_t left;
};

static enum status unseal_read(struct store_reader *r, void *data, size_t cap, size_t *ret_n, struct error *err)
{
	struct unseal_bytes *w = (struct unseal_bytes *)r;
	size_t n = w->left < cap ? w->left : cap;
	(void)err;
	if (n)
		memcpy(data, w->at, n);
	w->at += n;
	w->left -= n;
	*ret_n = n;
	return ST_OK;
}

static void unseal_free(struct store_reader *r)
{
	(void)r;
}

static const struct store_reader_ops unseal_ops = { unseal_read, unseal_free };

enum status unseal_whole(struct age_keyring *k, const char *what, const void *data, size_t len, struct buf *out, struct error *err)
{
	struct unseal_bytes from = { { &unseal_ops }, data, len };
	struct store_reader *r = NULL;
	enum status st = age_reader_new(&from.base, k, what, &r, err);
	for (size_t n = 1; !st && n;) {
		buf_reserve(out, UNSEAL_BLOCK);
		st = buf_check(out, what, err);
		if (!st)
			st = r->ops->read(r, out->data + out->len, UNSEAL_BLOCK, &n, err);
		if (!st)
			out->len += n;
	}
	if (!st)
		out->data[out->len] = '\0';
	store_reader_free(r);
	return st;
}
