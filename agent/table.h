/* SPDX-License-Identifier: Apache-2.0 */
/* table: rows of cells, aligned in columns; control characters become question marks. */
#pragma once

#include <stddef.h>

#include "slackwater/buf.h"
#include "slackwater/strlist.h"

enum { TABLE_COLUMNS = 12 };

struct table {
	size_t columns;
	bool right[TABLE_COLUMNS];
	struct strlist cells; /* row by row, the header first */
};

/* header is NULL-terminated; ">ROWS" is a right-aligned column headed ROWS. */
enum status table_init(struct table *t, const char *const *header, struct error *err);
void table_free(struct table *t);
/* As many cells as columns; NULL is printed as "-". */
enum status table_row(struct table *t, const char *const *cell, struct error *err);
void table_print(const struct table *t, const char *indent, struct buf *out);
