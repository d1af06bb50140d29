/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/logical/filter.h"

static bool match(const char *pattern, const char *name)
{
	return filter_match(pattern, strlen(pattern), name);
}

static void patterns(void **state)
{
	(void)state;
	assert_true(match("abc", "abc"));
	assert_false(match("abc", "abcd"));
	assert_false(match("abc", "ab"));
	assert_false(match("abc", "Abc"));
	assert_true(match("*", ""));
	assert_true(match("*", "anything"));
	assert_true(match("a*c", "ac"));
	assert_true(match("a*c", "abcbc"));
	assert_false(match("a*c", "abcb"));
	assert_true(match("a?c", "abc"));
	assert_false(match("a?c", "ac"));
	assert_true(match("*a*b*", "xxaxxbxx"));
	assert_false(match("*a*b*", "xxbxxaxx"));
	assert_false(match("", "a"));
	assert_true(match("", ""));
	assert_true(match("**", "a"));
}

static struct engine_options options(struct strlist include, struct strlist exclude, struct strlist tables)
{
	return (struct engine_options){ .include = include, .exclude = exclude, .tables = tables };
}

#define LIST(...)                                                                                                      \
	(struct strlist) { .item = (char *[]){ __VA_ARGS__ }, .n = sizeof((char *[]){ __VA_ARGS__ }) / sizeof(char *) }
#define NOTHING (struct strlist) { 0 }

static void system_schemas_never(void **state)
{
	(void)state;
	struct engine_options all = options(NOTHING, NOTHING, NOTHING), asked = options(LIST("*"), NOTHING, LIST("mysql.user"));
	static const char *const names[] = { "mysql", "sys", "information_schema", "INFORMATION_SCHEMA", "performance_schema", "ndbinfo" };
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		assert_false(filter_table(&all, names[i], "user"));
		assert_false(filter_table(&asked, names[i], "user"));
		assert_false(filter_schema(&asked, names[i]));
	}
	assert_true(filter_table(&all, "SYS", "t")); /* a user's, where case counts */
	assert_true(filter_table(&all, "mysql2", "t"));
}

static void include(void **state)
{
	(void)state;
	struct engine_options o = options(LIST("shop", "log.2024*"), NOTHING, NOTHING);
	assert_true(filter_table(&o, "shop", "anything"));
	assert_true(filter_table(&o, "log", "2024_01"));
	assert_false(filter_table(&o, "log", "2023_01"));
	assert_false(filter_table(&o, "other", "t"));
	assert_true(filter_schema(&o, "log"));
	assert_true(filter_whole(&o, "shop"));
	assert_false(filter_whole(&o, "log")); /* its routines may speak of tables that are not there */
	assert_false(filter_schema(&o, "other"));
}

static void exclude(void **state)
{
	(void)state;
	struct engine_options o = options(NOTHING, LIST("tmp*", "shop.cache_*", "gone.*"), NOTHING);
	assert_false(filter_table(&o, "tmp1", "t"));
	assert_false(filter_table(&o, "shop", "cache_x"));
	assert_true(filter_table(&o, "shop", "orders"));
	assert_false(filter_table(&o, "gone", "t"));
	assert_false(filter_schema(&o, "gone"));
	assert_true(filter_schema(&o, "shop"));
	assert_false(filter_whole(&o, "shop"));
	assert_true(filter_whole(&o, "other"));
}

static void exclude_wins(void **state)
{
	(void)state;
	struct engine_options o = options(LIST("shop"), LIST("shop.cache"), NOTHING);
	assert_false(filter_table(&o, "shop", "cache"));
	assert_true(filter_table(&o, "shop", "orders"));
}

static void exact_tables(void **state)
{
	(void)state;
	struct engine_options o = options(NOTHING, NOTHING, LIST("a.b.c", "x.*"));
	assert_true(filter_table(&o, "a", "b.c"));
	assert_true(filter_table(&o, "a.b", "c"));
	assert_false(filter_table(&o, "a", "b"));
	assert_true(filter_table(&o, "x", "*")); /* no pattern here */
	assert_false(filter_table(&o, "x", "y"));
	assert_true(filter_schema(&o, "a"));
	assert_false(filter_whole(&o, "a"));
}

/* Neighbours in the order of bytes: what begins alike, what sorts before the dot, bytes above 127. */
static void exact_among_neighbours(void **state)
{
	(void)state;
	static char *const names[][2] = { { "a", "t" }, { "a", "t1" }, { "a", "t\xc3\xa9" }, { "a ", "t" }, { "a", "" }, { "a-b", "t" }, { "a.b", "c" },
		                          { "ab", "t" }, { "b", "t" }, { "\xc3\xa9", "t" } };
	enum { N = sizeof names / sizeof names[0] };
	struct error err = ERROR_INIT;
	for (size_t left_out = 0; left_out < N; left_out++) {
		struct engine_options o = { .users = false };
		for (size_t i = 0; i < N; i++)
			if (i != left_out)
				assert_int_equal(strlist_addf(&o.tables, &err, "%s.%s", names[i][0], names[i][1]), ST_OK);
		strlist_sort(&o.tables);
		for (size_t i = 0; i < N; i++) {
			assert_int_equal(filter_table(&o, names[i][0], names[i][1]), i != left_out);
			assert_int_equal(filter_schema(&o, names[i][0]), i != left_out || !strcmp(names[i][0], "a"));
		}
		strlist_free(&o.tables);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns), cmocka_unit_test(system_schemas_never), cmocka_unit_test(include),
		cmocka_unit_test(exclude),  cmocka_unit_test(exclude_wins),         cmocka_unit_test(exact_tables),
		cmocka_unit_test(exact_among_neighbours),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
