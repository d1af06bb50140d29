/* SPDX-License-Identifier: Apache-2.0 */
/* What a login at another server than the target says when it fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "connection.h"
#include "server/conn_error.h"
#include "sources.h"

static struct error failed(unsigned no, bool source)
{
	struct error err = ERROR_INIT;
	conn_error_set(&err, no, "it says no", true);
	conn_error_rename(&err, source ? &sources_names : &connection_elsewhere_names);
	return err;
}

static void test_the_account(void **state)
{
	(void)state;
	struct error err = failed(1045, true);
	assert_non_null(strstr(err.hint, "--source-user"));
	assert_non_null(strstr(err.hint, "[slackwater-source]"));
	assert_null(strstr(err.hint, "[client]"));
	err = failed(1698, false);
	assert_non_null(strstr(err.hint, "[slackwater-checksum]"));
	assert_null(strstr(err.hint, "source"));
}

static void test_the_address(void **state)
{
	(void)state;
	struct error err = failed(2002, true);
	assert_non_null(strstr(err.hint, "--source,"));
	assert_null(strstr(err.hint, "--host"));
	err = failed(2005, false);
	assert_non_null(strstr(err.hint, "--checksum,"));
}

static void test_tls(void **state)
{
	(void)state;
	struct error err = failed(2026, true);
	assert_non_null(strstr(err.hint, "--ssl-ca"));
	assert_non_null(strstr(err.hint, "[slackwater-source]"));
}

static void test_what_is_the_same_everywhere(void **state)
{
	struct error err = failed(1040, true), plain = ERROR_INIT;
	(void)state;
	conn_error_set(&plain, 1040, "it says no", true);
	assert_string_equal(err.hint, plain.hint);
}

static void test_a_login_says_it_by_itself(void **state)
{
	(void)state;
	char host[] = "localhost", socket[] = "/nonexistent/slackwater.sock";
	struct conn_options o = { .names = &connection_elsewhere_names, .host = host, .socket = socket };
	struct error err = ERROR_INIT;
	struct run run;
	struct conn *c = NULL;
	assert_int_equal(run_init(&run, NULL, NULL, NULL, &err), ST_OK);
	assert_int_equal(conn_open(&c, &o, 0, &run, &err), ST_FAILED);
	assert_int_equal(err.my_errno, 2002);
	assert_string_equal(err.hint, connection_elsewhere_names.address);
	run_destroy(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_account),
		cmocka_unit_test(test_the_address),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_what_is_the_same_everywhere),
		cmocka_unit_test(test_a_login_says_it_by_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
