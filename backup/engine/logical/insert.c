/* SPDX-License-Identifier: Apache-2.0 */
#include "insert.h"

#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "json_types.h"
#include "layout.h"
#include "slackwater/dialect.h"

#define STATEMENT_BYTES (1u << 20)
/* A buffer that one giant row has blown up is given back. */
#define STATEMENT_KEEP (8u << 20)
#define STATEMENT_MAX ((size_t)4 << 30)
#define ENTRY_MAX ((size_t)5 << 30)

/* A cell's quotes, comma, introducer; or the literal of an invalid ENUM value. */
#define INSERT_CELL 32
/* Text behind an introducer: see LAYOUT_DATA_HEADER. */
enum { INSERT_BINARY = COLUMN_INDEX + 1 };

/* How a cell is written: enum column_kind or INSERT_BINARY; of an ENUM also how a value is written that is none. */
struct cell { unsigned char kind; bool json, checked; const char *invalid; };

struct insert {
	uint64_t chunk_bytes;
	insert_put_fn *put;
	void *arg;
	struct stream_zstd *zstd;
	const struct table *t;
	struct cell *cell;        /* of each column of a row */
	unsigned ncols;
	struct buf prefix;        /* INSERT INTO `t` (...) VALUES\n */
	struct buf stmt;
	uint64_t stmt_rows, stmt_invalid;
	uint64_t row_invalid;     /* invalid ENUM values in the row that was written last */
	struct stream_entry entry;
	bool open;                /* entry holds something */
	uint64_t bytes;           /* since insert_begin */
	bool json;                /* there is a column of that type */
	uint64_t json_lost, json_ask; /* rows, since insert_take_json */
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
	free(in->cell);
	free(in);
}

const struct insert_totals *insert_totals(const struct insert *in)
{
	return &in->totals;
}

