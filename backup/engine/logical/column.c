/* SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "escape.h"
#include "inventory.h"
#include "slackwater/dialect.h"

static const struct { const char *type; enum column_kind kind; enum column_keying keying; } column_types[] = {
	{ "tinyint", COLUMN_NUMBER, KEYING_INT },    { "smallint", COLUMN_NUMBER, KEYING_INT },
	{ "mediumint", COLUMN_NUMBER, KEYING_INT },  { "int", COLUMN_NUMBER, KEYING_INT },
	{ "bigint", COLUMN_NUMBER, KEYING_INT },     { "year", COLUMN_NUMBER, KEYING_NUMBER },
	{ "decimal", COLUMN_NUMBER, KEYING_NUMBER }, { "float", COLUMN_DOUBLE, KEYING_NONE },
	{ "double", COLUMN_DOUBLE, KEYING_NONE },    { "bit", COLUMN_HEX, KEYING_NONE },
	{ "date", COLUMN_PLAIN, KEYING_QUOTED },     { "time", COLUMN_PLAIN, KEYING_QUOTED },
	{ "datetime", COLUMN_PLAIN, KEYING_QUOTED }, { "timestamp", COLUMN_PLAIN, KEYING_QUOTED },
	{ "char", COLUMN_TEXT, KEYING_STRING },      { "varchar", COLUMN_TEXT, KEYING_STRING },
	{ "binary", COLUMN_TEXT, KEYING_STRING },    { "varbinary", COLUMN_TEXT, KEYING_STRING },
	{ "tinyblob", COLUMN_TEXT, KEYING_NONE },    { "blob", COLUMN_TEXT, KEYING_NONE },
	{ "mediumblob", COLUMN_TEXT, KEYING_NONE },  { "longblob", COLUMN_TEXT, KEYING_NONE },
	{ "tinytext", COLUMN_TEXT, KEYING_NONE },    { "text", COLUMN_TEXT, KEYING_NONE },
	{ "mediumtext", COLUMN_TEXT, KEYING_NONE },  { "longtext", COLUMN_TEXT, KEYING_NONE },
	{ "enum", COLUMN_ENUM, KEYING_NONE },        { "set", COLUMN_TEXT, KEYING_NONE },
	{ "json", COLUMN_UTF8, KEYING_NONE },        { "inet4", COLUMN_UTF8, KEYING_NONE },
	{ "inet6", COLUMN_UTF8, KEYING_NONE },       { "uuid", COLUMN_UTF8, KEYING_NONE },
	{ "geometry", COLUMN_HEX, KEYING_NONE },     { "point", COLUMN_HEX, KEYING_NONE },
	{ "linestring", COLUMN_HEX, KEYING_NONE },   { "polygon", COLUMN_HEX, KEYING_NONE },
	{ "multipoint", COLUMN_HEX, KEYING_NONE },   { "multilinestring", COLUMN_HEX, KEYING_NONE },
	{ "multipolygon", COLUMN_HEX, KEYING_NONE }, { "geometrycollection", COLUMN_HEX, KEYING_NONE },
	{ "geomcollection", COLUMN_HEX, KEYING_NONE }, { "vector", COLUMN_HEX, KEYING_NONE },
};

/* "VIRTUAL GENERATED", "STORED GENERATED", MariaDB before 10.2 "VIRTUAL" and "PERSISTENT"; but not MySQL's "DEFAULT_GENERATED". */
static bool column_is_generated(const char *extra)
{
	return strstr(extra, "VIRTUAL") || strstr(extra, "STORED GENERATED") || strstr(extra, "PERSISTENT");
}

const char *column_word(const char *p, const char **ret, size_t *ret_len)
{
	*ret = ++p;
	while (*p && (*p != '\'' || p[1] == '\''))
		p += 1 + (*p == '\'');
	*ret_len = (size_t)(p - *ret);
	return *p ? p + 1 : p;
}

static bool column_has_word(const char *column_type, const char *word, size_t len)
{
	const char *w;
	size_t n;
	for (const char *p = strchr(column_type, '\''); p; p = strchr(p, '\'')) {
		p = column_word(p, &w, &n);
		if (n == len && strncasecmp(w, word, n) == 0)
			return true;
	}
	return false;
}

