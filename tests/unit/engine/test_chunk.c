/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <inttypes.h>
#include <stdio.h>

#include <cmocka.h>

#include "engine/logical/chunk.h"
#include "bare_run.h"
#include "fake_conn.h"
#include "tables.h"

/* ---- a table with one integer key, answered from an array ---- */

struct number_table {
	struct conn conn;
	const uint64_t *key; /* biased, ascending */
	size_t n;
	bool is_unsigned;
	unsigned queries;
};

struct number_rows {
	struct rows rows;
	char text[2][32];
	const char *cell[2];
	size_t len[2];
	bool given;
};

static enum status number_next(struct rows *r, const char *const **row, const size_t **len, struct error *err)
{
	struct number_rows *n = (struct number_rows *)r;
	(void)err;
	*row = n->given ? NULL : n->cell;
	*len = n->len;
	n->given = true;
	return ST_OK;
}

static void number_free(struct rows *r)
{
	free(r);
}

static void number_cell(struct number_rows *r, unsigned i, const struct number_table *t, uint64_t key)
{
	struct buf b = BUF_INIT(32);
	chunk_unbias(key, t->is_unsigned, &b);
	snprintf(r->text[i], sizeof r->text[i], "%s", buf_str(&b));
	buf_free(&b);
	r->cell[i] = r->text[i];
	r->len[i] = strlen(r->text[i]);
}

/* SELECT MIN, MAX of everything, or SELECT MIN from some value on. */
static enum status number_query(struct conn *c, const char *sql, size_t len, bool stream, struct rows **ret, struct error *err)
{
	static const struct rows_ops ops = { number_next, number_free };
	struct number_table *t = (struct number_table *)c;
	struct number_rows *r = calloc(1, sizeof *r);
	(void)len;
	(void)stream;
	(void)err;
	t->queries++;
	r->rows = (struct rows){ .ops = &ops, .ncols = 2 };
	const char *from = strstr(sql, " >= ");
	size_t first = 0;
	if (from) {
		assert_non_null(strstr(sql, "SELECT MIN(`id`) FROM `s`.`t` FORCE INDEX (`PRIMARY`) WHERE `id` >= "));
		while (first < t->n && t->key[first] < chunk_bias(from + 4, t->is_unsigned))
			first++;
	} else {
		assert_string_equal(sql, "SELECT MIN(`id`), MAX(`id`) FROM `s`.`t` FORCE INDEX (`PRIMARY`)");
	}
	if (first < t->n) {
		number_cell(r, 0, t, t->key[first]);
		number_cell(r, 1, t, t->key[t->n - 1]);
	}
	*ret = &r->rows;
	return ST_OK;
}

static unsigned number_warnings(struct conn *c)
{
	(void)c;
	return 0;
}

static unsigned long number_thread(struct conn *c)
{
	(void)c;
	return 1;
}

static const struct conn_ops number_ops = { number_query, number_warnings, number_thread, NULL };

/* What a worker does with a range: read it up to its limit, mark each row, report. */
static void read_range(struct chunker *k, const struct number_table *t, const struct chunk_range *r, unsigned *seen, uint64_t row_bytes)
{
	uint64_t rows = 0;
	char last[32] = "";
	for (size_t i = 0; i < t->n && rows < r->limit; i++) {
		if (t->key[i] < r->lo || t->key[i] > r->hi)
			continue;
		seen[i]++;
		if (++rows == r->limit) {
			struct buf b = BUF_INIT(32);
			chunk_unbias(t->key[i], t->is_unsigned, &b);
			snprintf(last, sizeof last, "%s", buf_str(&b));
			buf_free(&b);
		}
	}
	assert_int_equal(chunk_report(k, r, rows, rows * row_bytes, *last ? last : NULL, NULL), ST_OK);
}

struct shape { uint64_t estimate_rows, estimate_bytes, row_bytes; unsigned max_queries; };

