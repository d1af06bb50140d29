/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files at once, in memory. */
#include <stdlib.h>
#include <string.h>

#include "slackwater/age.h"
#include "stream/age_keys.h"
#include "stream/sink_age.h"
#include "stream/sink_buf.h"

enum { WHOLE_BLOCK = 64 * 1024 };

enum status age_seal(const struct age_recipients *to, const void *data, size_t len, struct buf *out, struct error *err)
{
	struct sink *kept = NULL, *sealing = NULL;
	enum status st = sink_buf_new(out, &kept, err);
	if (!st)
		st = sink_age_new(to, kept, &sealing, err);
	if (!st)
		st = sink_write(sealing, data, len, err);
	if (!st)
		st = sink_end(sealing, err);
	sink_free(sealing);
	return st;
}

struct whole_bytes {
	struct store_reader base;
	const char *at;
	size_t left;
};

static enum status whole_read(struct store_reader *r, void *data, size_t cap, size_t *ret_n, struct error *err)
{
	struct whole_bytes *w = (struct whole_bytes *)r;
	size_t n = w->left < cap ? w->left : cap;
	(void)err;
	if (n)
		memcpy(data, w->at, n);
	w->at += n;
	w->left -= n;
	*ret_n = n;
	return ST_OK;
}

static void whole_free(struct store_reader *r)
{
	(void)r;
}

static const struct store_reader_ops whole_ops = { whole_read, whole_free };

enum status age_unseal(struct age_keyring *k, const char *what, const void *data, size_t len, struct buf *out, struct error *err)
{
	struct whole_bytes from = { { &whole_ops }, data, len };
	struct store_reader *r = NULL;
	enum status st = age_reader_new(&from.base, k, what, &r, err);
	for (size_t n = 1; !st && n;) {
		buf_reserve(out, WHOLE_BLOCK);
		st = buf_check(out, what, err);
		if (!st)
			st = r->ops->read(r, out->data + out->len, WHOLE_BLOCK, &n, err);
		if (!st)
			out->len += n;
	}
	if (!st)
		out->data[out->len] = '\0';
	store_reader_free(r);
	return st;
}