void insert_totals_add(struct insert_totals *to, const struct insert_totals *more)
{
	to->rows += more->rows;
	to->bytes += more->bytes;
	if (more->largest_row > to->largest_row)
		to->largest_row = more->largest_row;
	if (more->largest_statement > to->largest_statement)
		to->largest_statement = more->largest_statement;
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

static struct cell insert_cell_of(const struct table *t, const struct column *c)
{
	struct cell cell = { .kind = (unsigned char)c->kind, .json = c->json, .checked = c->is_enum, .invalid = c->invalid };
	if (t->partitioned && (c->kind == COLUMN_TEXT || c->kind == COLUMN_ENUM))
		cell.kind = INSERT_BINARY;
	return cell;
}

enum status insert_begin(struct insert *in, const struct table *t, struct error *err)
{
	struct cell *cell = realloc(in->cell, (t->ncols + 1) * sizeof *cell);
	if (!cell)
		return error_oom(err);
	in->cell = cell;
	in->t = t;
	in->ncols = 0;
	in->bytes = 0;
	in->json = false;
	struct buf head = BUF_INIT(1u << 20);
	buf_adds(&head, "INSERT INTO ");
	sql_ident(&head, t->name);
	buf_adds(&head, " (");
	for (size_t i = 0; i < t->ncols; i++) {
		if (t->col[i].generated)
			continue;
		if (in->ncols)
			buf_addc(&head, ',');
		sql_ident(&head, t->col[i].name);
		in->json = in->json || t->col[i].json;
		in->cell[in->ncols++] = insert_cell_of(t, &t->col[i]);
	}
	buf_adds(&head, ") VALUES\n");
	enum status st = buf_check(&head, "the head of an INSERT", err);
	buf_clear(&in->prefix);
	if (!st) {
		layout_statement(&in->prefix, head.data, head.len); /* a name may hold what ends statements */
		in->prefix.len -= in->prefix.bad ? 0 : 2;           /* this one does not end here */
		st = buf_check(&in->prefix, "the head of an INSERT", err);
	}
	buf_free(&head);
	return st;
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
	case COLUMN_INDEX:
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

/* Is it the value of an ENUM that is none of its words? */
static bool insert_is_invalid(const struct cell *cell, const char *value, size_t len)
{
	return value && (cell->kind == COLUMN_INDEX ? len == 1 && *value == '0' : len == 0);
}

static char *insert_tuple(char *p, struct insert *in, const char *const *row, const size_t *len)
{
	*p++ = '(';
	in->row_invalid = 0;
	for (unsigned i = 0; i < in->ncols; i++) {
		const struct cell *cell = &in->cell[i];
		if (i)
			*p++ = ',';
		if (!cell->checked || !insert_is_invalid(cell, row[i], len[i])) {
			p = insert_cell(p, cell->kind, row[i], len[i]);
			continue;
		}
		size_t n = strlen(cell->invalid);
		memcpy(p, cell->invalid, n);
		p += n;
		in->row_invalid++;
	}
	*p++ = ')';
	return p;
}

static void insert_scan_json(struct insert *in, const char *const *row, const size_t *len)
{
	unsigned found = 0;
	for (unsigned i = 0; i < in->ncols; i++)
		found |= in->cell[i].json && row[i] ? json_types_scan(row[i], len[i]) : 0;
	in->json_lost += (found & JSON_SCAN_LOST) != 0;
	in->json_ask += (found & JSON_SCAN_ASK) != 0;
}

void insert_take_json(struct insert *in, uint64_t *ret_lost, uint64_t *ret_ask)
{
	*ret_lost = in->json_lost;
	*ret_ask = in->json_ask;
	in->json_lost = in->json_ask = 0;
}

/* The most that a tuple can need. */
static size_t insert_need(const struct insert *in, const char *const *row, const size_t *len)
{
	size_t need = 4 + ESCAPE_SLACK;
	for (unsigned i = 0; i < in->ncols; i++)
		need += (row[i] ? 2 * len[i] : 0) + INSERT_CELL;
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
	static const char bytes[] = LAYOUT_DATA_HEADER, introduced[] = LAYOUT_SCHEMA_HEADER, history[] = LAYOUT_HISTORY;
	if (in->open)
		return ST_OK;
	in->entry = (struct stream_entry){ .data = BUF_INIT(ENTRY_MAX) };
	in->open = true;
	enum status st = in->t->partitioned ? insert_compress(in, introduced, sizeof introduced - 1, err)
	                                    : insert_compress(in, bytes, sizeof bytes - 1, err);
	return st || !in->t->versioned ? st : insert_compress(in, history, sizeof history - 1, err);
}

/* Hand on the first len bytes of the statement buffer, which are a statement of `rows` rows but for its end. */
static enum status insert_statement(struct insert *in, size_t len, uint64_t rows, uint64_t invalid, struct error *err)
{
	enum status st = ST_OK;
	struct buf end = BUF_INIT(100);
	if (invalid)
		buf_addf(&end, LAYOUT_INVALID_ENUMS, (unsigned long long)invalid);
	buf_adds(&end, ";\n");
	size_t whole = len + end.len;
	if (in->open && in->entry.raw_bytes + whole > in->chunk_bytes)
		st = insert_put(in, err);
	if (!st)
		st = insert_open(in, err);
	if (!st)
		st = insert_compress(in, in->stmt.data, len, err);
	if (!st)
		st = insert_compress(in, buf_str(&end), end.len, err);
	buf_free(&end);
	if (st)
		return st;
	in->entry.rows += rows;
	in->bytes += whole;
	in->totals.rows += rows;
	in->totals.bytes += whole;
	if (whole > in->totals.largest_statement)
		in->totals.largest_statement = whole;
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

	if (in->json)
		insert_scan_json(in, row, len);
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
	in->stmt_invalid += in->row_invalid;
	if (b->len < STATEMENT_BYTES)
		return ST_OK;

	/* Full: what was there before this row goes; the row itself starts the next statement, unless it is one by itself. */
	enum status st = ST_OK;
	if (in->stmt_rows > 1) {
		st = insert_statement(in, before, in->stmt_rows - 1, in->stmt_invalid - in->row_invalid, err);
		memmove(b->data + in->prefix.len, tuple, n);
		b->len = in->prefix.len + n;
		in->stmt_rows = 1;
		in->stmt_invalid = in->row_invalid;
	}
	if (!st && b->len >= STATEMENT_BYTES) {
		st = insert_statement(in, b->len, 1, in->stmt_invalid, err);
		in->stmt_rows = in->stmt_invalid = 0;
		insert_shrink(in);
	}
	return st;
}

enum status insert_end(struct insert *in, struct error *err)
{
	enum status st = ST_OK;
	if (in->stmt_rows)
		st = insert_statement(in, in->stmt.len, in->stmt_rows, in->stmt_invalid, err);
	in->stmt_rows = in->stmt_invalid = 0;
	insert_shrink(in);
	return st ? st : insert_put(in, err);
}
