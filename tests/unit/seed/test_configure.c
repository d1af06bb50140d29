/* SPDX-License-Identifier: Apache-2.0 */
/* From literal checkpoints: which source goes with which channel, and the statements for each mode and version. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_conn.h"
#include "seed/configure.h"
#include "seed/filters.h"
#include "seed/links.h"
#include "seed/rights.h"

#define A "3e11fa47-71ca-11e1-9e33-c80aa9429562"
#define B "4e11fa47-71ca-11e1-9e33-c80aa9429562"

struct seeding {
	struct run run;
	struct seed_options o;
	struct seed_source source[2];
	struct checkpoint cp;
	struct checkpoint_channel channel[2];
	struct manifest m;
	struct seed_report report;
	struct seed_job j;
};

static void begin(struct seeding *s, enum flavor flavor, unsigned version, enum applier_mode mode)
{
	struct error err = ERROR_INIT;
	*s = (struct seeding){ 0 };
	assert_int_equal(run_init(&s->run, NULL, NULL, NULL, &err), ST_OK);
	s->source[0] = (struct seed_source){ .login = { .host = "db1", .port = 3307, .user = "repl", .password = "s3cret" } };
	s->o = (struct seed_options){ .source = s->source, .nsources = 1 };
	s->channel[0] = (struct checkpoint_channel){ .name = "", .mode = mode, .coordinates = COORDINATES_PROVEN, .exec_file = "binlog.000007",
		                                     .exec_pos = 4711, .heartbeat_s = -1 };
	s->channel[1] = s->channel[0];
	s->cp = (struct checkpoint){ .server = { .flavor = flavor, .version = version }, .channel = s->channel, .nchannels = 1, .log_bin = true,
		                     .log_replica_updates = true, .binlog_file = "own.000002", .binlog_pos = 99 };
	s->m.users = true;
	s->j = (struct seed_job){ .o = &s->o, .run = &s->run, .report = &s->report, .cp = &s->cp, .manifest = &s->m };
	s->j.target = fake_conn_new(&s->run, flavor, version);
}

static void end(struct seeding *s)
{
	free(s->j.link);
	free(s->j.found.gtids);
	conn_free(s->j.target);
	strlist_free(&s->report.statements);
	strlist_free(&s->report.not_carried);
	strlist_free(&s->report.warnings);
	run_destroy(&s->run);
}

static void statements(struct seeding *s, size_t n, const char *const *want)
{
	struct error err = ERROR_INIT;
	if (seed_links_pair(&s->j, &err) || seed_configure_list(&s->j, &err))
		fail_msg("%s", err.message);
	for (size_t i = 0; i < s->report.statements.n && i < n; i++)
		assert_string_equal(s->report.statements.item[i], want[i]);
	assert_int_equal(s->report.statements.n, n);
}
#define STATEMENTS(s, ...)                                                                                             \
	do {                                                                                                                \
		const char *const want[] = { __VA_ARGS__ };                                                                       \
		statements(s, sizeof want / sizeof want[0], want);                                                                \
	} while (0)

static void refused(struct seeding *s, const char *part)
{
	struct error err = ERROR_INIT;
	assert_int_equal(seed_links_pair(&s->j, &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_SEED_REFUSED);
	assert_true(err.hint[0]);
	if (!strstr(err.message, part))
		fail_msg("'%s' lacks '%s'", err.message, part);
}

static void test_the_only_channel_needs_no_name(void **state)
{
	(void)state;
	struct seeding s;
	struct error err = ERROR_INIT;
	begin(&s, FLAVOR_MYSQL, 90704, MODE_MYSQL_AUTO);
	s.source[0].channel = "other";
	assert_int_equal(seed_links_pair(&s.j, &err), ST_FAILED);
	assert_null(strstr(err.hint, "CHANNEL"));
	end(&s);
}

static void test_mysql_auto(void **state)
{
	(void)state;
	struct seeding s;
	begin(&s, FLAVOR_MYSQL, 90704, MODE_MYSQL_AUTO);
	s.cp.gtid_mode = "ON";
	s.cp.gtid_executed = A ":1-100,\n" B ":7"; /* as the server prints it */
	s.channel[0].delay_s = 60;
	s.channel[0].heartbeat_s = 30;
	s.channel[0].privilege_checks_user = "'app'@'%'";
	s.channel[0].require_row_format = s.channel[0].gtid_only = true;
	STATEMENTS(&s, "SET GLOBAL gtid_purged = '" A ":1-100," B ":7'",
	           "CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'db1', SOURCE_PORT = 3307, SOURCE_USER = 'repl', SOURCE_PASSWORD = '<password>',"
	           " SOURCE_SSL = 0, SOURCE_AUTO_POSITION = 1, SOURCE_DELAY = 60, SOURCE_HEARTBEAT_PERIOD = 30.000, PRIVILEGE_CHECKS_USER = 'app'@'%',"
	           " REQUIRE_ROW_FORMAT = 1, GTID_ONLY = 1 FOR CHANNEL ''",
	           "START REPLICA FOR CHANNEL ''");
	assert_int_equal(s.report.not_carried.n, 0);
	end(&s);
}