/* Several workers take ranges in a random order of coming and going: every row is read exactly once. */
static void covers(const uint64_t *key, size_t n, bool is_unsigned, struct shape shape)
{
	static const struct a_column signed_id[] = { COL("pad", "int", .extra = "STORED GENERATED"), COL("v", "int"), COL("id", "bigint") };
	static const struct a_column unsigned_id[] = { COL("pad", "int", .extra = "STORED GENERATED"), COL("v", "int"),
		                                       COL("id", "bigint", .column_type = "bigint unsigned") };
	enum { WORKERS = 3 };
	for (unsigned seed = 1; seed <= 5; seed++) {
		struct number_table t = { .conn = { .ops = &number_ops, .run = &bare_run }, .key = key, .n = n, .is_unsigned = is_unsigned };
		struct inventory inv;
		struct chunker k;
		inventory_init(&inv);
		struct table *tab = a_table(&inv, "s", "t", is_unsigned ? unsigned_id : signed_id, 3);
		a_key(tab, "PRIMARY", 2, 1);
		tab->rows = shape.estimate_rows;
		tab->bytes = shape.estimate_bytes;
		chunk_init(&k, tab, 20000, false);
		struct chunk_range r[WORKERS];
		bool busy[WORKERS] = { false }, over[WORKERS] = { false };
		unsigned *seen = calloc(n + 1, sizeof *seen), state = seed, left = WORKERS;
		for (int i = 0; i < WORKERS; i++)
			r[i] = (struct chunk_range){ .where = BUF_INIT(10000) };
		while (left) {
			state = state * 1103515245u + 12345u;
			unsigned w = (state >> 16) % WORKERS;
			if (over[w])
				continue;
			if (busy[w]) {
				read_range(&k, &t, &r[w], seen, shape.row_bytes);
				busy[w] = false;
				continue;
			}
			bool more = false;
			assert_int_equal(chunk_next(&k, &t.conn, &r[w], &more, NULL), ST_OK);
			busy[w] = more;
			if (!more) {
				over[w] = true;
				left--;
			} else {
				assert_true(r[w].integer && r[w].lo <= r[w].hi && r[w].limit);
				assert_int_equal(r[w].column, 1); /* the generated column is not in the select list */
			}
		}
		for (size_t i = 0; i < n; i++)
			assert_int_equal(seen[i], 1);
		assert_true(t.queries <= shape.max_queries);
		for (int i = 0; i < WORKERS; i++)
			buf_free(&r[i].where);
		free(seen);
		chunk_destroy(&k);
		inventory_clear(&inv);
	}
}

static uint64_t at(int64_t v)
{
	return (uint64_t)v ^ (UINT64_C(1) << 63);
}

enum { N = 3000 };

static void dense(void **state)
{
	(void)state;
	uint64_t key[N];
	for (int i = 0; i < N; i++)
		key[i] = at(i + 1);
	covers(key, N, false, (struct shape){ N, N * 100, 100, 20 });
	covers(key, N, false, (struct shape){ 0, 0, 100, 200 });           /* no statistics */
	covers(key, N, false, (struct shape){ N * 50, N * 5000, 100, 200 }); /* far too many */
	covers(key, N, false, (struct shape){ 10, 1000, 100, 200 });       /* far too few */
	covers(key, N, false, (struct shape){ N, N * 10, 1000, 200 });     /* rows larger than thought */
	covers(key, 1, false, (struct shape){ 1, 100, 100, 5 });
	covers(key, 0, false, (struct shape){ 0, 0, 100, 5 });
}

static void negative_and_extreme(void **state)
{
	(void)state;
	uint64_t key[N];
	for (int i = 0; i < N; i++)
		key[i] = at((i - N / 2) * 7);
	covers(key, N, false, (struct shape){ N, N * 100, 100, 60 });
	for (int i = 0; i < N / 2; i++) {
		key[i] = at(INT64_MIN + i);
		key[N - 1 - i] = at(INT64_MAX - i);
	}
	covers(key, N, false, (struct shape){ N, N * 100, 100, 200 });
	for (int i = 0; i < N / 2; i++) {
		key[i] = (uint64_t)i;
		key[N - 1 - i] = UINT64_MAX - (uint64_t)i;
	}
	covers(key, N, true, (struct shape){ N, N * 100, 100, 200 });
	key[0] = at(INT64_MIN);
	covers(key, 1, false, (struct shape){ 1, 100, 100, 5 });
	key[0] = UINT64_MAX;
	covers(key, 1, true, (struct shape){ 1, 100, 100, 5 });
}

