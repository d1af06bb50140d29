/* SPDX-License-Identifier: Apache-2.0 */
/* Ages are ranges: what is decided on is the upper bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "applier/inflight.h"

static void look(struct inflight *f, const struct inflight_seen *seen, size_t n, int64_t now)
{
	struct error err = ERROR_INIT;
	assert_int_equal(inflight_take(f, seen, n, now, &err), ST_OK);
	assert_int_equal(f->n, n);
}

static void test_nothing(void **state)
{
	(void)state;
	struct inflight f = { 0 };
	look(&f, NULL, 0, 1000);
	assert_null(inflight_oldest(&f));
	assert_true(inflight_young(&f, 1));
	inflight_free(&f);
}

/* performance_schema gives exact figures. */
static void test_exact(void **state)
{
	(void)state;
	struct inflight f = { 0 };
	struct inflight_seen seen[] = { { "a", "worker 1", 30, 0, 0 }, { "b", "worker 2", 499, 0, 17 } };
	look(&f, seen, 2, 1000);
	assert_string_equal(inflight_oldest(&f)->what, "worker 2");
	assert_int_equal(inflight_oldest(&f)->thread, 17);
	assert_true(inflight_young(&f, 500));
	assert_false(inflight_young(&f, 499));
	inflight_free(&f);
}

/* What is there at the first look has an unknown age: it is waited for, however young it may be. */
static void test_first_look(void **state)
{
	(void)state;
	struct inflight f = { 0 };
	struct inflight_seen stmt = { "stmt", "ALTER TABLE", -1, 0, 0 }, other = { "next", "UPDATE", -1, 0, 0 };
	look(&f, &stmt, 1, 1000);
	assert_int_equal(inflight_oldest(&f)->age_max_ms, INFLIGHT_UNKNOWN);
	assert_false(inflight_young(&f, 1000000));
	look(&f, &stmt, 1, 1160);
	assert_int_equal(inflight_oldest(&f)->age_ms, 160);
	assert_false(inflight_young(&f, 1000000));
	/* Another one has come since the last look: it is not older than that look. */
	look(&f, &other, 1, 1320);
	assert_int_equal(inflight_oldest(&f)->age_max_ms, 160);
	assert_true(inflight_young(&f, 500));
	look(&f, &other, 1, 1480);
	assert_int_equal(inflight_oldest(&f)->age_max_ms, 320);
	assert_int_equal(inflight_oldest(&f)->age_ms, 160);
	look(&f, &other, 1, 1700);
	assert_false(inflight_young(&f, 500));
	inflight_free(&f);
}

/* innodb_trx has whole seconds: 0 there is anything below one second, 1 anything below two. */
static void test_whole_seconds(void **state)
{
	(void)state;
	struct inflight f = { 0 };
	struct inflight_seen young = { "t1", "trx", 0, 1000, 0 }, older = { "t2", "trx", 7000, 2000, 0 };
	look(&f, &young, 1, 5000);
	assert_int_equal(inflight_oldest(&f)->age_max_ms, 1000);
	assert_false(inflight_young(&f, 500));
	assert_true(inflight_young(&f, 2000));
	look(&f, &older, 1, 5160);
	assert_int_equal(inflight_oldest(&f)->age_ms, 7000); /* the server's figure, though not seen before */
	assert_false(inflight_young(&f, 500));
	inflight_free(&f);
}

/* The age counts on while the server's figure stands still, and the other way round. */
static void test_the_larger(void **state)
{
	(void)state;
	struct inflight f = { 0 };
	struct inflight_seen s = { "t", "trx", 0, 1000, 0 };
	look(&f, NULL, 0, 900);
	look(&f, &s, 1, 1000);
	look(&f, &s, 1, 1900);
	assert_int_equal(inflight_oldest(&f)->age_ms, 900);
	s.age_ms = 3000;
	look(&f, &s, 1, 2000);
	assert_int_equal(inflight_oldest(&f)->age_ms, 3000);
	assert_true(inflight_oldest(&f)->age_max_ms >= 3000);
	inflight_free(&f);
}

static void test_interval(void **state)
{
	(void)state;
	struct instance stamped = { .worker_stamps = true }, views = { 0 };
	assert_true(inflight_interval_ms(&stamped) < 100);
	assert_true(inflight_interval_ms(&views) > 100); /* or the server would show the past for ever */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),       cmocka_unit_test(test_exact),      cmocka_unit_test(test_first_look),
		cmocka_unit_test(test_whole_seconds), cmocka_unit_test(test_the_larger), cmocka_unit_test(test_interval),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