/* Own transactions are forgotten first; a snapshot without accounts cannot name one. */
static void test_mysql_reset_and_no_users(void **state)
{
	(void)state;
	struct seeding s;
	begin(&s, FLAVOR_MYSQL, 80040, MODE_MYSQL_AUTO);
	s.cp.gtid_mode = "ON";
	s.cp.gtid_executed = A ":1-100";
	s.j.found.gtids = strdup("bbbbbbbb-71ca-11e1-9e33-c80aa9429562:1-3");
	s.channel[0].privilege_checks_user = "'app'@'%'";
	s.m.users = false;
	s.source[0].get_public_key = true;
	STATEMENTS(&s, "RESET MASTER", "SET GLOBAL gtid_purged = '" A ":1-100'",
	           "CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'db1', SOURCE_PORT = 3307, SOURCE_USER = 'repl', SOURCE_PASSWORD = '<password>',"
	           " SOURCE_SSL = 0, GET_SOURCE_PUBLIC_KEY = 1, SOURCE_AUTO_POSITION = 1 FOR CHANNEL ''",
	           "START REPLICA FOR CHANNEL ''");
	assert_int_equal(s.report.not_carried.n, 1);
	assert_non_null(strstr(s.report.not_carried.item[0], "PRIVILEGE_CHECKS_USER 'app'@'%'"));
	end(&s);
}

static void test_mysql_position(void **state)
{
	(void)state;
	struct seeding s;
	begin(&s, FLAVOR_MYSQL, 50624, MODE_MYSQL_POSITION);
	STATEMENTS(&s, "CHANGE MASTER TO MASTER_HOST = 'db1', MASTER_PORT = 3307, MASTER_USER = 'repl', MASTER_PASSWORD = '<password>', MASTER_SSL = 0,"
	               " MASTER_AUTO_POSITION = 0, MASTER_LOG_FILE = 'binlog.000007', MASTER_LOG_POS = 4711",
	           "START SLAVE");
	end(&s);

	begin(&s, FLAVOR_MYSQL, 50624, MODE_MYSQL_POSITION);
	s.channel[0].coordinates = COORDINATES_STALE;
	s.channel[0].coordinates_why = "behind the GTID set";
	refused(&s, "cannot be used: behind the GTID set");
	end(&s);
}

