/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "applier/logname.h"

static void test_order(void **state)
{
	(void)state;
	assert_true(logname_compare("relay.000002", "relay.000003") < 0);
	assert_true(logname_compare("relay.999999", "relay.1000000") < 0); /* as text it is the other way round */
	assert_true(logname_compare("relay.1000000", "relay.999999") > 0);
	assert_int_equal(logname_compare("./relay.000002", "relay.000002"), 0);
	assert_int_equal(logname_compare("/var/lib/mysql/relay.000002", "./relay.000002"), 0);
	assert_int_equal(logname_compare("relay.2", "relay.000002"), 0);
	assert_true(logname_compare("binlog.000002", "relay.000002") < 0);
	assert_true(logname_compare("relay", "relay.000001") < 0);
	assert_true(logname_compare("db1.example.com-relay.000009", "db1.example.com-relay.000010") < 0);
}

static void test_places(void **state)
{
	(void)state;
	assert_true(logname_compare_at("b.000009", 900, "b.000010", 4) < 0);
	assert_true(logname_compare_at("b.000010", 5, "b.000010", 4) > 0);
	assert_int_equal(logname_compare_at("./b.000010", 4, "b.000010", 4), 0);
	assert_true(logname_compare_at("b.000010", UINT64_MAX - 1, "b.000010", UINT64_MAX) < 0);
}

static void next_is(const char *name, const char *next)
{
	struct buf b = BUF_INIT(256);
	assert_int_equal(logname_next(name, &b), next != NULL);
	assert_string_equal(buf_str(&b), next ? next : "");
	buf_free(&b);
}

static void test_next(void **state)
{
	(void)state;
	next_is("relay.000002", "relay.000003");
	next_is("relay.999999", "relay.1000000");
	next_is("relay-odd@0027n.000099", "relay-odd@0027n.000100");
	next_is("relay", NULL);
	next_is("relay.log", NULL);
	next_is("relay.00a", NULL);
}

static void test_distance(void **state)
{
	(void)state;
	assert_int_equal(logname_distance("binlog.000007", "/var/log/binlog.000007"), 0);
	assert_int_equal(logname_distance("binlog.999999", "binlog.1000002"), 3);
	assert_int_equal(logname_distance("binlog.000007", "binlog.000006"), -1);
	assert_int_equal(logname_distance("binlog.000007", "other.000008"), -1);
	assert_int_equal(logname_distance("binlog.000007", "binlogs.000008"), -1);
	assert_int_equal(logname_distance("binlog", "binlog.000008"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_order), cmocka_unit_test(test_places), cmocka_unit_test(test_next),
		                            cmocka_unit_test(test_distance) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