/*
 * A server that is not strict lets in ENUM('x','X'), and the empty word, which is how the value that is none reads as well. Words beyond printable
 * ASCII are not judged here: whether they are alike is for their collation to say.
 */
bool column_words_distinct(const char *column_type)
{
	const char *w;
	size_t n;
	for (const char *p = strchr(column_type, '\''); p; p = strchr(p, '\'')) {
		p = column_word(p, &w, &n);
		for (size_t i = 0; i < n; i++)
			if (w[i] < ' ' || w[i] > '~')
				return false;
		if (!n || column_has_word(p, w, n))
			return false;
	}
	return true;
}

/*
 * What an ENUM takes for number 0 without being strict about it: digits that are none of its words. MySQL says nothing, MariaDB warns (1265) all the
 * same [run 5.6, 9.7, 10.11]; an ENUM looks at numbers of up to five bytes, read in its own character set.
 */
static const char *column_invalid(const struct column *c, const char *column_type)
{
	static const struct { const char *charset, *word, *literal; } ways[] = {
		{ "ucs2", "00", "_ucs2 X'00300030'" },       { "ucs2", "0", "_ucs2 X'0030'" },
		{ "utf16", "00", "_utf16 X'00300030'" },     { "utf16", "0", "_utf16 X'0030'" },
		{ "utf16le", "00", "_utf16le X'30003000'" }, { "utf16le", "0", "_utf16le X'3000'" },
		{ "utf32", "0", "_utf32 X'00000030'" },      { NULL, "00000", "_binary'00000'" },
		{ NULL, "0000", "_binary'0000'" },           { NULL, "000", "_binary'000'" },
	};
	bool wide = false;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		bool own = ways[i].charset && c->charset && !strcmp(ways[i].charset, c->charset);
		wide = wide || own;
		if ((own || (!ways[i].charset && !wide)) && !column_has_word(column_type, ways[i].word, strlen(ways[i].word)))
			return ways[i].literal;
	}
	return NULL;
}

static void column_classify_words(struct column *c, const char *data_type, const char *column_type)
{
	bool is_enum = !strcasecmp(data_type, "enum");
	if (!is_enum && strcasecmp(data_type, "set") != 0)
		return;
	c->is_enum = is_enum;
	c->invalid = is_enum ? column_invalid(c, column_type) : NULL;
	if (!column_words_distinct(column_type))
		c->kind = COLUMN_INDEX;
}

/* `digits` times ten: exactly as the server computes the largest value of a FLOAT(M,D). */
static double column_ten(unsigned long digits)
{
	double ten = 1;
	while (digits--)
		ten *= 10;
	return ten;
}

/*
 * FLOAT(10,2) takes up to 99999999.99, and stores the nearest float, 100000000, which it does not take. Anything between that and halfway to the float
 * before is stored as the same.
 */
static void column_find_edge(struct column *c, const char *column_type)
{
	const char *p = strchr(column_type, '(');
	char *end = NULL;
	unsigned long digits = p ? strtoul(p + 1, &end, 10) : 0, scale = p && *end == ',' ? strtoul(end + 1, NULL, 10) : 0;
	if (!p || digits < scale || digits > 255)
		return;
	double max = column_ten(digits - scale) - 1 / column_ten(scale);
	float edge = max > 0 && max < FLT_MAX ? (float)max : 0, before = 0;
	uint32_t bits;
	if ((double)edge <= max)
		return;
	memcpy(&bits, &edge, sizeof bits);
	bits--;
	memcpy(&before, &bits, sizeof before);
	c->edge = (double)edge;
	c->below = (((double)before + (double)edge) / 2 + max) / 2;
}