/* GTIDs arrive, the channel asks by file: so does the seed, unless the coordinates were not proven. */
static void test_mysql_gtid_by_file(void **state)
{
	(void)state;
	struct seeding s;
	begin(&s, FLAVOR_MYSQL, 80403, MODE_MYSQL_GTID);
	s.cp.gtid_mode = "ON";
	s.cp.gtid_executed = A ":1-100";
	STATEMENTS(&s, "SET GLOBAL gtid_purged = '" A ":1-100'",
	           "CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'db1', SOURCE_PORT = 3307, SOURCE_USER = 'repl', SOURCE_PASSWORD = '<password>',"
	           " SOURCE_SSL = 0, SOURCE_AUTO_POSITION = 0, SOURCE_LOG_FILE = 'binlog.000007', SOURCE_LOG_POS = 4711 FOR CHANNEL ''",
	           "START REPLICA FOR CHANNEL ''");
	end(&s);

	begin(&s, FLAVOR_MYSQL, 80403, MODE_MYSQL_GTID);
	struct error err = ERROR_INIT;
	s.cp.gtid_mode = "ON";
	s.channel[0].coordinates = COORDINATES_UNAVAILABLE;
	assert_int_equal(seed_links_pair(&s.j, &err), ST_OK);
	assert_int_equal(s.j.link[0].position, POSITION_AUTO);
	end(&s);
}

static void test_mysql_assigned(void **state)
{
	(void)state;
	struct seeding s;
	begin(&s, FLAVOR_MYSQL, 90704, MODE_MYSQL_ASSIGNED);
	s.cp.gtid_mode = "ON";
	s.cp.gtid_executed = A ":1-100";
	s.channel[0].assign_gtids = A;
	STATEMENTS(&s, "SET GLOBAL gtid_purged = '" A ":1-100'",
	           "CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'db1', SOURCE_PORT = 3307, SOURCE_USER = 'repl', SOURCE_PASSWORD = '<password>',"
	           " SOURCE_SSL = 0, SOURCE_AUTO_POSITION = 0, SOURCE_LOG_FILE = 'binlog.000007', SOURCE_LOG_POS = 4711,"
	           " ASSIGN_GTIDS_TO_ANONYMOUS_TRANSACTIONS = '" A "' FOR CHANNEL ''",
	           "START REPLICA FOR CHANNEL ''");
	end(&s);
}

static void test_mariadb(void **state)
{
	(void)state;
	struct seeding s;
	begin(&s, FLAVOR_MARIADB, 101119, MODE_MARIADB_GTID);
	s.cp.gtid_slave_pos = "0-1-100,1-1-7";
	s.channel[0].using_gtid = "Current_Pos";
	s.j.found.gtids = strdup("0-9-3");
	s.source[0].login.ssl_mode = SSL_REQUIRED;
	STATEMENTS(&s, "RESET MASTER", "SET GLOBAL gtid_slave_pos = '0-1-100,1-1-7'",
	           "CHANGE MASTER '' TO MASTER_HOST = 'db1', MASTER_PORT = 3307, MASTER_USER = 'repl', MASTER_PASSWORD = '<password>', MASTER_SSL = 1,"
	           " MASTER_SSL_CA = '', MASTER_SSL_VERIFY_SERVER_CERT = 0, MASTER_USE_GTID = slave_pos",
	           "START SLAVE ''");
	assert_int_equal(s.report.not_carried.n, 1);
	end(&s);

	begin(&s, FLAVOR_MARIADB, 101119, MODE_MARIADB_POSITION);
	s.cp.gtid_slave_pos = "0-1-100";
	STATEMENTS(&s, "SET GLOBAL gtid_slave_pos = '0-1-100'",
	           "CHANGE MASTER '' TO MASTER_HOST = 'db1', MASTER_PORT = 3307, MASTER_USER = 'repl', MASTER_PASSWORD = '<password>', MASTER_SSL = 0,"
	           " MASTER_USE_GTID = no, MASTER_LOG_FILE = 'binlog.000007', MASTER_LOG_POS = 4711",
	           "START SLAVE ''");
	end(&s);
}

