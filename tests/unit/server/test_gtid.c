/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "slackwater/gtid.h"

#define A "3e11fa47-71ca-11e1-9e33-c80aa9429562"
#define B "3e11fa47-71ca-11e1-9e33-c80aa9429563"

static struct gtid_set *parse(const char *text)
{
	struct gtid_set *s = NULL;
	struct error err = ERROR_INIT;
	if (gtid_set_parse(text, &s, &err))
		fail_msg("%s", err.message);
	return s;
}

static void assert_set(const struct gtid_set *s, const char *text)
{
	struct buf b = BUF_INIT(1 << 20);
	gtid_set_format(s, &b);
	assert_string_equal(buf_str(&b), text);
	buf_free(&b);
}

static void assert_canonical(const char *text, const char *canonical)
{
	struct gtid_set *s = parse(text);
	assert_set(s, canonical);
	gtid_set_free(s);
}

static void test_canonical(void **state)
{
	(void)state;
	assert_canonical("", "");
	assert_canonical(" \n", "");
	assert_canonical(A ":1", A ":1");
	assert_canonical(A ":1-1", A ":1");
	assert_canonical("3E11FA47-71CA-11E1-9E33-C80AA9429562:1-5", A ":1-5");
	assert_canonical(A ":7:1-5", A ":1-5:7");
	assert_canonical(A ":1-5:6-7", A ":1-7");
	assert_canonical(A ":4-9:1-5:8", A ":1-9");
	assert_canonical(B ":1-3,\n" A ":1-2", A ":1-2," B ":1-3");
	assert_canonical(A ":1-2," B ":9," A ":3", A ":1-3," B ":9");
	assert_canonical(" " A " : 1 - 5 , " B ":1 ", A ":1-5," B ":1");
	assert_canonical(A ":9223372036854775807", A ":9223372036854775807");
	assert_canonical(A ":9223372036854775806:9223372036854775807:1-9223372036854775805", A ":1-9223372036854775807");
}

static void test_tags(void **state)
{
	(void)state;
	assert_canonical(A ":1-5:tag:7-9", A ":1-5:tag:7-9");
	assert_canonical(A ":tag:7-9", A ":tag:7-9");
	assert_canonical(A ":zeta:1:alpha:2:4", A ":alpha:2:4:zeta:1");
	assert_canonical(A ":Tag:1:TAG:2", A ":tag:1-2");
	assert_canonical(A ":tag:1," A ":3", A ":3:tag:1");
	assert_canonical(A ":_t9:1," B ":1-2:x:1", A ":_t9:1," B ":1-2:x:1");
	assert_canonical(A ":a2345678901234567890123456789012:1", A ":a2345678901234567890123456789012:1");
}

static void test_malformed(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"x", A, A ":", A ":0", A ":-5", A ":5-3", A ":1-", A ":1--2", A ":1-5x", A ":1 2", A ":1-5:", A ":tag", A ":tag:",
		A ":tag:tag2:1", A ":1:tag", A ":9223372036854775808", A ":1-99999999999999999999",
		"3e11fa47-71ca-11e1-9e33-c80aa942956:1", "3e11fa47-71ca-11e1-9e33-c80aa942956g:1", "3e11fa4771ca11e19e33c80aa9429562:1",
		A ":1," A, "," A ":1", A ":1,," B ":1", A ":1;" B ":1", A ":1" B ":1", A ":a23456789012345678901234567890123:1",
		A ":t-g:1", A ":1:2a", "0-1-5",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct gtid_set *s = NULL;
		struct error err = ERROR_INIT;
		if (gtid_set_parse(bad[i], &s, &err) == ST_OK)
			fail_msg("'%s' was taken for a GTID set", bad[i]);
		assert_int_equal(err.status, ST_FAILED);
		assert_int_equal(err.kind, ERR_UNEXPECTED);
		assert_non_null(strstr(err.message, "malformed GTID set"));
		assert_null(s);
	}
}

