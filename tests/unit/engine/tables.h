/* SPDX-License-Identifier: Apache-2.0 */
/* Tables put together by hand, for the tests of the logical engine. */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "engine/logical/inventory.h"

struct a_column { const char *name, *type, *column_type, *charset, *extra, *scale; bool nullable; };

#define COL(n, t, ...) { .name = (n), .type = (t), ##__VA_ARGS__ }

static inline void a_table_column(struct table *t, const struct a_column *c)
{
	t->col = realloc(t->col, (t->ncols + 1) * sizeof *t->col);
	struct column *col = &t->col[t->ncols++];
	*col = (struct column){ .name = strdup(c->name), .charset = c->charset ? strdup(c->charset) : NULL, .nullable = c->nullable };
	if (!column_classify(col, c->type, c->column_type ? c->column_type : c->type, c->extra ? c->extra : "", c->scale))
		abort();
}

/* In an inventory of its own, which the caller clears. */
static inline struct table *a_table(struct inventory *inv, const char *schema, const char *name, const struct a_column *c, size_t n)
{
	struct table *t = NULL;
	if (inventory_add_table(inv, strdup(schema), strdup(name), &t, NULL))
		abort();
	t->engine = strdup("InnoDB");
	struct buf file = BUF_INIT(1000);
	buf_addf(&file, "%s.%s", schema, name);
	t->file = buf_take(&file);
	for (size_t i = 0; i < n; i++)
		a_table_column(t, &c[i]);
	return t;
}

static inline void a_key(struct table *t, const char *name, unsigned first, unsigned n)
{
	struct index_info ix = { .usable = true, .ncols = n };
	strncpy(ix.name, name, sizeof ix.name - 1);
	for (unsigned i = 0; i < n; i++)
		ix.col[i] = first + i;
	if (column_consider_key(t, &ix, NULL))
		abort();
}