static void test_from_replica(void **state)
{
	(void)state;
	struct seeding s;
	begin(&s, FLAVOR_MARIADB, 101119, MODE_MARIADB_GTID);
	s.o.from_replica = true;
	s.cp.gtid_slave_pos = "0-1-100";
	s.cp.gtid_binlog_pos = "0-1-100,5-2-1";
	STATEMENTS(&s, "SET GLOBAL gtid_slave_pos = '0-1-100,5-2-1'",
	           "CHANGE MASTER '' TO MASTER_HOST = 'db1', MASTER_PORT = 3307, MASTER_USER = 'repl', MASTER_PASSWORD = '<password>', MASTER_SSL = 0,"
	           " MASTER_USE_GTID = slave_pos",
	           "START SLAVE ''");
	end(&s);

	begin(&s, FLAVOR_MYSQL, 50624, MODE_MYSQL_POSITION);
	s.o.from_replica = true;
	STATEMENTS(&s, "CHANGE MASTER TO MASTER_HOST = 'db1', MASTER_PORT = 3307, MASTER_USER = 'repl', MASTER_PASSWORD = '<password>', MASTER_SSL = 0,"
	               " MASTER_AUTO_POSITION = 0, MASTER_LOG_FILE = 'own.000002', MASTER_LOG_POS = 99",
	           "START SLAVE");
	end(&s);

	begin(&s, FLAVOR_MYSQL, 50624, MODE_MYSQL_POSITION);
	s.o.from_replica = true;
	s.cp.log_replica_updates = false;
	refused(&s, "does not log what it replicates");
	end(&s);

	/* A server that replicates from nobody can only be the source itself. */
	begin(&s, FLAVOR_MYSQL, 90704, MODE_MYSQL_AUTO);
	struct error err = ERROR_INIT;
	s.cp.nchannels = 0;
	s.cp.gtid_mode = "ON";
	assert_int_equal(seed_links_pair(&s.j, &err), ST_OK);
	assert_true(s.j.from_replica);
	assert_int_equal(s.j.link[0].position, POSITION_AUTO);
	end(&s);
}

static void test_channels(void **state)
{
	(void)state;
	struct seeding s;
	begin(&s, FLAVOR_MYSQL, 90704, MODE_MYSQL_AUTO);
	s.cp.gtid_mode = "ON";
	s.cp.nchannels = 2;
	s.channel[0].name = "one";
	s.channel[1].name = "it's two";
	s.source[0].channel = "one";
	refused(&s, "no --source for it's two");
	free(s.j.link);
	s.j.link = NULL;
	s.j.nlinks = 0;
	s.source[1] = s.source[0];
	s.source[1].channel = "it's two";
	s.source[1].login.host = "db2";
	s.o.nsources = 2;
	STATEMENTS(&s,
	           "CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'db1', SOURCE_PORT = 3307, SOURCE_USER = 'repl', SOURCE_PASSWORD = '<password>',"
	           " SOURCE_SSL = 0, SOURCE_AUTO_POSITION = 1 FOR CHANNEL 'one'",
	           "CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'db2', SOURCE_PORT = 3307, SOURCE_USER = 'repl', SOURCE_PASSWORD = '<password>',"
	           " SOURCE_SSL = 0, SOURCE_AUTO_POSITION = 1 FOR CHANNEL 'it\\'s two'",
	           "START REPLICA FOR CHANNEL 'one'", "START REPLICA FOR CHANNEL 'it\\'s two'");
	end(&s);

	/* one channel with a name, one source without: they belong together */
	begin(&s, FLAVOR_MARIADB, 101119, MODE_MARIADB_GTID);
	struct error err = ERROR_INIT;
	s.channel[0].name = "only";
	assert_int_equal(seed_links_pair(&s.j, &err), ST_OK);
	assert_string_equal(s.j.link[0].name, "only");
	end(&s);

	begin(&s, FLAVOR_MARIADB, 101119, MODE_MARIADB_GTID);
	s.o.nsources = 2;
	s.source[1] = s.source[0];
	s.source[1].channel = "nobody";
	refused(&s, "the snapshot has no channel 'nobody'");
	end(&s);
}

