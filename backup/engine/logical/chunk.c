/* SPDX-License-Identifier: Apache-2.0 */
#include "chunk.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "slackwater/array.h"
#include "slackwater/dialect.h"

#define CHUNK_KEY_MAX (1u << 20)

void chunk_init(struct chunker *k, const struct table *t, uint64_t chunk_bytes, bool whole)
{
	*k = (struct chunker){ .t = t, .chunk_bytes = chunk_bytes, .after = BUF_INIT(CHUNK_KEY_MAX), .lowest = true };
	pthread_mutex_init(&k->lock, NULL);
	k->row_bytes = t->rows && t->bytes ? (double)t->bytes / (double)t->rows : 100;
	if (k->row_bytes < 8)
		k->row_bytes = 8;
	k->whole = whole || !t->key;
	if (k->whole)
		return;
	const struct column *c = &t->col[t->keycol[0]];
	k->integer = t->nkeycols == 1 && (c->keying == KEYING_INT || c->keying == KEYING_UINT);
	for (unsigned i = 0; i < t->keycol[0]; i++)
		k->column += t->col[i].generated ? 0 : 1;
}

void chunk_destroy(struct chunker *k)
{
	if (!k->t)
		return;
	pthread_mutex_destroy(&k->lock);
	buf_free(&k->after);
	free(k->back);
	*k = (struct chunker){ 0 };
}

/* ---- SQL ---- */

uint64_t chunk_bias(const char *text, bool is_unsigned)
{
	if (is_unsigned)
		return strtoull(text, NULL, 10);
	return (uint64_t)strtoll(text, NULL, 10) ^ (UINT64_C(1) << 63);
}

void chunk_unbias(uint64_t v, bool is_unsigned, struct buf *b)
{
	if (is_unsigned)
		buf_addf(b, "%" PRIu64, v);
	else
		buf_addf(b, "%" PRId64, (int64_t)(v ^ (UINT64_C(1) << 63)));
}

static bool chunk_unsigned(const struct chunker *k)
{
	return k->t->col[k->t->keycol[0]].keying == KEYING_UINT;
}

static const char *chunk_literal(const char *lit, size_t i)
{
	while (i--)
		lit += strlen(lit) + 1;
	return lit;
}

/* (a > x) OR (a = x AND b > y) ...: the form that every server's range optimizer understands; row constructors it does not. */
static void chunk_compare(const struct table *t, const char *lit, const char *strict, const char *last, struct buf *b)
{
	buf_addc(b, '(');
	for (size_t n = 0; n < t->nkeycols; n++) {
		buf_adds(b, n ? " OR (" : "(");
		for (size_t i = 0; i < n; i++) {
			sql_ident(b, t->col[t->keycol[i]].name);
			buf_addf(b, " = %s AND ", chunk_literal(lit, i));
		}
		sql_ident(b, t->col[t->keycol[n]].name);
		buf_addf(b, " %s %s)", n + 1 == t->nkeycols ? last : strict, chunk_literal(lit, n));
	}
	buf_addc(b, ')');
}

void chunk_after(const struct table *t, const char *lit, struct buf *b)
{
	chunk_compare(t, lit, ">", ">", b);
}

void chunk_upto(const struct table *t, const char *lit, struct buf *b)
{
	chunk_compare(t, lit, "<", "<=", b);
}

static void chunk_table(const struct chunker *k, struct buf *b)
{
	sql_qualified(b, k->t->schema, k->t->name);
	buf_adds(b, " FORCE INDEX (");
	sql_ident(b, k->t->key);
	buf_addc(b, ')');
}

static void chunk_key_list(const struct table *t, struct buf *b)
{
	for (size_t i = 0; i < t->nkeycols; i++) {
		if (i)
			buf_adds(b, ", ");
		sql_ident(b, t->col[t->keycol[i]].name);
	}
}

static uint64_t chunk_rows(const struct chunker *k)
{
	double n = (double)k->chunk_bytes / k->row_bytes;
	return n < 100 ? 100 : n > 1e9 ? 1000000000 : (uint64_t)n;
}

