/* SPDX-License-Identifier: Apache-2.0 */
#include "layout.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "slackwater/hash.h"

void layout_file_name(struct buf *b, enum layout_file file, const char *stem)
{
	static const char *const tail[] = {
		[LAYOUT_SCHEMA_CREATE] = "-schema-create.sql", [LAYOUT_SCHEMA_POST] = "-schema-post.sql",
		[LAYOUT_TABLE] = "-schema.sql", [LAYOUT_TRIGGERS] = "-schema-triggers.sql", [LAYOUT_VIEW] = "-schema-view.sql",
	};
	buf_addf(b, "%s%s", stem, tail[file]);
}

void layout_data_name(struct buf *b, const char *stem, uint64_t number)
{
	buf_addf(b, "%s.%05llu.sql.zst", stem, (unsigned long long)number);
}

/* Length of a run of semicolon, blanks, newline that starts at s, 0 if none does. */
static size_t layout_run(const char *s, const char *end)
{
	const char *p = s;
	if (p == end || *p != ';')
		return 0;
	for (p++; p < end && *p == ' '; p++)
		;
	return p < end && *p == '\n' ? (size_t)(p + 1 - s) : 0;
}

void layout_statement(struct buf *b, const char *sql, size_t len)
{
	const char *end = sql + len, *from = sql;
	for (const char *p = sql; (p = memchr(p, ';', (size_t)(end - p)));) {
		size_t n = layout_run(p, end);
		if (n) {
			buf_add(b, from, (size_t)(p - from) + 1);
			buf_addc(b, ' ');
			from = p + 1;
		}
		p++;
	}
	buf_add(b, from, (size_t)(end - from));
	buf_adds(b, ";\n");
}

size_t layout_unblank(char *sql, size_t len)
{
	char *end = sql + len, *out = sql;
	for (char *p = sql; p < end;) {
		size_t n = layout_run(p, end);
		*out++ = *p++;
		if (n > 2)
			p++; /* the blank that was put in */
	}
	return (size_t)(out - sql);
}

/* ---- names ---- */

static bool names_insert(struct layout_names *n, size_t item)
{
	size_t mask = n->nslots - 1, i = (size_t)hash_text(n->used.item[item]) & mask;
	for (; n->slot[i]; i = (i + 1) & mask)
		if (!strcmp(n->used.item[n->slot[i] - 1], n->used.item[item]))
			return false;
	n->slot[i] = item + 1;
	return true;
}

static enum status names_grow(struct layout_names *n, struct error *err)
{
	if (n->used.n * 2 < n->nslots)
		return ST_OK;
	size_t nslots = n->nslots ? n->nslots * 2 : 64;
	size_t *slot = calloc(nslots, sizeof *slot);
	if (!slot)
		return error_oom(err);
	free(n->slot);
	n->slot = slot;
	n->nslots = nslots;
	for (size_t i = 0; i < n->used.n; i++)
		names_insert(n, i);
	return ST_OK;
}

static bool names_plain(const char *s)
{
	size_t len = strlen(s);
	return len && len <= 64 && strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == len &&
	       strncasecmp(s, "mydumper_", 9) != 0;
}

enum status layout_names_take(struct layout_names *n, const char *real, char **ret, struct error *err)
{
	enum status st = names_grow(n, err);
	if (st)
		return st;
	if (names_plain(real)) {
		st = strlist_add(&n->used, real, err);
		if (st)
			return st;
		char *low = n->used.item[n->used.n - 1];
		for (; *low; low++)
			*low = (char)tolower((unsigned char)*low);
		if (names_insert(n, n->used.n - 1)) {
			*ret = strdup(real);
			return *ret ? ST_OK : error_oom(err);
		}
		free(n->used.item[--n->used.n]); /* differs by case from one that has the name already */
	}
	struct buf b = BUF_INIT(64);
	buf_addf(&b, "mydumper_%u", (*n->number)++);
	*ret = buf_take(&b);
	buf_free(&b);
	return *ret ? ST_OK : error_oom(err);
}

void layout_names_free(struct layout_names *n)
{
	strlist_free(&n->used);
	free(n->slot);
	n->slot = NULL;
	n->nslots = 0;
}

void layout_free(struct layout *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->nschemas; i++) {
		free(l->schema[i].name);
		free(l->schema[i].file);
	}
	for (size_t i = 0; i < l->ntables; i++) {
		free(l->table[i].schema);
		free(l->table[i].name);
		free(l->table[i].file);
		free(l->table[i].engine);
	}
	free(l->schema);
	free(l->table);
	free(l);
}