static void test_tls(void **state)
{
	(void)state;
	struct seeding s;
	struct source_spec spec;
	struct error err = ERROR_INIT;
	begin(&s, FLAVOR_MYSQL, 90704, MODE_MYSQL_AUTO);
	assert_int_equal(seed_links_pair(&s.j, &err), ST_OK);
	s.j.link[0].tls = true;
	seed_configure_spec(&s.j, &s.j.link[0], &s.cp.server, true, &spec);
	assert_int_equal(spec.ssl_mode, SSL_REQUIRED);
	s.j.link[0].tls = false;
	seed_configure_spec(&s.j, &s.j.link[0], &s.cp.server, true, &spec);
	assert_int_equal(spec.ssl_mode, SSL_DISABLED);
	s.source[0].login.ssl_mode = SSL_VERIFY_CA;
	seed_configure_spec(&s.j, &s.j.link[0], &s.cp.server, true, &spec);
	assert_int_equal(spec.ssl_mode, SSL_VERIFY_CA);
	end(&s);
}

/* ---- filters ---- */

static void carried(enum flavor flavor, unsigned version, json_t *filters, size_t n, const char *const *want)
{
	struct error err = ERROR_INIT;
	struct server_info server = { .flavor = flavor, .version = version };
	struct checkpoint_channel c = { .filters = filters };
	struct seed_link l = { .channel = &c, .name = "ch" };
	struct strlist got = { 0 };
	assert_int_equal(seed_filters_carry(&server, &l, &got, &err), ST_OK);
	for (size_t i = 0; i < got.n && i < n; i++)
		assert_string_equal(got.item[i], want[i]);
	assert_int_equal(got.n, n);
	strlist_free(&got);
	json_decref(filters);
}

static void test_filters_are_carried(void **state)
{
	(void)state;
	json_t *f = json_pack("{s:s,s:s,s:s,s:s,s:s}", "Replicate_Do_DB", "a,b`c", "Replicate_Do_Table", "a.t", "Replicate_Wild_Ignore_Table", "a.x%,b.y'",
	                      "Replicate_Rewrite_DB", "(a,z),(b,y)", "Replicate_Ignore_Server_Ids", "7,8");
	const char *const mysql[] = { "CHANGE REPLICATION FILTER replicate_do_db = (`a`, `b``c`) FOR CHANNEL 'ch'",
		                      "CHANGE REPLICATION FILTER replicate_do_table = (`a`.`t`) FOR CHANNEL 'ch'",
		                      "CHANGE REPLICATION FILTER replicate_wild_ignore_table = ('a.x%', 'b.y\\'') FOR CHANNEL 'ch'",
		                      "CHANGE REPLICATION FILTER replicate_rewrite_db = ((`a`, `z`), (`b`, `y`)) FOR CHANNEL 'ch'",
		                      "CHANGE REPLICATION SOURCE TO IGNORE_SERVER_IDS = (7,8) FOR CHANNEL 'ch'" };
	carried(FLAVOR_MYSQL, 90704, json_incref(f), 5, mysql);
	const char *const mysql57[] = { "CHANGE REPLICATION FILTER replicate_do_db = (`a`, `b``c`)", "CHANGE REPLICATION FILTER replicate_do_table = (`a`.`t`)",
		                        "CHANGE REPLICATION FILTER replicate_wild_ignore_table = ('a.x%', 'b.y\\'')",
		                        "CHANGE REPLICATION FILTER replicate_rewrite_db = ((`a`, `z`), (`b`, `y`))",
		                        "CHANGE MASTER TO IGNORE_SERVER_IDS = (7,8) FOR CHANNEL 'ch'" };
	carried(FLAVOR_MYSQL, 50744, json_incref(f), 5, mysql57);
	/* a 5.6 takes filters from its configuration only */
	const char *const mysql56[] = { "CHANGE MASTER TO IGNORE_SERVER_IDS = (7,8)" };
	carried(FLAVOR_MYSQL, 50624, json_incref(f), 1, mysql56);
	const char *const mariadb[] = { "SET GLOBAL `ch`.replicate_do_db = 'a,b`c'", "SET GLOBAL `ch`.replicate_do_table = 'a.t'",
		                        "SET GLOBAL `ch`.replicate_wild_ignore_table = 'a.x%,b.y\\''", "SET GLOBAL `ch`.replicate_rewrite_db = '(a,z),(b,y)'",
		                        "CHANGE MASTER 'ch' TO IGNORE_SERVER_IDS = (7,8)" };
	carried(FLAVOR_MARIADB, 101119, f, 5, mariadb);
}