bool column_classify(struct column *c, const char *data_type, const char *column_type, const char *extra, const char *scale)
{
	c->generated = column_is_generated(extra);
	for (size_t i = 0; i < sizeof column_types / sizeof column_types[0]; i++) {
		if (strcasecmp(column_types[i].type, data_type) != 0)
			continue;
		c->kind = column_types[i].kind;
		c->json = !strcasecmp(data_type, "json"); /* MariaDB's is a LONGTEXT */
		c->keying = column_types[i].keying;
		column_classify_words(c, data_type, column_type);
		if (c->keying == KEYING_INT && strstr(column_type, "unsigned"))
			c->keying = KEYING_UINT;
		if (c->keying == KEYING_STRING && !c->charset && !(c->charset = strdup("binary")))
			return false;
		/*
		 * FLOAT prints six digits only; DOUBLE(M,D) prints D decimals, and need not hold just those after an ALTER. ZEROFILL puts its zeros before the
		 * minus of a zero, which then is a difference.
		 */
		c->widen = c->kind == COLUMN_DOUBLE && (!strcasecmp(data_type, "float") || (scale && *scale) || strstr(column_type, "zerofill"));
		if (!strcasecmp(data_type, "float"))
			column_find_edge(c, column_type);
		return true;
	}
	return false;
}

void column_select(const struct column *c, struct buf *b)
{
	if (c->kind == COLUMN_INDEX) {
		buf_adds(b, "CAST(");
		sql_ident(b, c->name);
		buf_adds(b, " AS UNSIGNED)"); /* not +0: the last of 64 words of a SET would be a sign */
		return;
	}
	if (c->edge > 0) {
		buf_adds(b, "IF(ABS(");
		sql_ident(b, c->name);
		buf_addf(b, "*1e0)=%.16e,SIGN(", c->edge);
		sql_ident(b, c->name);
		buf_addf(b, ")*%.16e,", c->below);
	}
	sql_ident(b, c->name);
	if (c->widen)
		buf_adds(b, "*1e0"); /* not +0e0: minus zero would lose its sign */
	if (c->edge > 0)
		buf_addc(b, ')');
}

void column_literal(const struct column *c, const char *value, size_t len, struct buf *b)
{
	if (c->keying == KEYING_QUOTED) {
		sql_bytes(b, value, len);
		return;
	}
	if (c->keying != KEYING_STRING) {
		buf_add(b, value, len);
		return;
	}
	/* The session reads raw bytes of the column's character set: an introducer says which. The column's own collation wins the comparison. */
	buf_addf(b, "_%s X'", c->charset);
	buf_reserve(b, 2 * len);
	if (!b->bad)
		b->len = (size_t)(escape_hex(b->data + b->len, value, len) - b->data);
	buf_addc(b, '\'');
}

static bool column_key_usable(const struct table *t, const struct index_info *ix)
{
	if (!ix->usable || !ix->ncols)
		return false;
	for (size_t i = 0; i < ix->ncols; i++) {
		const struct column *c = &t->col[ix->col[i]];
		if (c->keying == KEYING_NONE || c->nullable || c->generated)
			return false;
	}
	return true;
}

/* The clustered index costs least to walk; among others a single integer is best. */
static int column_key_rank(const struct table *t, const char *name, const unsigned *col, size_t n)
{
	if (!strcmp(name, "PRIMARY"))
		return 3;
	enum column_keying k = t->col[col[0]].keying;
	return n == 1 && (k == KEYING_INT || k == KEYING_UINT) ? 2 : 1;
}

enum status column_consider_key(struct table *t, const struct index_info *ix, struct error *err)
{
	/* Of a versioned table many rows share a key. */
	if (t->versioned || !column_key_usable(t, ix))
		return ST_OK;
	if (t->key && column_key_rank(t, t->key, t->keycol, t->nkeycols) >= column_key_rank(t, ix->name, ix->col, ix->ncols))
		return ST_OK;
	char *name = strdup(ix->name);
	unsigned *col = malloc(ix->ncols * sizeof *col);
	if (!name || !col) {
		free(name);
		free(col);
		return error_oom(err);
	}
	memcpy(col, ix->col, ix->ncols * sizeof *col);
	free(t->key);
	free(t->keycol);
	t->found_by_key = true;
	t->key = name;
	t->keycol = col;
	t->nkeycols = ix->ncols;
	return ST_OK;
}
