/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/age_peek.h"

#include <stdlib.h>
#include <string.h>

struct age_peek {
	struct store_reader base;
	struct store_reader *next;
	size_t at, n;
	char held[];
};

enum status age_peek_full(struct store_reader *r, void *data, size_t cap, size_t *ret_n, struct error *err)
{
	size_t n = 0;
	for (size_t piece = 1; piece && n < cap; n += piece) {
		enum status st = r->ops->read(r, (char *)data + n, cap - n, &piece, err);
		if (st)
			return st;
	}
	*ret_n = n;
	return ST_OK;
}

static enum status age_peek_read(struct store_reader *r, void *data, size_t cap, size_t *ret_n, struct error *err)
{
	struct age_peek *p = (struct age_peek *)r;
	size_t n = p->n - p->at < cap ? p->n - p->at : cap;
	if (!n)
		return p->next->ops->read(p->next, data, cap, ret_n, err);
	memcpy(data, p->held + p->at, n);
	p->at += n;
	*ret_n = n;
	return ST_OK;
}

static void age_peek_free(struct store_reader *r)
{
	free(r);
}

static const struct store_reader_ops age_peek_ops = { age_peek_read, age_peek_free };

enum status age_peek_new(struct store_reader *next, size_t want, struct store_reader **ret, const char **ret_text, size_t *ret_len,
                         struct error *err)
{
	struct age_peek *p = calloc(1, sizeof *p + want);
	if (!p)
		return error_oom(err);
	p->base.ops = &age_peek_ops;
	p->next = next;
	enum status st = age_peek_full(next, p->held, want, &p->n, err);
	if (st) {
		free(p);
		return st;
	}
	*ret = &p->base;
	*ret_text = p->held;
	*ret_len = p->n;
	return ST_OK;
}