typedef enum status (*operation)(struct gtid_set *s, const struct gtid_set *other, struct error *err);

static void assert_operation(operation op, const char *left, const char *right, const char *result)
{
	struct error err = ERROR_INIT;
	struct gtid_set *a = parse(left), *b = parse(right);
	assert_int_equal(op(a, b, &err), ST_OK);
	assert_set(a, result);
	/* Whatever came out is canonical: parsing it again gives the same set. */
	struct gtid_set *again = parse(result);
	assert_true(gtid_set_equal(a, again));
	gtid_set_free(a);
	gtid_set_free(b);
	gtid_set_free(again);
}

static void test_union(void **state)
{
	(void)state;
	assert_operation(gtid_set_add_set, "", "", "");
	assert_operation(gtid_set_add_set, "", A ":1-5", A ":1-5");
	assert_operation(gtid_set_add_set, A ":1-5", "", A ":1-5");
	assert_operation(gtid_set_add_set, A ":1-5", A ":6", A ":1-6");
	assert_operation(gtid_set_add_set, A ":1-5:10", A ":7-8:3-4", A ":1-5:7-8:10");
	assert_operation(gtid_set_add_set, A ":1-5", A ":1-5:t:1", A ":1-5:t:1");
	assert_operation(gtid_set_add_set, B ":1", A ":1", A ":1," B ":1");
	assert_operation(gtid_set_add_set, A ":1:3:5:7", A ":2:4:6", A ":1-7");
	assert_operation(gtid_set_add_set, A ":9223372036854775807", A ":1", A ":1:9223372036854775807");
}

static void test_subtract(void **state)
{
	(void)state;
	assert_operation(gtid_set_subtract, A ":1-10", A ":1-10", "");
	assert_operation(gtid_set_subtract, A ":1-10", A ":3-4:8", A ":1-2:5-7:9-10");
	assert_operation(gtid_set_subtract, A ":1-10", A ":1:10", A ":2-9");
	assert_operation(gtid_set_subtract, A ":5-6:9-12", A ":1-5:11-20", A ":6:9-10");
	assert_operation(gtid_set_subtract, A ":1-3:5-7:9", A ":2-6", A ":1:7:9");
	assert_operation(gtid_set_subtract, A ":1-3:5-7:9", B ":1-100", A ":1-3:5-7:9");
	assert_operation(gtid_set_subtract, A ":1-5:t:1-5", A ":t:2", A ":1-5:t:1:3-5");
	assert_operation(gtid_set_subtract, A ":1-5:t:1-5", A ":1-5", A ":t:1-5");
	assert_operation(gtid_set_subtract, "", A ":1-5", "");
	assert_operation(gtid_set_subtract, A ":1-9223372036854775807", A ":2-9223372036854775807", A ":1");
}

static void test_intersect(void **state)
{
	(void)state;
	assert_operation(gtid_set_intersect, A ":1-10", A ":5-15", A ":5-10");
	assert_operation(gtid_set_intersect, A ":1-3:7-9", A ":3-7", A ":3:7");
	assert_operation(gtid_set_intersect, A ":1-3", B ":1-3", "");
	assert_operation(gtid_set_intersect, A ":1-3:t:1", A ":t:1-5", A ":t:1");
	assert_operation(gtid_set_intersect, A ":1-3", "", "");
	assert_operation(gtid_set_intersect, A ":1-2:4-5", A ":3", "");
}

static bool contains(const char *set, const char *part)
{
	struct gtid_set *s = parse(set), *p = parse(part);
	bool is = gtid_set_contains(s, p);
	gtid_set_free(s);
	gtid_set_free(p);
	return is;
}

static void test_contains(void **state)
{
	(void)state;
	assert_true(contains("", ""));
	assert_true(contains(A ":1", ""));
	assert_false(contains("", A ":1"));
	assert_true(contains(A ":1-5:7-9", A ":1:7-9"));
	assert_false(contains(A ":1-5:7-9", A ":5-7"));
	assert_false(contains(A ":1-5:7-9", A ":10"));
	assert_false(contains(A ":1-5", A ":t:1"));
	assert_false(contains(A ":t:1-5", A ":1"));
	assert_true(contains(A ":1," B ":1-2", B ":2"));
	assert_false(contains(A ":1-5", A ":1-5," B ":1"));
}