static void sparse(void **state)
{
	(void)state;
	uint64_t key[N];
	for (int i = 0; i < N; i++)
		key[i] = (uint64_t)i * 1000000007u;
	covers(key, N, true, (struct shape){ N, N * 100, 100, 200 });
	/* few rows, each alone in a wide desert; empty ranges cost one lookup each */
	for (int i = 0; i < 60; i++)
		key[i] = UINT64_C(1) << i;
	covers(key, 60, true, (struct shape){ 60, 6000, 100, 200 });
	/* islands, dense within */
	for (int i = 0; i < N; i++)
		key[i] = ((uint64_t)(i / 500) << 58) + (uint64_t)(i % 500);
	covers(key, N, true, (struct shape){ N, N * 100, 100, 400 });
}

static void range_text(void **state)
{
	(void)state;
	static const struct a_column cols[] = { COL("id", "int") };
	struct inventory inv;
	struct chunker k;
	struct chunk_range r = { .where = BUF_INIT(1000) };
	bool more = false;
	inventory_init(&inv);
	struct table *t = a_table(&inv, "s", "t", cols, 1);
	a_key(t, "PRIMARY", 0, 1);
	t->rows = 1000;
	t->bytes = 100000;
	chunk_init(&k, t, 50000, false);
	struct conn *c = fake_conn_new(&bare_run, FLAVOR_MYSQL, 90704);
	fake_conn_expect(c, "SELECT MIN(`id`), MAX(`id`) FROM `s`.`t` FORCE INDEX (`PRIMARY`)");
	fake_conn_rows(c, "a\tb\n-5\t994\n");
	assert_int_equal(chunk_next(&k, c, &r, &more, NULL), ST_OK);
	assert_string_equal(buf_str(&r.where), " FORCE INDEX (`PRIMARY`) WHERE `id` <= 494 ORDER BY `id` LIMIT 1000");
	assert_int_equal(chunk_report(&k, &r, 500, 50000, NULL, NULL), ST_OK);
	assert_int_equal(chunk_next(&k, c, &r, &more, NULL), ST_OK);
	assert_string_equal(buf_str(&r.where), " FORCE INDEX (`PRIMARY`) WHERE `id` >= 495 AND `id` <= 994 ORDER BY `id` LIMIT 1000");
	/* fuller than its limit: the rest comes back */
	assert_int_equal(chunk_report(&k, &r, 1000, 100000, "700", NULL), ST_OK);
	assert_int_equal(chunk_next(&k, c, &r, &more, NULL), ST_OK);
	assert_true(more);
	assert_string_equal(buf_str(&r.where), " FORCE INDEX (`PRIMARY`) WHERE `id` >= 701 AND `id` <= 994 ORDER BY `id` LIMIT 1000");
	assert_int_equal(chunk_report(&k, &r, 294, 29400, NULL, NULL), ST_OK);
	assert_int_equal(chunk_next(&k, c, &r, &more, NULL), ST_OK);
	assert_false(more);
	chunk_destroy(&k);
	buf_free(&r.where);
	conn_free(c);
	inventory_clear(&inv);
}

/* ---- any other key ---- */

static const struct a_column mixed[] = {
	COL("a", "int"), COL("b", "varchar", .charset = "latin1"), COL("c`c", "date"), COL("v", "int"),
};

static void comparisons(void **state)
{
	(void)state;
	struct inventory inv;
	struct buf b = BUF_INIT(1000);
	inventory_init(&inv);
	struct table *t = a_table(&inv, "s", "t", mixed, 4);
	a_key(t, "PRIMARY", 0, 3);
	chunk_after(t, "5\0_latin1 X'41'\0'2020-01-01'", &b);
	assert_string_equal(buf_str(&b), "((`a` > 5) OR (`a` = 5 AND `b` > _latin1 X'41') OR (`a` = 5 AND `b` = _latin1 X'41' AND `c``c` > '2020-01-01'))");
	buf_clear(&b);
	chunk_upto(t, "5\0_latin1 X'41'\0'2020-01-01'", &b);
	assert_string_equal(buf_str(&b), "((`a` < 5) OR (`a` = 5 AND `b` < _latin1 X'41') OR (`a` = 5 AND `b` = _latin1 X'41' AND `c``c` <= '2020-01-01'))");
	buf_free(&b);
	inventory_clear(&inv);
}

