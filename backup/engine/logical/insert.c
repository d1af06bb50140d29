/* SPDX-License-Identifier: Apache-2.0 */
#include "insert.h"

#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "layout.h"
#include "slackwater/dialect.h"

#define STATEMENT_BYTES (1u << 20)
/* A buffer that one giant row has blown up is given back. */
#define STATEMENT_KEEP (8u << 20)
#define STATEMENT_MAX ((size_t)4 << 30)
#define ENTRY_MAX ((size_t)5 << 30)

/* Text behind an introducer: see LAYOUT_DATA_HEADER. */
enum { INSERT_BINARY = COLUMN_UTF8 + 1 };

struct insert {
	uint64_t chunk_bytes;
	insert_put_fn *put;
	void *arg;
	struct stream_zstd *zstd;
	const struct table *t;
	unsigned char *kind;      /* enum column_kind of each column of a row, or INSERT_BINARY */
	unsigned ncols;
	struct buf prefix;        /* INSERT INTO `t` (...) VALUES\n */
	struct buf stmt;
	uint64_t stmt_rows;
	struct stream_entry entry;
	bool open;                /* entry holds something */
	uint64_t bytes;           /* since insert_begin */
	struct insert_totals totals;
};

enum status insert_new(uint64_t chunk_bytes, int zstd_level, insert_put_fn *put, void *arg, struct insert **ret, struct error *err)
{
	struct insert *in = calloc(1, sizeof *in);
	if (!in)
		return error_oom(err);
	*in = (struct insert){ .chunk_bytes = chunk_bytes, .put = put, .arg = arg, .prefix = BUF_INIT(1u << 20),
		               .stmt = BUF_INIT(STATEMENT_MAX) };
	enum status st = stream_zstd_new(zstd_level, &in->zstd, err);
	if (st)
		insert_free(in);
	else
		*ret = in;
	return st;
}

void insert_free(struct insert *in)
{
	if (!in)
		return;
	stream_zstd_free(in->zstd);
	stream_entry_free(&in->entry);
	buf_free(&in->prefix);
	buf_free(&in->stmt);
	free(in->kind);
	free(in);
}

const struct insert_totals *insert_totals(const struct insert *in)
{
	return &in->totals;
}

uint64_t insert_bytes(const struct insert *in)
{
	return in->bytes + (in->stmt_rows ? in->stmt.len : 0);
}

void insert_columns(const struct table *t, struct buf *b)
{
	const char *comma = "";
	for (size_t i = 0; i < t->ncols; i++) {
		if (t->col[i].generated)
			continue;
		buf_adds(b, comma);
		column_select(&t->col[i], b);
		comma = ",";
	}
	if (!*comma)
		buf_adds(b, "1"); /* nothing but generated columns: the rows are counted all the same */
}

enum status insert_begin(struct insert *in, const struct table *t, struct error *err)
{
	unsigned char *kind = realloc(in->kind, t->ncols + 1);
	if (!kind)
		return error_oom(err);
	in->kind = kind;
	in->t = t;
	in->ncols = 0;
	in->bytes = 0;
	buf_clear(&in->prefix);
	buf_adds(&in->prefix, "INSERT INTO ");
	sql_ident(&in->prefix, t->name);
	buf_adds(&in->prefix, " (");
	for (size_t i = 0; i < t->ncols; i++) {
		if (t->col[i].generated)
			continue;
		if (in->ncols)
			buf_addc(&in->prefix, ',');
		sql_ident(&in->prefix, t->col[i].name);
		in->kind[in->ncols++] = t->partitioned && t->col[i].kind == COLUMN_TEXT ? INSERT_BINARY : (unsigned char)t->col[i].kind;
	}
	buf_adds(&in->prefix, ") VALUES\n");
	return buf_check(&in->prefix, "the head of an INSERT", err);
}

/* ---- one row ---- */

static char *insert_quoted(char *p, const char *introducer, size_t n, const char *value, size_t len)
{
	memcpy(p, introducer, n);
	p = escape_string(p + n, value, len);
	*p++ = '\'';
	return p;
}

static char *insert_cell(char *p, unsigned char kind, const char *value, size_t len)
{
	if (!value) {
		memcpy(p, "NULL", 4);
		return p + 4;
	}
	switch (kind) {
	case COLUMN_DOUBLE:
		if (len == 2 && value[0] == '-' && value[1] == '0')
			return insert_quoted(p, "'", 1, value, len);
		/* fall through */
	case COLUMN_NUMBER:
		memcpy(p, value, len);
		return p + len;
	case COLUMN_PLAIN:
		*p++ = '\'';
		memcpy(p, value, len);
		p += len;
		*p++ = '\'';
		return p;
	case COLUMN_HEX:
		if (!len)
			break;
		memcpy(p, "0x", 2);
		return escape_hex(p + 2, value, len);
	case COLUMN_UTF8:
		return insert_quoted(p, "_utf8mb4'", 9, value, len);
	case INSERT_BINARY:
		return insert_quoted(p, "_binary'", 8, value, len);
	}
	return insert_quoted(p, "'", 1, value, len);
}

