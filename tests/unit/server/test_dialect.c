/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "slackwater/dialect.h"

/* The servers whose words differ. */
enum { V56, V57, V8020, V8022, V8026, V82, V84, V97, MARIA, VERSIONS };

static const struct server_info servers[VERSIONS] = {
	[V56] = { .flavor = FLAVOR_MYSQL, .version = 50624 },   [V57] = { .flavor = FLAVOR_MYSQL, .version = 50744 },
	[V8020] = { .flavor = FLAVOR_MYSQL, .version = 80020 }, [V8022] = { .flavor = FLAVOR_MYSQL, .version = 80022 },
	[V8026] = { .flavor = FLAVOR_MYSQL, .version = 80026 }, [V82] = { .flavor = FLAVOR_MYSQL, .version = 80200 },
	[V84] = { .flavor = FLAVOR_MYSQL, .version = 80403 },   [V97] = { .flavor = FLAVOR_MYSQL, .version = 90704 },
	[MARIA] = { .flavor = FLAVOR_MARIADB, .version = 101119 },
};

static struct buf text; /* of the statement under test */

static int setup(void **state)
{
	(void)state;
	text = BUF_INIT(1 << 16);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_free(&text);
	return 0;
}

#define ASSERT_TEXT(call, expected)                                                                                        \
	do {                                                                                                                \
		buf_clear(&text);                                                                                           \
		call;                                                                                                       \
		assert_string_equal(buf_str(&text), expected);                                                              \
	} while (0)

static void test_status(void **state)
{
	(void)state;
	const char *want[VERSIONS] = { "SHOW SLAVE STATUS",   "SHOW SLAVE STATUS",   "SHOW SLAVE STATUS",
		                       "SHOW REPLICA STATUS", "SHOW REPLICA STATUS", "SHOW REPLICA STATUS",
		                       "SHOW REPLICA STATUS", "SHOW REPLICA STATUS", "SHOW ALL SLAVES STATUS" };
	for (int v = 0; v < VERSIONS; v++)
		ASSERT_TEXT(dialect_show_status(&text, &servers[v]), want[v]);
}

