/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/sink_store.h"

#include <stdlib.h>

struct sink_store {
	struct sink base;
	struct store_writer *writer;
	_Atomic uint64_t *stored;
};

static enum status sink_store_write(struct sink *s, const void *data, size_t len, struct error *err)
{
	struct sink_store *o = (struct sink_store *)s;
	enum status st = o->writer->ops->write(o->writer, data, len, err);
	if (!st)
		atomic_fetch_add(o->stored, len);
	return st;
}

static enum status sink_store_end(struct sink *s, struct error *err)
{
	struct sink_store *o = (struct sink_store *)s;
	return o->writer->ops->commit(o->writer, err);
}

static void sink_store_free(struct sink *s)
{
	store_writer_free(((struct sink_store *)s)->writer);
	free(s);
}

static const struct sink_ops sink_store_ops = { sink_store_write, sink_store_end, sink_store_free };

enum status sink_store_new(struct store *store, const char *key, _Atomic uint64_t *stored, struct sink **ret, struct error *err)
{
	struct sink_store *o = calloc(1, sizeof *o);
	if (!o)
		return error_oom(err);
	enum status st = store->ops->create(store, key, &o->writer, err);
	if (st) {
		free(o);
		return st;
	}
	o->base = (struct sink){ &sink_store_ops, NULL };
	o->stored = stored;
	*ret = &o->base;
	return ST_OK;
}