static char *insert_tuple(char *p, const struct insert *in, const char *const *row, const size_t *len)
{
	*p++ = '(';
	for (unsigned i = 0; i < in->ncols; i++) {
		if (i)
			*p++ = ',';
		p = insert_cell(p, in->kind[i], row[i], len[i]);
	}
	*p++ = ')';
	return p;
}

/* The most that a tuple can need. */
static size_t insert_need(const struct insert *in, const char *const *row, const size_t *len)
{
	size_t need = 4 + ESCAPE_SLACK;
	for (unsigned i = 0; i < in->ncols; i++)
		need += (row[i] ? 2 * len[i] : 0) + 16;
	return need;
}

/* ---- statements and entries ---- */

static enum status insert_put(struct insert *in, struct error *err)
{
	if (!in->open)
		return ST_OK;
	in->open = false;
	enum status st = stream_zstd_end(in->zstd, &in->entry.data, err);
	if (!st)
		st = in->put(in->arg, in->t, &in->entry, err);
	stream_entry_free(&in->entry);
	return st;
}

static enum status insert_compress(struct insert *in, const char *text, size_t len, struct error *err)
{
	in->entry.raw_bytes += len;
	return stream_zstd_add(in->zstd, text, len, &in->entry.data, err);
}

static enum status insert_open(struct insert *in, struct error *err)
{
	static const char bytes[] = LAYOUT_DATA_HEADER, introduced[] = LAYOUT_SCHEMA_HEADER;
	if (in->open)
		return ST_OK;
	in->entry = (struct stream_entry){ .data = BUF_INIT(ENTRY_MAX) };
	in->open = true;
	return in->t->partitioned ? insert_compress(in, introduced, sizeof introduced - 1, err)
	                          : insert_compress(in, bytes, sizeof bytes - 1, err);
}

/* Hand on the first len bytes of the statement buffer, which are a statement of `rows` rows but for its end. */
static enum status insert_statement(struct insert *in, size_t len, uint64_t rows, struct error *err)
{
	enum status st = ST_OK;
	if (in->open && in->entry.raw_bytes + len + 2 > in->chunk_bytes)
		st = insert_put(in, err);
	if (!st)
		st = insert_open(in, err);
	if (!st)
		st = insert_compress(in, in->stmt.data, len, err);
	if (!st)
		st = insert_compress(in, ";\n", 2, err);
	if (st)
		return st;
	in->entry.rows += rows;
	in->bytes += len + 2;
	in->totals.rows += rows;
	in->totals.bytes += len + 2;
	if (len + 2 > in->totals.largest_statement)
		in->totals.largest_statement = len + 2;
	return ST_OK;
}

static void insert_shrink(struct insert *in)
{
	if (in->stmt.cap > STATEMENT_KEEP)
		buf_free(&in->stmt);
	buf_clear(&in->stmt);
}

enum status insert_row(struct insert *in, const char *const *row, const size_t *len, struct error *err)
{
	struct buf *b = &in->stmt;
	if (!in->stmt_rows)
		buf_add(b, in->prefix.data, in->prefix.len);
	buf_reserve(b, insert_need(in, row, len));
	if (b->bad)
		return buf_check(b, "a row", err);

	size_t before = b->len;
	char *p = b->data + before;
	if (in->stmt_rows) {
		*p++ = ',';
		*p++ = '\n';
	}
	char *tuple = p;
	p = insert_tuple(p, in, row, len);
	size_t n = (size_t)(p - tuple);
	if (n > in->totals.largest_row)
		in->totals.largest_row = n;
	b->len = (size_t)(p - b->data);
	in->stmt_rows++;
	if (b->len < STATEMENT_BYTES)
		return ST_OK;

	/* Full: what was there before this row goes; the row itself starts the next statement, unless it is one by itself. */
	enum status st = ST_OK;
	if (in->stmt_rows > 1) {
		st = insert_statement(in, before, in->stmt_rows - 1, err);
		memmove(b->data + in->prefix.len, tuple, n);
		b->len = in->prefix.len + n;
		in->stmt_rows = 1;
	}
	if (!st && b->len >= STATEMENT_BYTES) {
		st = insert_statement(in, b->len, 1, err);
		in->stmt_rows = 0;
		insert_shrink(in);
	}
	return st;
}

enum status insert_end(struct insert *in, struct error *err)
{
	enum status st = ST_OK;
	if (in->stmt_rows)
		st = insert_statement(in, in->stmt.len, in->stmt_rows, err);
	in->stmt_rows = 0;
	insert_shrink(in);
	return st ? st : insert_put(in, err);
}
