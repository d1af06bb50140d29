/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/sink_buf.h"

#include <stdlib.h>

struct sink_buf {
	struct sink base;
	struct buf *out;
};

static enum status sink_buf_write(struct sink *s, const void *data, size_t len, struct error *err)
{
	struct sink_buf *b = (struct sink_buf *)s;
	buf_add(b->out, data, len);
	return buf_check(b->out, "the text", err);
}

static enum status sink_buf_end(struct sink *s, struct error *err)
{
	(void)s;
	(void)err;
	return ST_OK;
}

static void sink_buf_free(struct sink *s)
{
	free(s);
}

static const struct sink_ops sink_buf_ops = { sink_buf_write, sink_buf_end, sink_buf_free };

enum status sink_buf_new(struct buf *out, struct sink **ret, struct error *err)
{
	struct sink_buf *b = calloc(1, sizeof *b);
	if (!b)
		return error_oom(err);
	*b = (struct sink_buf){ { &sink_buf_ops, NULL }, out };
	*ret = &b->base;
	return ST_OK;
}