static void test_holes(void **state)
{
	(void)state;
	static const struct { const char *set, *holes; } cases[] = {
		{ "", "" },
		{ A ":1-171:173-252", A ":172" },
		{ A ":1-5", "" },
		{ A ":3", A ":1-2" },
		{ A ":1:3:5," B ":1-2", A ":2:4" },
		{ A ":1-2:t:4", A ":t:1-3" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct error err = ERROR_INIT;
		struct gtid_set *s = parse(cases[i].set), *holes = NULL;
		assert_int_equal(gtid_set_holes(s, &holes, &err), ST_OK);
		assert_set(holes, cases[i].holes);
		gtid_set_free(s);
		gtid_set_free(holes);
	}
}

static void test_count(void **state)
{
	(void)state;
	struct gtid_set *s = parse(A ":1-171:173-252," B ":7:t:1-3");
	assert_int_equal(gtid_set_count(s), 171 + 80 + 1 + 3);
	assert_false(gtid_set_empty(s));
	gtid_set_free(s);
	s = parse(A ":1-9223372036854775807," B ":1-9223372036854775807:t:1-9223372036854775807");
	assert_true(gtid_set_count(s) == UINT64_MAX);
	gtid_set_free(s);
	s = parse("");
	assert_int_equal(gtid_set_count(s), 0);
	assert_true(gtid_set_empty(s));
	gtid_set_free(s);
}

static void test_copy_is_independent(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	struct gtid_set *s = parse(A ":1-5:t:2"), *copy = NULL;
	assert_int_equal(gtid_set_copy(s, &copy, &err), ST_OK);
	assert_true(gtid_set_equal(s, copy));
	assert_int_equal(gtid_set_subtract(s, copy, &err), ST_OK);
	assert_set(copy, A ":1-5:t:2");
	assert_false(gtid_set_equal(s, copy));
	gtid_set_free(s);
	gtid_set_free(copy);
}

/* A replica that lost every second transaction: a million intervals, in order and the other way round. */
static void test_many_intervals(void **state)
{
	(void)state;
	enum { N = 1000000 };
	struct buf odd = BUF_INIT(64 << 20), even = BUF_INIT(64 << 20);
	buf_adds(&odd, A);
	buf_adds(&even, A);
	for (int i = 0; i < N; i++) {
		buf_addf(&odd, ":%d", 2 * i + 1);
		buf_addf(&even, ":%d", 2 * (N - i));
	}
	struct error err = ERROR_INIT;
	struct gtid_set *s = parse(buf_str(&odd)), *t = parse(buf_str(&even)), *holes = NULL;
	assert_int_equal(gtid_set_count(s), N);
	assert_int_equal(gtid_set_holes(s, &holes, &err), ST_OK);
	assert_int_equal(gtid_set_count(holes), N - 1);
	assert_true(gtid_set_contains(t, holes));
	assert_int_equal(gtid_set_add_set(s, t, &err), ST_OK);
	assert_set(s, A ":1-2000000");
	gtid_set_free(s);
	gtid_set_free(t);
	gtid_set_free(holes);
	buf_free(&odd);
	buf_free(&even);
}

/* ---- against a model: a bit per number, over random sets ---- */

enum { MODEL_KEYS = 4, MODEL_NUMBERS = 24 };

struct model {
	uint32_t bits[MODEL_KEYS];
};

static uint32_t random_bits(void)
{
	static uint64_t seed = 20261120;
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33);
}

static struct model model_random(void)
{
	struct model m;
	for (int k = 0; k < MODEL_KEYS; k++)
		m.bits[k] = random_bits() & random_bits() & ((1u << MODEL_NUMBERS) - 1);
	return m;
}

