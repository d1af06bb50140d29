/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/tee.h"

#include <stdlib.h>

struct tee {
	struct store_reader base;
	struct store_reader *next;
	struct sink *copy;
	struct run *run;
	const char *area;
	uint64_t done;
};

static enum status tee_read(struct store_reader *r, void *data, size_t cap, size_t *ret_n, struct error *err)
{
	struct tee *t = (struct tee *)r;
	size_t n = 0;
	enum status st = t->next->ops->read(t->next, data, cap, &n, err);
	if (!st && n && t->copy)
		st = sink_write(t->copy, data, n, err);
	if (st)
		return st;
	t->done += n;
	event_progress(t->run->events, t->area, t->done, 0, 0, 0);
	*ret_n = n;
	return ST_OK;
}

static void tee_free(struct store_reader *r)
{
	free(r);
}

static const struct store_reader_ops tee_ops = { tee_read, tee_free };

enum status tee_new(struct store_reader *next, struct sink *copy, struct run *run, const char *area, struct store_reader **ret,
                    struct error *err)
{
	struct tee *t = calloc(1, sizeof *t);
	if (!t)
		return error_oom(err);
	*t = (struct tee){ .base = { &tee_ops }, .next = next, .copy = copy, .run = run, .area = area };
	*ret = &t->base;
	return ST_OK;
}
