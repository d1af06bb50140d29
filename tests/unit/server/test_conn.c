/* SPDX-License-Identifier: Apache-2.0 */
/* The helpers over the vtable, session setup, versions and the grading of errors, without a server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "fake_conn.h"
#include "server/conn_error.h"
#include "server/conn_session.h"
#include "slackwater/dialect.h"

/* Keeps what the library would have logged. */
struct log {
	struct event_sink base;
	struct buf text;
};

static void log_emit(struct event_sink *self, const struct event *ev)
{
	struct log *l = (struct log *)self;
	buf_addf(&l->text, "%s\n", ev->text);
}

static struct log events = { .base = { log_emit }, .text = { .max = 1 << 20 } };
static struct run run;
static struct conn *c;
static struct error err;

static int setup(void **state)
{
	(void)state;
	err = ERROR_INIT;
	if (run_init(&run, NULL, NULL, &events.base, &err))
		return -1;
	c = fake_conn_new(&run, FLAVOR_MYSQL, 90704);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	conn_free(c);
	run_destroy(&run);
	buf_free(&events.text);
	return 0;
}

static void test_exec(void **state)
{
	(void)state;
	fake_conn_expect(c, "DO 1");
	fake_conn_expect(c, "SET @a = 7, @b = 'x%'");
	assert_int_equal(conn_exec(c, "DO 1", &err), ST_OK);
	assert_int_equal(conn_execf(c, &err, "SET @a = %d, @b = '%s'", 7, "x%"), ST_OK);
	assert_string_equal(buf_str(&events.text), "[42] DO 1\n[42] SET @a = 7, @b = 'x%'\n");
}

static void test_broken_buffer_is_not_sent(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(4);
	struct rows *r = NULL;
	buf_adds(&b, "DELETE FROM t WHERE id = 1");
	assert_int_equal(conn_exec_buf(c, &b, &err), ST_FAILED);
	assert_int_equal(conn_stream(c, &b, &r, &err), ST_FAILED);
	assert_int_equal(conn_exec_secret(c, &b, "it", &err), ST_FAILED);
	buf_free(&b);
}

static void test_errors_quote_the_statement(void **state)
{
	(void)state;
	fake_conn_expect_prefix(c, "STOP");
	fake_conn_error(c, 1227, "Access denied; you need SUPER");
	assert_int_equal(conn_exec(c, "STOP REPLICA", &err), ST_FAILED);
	assert_string_equal(err.message, "STOP REPLICA: Access denied; you need SUPER (1227)");
	assert_int_equal(err.kind, ERR_PREFLIGHT);
	assert_int_equal(err.my_errno, 1227);
	assert_true(err.hint[0]);
}

static void test_statements_are_shortened(void **state)
{
	(void)state;
	char sql[400];
	memset(sql, 'x', sizeof sql);
	memcpy(sql, "SELECT ", 7);
	sql[399] = '\0';
	fake_conn_expect_prefix(c, "SELECT xxx");
	fake_conn_error(c, 1054, "Unknown column");
	assert_int_equal(conn_exec(c, sql, &err), ST_FAILED);
	assert_true(strlen(err.message) < 200);
	assert_non_null(strstr(err.message, "xxx...: Unknown column (1054)"));

	/* Never half a character, wherever the cut falls. */
	for (size_t lead = 0; lead < 4; lead++) {
		struct buf b = BUF_INIT(1000);
		buf_adds(&b, "SELECT '");
		for (size_t i = 0; i < lead; i++)
			buf_addc(&b, 'a');
		for (int i = 0; i < 60; i++)
			buf_adds(&b, "\xe6\xbc\xa2");
		fake_conn_expect_prefix(c, "SELECT '");
		buf_clear(&events.text);
		assert_int_equal(conn_exec_buf(c, &b, &err), ST_OK);
		const char *dots = strstr(buf_str(&events.text), "...");
		assert_non_null(dots);
		assert_memory_equal(dots - 3, "\xe6\xbc\xa2", 3);
		buf_free(&b);
	}
}

static void test_rows_of_an_insert_are_not_shown(void **state)
{
	(void)state;
	fake_conn_expect_prefix(c, "INSERT");
	fake_conn_error(c, 1146, "Table does not exist");
	assert_int_equal(conn_exec(c, "INSERT INTO `t` VALUES (1,'somebody')", &err), ST_FAILED);
	assert_string_equal(err.message, "INSERT INTO `t` VALUES...: Table does not exist (1146)");
	assert_null(strstr(buf_str(&events.text), "somebody"));
}

