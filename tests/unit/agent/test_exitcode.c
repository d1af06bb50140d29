/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exitcode.h"

/* The codes are an interface: changing one has to change this test. */
static void every_kind_has_its_code(void **state)
{
	(void)state;
	static const struct { enum error_kind kind; int code; } fixed[] = {
		{ ERR_NONE, 0 },      { ERR_UNEXPECTED, 1 },   { ERR_USAGE, 2 },  { ERR_PREFLIGHT, 3 }, { ERR_NO_QUIET, 4 },
		{ ERR_APPLIER, 5 },   { ERR_INCONSISTENT, 6 }, { ERR_STORE, 7 },  { ERR_SNAPSHOT, 8 },  { ERR_SEED_REFUSED, 9 },
		{ ERR_NOT_PROVEN, 10 }, { ERR_BUSY, 11 },      { ERR_SERVER, 12 },
	};
	size_t n, kinds = 0;
	const struct exitcode *table = exitcode_table(&n);
	for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
		assert_int_equal(exitcode_of(fixed[i].kind, 0), fixed[i].code);
	/* a kind added to error.h without a line in the table fails here (ERR_INTERRUPTED is the last) */
	for (int kind = ERR_NONE; kind <= ERR_INTERRUPTED; kind++, kinds++) {
		assert_int_equal(exitcode_find((enum error_kind)kind)->kind, kind);
		assert_true(strlen(exitcode_find((enum error_kind)kind)->name) > 0);
		assert_true(strlen(exitcode_find((enum error_kind)kind)->meaning) > 0);
	}
	assert_int_equal(n, kinds);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			assert_true(table[i].code != table[j].code && strcmp(table[i].name, table[j].name) != 0);
}

static void interruption_carries_the_signal(void **state)
{
	(void)state;
	assert_int_equal(exitcode_of(ERR_INTERRUPTED, SIGINT), 130);
	assert_int_equal(exitcode_of(ERR_INTERRUPTED, SIGTERM), 143);
	assert_int_equal(exitcode_of(ERR_INTERRUPTED, SIGHUP), 129);
	assert_int_equal(exitcode_of(ERR_INTERRUPTED, 0), 130);
	/* a run that was cancelled and failed for a worse reason keeps that reason's code */
	assert_int_equal(exitcode_of(ERR_APPLIER, SIGTERM), 5);
	assert_int_equal(exitcode_of(ERR_NONE, SIGTERM), 0);
}

/* systemd does not start an agent again that ends with ERR_USAGE. */
static void a_moment_is_no_mistake(void **state)
{
	(void)state;
	static const int moment[] = { EADDRINUSE, EADDRNOTAVAIL, ENETDOWN, ENOENT, ENOSPC, EIO }, mistake[] = { EACCES, ENOTDIR, EINVAL, ENAMETOOLONG };
	for (size_t i = 0; i < sizeof moment / sizeof moment[0]; i++)
		assert_int_not_equal(exitcode_of(exitcode_of_place(moment[i]), 0), 2);
	for (size_t i = 0; i < sizeof mistake / sizeof mistake[0]; i++)
		assert_int_equal(exitcode_of(exitcode_of_place(mistake[i]), 0), 2);
}

static void unknown_kind_is_unexpected(void **state)
{
	(void)state;
	assert_int_equal(exitcode_of((enum error_kind)99, 0), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_has_its_code),
		cmocka_unit_test(interruption_carries_the_signal),
		cmocka_unit_test(a_moment_is_no_mistake),
		cmocka_unit_test(unknown_kind_is_unexpected),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