static uint64_t chunk_plus(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t chunk_times(uint64_t a, double f)
{
	double v = (double)a * f;
	return v >= 9e18 ? UINT64_C(9000000000000000000) : v < 1 ? 1 : (uint64_t)v;
}

/* ---- integers ---- */

static enum status chunk_integer_start(struct chunker *k, struct conn *c, struct error *err)
{
	struct buf b = BUF_INIT(4096);
	struct rows *r = NULL;
	buf_adds(&b, "SELECT MIN(");
	chunk_key_list(k->t, &b);
	buf_adds(&b, "), MAX(");
	chunk_key_list(k->t, &b);
	buf_adds(&b, ") FROM ");
	chunk_table(k, &b);
	enum status st = buf_check(&b, "a query", err);
	if (!st)
		st = conn_query(c, buf_str(&b), &r, err);
	bool more = rows_more(r, &st, err);
	if (!st && (!more || !r->row[0] || !r->row[1]))
		k->done = true;
	else if (!st) {
		k->next = chunk_bias(r->row[0], chunk_unsigned(k));
		k->max = chunk_bias(r->row[1], chunk_unsigned(k));
		double span = (double)(k->max - k->next) + 1, rows = k->t->rows ? (double)k->t->rows : 1;
		k->step = chunk_times(chunk_rows(k), span / rows < 1 ? 1 : span / rows);
	}
	rows_free(r);
	buf_free(&b);
	return st;
}

/* The last range was empty: go to where the next row is. */
static enum status chunk_integer_jump(struct chunker *k, struct conn *c, struct error *err)
{
	struct buf b = BUF_INIT(4096);
	char *value = NULL;
	k->sparse = false;
	buf_adds(&b, "SELECT MIN(");
	chunk_key_list(k->t, &b);
	buf_adds(&b, ") FROM ");
	chunk_table(k, &b);
	buf_adds(&b, " WHERE ");
	chunk_key_list(k->t, &b);
	buf_adds(&b, " >= ");
	chunk_unbias(k->next, chunk_unsigned(k), &b);
	enum status st = buf_check(&b, "a query", err);
	if (!st)
		st = conn_scalar(c, buf_str(&b), &value, err);
	if (!st && !value)
		k->done = true;
	else if (!st) {
		uint64_t to = chunk_bias(value, chunk_unsigned(k));
		if (to - k->next > k->step)
			k->step = chunk_rows(k); /* an island: dense until seen otherwise */
		k->next = to;
	}
	free(value);
	buf_free(&b);
	return st;
}

static void chunk_integer_where(const struct chunker *k, struct chunk_range *r, bool open_below)
{
	struct buf *b = &r->where;
	buf_adds(b, " FORCE INDEX (");
	sql_ident(b, k->t->key);
	buf_adds(b, ") WHERE ");
	if (!open_below) {
		chunk_key_list(k->t, b);
		buf_adds(b, " >= ");
		chunk_unbias(r->lo, chunk_unsigned(k), b);
		buf_adds(b, " AND ");
	}
	chunk_key_list(k->t, b);
	buf_adds(b, " <= ");
	chunk_unbias(r->hi, chunk_unsigned(k), b);
	buf_adds(b, " ORDER BY ");
	chunk_key_list(k->t, b);
	buf_addf(b, " LIMIT %" PRIu64, r->limit);
}

static enum status chunk_integer_next(struct chunker *k, struct conn *c, struct chunk_range *r, bool *more, struct error *err)
{
	enum status st = ST_OK;
	bool open_below = false;
	if (!k->nback && k->sparse && !k->done)
		st = chunk_integer_jump(k, c, err);
	if (st || (!k->nback && k->done)) {
		*more = false;
		return st;
	}
	if (k->nback) {
		r->lo = k->back[--k->nback].lo;
		r->hi = k->back[k->nback].hi;
	} else {
		r->lo = k->next;
		r->hi = chunk_plus(r->lo, k->step - 1);
		open_below = k->lowest; /* nothing is below MIN, and the smallest BIGINT has no literal that every version reads alike */
		k->lowest = false;
		if (r->hi >= k->max) {
			r->hi = k->max;
			k->done = true;
		} else {
			k->next = r->hi + 1;
		}
	}
	r->integer = true;
	r->limit = chunk_rows(k) * 2;
	r->column = k->column;
	chunk_integer_where(k, r, open_below);
	*more = true;
	return buf_check(&r->where, "a range", err);
}

/* The range held more than its limit: the rest goes back. Its density is now known better. */
static enum status chunk_integer_rest(struct chunker *k, const struct chunk_range *r, uint64_t last, struct error *err)
{
	k->step = chunk_times(chunk_rows(k), ((double)(last - r->lo) + 1) / (double)r->limit);
	if (last >= r->hi)
		return ST_OK;
	void *back = array_room(k->back, k->nback, &k->capback, sizeof *k->back);
	if (!back)
		return error_oom(err);
	k->back = back;
	k->back[k->nback].lo = last + 1;
	k->back[k->nback++].hi = r->hi;
	return ST_OK;
}

static enum status chunk_integer_report(struct chunker *k, const struct chunk_range *r, uint64_t rows, const char *last,
                                        struct error *err)
{
	if (rows >= r->limit && last)
		return chunk_integer_rest(k, r, chunk_bias(last, chunk_unsigned(k)), err);
	uint64_t want = chunk_rows(k);
	k->sparse = rows == 0;
	if (rows < want / 4)
		k->step = chunk_times(k->step, 4);
	else if (rows > want + want / 2)
		k->step = chunk_times(k->step, 0.7);
	return ST_OK;
}

/* ---- any key ---- */

static enum status chunk_keyset_boundary(struct chunker *k, struct conn *c, struct buf *ret, struct error *err)
{
	struct buf b = BUF_INIT(CHUNK_KEY_MAX);
	struct rows *r = NULL;
	buf_adds(&b, "SELECT ");
	chunk_key_list(k->t, &b);
	buf_adds(&b, " FROM ");
	chunk_table(k, &b);
	if (k->after.len) {
		buf_adds(&b, " WHERE ");
		chunk_after(k->t, k->after.data, &b);
	}
	buf_adds(&b, " ORDER BY ");
	chunk_key_list(k->t, &b);
	buf_addf(&b, " LIMIT 1 OFFSET %" PRIu64, chunk_rows(k) - 1);
	enum status st = buf_check(&b, "a query", err);
	if (!st)
		st = conn_query(c, buf_str(&b), &r, err);
	bool more = rows_more(r, &st, err);
	for (unsigned i = 0; !st && more && i < k->t->nkeycols; i++) {
		column_literal(&k->t->col[k->t->keycol[i]], r->row[i], r->len[i], ret);
		buf_addc(ret, '\0');
	}
	rows_free(r);
	buf_free(&b);
	return st ? st : buf_check(ret, "a key", err);
}

static enum status chunk_keyset_next(struct chunker *k, struct conn *c, struct chunk_range *r, bool *more, struct error *err)
{
	struct buf to = BUF_INIT(CHUNK_KEY_MAX);
	enum status st = chunk_keyset_boundary(k, c, &to, err);
	if (st) {
		buf_free(&to);
		return st;
	}
	buf_adds(&r->where, " FORCE INDEX (");
	sql_ident(&r->where, k->t->key);
	buf_addc(&r->where, ')');
	if (k->after.len || to.len)
		buf_adds(&r->where, " WHERE ");
	if (k->after.len)
		chunk_after(k->t, k->after.data, &r->where);
	if (k->after.len && to.len)
		buf_adds(&r->where, " AND ");
	if (to.len)
		chunk_upto(k->t, to.data, &r->where);
	k->done = !to.len;
	buf_free(&k->after);
	k->after = to;
	*more = true;
	return buf_check(&r->where, "a range", err);
}

/* ---- both ---- */

static enum status chunk_next_locked(struct chunker *k, struct conn *c, struct chunk_range *r, bool *more, struct error *err)
{
	enum status st = ST_OK;
	if (!k->started && k->integer)
		st = chunk_integer_start(k, c, err);
	if (st)
		return st;
	k->started = true;
	if (k->integer)
		return chunk_integer_next(k, c, r, more, err);
	if (k->done)
		return ST_OK;
	if (!k->whole)
		return chunk_keyset_next(k, c, r, more, err);
	k->done = true;
	*more = true;
	return ST_OK;
}

enum status chunk_next(struct chunker *k, struct conn *c, struct chunk_range *r, bool *ret_more, struct error *err)
{
	buf_clear(&r->where);
	r->integer = false;
	r->limit = 0;
	*ret_more = false;
	pthread_mutex_lock(&k->lock);
	enum status st = chunk_next_locked(k, c, r, ret_more, err);
	pthread_mutex_unlock(&k->lock);
	return st;
}

enum status chunk_report(struct chunker *k, const struct chunk_range *r, uint64_t rows, uint64_t bytes, const char *last,
                         struct error *err)
{
	enum status st = ST_OK;
	pthread_mutex_lock(&k->lock);
	if (rows)
		k->row_bytes = k->row_bytes * 0.5 + 0.5 * ((double)bytes / (double)rows);
	if (r->integer)
		st = chunk_integer_report(k, r, rows, last, err);
	pthread_mutex_unlock(&k->lock);
	return st;
}
