/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "slackwater/conn.h"

enum status rows_next(struct rows *r, bool *ret_more, struct error *err)
{
	const char *const *row = NULL;
	const size_t *len = NULL;
	enum status st = r->ops->next(r, &row, &len, err);
	r->row = st ? NULL : row;
	r->len = st ? NULL : len;
	if (!st)
		*ret_more = row != NULL;
	return st;
}

bool rows_more(struct rows *r, enum status *st, struct error *err)
{
	bool more = false;
	if (!*st)
		*st = rows_next(r, &more, err);
	return !*st && more;
}

int rows_index(const struct rows *r, const char *col)
{
	for (unsigned i = 0; i < r->ncols; i++)
		if (strcasecmp(r->col[i], col) == 0)
			return (int)i;
	return -1;
}

/* One word of a column's name in the words of 5.6. */
static const char *rows_old_word(const char *word, size_t len, size_t *ret_len)
{
	static const struct { const char *now, *was; } words[] = { { "Replica", "Slave" }, { "Source", "Master" } };
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strlen(words[i].now) == len && strncasecmp(words[i].now, word, len) == 0) {
			*ret_len = strlen(words[i].was);
			return words[i].was;
		}
	*ret_len = len;
	return word;
}

/* Read_Source_Log_Pos = Read_Master_Log_Pos: word by word, so that Replicate_Do_DB is left alone. */
static bool rows_same_column(const char *a, const char *b)
{
	for (;;) {
		size_t na = strcspn(a, "_"), nb = strcspn(b, "_"), wa, wb;
		const char *pa = rows_old_word(a, na, &wa), *pb = rows_old_word(b, nb, &wb);
		if (wa != wb || strncasecmp(pa, pb, wa) != 0 || a[na] != b[nb])
			return false;
		if (!a[na])
			return true;
		a += na + 1;
		b += nb + 1;
	}
}

/* What MySQL calls a channel MariaDB calls a connection. */
static const char *rows_other_name(const char *col)
{
	if (strcasecmp(col, "Channel_Name") == 0)
		return "Connection_name";
	if (strcasecmp(col, "Connection_name") == 0)
		return "Channel_Name";
	return NULL;
}

static int rows_find(const struct rows *r, const char *col)
{
	int i = rows_index(r, col);
	for (unsigned k = 0; i < 0 && k < r->ncols; k++)
		if (rows_same_column(r->col[k], col))
			i = (int)k;
	const char *other = i < 0 ? rows_other_name(col) : NULL;
	return other ? rows_index(r, other) : i;
}

const char *rows_get(const struct rows *r, const char *col)
{
	int i = r->row ? rows_find(r, col) : -1;
	return i < 0 ? NULL : r->row[i];
}

uint64_t rows_u64(const struct rows *r, const char *col, uint64_t fallback)
{
	const char *s = rows_get(r, col);
	if (!s || *s < '0' || *s > '9')
		return fallback;
	return strtoull(s, NULL, 10);
}

void rows_free(struct rows *r)
{
	if (r)
		r->ops->free(r);
}
