/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/logical/load_session.h"
#include "bare_run.h"
#include "fake_conn.h"

#define INSERT "INSERT INTO `t` (`e`) VALUES\n(_binary'00000'),\n(_binary'00000')\n/* invalid ENUM values: 2 */"
#define WARNED "Level\tCode\tMessage\nWarning\t1265\tData truncated for column 'e' at row 1\nWarning\t1265\tData truncated for column 'e' at row 2\n"

/* An INSERT that the server warns of. */
static struct conn *warned(enum flavor flavor, unsigned version, const char *sql, unsigned warnings)
{
	struct conn *c = fake_conn_new(&bare_run, flavor, version);
	fake_conn_expect(c, sql);
	fake_conn_warnings(c, warnings);
	fake_conn_expect(c, "GET DIAGNOSTICS @slackwater_rows = ROW_COUNT");
	return c;
}

static void counted(struct conn *c, const char *count)
{
	fake_conn_expect(c, "SHOW COUNT(*) WARNINGS");
	fake_conn_rows(c, count);
}

static void listed(struct conn *c, const char *warnings)
{
	fake_conn_expect(c, "SHOW WARNINGS");
	fake_conn_rows(c, warnings);
}

static void warnings_that_were_announced(void **state)
{
	(void)state;
	uint64_t rows = 0;
	struct conn *c = warned(FLAVOR_MARIADB, 101119, INSERT, 2);
	counted(c, "n\n2\n");
	listed(c, WARNED);
	fake_conn_expect(c, "SELECT @slackwater_rows");
	fake_conn_rows(c, "n\n2\n");
	assert_int_equal(load_session_exec(c, INSERT, strlen(INSERT), false, "rows", &rows, NULL), ST_OK);
	assert_int_equal(rows, 2);
	conn_free(c);
}

static void is_a_loss(struct conn *c, const char *sql, unsigned code)
{
	uint64_t rows = 0;
	struct error err = ERROR_INIT;
	assert_int_equal(load_session_exec(c, sql, strlen(sql), false, "rows", &rows, &err), ST_FAILED);
	assert_int_equal(err.my_errno, code);
	conn_free(c);
}

/* One more, another kind, another server, or none announced. */
static void warnings_that_were_not(void **state)
{
	(void)state;
	struct conn *c = warned(FLAVOR_MARIADB, 101119, INSERT, 3);
	counted(c, "n\n3\n");
	listed(c, WARNED);
	is_a_loss(c, INSERT, 1265);

	c = warned(FLAVOR_MARIADB, 101119, INSERT, 2);
	counted(c, "n\n2\n");
	listed(c, "Level\tCode\tMessage\nWarning\t1265\tx\nWarning\t1264\tOut of range\n");
	listed(c, "Level\tCode\tMessage\nWarning\t1264\tOut of range\n");
	is_a_loss(c, INSERT, 1264);

	c = warned(FLAVOR_MYSQL, 90704, INSERT, 2);
	listed(c, WARNED);
	is_a_loss(c, INSERT, 1265);

	static const char plain[] = "INSERT INTO `t` VALUES (1)";
	c = warned(FLAVOR_MARIADB, 101119, plain, 1);
	listed(c, WARNED);
	is_a_loss(c, plain, 1265);
}

static bool timestamps(struct conn *c)
{
	bool explicit = false;
	struct error err = ERROR_INIT;
	assert_int_equal(load_session_timestamps(c, &explicit, &err), ST_OK);
	conn_free(c);
	return explicit;
}

/* Where it may be set here it is; elsewhere what the server has is told. */
static void timestamps_without_a_default(void **state)
{
	(void)state;
	static const char set[] = "SET SESSION explicit_defaults_for_timestamp = ON", see[] = "SELECT @@GLOBAL.explicit_defaults_for_timestamp";
	static const char fixed[] = "Variable 'explicit_defaults_for_timestamp' is a read only variable";
	struct error err = ERROR_INIT;
	bool explicit = true;
	struct conn *c = fake_conn_new(&bare_run, FLAVOR_MYSQL, 50744);
	fake_conn_expect(c, set);
	assert_true(timestamps(c));
	for (unsigned on = 0; on < 2; on++) {
		c = fake_conn_new(&bare_run, FLAVOR_MYSQL, 50711);
		fake_conn_expect(c, set);
		fake_conn_error(c, 1238, fixed);
		fake_conn_expect(c, see);
		fake_conn_rows(c, on ? "v\n1\n" : "v\n0\n");
		assert_int_equal(timestamps(c), on);
	}
	c = fake_conn_new(&bare_run, FLAVOR_MARIADB, 100004);
	fake_conn_expect(c, set);
	fake_conn_error(c, 1193, "Unknown system variable 'explicit_defaults_for_timestamp'");
	assert_false(timestamps(c));
	c = fake_conn_new(&bare_run, FLAVOR_MYSQL, 80036);
	fake_conn_expect(c, set);
	fake_conn_error(c, 1227, "Access denied; you need (at least one of) the SUPER privilege(s) for this operation");
	assert_int_equal(load_session_timestamps(c, &explicit, &err), ST_FAILED);
	assert_int_equal(err.my_errno, 1227);
	conn_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(timestamps_without_a_default), cmocka_unit_test(warnings_that_were_announced), cmocka_unit_test(warnings_that_were_not) };
	return cmocka_run_group_tests(tests, bare_run_setup, bare_run_teardown);
}