/* The snapshot: schema "whole" in full, of "part" the table "t". */
static bool holds(const void *arg, const char *schema, const char *table)
{
	(void)arg;
	if (strcmp(schema, "whole") == 0)
		return true;
	return strcmp(schema, "part") == 0 && table && strcmp(table, "t") == 0;
}

static void cover(enum seed_filter which, const char *rules, bool accounts, const char *why)
{
	struct error err = ERROR_INIT;
	struct seed_filters f = { 0 };
	struct buf b = BUF_INIT(1024);
	bool unsure;
	assert_int_equal(seed_filters_add(&f, which, rules, &err), ST_OK);
	seed_filters_cover(&f, holds, NULL, accounts, false, &b, &unsure);
	if (*why ? !strstr(buf_str(&b), why) : b.len)
		fail_msg("%s: '%s', not '%s'", rules, buf_str(&b), why);
	buf_free(&b);
	seed_filters_free(&f);
}

static void test_partial_needs_filters(void **state)
{
	(void)state;
	cover(FILTER_DO_DB, "", true, "no replication filters");
	cover(FILTER_DO_DB, "whole", true, "");
	cover(FILTER_DO_DB, "whole,part", true, "lets in part");
	cover(FILTER_DO_TABLE, "part.t", true, "");
	cover(FILTER_DO_TABLE, "part.t,part.u", true, "lets in part.u");
	cover(FILTER_WILD_DO, "whole.%,part.t", true, "");
	cover(FILTER_WILD_DO, "part.t%", true, "lets in part.t%");
	cover(FILTER_WILD_DO, "%.t", true, "lets in %.t");
	cover(FILTER_WILD_DO, "who\\le.a\\_b", true, "");
	cover(FILTER_IGNORE_DB, "gone", true, "");
	/* without accounts, statements about them must not get through */
	cover(FILTER_IGNORE_DB, "gone", false, "no accounts");
	cover(FILTER_WILD_IGNORE, "mysql.%", false, "");
	cover(FILTER_WILD_DO, "whole.%", false, "");
	cover(FILTER_WILD_DO, "mysql.%", false, "no accounts");
	cover(FILTER_DO_DB, "whole", false, "no accounts");
}

/* Without a source: no CHANGE, no START, but what makes it a source of others. */
static void test_standalone(void **state)
{
	struct seeding s;
	(void)state;
	begin(&s, FLAVOR_MARIADB, 101100, MODE_MARIADB_GTID);
	s.o = (struct seed_options){ .load_only = true, .standalone = true };
	s.cp.gtid_slave_pos = "0-1-100";
	s.j.found.log_bin = true;
	struct error err = ERROR_INIT;
	assert_int_equal(seed_links_none(&s.j), ST_OK);
	assert_int_equal(seed_configure_list(&s.j, &err), ST_OK);
	assert_int_equal(s.report.statements.n, 2);
	assert_string_equal(s.report.statements.item[0], "SET GLOBAL gtid_binlog_state = '0-1-100'");
	assert_string_equal(s.report.statements.item[1], "SET GLOBAL gtid_slave_pos = '0-1-100'");
	end(&s);

	begin(&s, FLAVOR_MYSQL, 90704, MODE_MYSQL_AUTO);
	s.o = (struct seed_options){ .load_only = true, .standalone = true };
	s.cp.gtid_mode = "ON";
	s.cp.gtid_executed = A ":1-100";
	s.j.found.log_bin = true;
	assert_int_equal(seed_configure_list(&s.j, &err), ST_OK);
	assert_int_equal(s.report.statements.n, 1);
	assert_string_equal(s.report.statements.item[0], "SET GLOBAL gtid_purged = '" A ":1-100'");
	end(&s);
}