static void test_own_binlog(void **state)
{
	(void)state;
	for (int v = 0; v < VERSIONS; v++) {
		bool now = v == V82 || v == V84 || v == V97;
		ASSERT_TEXT(dialect_show_own_binlog(&text, &servers[v]), now ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS");
		ASSERT_TEXT(dialect_reset_binlogs(&text, &servers[v]), now ? "RESET BINARY LOGS AND GTIDS" : "RESET MASTER");
	}
}

static void test_processlist(void **state)
{
	(void)state;
	for (int v = 0; v < VERSIONS; v++) {
		struct server_info s = servers[v];
		assert_string_equal(dialect_processlist(&s), "information_schema.PROCESSLIST");
		s.ps = true;
		assert_string_equal(dialect_processlist(&s), v < V8022 || v == MARIA ? "information_schema.PROCESSLIST" : "performance_schema.processlist");
	}
}

static void test_stop_start(void **state)
{
	(void)state;
	const char *stop[VERSIONS] = {
		"STOP SLAVE SQL_THREAD",
		"STOP SLAVE SQL_THREAD FOR CHANNEL ''",
		"STOP SLAVE SQL_THREAD FOR CHANNEL ''",
		"STOP REPLICA SQL_THREAD FOR CHANNEL ''",
		"STOP REPLICA SQL_THREAD FOR CHANNEL ''",
		"STOP REPLICA SQL_THREAD FOR CHANNEL ''",
		"STOP REPLICA SQL_THREAD FOR CHANNEL ''",
		"STOP REPLICA SQL_THREAD FOR CHANNEL ''",
		"STOP SLAVE '' SQL_THREAD",
	};
	for (int v = 0; v < VERSIONS; v++)
		ASSERT_TEXT(dialect_stop_sql(&text, &servers[v], ""), stop[v]);
	ASSERT_TEXT(dialect_start_sql(&text, &servers[V56], ""), "START SLAVE SQL_THREAD");
	ASSERT_TEXT(dialect_start_sql(&text, &servers[V57], "c1"), "START SLAVE SQL_THREAD FOR CHANNEL 'c1'");
	ASSERT_TEXT(dialect_start_sql(&text, &servers[V97], "it's"), "START REPLICA SQL_THREAD FOR CHANNEL 'it\\'s'");
	ASSERT_TEXT(dialect_start_sql(&text, &servers[MARIA], "it's"), "START SLAVE 'it\\'s' SQL_THREAD");
}

static void test_both_threads(void **state)
{
	(void)state;
	ASSERT_TEXT(dialect_stop_both(&text, &servers[V56], ""), "STOP SLAVE");
	ASSERT_TEXT(dialect_stop_both(&text, &servers[V84], ""), "STOP REPLICA FOR CHANNEL ''");
	ASSERT_TEXT(dialect_stop_both(&text, &servers[MARIA], "x"), "STOP SLAVE 'x'");
	ASSERT_TEXT(dialect_start_both(&text, &servers[V57], "x"), "START SLAVE FOR CHANNEL 'x'");
	ASSERT_TEXT(dialect_start_both(&text, &servers[MARIA], ""), "START SLAVE ''");
	ASSERT_TEXT(dialect_reset_replica_all(&text, &servers[V56], ""), "RESET SLAVE ALL");
	ASSERT_TEXT(dialect_reset_replica_all(&text, &servers[V8022], ""), "RESET REPLICA ALL FOR CHANNEL ''");
	ASSERT_TEXT(dialect_reset_replica_all(&text, &servers[MARIA], "x"), "RESET SLAVE 'x' ALL");
}

static void test_until(void **state)
{
	(void)state;
	ASSERT_TEXT(dialect_start_until_gtids(&text, &servers[V57], "", "u:1-5"),
	            "START SLAVE SQL_THREAD UNTIL SQL_AFTER_GTIDS = 'u:1-5' FOR CHANNEL ''");
	ASSERT_TEXT(dialect_start_until_gtids(&text, &servers[V97], "", "u:1-5,\nv:1"),
	            "START REPLICA SQL_THREAD UNTIL SQL_AFTER_GTIDS = 'u:1-5,\\nv:1' FOR CHANNEL ''");
	/* Both threads: MariaDB answers 1277 when only one is named. */
	ASSERT_TEXT(dialect_start_until_gtids(&text, &servers[MARIA], "", "0-1-5"),
	            "START SLAVE '' UNTIL master_gtid_pos = '0-1-5'");
	ASSERT_TEXT(dialect_start_until_pos(&text, &servers[V56], "", "b.1", 18446744073709551615u),
	            "START SLAVE SQL_THREAD UNTIL MASTER_LOG_FILE = 'b.1', MASTER_LOG_POS = 18446744073709551615");
	ASSERT_TEXT(dialect_start_until_pos(&text, &servers[V8022], "", "b.1", 4),
	            "START REPLICA SQL_THREAD UNTIL MASTER_LOG_FILE = 'b.1', MASTER_LOG_POS = 4 FOR CHANNEL ''");
	ASSERT_TEXT(dialect_start_until_pos(&text, &servers[V8026], "", "b.1", 4),
	            "START REPLICA SQL_THREAD UNTIL SOURCE_LOG_FILE = 'b.1', SOURCE_LOG_POS = 4 FOR CHANNEL ''");
	ASSERT_TEXT(dialect_start_until_pos(&text, &servers[MARIA], "c", "b.1", 4),
	            "START SLAVE 'c' SQL_THREAD UNTIL MASTER_LOG_FILE = 'b.1', MASTER_LOG_POS = 4");
}

static void test_relaylog_events(void **state)
{
	(void)state;
	ASSERT_TEXT(dialect_relaylog_events(&text, &servers[V56], "", "r.000001", 4, 5),
	            "SHOW RELAYLOG EVENTS IN 'r.000001' FROM 4 LIMIT 5");
	ASSERT_TEXT(dialect_relaylog_events(&text, &servers[V97], "c", "r.000001", 4, 5),
	            "SHOW RELAYLOG EVENTS IN 'r.000001' FROM 4 LIMIT 5 FOR CHANNEL 'c'");
	ASSERT_TEXT(dialect_relaylog_events(&text, &servers[MARIA], "c", "r.000001", 4, 5),
	            "SHOW RELAYLOG 'c' EVENTS IN 'r.000001' FROM 4 LIMIT 5");
}

static struct source_spec everything(void)
{
	return (struct source_spec){
		.channel = "c",
		.host = "db1",
		.port = 3307,
		.user = "repl",
		.password = "s3'cret",
		.ssl_mode = SSL_VERIFY_IDENTITY,
		.ssl_ca = "/ca.pem",
		.ssl_cert = "/cert.pem",
		.ssl_key = "/key.pem",
		.get_public_key = true,
		.public_key_path = "/pub.pem",
		.position = POSITION_AUTO,
		.delay_s = 60,
		.privilege_checks_user = "'app'@'10.0.%'",
		.require_row_format = true,
		.gtid_only = true,
		.assign_gtids = "LOCAL",
		.heartbeat_s = 0.25,
	};
}

static void test_change_everything(void **state)
{
	(void)state;
	struct source_spec s = everything();
	ASSERT_TEXT(dialect_change_source(&text, &servers[V97], &s, false),
	            "CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'db1', SOURCE_PORT = 3307, SOURCE_USER = 'repl', "
	            "SOURCE_PASSWORD = 's3\\'cret', SOURCE_SSL = 1, SOURCE_SSL_CA = '/ca.pem', SOURCE_SSL_CERT = '/cert.pem', "
	            "SOURCE_SSL_KEY = '/key.pem', SOURCE_SSL_VERIFY_SERVER_CERT = 1, SOURCE_PUBLIC_KEY_PATH = '/pub.pem', "
	            "GET_SOURCE_PUBLIC_KEY = 1, SOURCE_AUTO_POSITION = 1, SOURCE_DELAY = 60, "
	            "SOURCE_HEARTBEAT_PERIOD = 0.250, PRIVILEGE_CHECKS_USER = 'app'@'10.0.%', REQUIRE_ROW_FORMAT = 1, "
	            "GTID_ONLY = 1, ASSIGN_GTIDS_TO_ANONYMOUS_TRANSACTIONS = LOCAL FOR CHANNEL 'c'");
	ASSERT_TEXT(dialect_change_source(&text, &servers[V8026], &s, true),
	            "CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'db1', SOURCE_PORT = 3307, SOURCE_USER = 'repl', "
	            "SOURCE_PASSWORD = '<password>', SOURCE_SSL = 1, SOURCE_SSL_CA = '/ca.pem', SOURCE_SSL_CERT = '/cert.pem', "
	            "SOURCE_SSL_KEY = '/key.pem', SOURCE_SSL_VERIFY_SERVER_CERT = 1, SOURCE_PUBLIC_KEY_PATH = '/pub.pem', "
	            "GET_SOURCE_PUBLIC_KEY = 1, SOURCE_AUTO_POSITION = 1, SOURCE_DELAY = 60, "
	            "SOURCE_HEARTBEAT_PERIOD = 0.250, PRIVILEGE_CHECKS_USER = 'app'@'10.0.%', REQUIRE_ROW_FORMAT = 1, "
	            "ASSIGN_GTIDS_TO_ANONYMOUS_TRANSACTIONS = LOCAL FOR CHANNEL 'c'");
	ASSERT_TEXT(dialect_change_source(&text, &servers[V8020], &s, true),
	            "CHANGE MASTER TO MASTER_HOST = 'db1', MASTER_PORT = 3307, MASTER_USER = 'repl', "
	            "MASTER_PASSWORD = '<password>', MASTER_SSL = 1, MASTER_SSL_CA = '/ca.pem', MASTER_SSL_CERT = '/cert.pem', "
	            "MASTER_SSL_KEY = '/key.pem', MASTER_SSL_VERIFY_SERVER_CERT = 1, MASTER_PUBLIC_KEY_PATH = '/pub.pem', "
	            "GET_MASTER_PUBLIC_KEY = 1, MASTER_AUTO_POSITION = 1, MASTER_DELAY = 60, "
	            "MASTER_HEARTBEAT_PERIOD = 0.250, PRIVILEGE_CHECKS_USER = 'app'@'10.0.%', REQUIRE_ROW_FORMAT = 1 "
	            "FOR CHANNEL 'c'");
}

static struct source_spec plain(void)
{
	return (struct source_spec){ .channel = "", .host = "db1", .user = "repl", .delay_s = -1, .heartbeat_s = -1 };
}

static void test_change_by_file(void **state)
{
	(void)state;
	struct source_spec s = plain();
	s.position = POSITION_FILE;
	s.log_file = "binlog.000003";
	s.log_pos = 4294967296;
	ASSERT_TEXT(dialect_change_source(&text, &servers[V56], &s, false),
	            "CHANGE MASTER TO MASTER_HOST = 'db1', MASTER_USER = 'repl', MASTER_AUTO_POSITION = 0, "
	            "MASTER_LOG_FILE = 'binlog.000003', MASTER_LOG_POS = 4294967296");
	ASSERT_TEXT(dialect_change_source(&text, &servers[V84], &s, false),
	            "CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'db1', SOURCE_USER = 'repl', SOURCE_AUTO_POSITION = 0, "
	            "SOURCE_LOG_FILE = 'binlog.000003', SOURCE_LOG_POS = 4294967296 FOR CHANNEL ''");
	ASSERT_TEXT(dialect_change_source(&text, &servers[MARIA], &s, false),
	            "CHANGE MASTER '' TO MASTER_HOST = 'db1', MASTER_USER = 'repl', MASTER_USE_GTID = no, "
	            "MASTER_LOG_FILE = 'binlog.000003', MASTER_LOG_POS = 4294967296");
}

static void test_change_mariadb(void **state)
{
	(void)state;
	struct source_spec s = everything();
	s.position = POSITION_MARIADB_SLAVE_POS;
	s.ssl_mode = SSL_REQUIRED;
	s.ssl_ca = s.ssl_cert = s.ssl_key = NULL;
	/* What MariaDB does not have is left out. */
	ASSERT_TEXT(dialect_change_source(&text, &servers[MARIA], &s, true),
	            "CHANGE MASTER 'c' TO MASTER_HOST = 'db1', MASTER_PORT = 3307, MASTER_USER = 'repl', "
	            "MASTER_PASSWORD = '<password>', MASTER_SSL = 1, MASTER_SSL_CA = '', MASTER_SSL_VERIFY_SERVER_CERT = 0, "
	            "MASTER_USE_GTID = slave_pos, MASTER_DELAY = 60, MASTER_HEARTBEAT_PERIOD = 0.250");
}

static void test_change_tls(void **state)
{
	(void)state;
	static const struct { enum ssl_mode mode; const char *ca, *text; } cases[] = {
		{ SSL_DEFAULT, NULL, "" },
		{ SSL_PREFERRED, NULL, "" },
		{ SSL_DEFAULT, "/ca", "SOURCE_SSL = 1, SOURCE_SSL_CA = '/ca', SOURCE_SSL_VERIFY_SERVER_CERT = 0, " },
		{ SSL_DISABLED, "/ca", "SOURCE_SSL = 0, " },
		{ SSL_REQUIRED, NULL, "SOURCE_SSL = 1, SOURCE_SSL_CA = '', SOURCE_SSL_VERIFY_SERVER_CERT = 0, " },
		{ SSL_VERIFY_CA, "/ca", "SOURCE_SSL = 1, SOURCE_SSL_CA = '/ca', SOURCE_SSL_VERIFY_SERVER_CERT = 0, " },
		{ SSL_VERIFY_IDENTITY, "/ca", "SOURCE_SSL = 1, SOURCE_SSL_CA = '/ca', SOURCE_SSL_VERIFY_SERVER_CERT = 1, " },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct source_spec s = plain();
		struct buf want = BUF_INIT(4096);
		s.position = POSITION_AUTO;
		s.ssl_mode = cases[i].mode;
		s.ssl_ca = cases[i].ca;
		buf_addf(&want, "CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'db1', SOURCE_USER = 'repl', %sSOURCE_AUTO_POSITION = 1 "
		         "FOR CHANNEL ''", cases[i].text);
		ASSERT_TEXT(dialect_change_source(&text, &servers[V97], &s, false), buf_str(&want));
		buf_free(&want);
	}
}

static void test_change_account(void **state)
{
	(void)state;
	static const struct { const char *account, *sql; } cases[] = {
		{ "'u'@'h'", "'u'@'h'" },
		{ "`u`@`h`", "'u'@'h'" },
		{ "u@h", "'u'@'h'" },
		{ "u", "'u'@'%'" },
		{ "'a@b'@'h'", "'a@b'@'h'" },
		{ "'we\\'i`rd'@'h%'", "'we\\'i`rd'@'h%'" }, /* as performance_schema of 9.7 prints it */
		{ "`we'i``rd`@`h%`", "'we\\'i`rd'@'h%'" },
		{ "'it''s'@'h'", "'it\\'s'@'h'" },
		{ "x' , SOURCE_HOST = 'evil", "'x\\' , SOURCE_HOST = \\'evil'@'%'" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct source_spec s = plain();
		struct buf want = BUF_INIT(4096);
		s.position = POSITION_AUTO;
		s.privilege_checks_user = cases[i].account;
		buf_addf(&want, "CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'db1', SOURCE_USER = 'repl', SOURCE_AUTO_POSITION = 1, "
		         "PRIVILEGE_CHECKS_USER = %s FOR CHANNEL ''", cases[i].sql);
		ASSERT_TEXT(dialect_change_source(&text, &servers[V97], &s, false), buf_str(&want));
		buf_free(&want);
	}
}

static void test_change_assign(void **state)
{
	(void)state;
	struct source_spec s = plain();
	s.position = POSITION_AUTO;
	s.assign_gtids = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
	ASSERT_TEXT(dialect_change_source(&text, &servers[V97], &s, false),
	            "CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'db1', SOURCE_USER = 'repl', SOURCE_AUTO_POSITION = 1, "
	            "ASSIGN_GTIDS_TO_ANONYMOUS_TRANSACTIONS = '3e11fa47-71ca-11e1-9e33-c80aa9429562' FOR CHANNEL ''");
}

static void test_password_marks_the_buffer(void **state)
{
	(void)state;
	struct source_spec s = everything();
	struct buf shown = BUF_INIT(4096), real = BUF_INIT(4096), none = BUF_INIT(4096);
	dialect_change_source(&shown, &servers[V97], &s, true);
	dialect_change_source(&real, &servers[V97], &s, false);
	s.password = NULL;
	dialect_change_source(&none, &servers[V97], &s, false);
	assert_int_equal(shown.secret, 0);
	assert_int_equal(real.secret, 1);
	assert_int_equal(none.secret, 0);
	buf_free(&shown);
	buf_free(&real);
	buf_free(&none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_status, setup, teardown),
		cmocka_unit_test_setup_teardown(test_own_binlog, setup, teardown),
		cmocka_unit_test(test_processlist),
		cmocka_unit_test_setup_teardown(test_stop_start, setup, teardown),
		cmocka_unit_test_setup_teardown(test_both_threads, setup, teardown),
		cmocka_unit_test_setup_teardown(test_until, setup, teardown),
		cmocka_unit_test_setup_teardown(test_relaylog_events, setup, teardown),
		cmocka_unit_test_setup_teardown(test_change_everything, setup, teardown),
		cmocka_unit_test_setup_teardown(test_change_by_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_change_mariadb, setup, teardown),
		cmocka_unit_test_setup_teardown(test_change_tls, setup, teardown),
		cmocka_unit_test_setup_teardown(test_change_account, setup, teardown),
		cmocka_unit_test_setup_teardown(test_change_assign, setup, teardown),
		cmocka_unit_test(test_password_marks_the_buffer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