static void test_secret(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(1000);
	buf_adds(&b, "CHANGE REPLICATION SOURCE TO SOURCE_PASSWORD = 'hunter2'");
	fake_conn_expect_prefix(c, "CHANGE");
	fake_conn_error(c, 1470, "String 'hunter2' is too long for PASSWORD");
	assert_int_equal(conn_exec_secret(c, &b, "the CHANGE statement", &err), ST_FAILED);
	assert_null(strstr(err.message, "hunter2"));
	assert_non_null(strstr(err.message, "the CHANGE statement: error 1470"));

	fake_conn_expect_prefix(c, "CHANGE");
	fake_conn_error(c, 3021, "This operation cannot be performed with a running replica io thread");
	assert_int_equal(conn_exec_secret(c, &b, "the CHANGE statement", &err), ST_FAILED);
	assert_string_equal(err.message,
	                    "the CHANGE statement: This operation cannot be performed with a running replica io thread (3021)");

	/* A buffer that is marked is not shown either, whoever sends it. */
	b.secret = 1;
	fake_conn_expect_prefix(c, "CHANGE");
	fake_conn_error(c, 1064, "You have an error near 'hunter2'");
	assert_int_equal(conn_exec_buf(c, &b, &err), ST_FAILED);
	assert_null(strstr(err.message, "hunter2"));
	assert_null(strstr(buf_str(&events.text), "hunter2"));
	buf_free(&b);
}