/* In any order, split and overlapping, as no server prints it. */
static struct gtid_set *model_parse(const struct model *m)
{
	static const char *const key[MODEL_KEYS] = { A, A ":tag", B, B ":tag" };
	struct buf b = BUF_INIT(1 << 16);
	for (int k = MODEL_KEYS - 1; k >= 0; k--)
		for (int i = 0; i < MODEL_NUMBERS; i++) {
			int n = (i * 7) % MODEL_NUMBERS, last = n;
			if (!(m->bits[k] >> n & 1))
				continue;
			while (last + 1 < MODEL_NUMBERS && (m->bits[k] >> (last + 1) & 1) && random_bits() % 3)
				last++;
			buf_addf(&b, "%s%s:%d-%d", b.len ? "," : "", key[k], n + 1, last + 1);
		}
	struct gtid_set *s = parse(buf_str(&b));
	buf_free(&b);
	return s;
}

static void assert_model(const struct gtid_set *s, const struct model *m)
{
	struct gtid_set *want = model_parse(m);
	if (!gtid_set_equal(s, want)) {
		struct buf is = BUF_INIT(1 << 16), should = BUF_INIT(1 << 16);
		gtid_set_format(s, &is);
		gtid_set_format(want, &should);
		fail_msg("%s\nshould be\n%s", buf_str(&is), buf_str(&should));
	}
	gtid_set_free(want);
}

static void model_round(void)
{
	struct error err = ERROR_INIT;
	struct model x = model_random(), y = model_random(), r;
	struct gtid_set *a = model_parse(&x), *b = model_parse(&y), *c = NULL, *holes = NULL;
	uint64_t count = 0;
	bool contains = true;
	for (int k = 0; k < MODEL_KEYS; k++) {
		count += (uint64_t)__builtin_popcount(x.bits[k]);
		contains = contains && !(y.bits[k] & ~x.bits[k]);
	}
	assert_true(gtid_set_count(a) == count);
	assert_int_equal(gtid_set_contains(a, b), contains);
	assert_int_equal(gtid_set_holes(a, &holes, &err), ST_OK);
	for (int k = 0; k < MODEL_KEYS; k++)
		r.bits[k] = x.bits[k] ? ~x.bits[k] & ((2u << (31 - __builtin_clz(x.bits[k]))) - 1) : 0;
	assert_model(holes, &r);
	assert_int_equal(gtid_set_copy(a, &c, &err), ST_OK);
	assert_int_equal(gtid_set_intersect(c, b, &err), ST_OK);
	for (int k = 0; k < MODEL_KEYS; k++)
		r.bits[k] = x.bits[k] & y.bits[k];
	assert_model(c, &r);
	assert_true(gtid_set_contains(a, c) && gtid_set_contains(b, c));
	gtid_set_free(c);
	assert_int_equal(gtid_set_copy(a, &c, &err), ST_OK);
	assert_int_equal(gtid_set_subtract(c, b, &err), ST_OK);
	for (int k = 0; k < MODEL_KEYS; k++)
		r.bits[k] = x.bits[k] & ~y.bits[k];
	assert_model(c, &r);
	assert_int_equal(gtid_set_add_set(a, b, &err), ST_OK);
	for (int k = 0; k < MODEL_KEYS; k++)
		r.bits[k] = x.bits[k] | y.bits[k];
	assert_model(a, &r);
	gtid_set_free(a);
	gtid_set_free(b);
	gtid_set_free(c);
	gtid_set_free(holes);
}

static void test_model(void **state)
{
	(void)state;
	for (int i = 0; i < 2000; i++)
		model_round();
}

/* ---- MariaDB ---- */

static struct gtid_pos pos(const char *text)
{
	struct gtid_pos p = { 0 };
	struct error err = ERROR_INIT;
	if (gtid_pos_parse(text, &p, &err))
		fail_msg("%s", err.message);
	return p;
}

