/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include "text.h"

enum status table_init(struct table *t, const char *const *header, struct error *err)
{
	enum status st = ST_OK;
	*t = (struct table){ .columns = 0 };
	for (; !st && header[t->columns] && t->columns < TABLE_COLUMNS; t->columns++) {
		const char *title = header[t->columns];
		t->right[t->columns] = *title == '>';
		st = strlist_add(&t->cells, title + (*title == '>'), err);
	}
	return st;
}

void table_free(struct table *t)
{
	strlist_free(&t->cells);
}

enum status table_row(struct table *t, const char *const *cell, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < t->columns; i++)
		st = strlist_add(&t->cells, cell[i] && *cell[i] ? cell[i] : "-", err);
	return st;
}

static size_t column_width(const struct table *t, size_t column)
{
	size_t width = 0;
	for (size_t i = column; i < t->cells.n; i += t->columns)
		if (text_width(t->cells.item[i]) > width)
			width = text_width(t->cells.item[i]);
	return width;
}

void table_print(const struct table *t, const char *indent, struct buf *out)
{
	size_t width[TABLE_COLUMNS];
	for (size_t c = 0; c < t->columns; c++)
		width[c] = column_width(t, c);
	for (size_t i = 0; i < t->cells.n; i++) {
		size_t c = i % t->columns;
		int fill = (int)(width[c] - text_width(t->cells.item[i]));
		buf_adds(out, c ? "  " : indent);
		if (t->right[c])
			buf_addf(out, "%*s", fill, "");
		text_add(out, t->cells.item[i]);
		if (c + 1 == t->columns)
			buf_addc(out, '\n');
		else if (!t->right[c])
			buf_addf(out, "%*s", fill, "");
	}
}