static void keyset_walk(void **state)
{
	(void)state;
	struct inventory inv;
	struct chunker k;
	struct chunk_range r = { .where = BUF_INIT(10000) };
	bool more = false;
	inventory_init(&inv);
	struct table *t = a_table(&inv, "s", "t", mixed, 4);
	a_key(t, "PRIMARY", 0, 2);
	t->rows = 1000;
	t->bytes = 100000;
	chunk_init(&k, t, 40000, false);
	struct conn *c = fake_conn_new(&bare_run, FLAVOR_MYSQL, 90704);
	fake_conn_expect(c, "SELECT `a`, `b` FROM `s`.`t` FORCE INDEX (`PRIMARY`) ORDER BY `a`, `b` LIMIT 1 OFFSET 399");
	fake_conn_rows(c, "a\tb\n3\tx\n");
	assert_int_equal(chunk_next(&k, c, &r, &more, NULL), ST_OK);
	assert_true(more && !r.integer);
	assert_string_equal(buf_str(&r.where), " FORCE INDEX (`PRIMARY`) WHERE ((`a` < 3) OR (`a` = 3 AND `b` <= _latin1 X'78'))");
	assert_int_equal(chunk_report(&k, &r, 400, 40000, NULL, NULL), ST_OK);
	fake_conn_expect(c, "SELECT `a`, `b` FROM `s`.`t` FORCE INDEX (`PRIMARY`) WHERE ((`a` > 3) OR (`a` = 3 AND `b` > _latin1 X'78'))"
	                    " ORDER BY `a`, `b` LIMIT 1 OFFSET 399");
	assert_int_equal(chunk_next(&k, c, &r, &more, NULL), ST_OK);
	assert_true(more);
	/* fewer rows are left than asked for: open above */
	assert_string_equal(buf_str(&r.where), " FORCE INDEX (`PRIMARY`) WHERE ((`a` > 3) OR (`a` = 3 AND `b` > _latin1 X'78'))");
	assert_int_equal(chunk_next(&k, c, &r, &more, NULL), ST_OK);
	assert_false(more);
	chunk_destroy(&k);
	buf_free(&r.where);
	conn_free(c);
	inventory_clear(&inv);
}

static void whole(void **state)
{
	(void)state;
	struct inventory inv;
	struct chunker k;
	struct chunk_range r = { .where = BUF_INIT(1000) };
	bool more = false;
	inventory_init(&inv);
	struct table *t = a_table(&inv, "s", "t", mixed, 4);
	struct conn *c = fake_conn_new(&bare_run, FLAVOR_MYSQL, 90704); /* not asked anything */
	for (int with_key = 0; with_key < 2; with_key++) {
		if (with_key)
			a_key(t, "PRIMARY", 0, 1);
		chunk_init(&k, t, 1000, true);
		assert_int_equal(chunk_next(&k, c, &r, &more, NULL), ST_OK);
		assert_true(more);
		assert_int_equal(r.where.len, 0);
		assert_int_equal(chunk_next(&k, c, &r, &more, NULL), ST_OK);
		assert_false(more);
		chunk_destroy(&k);
	}
	buf_free(&r.where);
	conn_free(c);
	inventory_clear(&inv);
}

static void bias(void **state)
{
	(void)state;
	static const char *const text[] = { "-9223372036854775808", "-1", "0", "1", "9223372036854775807" };
	struct buf b = BUF_INIT(100);
	for (size_t i = 0; i < 5; i++) {
		buf_clear(&b);
		chunk_unbias(chunk_bias(text[i], false), false, &b);
		assert_string_equal(buf_str(&b), text[i]);
		assert_true(!i || chunk_bias(text[i - 1], false) < chunk_bias(text[i], false));
	}
	buf_clear(&b);
	chunk_unbias(chunk_bias("18446744073709551615", true), true, &b);
	assert_string_equal(buf_str(&b), "18446744073709551615");
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dense),      cmocka_unit_test(negative_and_extreme), cmocka_unit_test(sparse),
		cmocka_unit_test(range_text), cmocka_unit_test(comparisons),          cmocka_unit_test(keyset_walk),
		cmocka_unit_test(whole),      cmocka_unit_test(bias),
	};
	return cmocka_run_group_tests(tests, bare_run_setup, bare_run_teardown);
}
