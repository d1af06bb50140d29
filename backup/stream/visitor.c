/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/visitor.h"

static enum status visitor_idle_begin(struct visitor *v, const char *name, uint64_t size, struct error *err)
{
	(void)v;
	(void)name;
	(void)size;
	(void)err;
	return ST_OK;
}

static enum status visitor_idle_data(struct visitor *v, const void *data, size_t len, struct error *err)
{
	(void)v;
	(void)data;
	(void)len;
	(void)err;
	return ST_OK;
}

static enum status visitor_idle_end(struct visitor *v, struct error *err)
{
	(void)v;
	(void)err;
	return ST_OK;
}

enum status visitor_idle_index(struct visitor *v, const char *name, const struct buf *json, struct error *err)
{
	(void)v;
	(void)name;
	(void)json;
	(void)err;
	return ST_OK;
}

const struct visitor_ops visitor_idle_ops = { visitor_idle_begin, visitor_idle_data, visitor_idle_end, visitor_idle_index };
