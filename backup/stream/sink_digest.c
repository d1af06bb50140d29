/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/sink_digest.h"

#include <stdlib.h>

static enum status sink_digest_write(struct sink *s, const void *data, size_t len, struct error *err)
{
	struct sink_digest *d = (struct sink_digest *)s;
	digest_add(d->digest, data, len);
	d->size += len;
	return sink_write(s->next, data, len, err);
}

static enum status sink_digest_end(struct sink *s, struct error *err)
{
	struct sink_digest *d = (struct sink_digest *)s;
	digest_hex(d->digest, d->sha256);
	return sink_end(s->next, err);
}

static void sink_digest_free(struct sink *s)
{
	digest_free(((struct sink_digest *)s)->digest);
	free(s);
}

static const struct sink_ops sink_digest_ops = { sink_digest_write, sink_digest_end, sink_digest_free };

enum status sink_digest_new(struct sink *next, struct sink_digest **ret, struct error *err)
{
	struct sink_digest *d = calloc(1, sizeof *d);
	enum status st = d ? digest_new(&d->digest, err) : error_oom(err);
	if (st) {
		free(d);
		sink_free(next);
		return st;
	}
	d->base = (struct sink){ &sink_digest_ops, next };
	*ret = d;
	return ST_OK;
}