static void test_strict(void **state)
{
	(void)state;
	fake_conn_expect(c, "DO 1");
	assert_int_equal(conn_exec_strict(c, "DO 1", &err), ST_OK);

	fake_conn_expect(c, "DO 2");
	fake_conn_warnings(c, 1);
	fake_conn_expect(c, "SHOW WARNINGS");
	fake_conn_rows(c, "Level\tCode\tMessage\nNote\t1051\tUnknown table\n");
	assert_int_equal(conn_exec_strict(c, "DO 2", &err), ST_OK);

	fake_conn_expect(c, "START TRANSACTION WITH CONSISTENT SNAPSHOT");
	fake_conn_warnings(c, 2);
	fake_conn_expect(c, "SHOW WARNINGS");
	fake_conn_rows(c, "Level\tCode\tMessage\nNote\t1\ta note\nWarning\t138\tInnoDB: WITH CONSISTENT SNAPSHOT was ignored\n");
	assert_int_equal(conn_exec_strict(c, "START TRANSACTION WITH CONSISTENT SNAPSHOT", &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_INCONSISTENT);
	assert_int_equal(err.my_errno, 138);
	assert_string_equal(err.message, "START TRANSACTION WITH CONSISTENT SNAPSHOT: the server warns: "
	                                 "InnoDB: WITH CONSISTENT SNAPSHOT was ignored (138)");
}

static void test_scalar(void **state)
{
	(void)state;
	char *text = NULL;
	uint64_t n = 0;
	fake_conn_expect(c, "SELECT 1");
	fake_conn_rows(c, "a\tb\nfirst\tx\nsecond\ty\n");
	assert_int_equal(conn_scalar(c, "SELECT 1", &text, &err), ST_OK);
	assert_string_equal(text, "first");
	free(text);

	fake_conn_expect(c, "SELECT 2");
	fake_conn_rows(c, "a\n\\N\n");
	assert_int_equal(conn_scalar(c, "SELECT 2", &text, &err), ST_OK);
	assert_null(text);

	fake_conn_expect(c, "SELECT 3");
	fake_conn_rows(c, "a\n");
	assert_int_equal(conn_scalar(c, "SELECT 3", &text, &err), ST_OK);
	assert_null(text);

	fake_conn_expect(c, "SELECT 4");
	fake_conn_rows(c, "a\n18446744073709551615\n");
	assert_int_equal(conn_scalar_u64(c, "SELECT 4", &n, &err), ST_OK);
	assert_true(n == UINT64_MAX);

	static const char *const no_number[] = { "a\n", "a\n\\N\n", "a\nx\n", "a\n\n", "a\n-1\n", "a\n1x\n" };
	for (size_t i = 0; i < sizeof no_number / sizeof no_number[0]; i++) {
		fake_conn_expect(c, "SELECT 5");
		fake_conn_rows(c, no_number[i]);
		assert_int_equal(conn_scalar_u64(c, "SELECT 5", &n, &err), ST_FAILED);
		assert_int_equal(err.kind, ERR_UNEXPECTED);
	}

	/* An error that comes after the rows. */
	fake_conn_expect(c, "SELECT 6");
	fake_conn_rows(c, "a\n");
	fake_conn_error(c, 1242, "Subquery returns more than 1 row");
	assert_int_equal(conn_scalar(c, "SELECT 6", &text, &err), ST_FAILED);
	assert_int_equal(err.my_errno, 1242);
}

static void test_variable(void **state)
{
	(void)state;
	char *text = NULL;
	fake_conn_expect(c, "SELECT @@GLOBAL.server_id");
	fake_conn_rows(c, "x\n7\n");
	assert_int_equal(conn_variable(c, "server_id", &text, &err), ST_OK);
	assert_string_equal(text, "7");
	free(text);
	fake_conn_expect(c, "SELECT @@GLOBAL.nosuch");
	fake_conn_error(c, 1193, "Unknown system variable 'nosuch'");
	assert_int_equal(conn_variable(c, "nosuch", &text, &err), ST_OK);
	assert_null(text);
	fake_conn_expect(c, "SELECT @@GLOBAL.gone");
	fake_conn_error(c, 2013, "Lost connection");
	assert_int_equal(conn_variable(c, "gone", &text, &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_SERVER);
	assert_true(c->lost);
	assert_int_equal(conn_exec(c, "DO 1", &err), ST_FAILED);
	assert_int_equal(err.my_errno, 2006);
}

static void cancel(void *arg)
{
	run_cancel(arg, 15);
}

static void test_cancelled(void **state)
{
	(void)state;
	fake_conn_expect(c, "SELECT SLEEP(10)");
	fake_conn_when(c, cancel, &run);
	assert_int_equal(conn_exec(c, "SELECT SLEEP(10)", &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_INTERRUPTED);
	assert_string_equal(err.message, "interrupted by signal 15");
	assert_int_equal(conn_exec(c, "DO 1", &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_INTERRUPTED);
	fake_conn_shield(c);
	fake_conn_expect(c, "DO 2");
	assert_int_equal(conn_exec(c, "DO 2", &err), ST_OK);
}

static void test_flavors(void **state)
{
	(void)state;
	assert_true(conn_is_mysql(c, 0));
	assert_true(conn_is_mysql(c, 90704));
	assert_false(conn_is_mysql(c, 90705));
	assert_false(conn_is_mariadb(c, 0));
	c->server.flavor = FLAVOR_MARIADB;
	assert_true(conn_is_mariadb(c, 90704));
	assert_false(conn_is_mysql(c, 0));
}

static void test_versions(void **state)
{
	(void)state;
	static const struct { const char *text; enum flavor flavor; unsigned version; } cases[] = {
		{ "5.6.24", FLAVOR_MYSQL, 50624 },
		{ "5.6.24-log", FLAVOR_MYSQL, 50624 },
		{ "5.7.44-48-57-log", FLAVOR_MYSQL, 50744 },
		{ "8.0.36-28", FLAVOR_MYSQL, 80036 },
		{ "8.0.40-0ubuntu0.24.04.1", FLAVOR_MYSQL, 80040 },
		{ "8.4.3", FLAVOR_MYSQL, 80403 },
		{ "9.7.4-0debian", FLAVOR_MYSQL, 90704 },
		{ "10.11.19-MariaDB-0+deb12u1-log", FLAVOR_MARIADB, 101119 },
		{ "5.5.5-10.11.19-MariaDB", FLAVOR_MARIADB, 101119 },
		{ "11.4.2-MariaDB-ubu2404", FLAVOR_MARIADB, 110402 },
		{ "10.6.17-13-MariaDB-enterprise", FLAVOR_MARIADB, 100617 },
		{ "8.0.mysql_aurora.3.04.0", FLAVOR_MYSQL, 80000 },
		{ "8.0", FLAVOR_MYSQL, 80000 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		enum flavor flavor = FLAVOR_MYSQL;
		unsigned version = 0;
		assert_true(conn_session_version(cases[i].text, &flavor, &version));
		assert_int_equal(flavor, cases[i].flavor);
		assert_int_equal(version, cases[i].version);
	}
	static const char *const bad[] = { "", "MariaDB", "x.y.z", "8", "8.", "-8.0.1" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		enum flavor flavor;
		unsigned version;
		if (conn_session_version(bad[i], &flavor, &version))
			fail_msg("'%s' was taken for a version", bad[i]);
	}
}

#define SERVER_QUERY                                                                                                       \
	"SELECT @@version AS version, @@version_comment AS comment, @@hostname AS hostname, @@port AS port, "                \
	"@@server_id AS server_id, @@performance_schema AS ps"

static void test_session_mysql(void **state)
{
	(void)state;
	fake_conn_expect(c, SERVER_QUERY);
	fake_conn_rows(c, "version\tcomment\thostname\tport\tserver_id\tps\n8.4.3\tMySQL Community\tdb1\t3307\t4294967295\t1\n");
	fake_conn_expect(c, "SELECT @@server_uuid");
	fake_conn_rows(c, "u\n3e11fa47-71ca-11e1-9e33-c80aa9429562\n");
	fake_conn_expect_prefix(c, "SET NAMES utf8mb4, SESSION autocommit = 1, ");
	fake_conn_expect(c, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE");
	fake_conn_expect(c, "SET SESSION sql_log_bin = 0");
	fake_conn_error(c, 1227, "Access denied; you need SESSION_VARIABLES_ADMIN");
	assert_int_equal(conn_session_begin(c, &err), ST_OK);
	assert_int_equal(c->server.version, 80403);
	assert_string_equal(c->server.hostname, "db1");
	assert_int_equal(c->server.port, 3307);
	assert_true(c->server.ps);
	assert_string_equal(dialect_processlist(&c->server), "performance_schema.processlist");
	assert_true(c->server.server_id == 4294967295u);
	assert_string_equal(c->server.identity, "3e11fa47-71ca-11e1-9e33-c80aa9429562");
	const char *sent = buf_str(&events.text);
	assert_non_null(strstr(sent, "SET NAMES utf8mb4"));
}

static void test_session_mariadb(void **state)
{
	(void)state;
	c->server = (struct server_info){ 0 };
	fake_conn_expect(c, SERVER_QUERY);
	fake_conn_rows(c, "version\tcomment\thostname\tport\tserver_id\n10.11.19-MariaDB-log\tDebian 12\tdb1\t3306\t12\n");
	fake_conn_expect_prefix(c, "SET NAMES utf8mb4, ");
	fake_conn_expect(c, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE");
	fake_conn_expect(c, "SET SESSION sql_log_bin = 0");
	assert_int_equal(conn_session_begin(c, &err), ST_OK);
	assert_string_equal(c->server.uuid, "");
	assert_string_equal(c->server.identity, "mariadb:db1:3306:12");
}

static void test_session_fails(void **state)
{
	(void)state;
	fake_conn_expect(c, SERVER_QUERY);
	fake_conn_rows(c, "version\tcomment\thostname\tport\tserver_id\nunknown\t\tdb1\t3306\t12\n");
	assert_int_equal(conn_session_begin(c, &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_PREFLIGHT);

	/* What is lost stays lost, even at the statement that may fail. */
	fake_conn_expect(c, SERVER_QUERY);
	fake_conn_rows(c, "version\tcomment\thostname\tport\tserver_id\n5.6.24\t\tdb1\t3306\t12\n");
	fake_conn_expect(c, "SELECT @@server_uuid");
	fake_conn_rows(c, "u\nu-u-i-d\n");
	fake_conn_expect_prefix(c, "SET NAMES");
	fake_conn_expect_prefix(c, "SET SESSION TRANSACTION");
	fake_conn_expect(c, "SET SESSION sql_log_bin = 0");
	fake_conn_error(c, 2013, "Lost connection");
	assert_int_equal(conn_session_begin(c, &err), ST_FAILED);
	assert_int_equal(err.my_errno, 2013);
}

static void test_error_classes(void **state)
{
	(void)state;
	static const struct { unsigned no; enum status st; enum error_kind kind; bool lost, hint; } cases[] = {
		{ 2006, ST_FAILED, ERR_SERVER, true, true },     { 2013, ST_FAILED, ERR_SERVER, true, true },
		{ 2055, ST_FAILED, ERR_SERVER, true, true },     { 1927, ST_FAILED, ERR_SERVER, true, true },
		{ 3169, ST_FAILED, ERR_SERVER, true, true },     { 1053, ST_FAILED, ERR_SERVER, true, true },
		{ 1153, ST_FAILED, ERR_SERVER, true, true },     { 4031, ST_FAILED, ERR_SERVER, true, true },
		{ 1044, ST_FAILED, ERR_PREFLIGHT, false, true }, { 1045, ST_FAILED, ERR_PREFLIGHT, false, true },
		{ 1142, ST_FAILED, ERR_PREFLIGHT, false, true }, { 1143, ST_FAILED, ERR_PREFLIGHT, false, true },
		{ 1227, ST_FAILED, ERR_PREFLIGHT, false, true }, { 1370, ST_FAILED, ERR_PREFLIGHT, false, true },
		{ 1698, ST_FAILED, ERR_PREFLIGHT, false, true }, { 1820, ST_FAILED, ERR_PREFLIGHT, false, true },
		{ 1862, ST_FAILED, ERR_PREFLIGHT, false, true }, { 4151, ST_FAILED, ERR_PREFLIGHT, false, true },
		{ 3118, ST_FAILED, ERR_PREFLIGHT, false, true }, { 1205, ST_RETRY, ERR_SERVER, false, false },
		{ 1213, ST_RETRY, ERR_SERVER, false, false },    { 3572, ST_RETRY, ERR_SERVER, false, false },
		{ 1969, ST_RETRY, ERR_SERVER, false, false },    { 1317, ST_FAILED, ERR_SERVER, false, true },
		{ 1064, ST_FAILED, ERR_SERVER, false, false },   { 1146, ST_FAILED, ERR_SERVER, false, false },
		{ 2014, ST_FAILED, ERR_UNEXPECTED, false, false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct error e = ERROR_INIT;
		enum status st = conn_error_set(&e, cases[i].no, "text", false);
		if (st != cases[i].st || e.status != st || e.kind != cases[i].kind || e.my_errno != cases[i].no ||
		    conn_error_is_loss(cases[i].no) != cases[i].lost || (e.hint[0] != '\0') != cases[i].hint)
			fail_msg("error %u is graded wrongly", cases[i].no);
	}
	assert_int_equal(conn_error_set(NULL, 1205, "text", false), ST_RETRY);
}

static void test_errors_while_opening(void **state)
{
	(void)state;
	static const unsigned numbers[] = { 2002, 2003, 2005, 2006, 2013, 2026, 2059, 2061, 1040, 1045, 1049, 1130 };
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		struct error e = ERROR_INIT;
		assert_int_equal(conn_error_set(&e, numbers[i], "text", true), ST_FAILED);
		assert_int_equal(e.kind, ERR_PREFLIGHT);
	}
	/* The number that counts is the one inside. */
	struct error e = ERROR_INIT;
	conn_error_set(&e, 2002, "Received error packet before completion of TLS handshake. The authenticity of the following error "
	                         "cannot be verified: 1130 - Host '127.0.0.1' is not allowed to connect", true);
	assert_int_equal(e.my_errno, 1130);
	assert_non_null(strstr(e.hint, "not for connections from this host"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_exec, setup, teardown),
		cmocka_unit_test_setup_teardown(test_broken_buffer_is_not_sent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_errors_quote_the_statement, setup, teardown),
		cmocka_unit_test_setup_teardown(test_statements_are_shortened, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rows_of_an_insert_are_not_shown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_secret, setup, teardown),
		cmocka_unit_test_setup_teardown(test_strict, setup, teardown),
		cmocka_unit_test_setup_teardown(test_scalar, setup, teardown),
		cmocka_unit_test_setup_teardown(test_variable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancelled, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flavors, setup, teardown),
		cmocka_unit_test(test_versions),
		cmocka_unit_test_setup_teardown(test_session_mysql, setup, teardown),
		cmocka_unit_test_setup_teardown(test_session_mariadb, setup, teardown),
		cmocka_unit_test_setup_teardown(test_session_fails, setup, teardown),
		cmocka_unit_test(test_error_classes),
		cmocka_unit_test(test_errors_while_opening),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
