/* SPDX-License-Identifier: Apache-2.0 */
/* What a login at another server than the target says when it fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "seed/job.h"
#include "server/conn_error.h"

static struct error failed(unsigned no, bool source)
{
	struct error err = ERROR_INIT;
	conn_error_set(&err, no, "it says no", true);
	seed_login_hint(&err, source);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_account),
		cmocka_unit_test(test_the_address),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_what_is_the_same_everywhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