/* ---- rights ---- */

static void missing(enum flavor flavor, unsigned version, bool accounts, bool reset, const char *grant, const char *want)
{
	struct error err = ERROR_INIT;
	struct server_info server = { .flavor = flavor, .version = version };
	struct seed_rights_need need = { .accounts = accounts, .reset = reset };
	struct strlist grants = { 0 };
	struct buf b = BUF_INIT(1024);
	assert_int_equal(strlist_add(&grants, grant, &err), ST_OK);
	seed_rights_missing(&grants, &server, &need, &b);
	assert_string_equal(buf_str(&b), want);
	strlist_free(&grants);
	buf_free(&b);
}

static void test_rights(void **state)
{
	(void)state;
	missing(FLAVOR_MYSQL, 50624, true, true, "GRANT ALL PRIVILEGES ON *.* TO 'a'@'%' IDENTIFIED BY PASSWORD 'x' WITH GRANT OPTION", "");
	missing(FLAVOR_MYSQL, 50624, true, true, "GRANT ALL PRIVILEGES ON *.* TO 'a'@'%'", "GRANT OPTION");
	missing(FLAVOR_MYSQL, 50624, false, false, "GRANT SELECT, INSERT, CREATE, DROP, PROCESS, INDEX, ALTER ON *.* TO 'a'@'%'", "SUPER");
	missing(FLAVOR_MYSQL, 90704, true, true, "GRANT SELECT, INSERT, CREATE, DROP, PROCESS, INDEX, CREATE ROLE, ALTER ROUTINE ON *.* TO `a`@`%`",
	        "ALTER, REPLICATION_SLAVE_ADMIN, SYSTEM_VARIABLES_ADMIN, RELOAD, CREATE USER, GRANT OPTION");
	missing(FLAVOR_MYSQL, 90704, false, false, "GRANT SELECT, INSERT, CREATE, DROP, PROCESS, INDEX, ALTER, SUPER ON *.* TO `a`@`%`", "");
	missing(FLAVOR_MARIADB, 101119, false, false, "GRANT SELECT, INSERT, CREATE, DROP, PROCESS, INDEX, ALTER, SUPER ON *.* TO `a`@`%`", "");
	missing(FLAVOR_MARIADB, 110809, false, false, "GRANT SELECT, INSERT, CREATE, DROP, PROCESS, INDEX, ALTER, SUPER ON *.* TO `a`@`%`",
	        "REPLICATION SLAVE ADMIN, BINLOG ADMIN");
	missing(FLAVOR_MARIADB, 100400, false, false, "GRANT SELECT, INSERT, CREATE, DROP, PROCESS, INDEX, ALTER, SUPER ON *.* TO `a`@`%`", "");
	/* rights on one schema are none on all; roles are believed */
	missing(FLAVOR_MARIADB, 100400, false, false, "GRANT ALL PRIVILEGES ON `d`.* TO `a`@`%`",
	        "SELECT, CREATE, DROP, INSERT, ALTER, INDEX, PROCESS, SUPER");
	missing(FLAVOR_MYSQL, 90704, true, true, "GRANT `dba`@`%` TO `a`@`%`", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_only_channel_needs_no_name), cmocka_unit_test(test_mysql_auto),        cmocka_unit_test(test_mysql_reset_and_no_users),
		cmocka_unit_test(test_mysql_position),    cmocka_unit_test(test_mysql_gtid_by_file),
		cmocka_unit_test(test_mysql_assigned),    cmocka_unit_test(test_mariadb),
		cmocka_unit_test(test_from_replica),      cmocka_unit_test(test_channels),
		cmocka_unit_test(test_tls),               cmocka_unit_test(test_filters_are_carried),
		cmocka_unit_test(test_partial_needs_filters), cmocka_unit_test(test_rights), cmocka_unit_test(test_standalone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