static void test_pos_text(void **state)
{
	(void)state;
	static const struct { const char *text, *canonical; } cases[] = {
		{ "", "" },
		{ "0-1-100", "0-1-100" },
		{ "1-2-5,0-1-100", "0-1-100,1-2-5" },
		{ " 0-1-100, 1-2-5 ", "0-1-100,1-2-5" },
		{ "0-2-7,0-1-9", "0-1-9,0-2-7" },
		{ "4294967295-4294967295-18446744073709551615", "4294967295-4294967295-18446744073709551615" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct gtid_pos p = pos(cases[i].text);
		struct buf b = BUF_INIT(4096);
		gtid_pos_format(&p, &b);
		assert_string_equal(buf_str(&b), cases[i].canonical);
		buf_free(&b);
		gtid_pos_free(&p);
	}
}

static void test_pos_malformed(void **state)
{
	(void)state;
	static const char *const bad[] = { "0", "0-1", "0-1-", "0-1-x", "-1-1-1", "0-1-1,0-1-2", "0-1-1;1-1-1", ",", "0-1-1,,1-1-1",
		                           "4294967296-1-1", "0-4294967296-1", "0-1-18446744073709551616", "0-1-1 1-1-1", A ":1" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct gtid_pos p = { 0 };
		struct error err = ERROR_INIT;
		if (gtid_pos_parse(bad[i], &p, &err) == ST_OK)
			fail_msg("'%s' was taken for a GTID position", bad[i]);
		assert_int_equal(err.kind, ERR_UNEXPECTED);
	}
}

static void test_pos_domain(void **state)
{
	(void)state;
	struct gtid_pos p = pos("0-2-7,0-1-9,3-1-4");
	assert_int_equal(gtid_pos_domain(&p, 0)->seq, 9);
	assert_int_equal(gtid_pos_domain(&p, 0)->server, 1);
	assert_int_equal(gtid_pos_domain(&p, 3)->seq, 4);
	assert_null(gtid_pos_domain(&p, 1));
	assert_null(gtid_pos_domain(&p, 4));
	gtid_pos_free(&p);
}

static bool reached(const char *a, const char *b)
{
	struct gtid_pos p = pos(a), q = pos(b);
	bool is = gtid_pos_reached(&p, &q);
	gtid_pos_free(&p);
	gtid_pos_free(&q);
	return is;
}

static void test_pos_reached(void **state)
{
	(void)state;
	assert_true(reached("0-1-5", ""));
	assert_false(reached("", "0-1-5"));
	assert_true(reached("0-1-5", "0-2-5"));
	assert_true(reached("0-1-5,1-1-9", "0-1-4,1-1-9"));
	assert_false(reached("0-1-5,1-1-8", "0-1-4,1-1-9"));
	assert_false(reached("0-1-5", "0-1-4,1-1-1"));
	assert_true(reached("0-2-3,0-1-9", "0-1-9"));
}

static void test_pos_equal(void **state)
{
	(void)state;
	struct gtid_pos a = pos("0-1-5,1-1-9"), b = pos("1-1-9,0-1-5"), c = pos("0-2-5,1-1-9"), d = pos("0-1-5");
	assert_true(gtid_pos_equal(&a, &b));
	assert_false(gtid_pos_equal(&a, &c));
	assert_false(gtid_pos_equal(&a, &d));
	gtid_pos_free(&a);
	gtid_pos_free(&b);
	gtid_pos_free(&c);
	gtid_pos_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_canonical), cmocka_unit_test(test_tags), cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_union), cmocka_unit_test(test_subtract), cmocka_unit_test(test_intersect),
		cmocka_unit_test(test_contains), cmocka_unit_test(test_holes), cmocka_unit_test(test_count),
		cmocka_unit_test(test_copy_is_independent), cmocka_unit_test(test_many_intervals),
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_pos_text), cmocka_unit_test(test_pos_malformed), cmocka_unit_test(test_pos_domain),
		cmocka_unit_test(test_pos_reached), cmocka_unit_test(test_pos_equal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
