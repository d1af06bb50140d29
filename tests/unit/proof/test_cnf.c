/* SPDX-License-Identifier: Apache-2.0 */
/* The scratch server's option file: held against literal lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proof/cnf.h"

static struct proof_cnf mariadb(void)
{
	return (struct proof_cnf){ .flavor = FLAVOR_MARIADB, .version = 101119, .files = "/s/files", .init_file = "/s/account.sql",
		                   .memory_bytes = UINT64_C(1) << 30, .threads = 4, .server_id = 3000000000u, .user = "slackwater_ab",
		                   .password = "c0ffee" };
}

static struct proof_cnf mysql(unsigned version)
{
	struct proof_cnf c = mariadb();
	c.flavor = FLAVOR_MYSQL;
	c.version = version;
	c.gtid_mode = "ON";
	return c;
}

static bool has_line(const char *text, const char *line)
{
	size_t len = strlen(line);
	for (const char *p = text; (p = strstr(p, line)); p++)
		if ((p == text || p[-1] == '\n') && p[len] == '\n')
			return true;
	return false;
}

static void expect(const struct proof_cnf *c, const char *const *there, const char *const *not_there)
{
	struct buf text = BUF_INIT(1 << 16);
	struct error err = ERROR_INIT;
	assert_int_equal(proof_cnf_write(c, &text, &err), ST_OK);
	assert_true(text.secret);
	for (; *there; there++)
		if (!has_line(text.data, *there))
			fail_msg("\"%s\" lacks %s", text.data, *there);
	for (; *not_there; not_there++)
		if (strstr(text.data, *not_there))
			fail_msg("\"%s\" has %s", text.data, *not_there);
	buf_free(&text);
}

#define LINES(...) (const char *const[]){ __VA_ARGS__, NULL }

static void mariadb_running(void **state)
{
	(void)state;
	struct proof_cnf c = mariadb();
	expect(&c,
	       LINES("[mysqld]", "datadir = /s/files/data", "socket = /s/files/s", "log_error = /s/files/error.log", "tmpdir = /s/files/tmp",
	             "skip_networking = ON", "event_scheduler = OFF", "server_id = 3000000000", "skip_log_bin", "slave_parallel_threads = 4",
	             "innodb_buffer_pool_size = 268435456", "innodb_log_file_size = 134217728", "init_file = /s/account.sql", "read_only = ON",
	             "max_allowed_packet = 1G", "[client]", "user = slackwater_ab", "password = c0ffee"),
	       LINES("gtid_mode", "\nport", "user = mysql", "redo_log_capacity"));
}

static void mysql_running(void **state)
{
	(void)state;
	struct proof_cnf c = mysql(90704);
	expect(&c,
	       LINES("gtid_mode = ON", "enforce_gtid_consistency = ON", "replica_parallel_workers = 4", "innodb_redo_log_capacity = 134217728",
	             "secure_file_priv = NULL", "skip_log_bin", "loose_skip_replica_start = ON"),
	       LINES("innodb_log_file_size", "\nslave_parallel"));
	c = mysql(50744);
	c.gtid_mode = "OFF";
	c.run_as = "root";
	expect(&c,
	       LINES("gtid_mode = OFF", "enforce_gtid_consistency = OFF", "slave_parallel_workers = 4", "innodb_log_file_size = 134217728", "user = root"),
	       LINES("skip_log_bin", "redo_log_capacity", "\nreplica_"));
}

/* An initialisation knows nothing of replication, has no account yet, and writes its pages when it ends. */
static void initialising(void **state)
{
	(void)state;
	struct proof_cnf c = mysql(90704);
	struct strlist mirrored = { 0 }, settings = { 0 };
	struct error err;
	assert_int_equal(strlist_add(&mirrored, "lower_case_table_names = 1", &err), ST_OK);
	assert_int_equal(strlist_add(&settings, "innodb_page_size=32k", &err), ST_OK);
	c.init_file = NULL;
	c.mirrored = &mirrored;
	c.settings = &settings;
	expect(&c, LINES("datadir = /s/files/data", "lower_case_table_names = 1", "innodb_page_size=32k", "skip_networking = ON"),
	       LINES("server_id", "gtid_mode", "init_file", "password", "[client]", "fast_shutdown", "replica"));
	strlist_free(&mirrored);
	strlist_free(&settings);
}

/* A person's word comes after ours, so that it counts. */
static void settings_come_last(void **state)
{
	(void)state;
	struct proof_cnf c = mariadb();
	struct strlist settings = { 0 };
	struct buf text = BUF_INIT(1 << 16);
	struct error err;
	assert_int_equal(strlist_add(&settings, "max_connections=500", &err), ST_OK);
	c.settings = &settings;
	assert_int_equal(proof_cnf_write(&c, &text, &err), ST_OK);
	const char *ours = strstr(text.data, "max_connections = "), *theirs = strstr(text.data, "max_connections=500"), *client = strstr(text.data, "[client]");
	assert_true(ours && theirs && client && ours < theirs && theirs < client);
	buf_free(&text);
	strlist_free(&settings);
}

static void little_memory(void **state)
{
	(void)state;
	struct proof_cnf c = mariadb();
	c.memory_bytes = 64 << 20;
	expect(&c, LINES("innodb_buffer_pool_size = 33554432", "innodb_log_file_size = 33554432"), LINES("\nport"));
}

static void settings_of_a_person(void **state)
{
	(void)state;
	static const char *const good[] = { "innodb_page_size=32k", "plugin-load-add=ha_rocksdb", "loose_x=1", "sql_mode=", "skip-name-resolve", "socket_x=1",
		                            "plugin_dir=/usr/lib/plugins", "lc-messages-dir=/usr/share/x", "init_connect=SET @a = 1 / 2" };
	static const char *const bad[] = { "", "=1", "a b=1", "x=1\ny=2", "datadir=/etc", "skip-networking=0", "skip_networking=0", "loose-port=3306",
		                           "loose_datadir=/x", "event-scheduler=ON", "init_file=/tmp/x", "user=root", "[mysqld]", "!include /etc/x",
		                           "innodb_data_home_dir=/var/lib/mysql", "innodb-log-group-home-dir=x", "log-bin", "log_bin=x", "relay_log=x",
		                           "innodb_data_file_path=ibdata1:10M", "aria_log_dir_path=.", "general_log_file=x", "loose_innodb_tmpdir=x",
		                           "some_dir=/x", "some_dir=\"/x\"", "some_dir= /x", "some_dir=../../x", "datadi=/etc", "loose-x=/y" };
	struct error err = ERROR_INIT;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_int_equal(proof_cnf_check(good[i], &err), ST_OK);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (!proof_cnf_check(bad[i], &err))
			fail_msg("%s was taken", bad[i]);
		assert_int_equal(err.kind, ERR_USAGE);
	}
}

static void places(void **state)
{
	(void)state;
	assert_true(proof_cnf_path("/var/tmp"));
	assert_true(proof_cnf_path("/with blank/x"));
	assert_false(proof_cnf_path("relative"));
	assert_false(proof_cnf_path("/a#b"));
	assert_false(proof_cnf_path("/a\nb"));
	assert_false(proof_cnf_path("/a\\b"));
	assert_false(proof_cnf_path(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mariadb_running), cmocka_unit_test(mysql_running),        cmocka_unit_test(initialising), cmocka_unit_test(settings_come_last),
		cmocka_unit_test(little_memory),   cmocka_unit_test(settings_of_a_person), cmocka_unit_test(places),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
