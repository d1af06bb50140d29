/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts, held against a target and given to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/logical/load_accounts.h"
#include "engine/logical/load_grants.h"
#include "fake_conn.h"

#define PRIVILEGES "Privilege\tContext\tComment\nSelect\tTables\t\nSET_ANY_DEFINER\tServer Admin\t\nALLOW_NONEXISTENT_DEFINER\tServer Admin\t\nBACKUP_ADMIN\tServer Admin\t\n"
#define ROOT "GRANT BACKUP_ADMIN,OLD_ADMIN,SET_USER_ID ON *.* TO `root`@`localhost` WITH GRANT OPTION"
#define ROOT_ADAPTED "GRANT BACKUP_ADMIN,SET_ANY_DEFINER,ALLOW_NONEXISTENT_DEFINER ON *.* TO `root`@`localhost` WITH GRANT OPTION"

static struct run run;
static struct buf warnings;
static const struct server_info snapshotted = { .flavor = FLAVOR_MYSQL, .version = 80040 };

static void note(struct event_sink *self, const struct event *e)
{
	(void)self;
	if (e->kind == EVENT_WARNING)
		buf_addf(&warnings, "%s\n", e->text);
}

static int setup(void **state)
{
	static struct event_sink sink = { .emit = note };
	(void)state;
	warnings = BUF_INIT(100000);
	return run_init(&run, NULL, NULL, &sink, NULL) ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_free(&warnings);
	run_destroy(&run);
	return 0;
}

static void adapted(const char *sql, const char *want, size_t nlost)
{
	struct load_grants g = { .from = 0 };
	struct load_grants_told told = { .lost = { 0 } };
	struct buf out = BUF_INIT(10000);
	struct conn *c = fake_conn_new(&run, FLAVOR_MYSQL, 80400);
	fake_conn_expect(c, "SHOW PRIVILEGES");
	fake_conn_rows(c, PRIVILEGES);
	assert_int_equal(load_grants_begin(c, &snapshotted, &g, NULL), ST_OK);
	assert_int_equal(load_grants_adapt(&g, sql, strlen(sql), &out, &told, NULL), ST_OK);
	assert_string_equal(buf_str(&out), want);
	assert_int_equal(told.lost.n, nlost);
	conn_free(c);
	buf_free(&out);
	load_grants_end(&g);
	load_grants_told_free(&told);
}

static void privileges_that_went_away(void **state)
{
	(void)state;
	static const char *const same[] = { "GRANT SELECT, SHOW VIEW ON *.* TO `a`@`%`", "GRANT `OLD_ADMIN`@`%` TO `a`@`%`", "GRANT BACKUP_ADMIN ON *.* TO `a`@`%`",
		                            "ALTER USER `a`@`%` IDENTIFIED WITH 'x'", "GRANT USAGE ON *.* TO `OLD_ADMIN`@`%`", "GRANT " };
	for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
		adapted(same[i], same[i], 0);
	adapted(ROOT, ROOT_ADAPTED, 1);
	adapted("GRANT OLD_ADMIN, BACKUP_ADMIN ON *.* TO `a`@`%`", "GRANT BACKUP_ADMIN ON *.* TO `a`@`%`", 1);
	adapted("GRANT OLD_ADMIN,OLDER_ADMIN ON *.* TO `a`@`%`", "", 2);
}

static void splits(unsigned from, unsigned to, const char *sql, const char *want)
{
	const struct server_info was = { .flavor = FLAVOR_MARIADB, .version = from };
	struct load_grants g = { .from = 0 };
	struct load_grants_told told = { .lost = { 0 } };
	struct conn *c = fake_conn_new(&run, FLAVOR_MARIADB, to);
	struct buf out = BUF_INIT(10000);
	assert_int_equal(load_grants_begin(c, &was, &g, NULL), ST_OK);
	assert_int_equal(load_grants_adapt(&g, sql, strlen(sql), &out, &told, NULL), ST_OK);
	assert_string_equal(buf_str(&out), want);
	assert_int_equal(told.given.n > 0, strcmp(sql, want) != 0);
	conn_free(c);
	buf_free(&out);
	load_grants_end(&g);
	load_grants_told_free(&told);
}

#define LATER "SET USER, FEDERATED ADMIN, CONNECTION ADMIN, REPLICATION SLAVE ADMIN, REPLICATION MASTER ADMIN, BINLOG ADMIN, BINLOG REPLAY, SLAVE MONITOR"

/* What 10.11.19 and 11.8.9 make of rows with the version_id of an earlier server [run]. */
static void privileges_that_were_split(void **state)
{
	(void)state;
	splits(101119, 110809, "GRANT SUPER ON *.* TO `a`@`%`", "GRANT SUPER, BINLOG MONITOR, " LATER " ON *.* TO `a`@`%`");
	splits(101119, 110809, "GRANT SUPER, BINLOG MONITOR, EVENT ON *.* TO `a` WITH GRANT OPTION", "GRANT SUPER, BINLOG MONITOR, EVENT, " LATER " ON *.* TO `a` WITH GRANT OPTION");
	splits(100523, 101119, "GRANT SUPER ON *.* TO `a`@`%`", "GRANT SUPER, READ_ONLY ADMIN ON *.* TO `a`@`%`");
	splits(100438, 100523, "GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO `a`@`%`", "GRANT REPLICATION SLAVE, REPLICATION CLIENT, SLAVE MONITOR ON *.* TO `a`@`%`");
	static const char *const same[] = { "GRANT ALL PRIVILEGES ON *.* TO `a`@`%`", "GRANT `SUPER ON *.* TO ` TO `a`@`%`", "GRANT SELECT ON `SUPER`.* TO `a`@`%`",
		                            "ALTER USER `a`@`%` IDENTIFIED BY 'SUPER ON *.* TO '", "GRANT SELECT, PROCESS ON *.* TO `a`@`%`", "GRANT " };
	for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
		splits(100438, 110809, same[i], same[i]);
	splits(110409, 110809, "GRANT SUPER ON *.* TO `a`@`%`", "GRANT SUPER ON *.* TO `a`@`%`");
	splits(101119, 101119, "GRANT SUPER ON *.* TO `a`@`%`", "GRANT SUPER ON *.* TO `a`@`%`");
}

static enum status check(const char *text, const char *partial_revokes, struct error *err)
{
	struct buf b = BUF_INIT(10000);
	struct conn *c = fake_conn_new(&run, FLAVOR_MYSQL, 80400);
	buf_adds(&b, text);
	fake_conn_expect(c, "SHOW PRIVILEGES");
	fake_conn_rows(c, PRIVILEGES);
	if (partial_revokes) {
		fake_conn_expect(c, "SELECT @@GLOBAL.partial_revokes");
		fake_conn_rows(c, partial_revokes);
	}
	enum status st = load_accounts_check(&b, c, &snapshotted, err);
	conn_free(c);
	buf_free(&b);
	return st;
}

static void what_the_target_lacks_is_known_beforehand(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	buf_clear(&warnings);
	assert_int_equal(check(ROOT ";\n" ROOT ";\n", NULL, &err), ST_OK);
	assert_string_equal(buf_str(&warnings), "the target has no privilege OLD_ADMIN: accounts of the snapshot that have it will lack it\n");
	assert_int_equal(check("REVOKE SELECT ON `mysql`.* FROM `a`@`%`;\n", "v\n1\n", &err), ST_OK);
	assert_int_equal(check("REVOKE SELECT ON `mysql`.* FROM `a`@`%`;\n", "v\n0\n", &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_SEED_REFUSED);
	assert_non_null(strstr(err.message, "partial_revokes=OFF"));
}

/* The plugin of every factor. */
static void plugins_of_all_factors_are_looked_for(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT(10000);
	struct conn *c = fake_conn_new(&run, FLAVOR_MYSQL, 80400);
	buf_adds(&b, "CREATE USER `two`@`%` IDENTIFIED WITH 'p1' AS 'x' AND IDENTIFIED WITH 'p2';\n");
	fake_conn_expect_prefix(c, "SELECT COUNT(*) FROM information_schema.plugins WHERE plugin_status = 'ACTIVE' AND plugin_name = 'p1'");
	fake_conn_rows(c, "n\n1\n");
	fake_conn_expect_prefix(c, "SELECT COUNT(*) FROM information_schema.plugins WHERE plugin_status = 'ACTIVE' AND plugin_name = 'p2'");
	fake_conn_rows(c, "n\n0\n");
	assert_int_equal(load_accounts_check(&b, c, &snapshotted, &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_SEED_REFUSED);
	assert_non_null(strstr(err.message, " p2,"));
	conn_free(c);
	buf_free(&b);
}

static enum status grant(const char *sql, const char *sent, unsigned my_errno, struct error *err)
{
	struct buf b = BUF_INIT(10000);
	struct conn *c = fake_conn_new(&run, FLAVOR_MYSQL, 80400);
	buf_addf(&b, "%s;\n", sql);
	buf_clear(&warnings);
	fake_conn_expect(c, "SHOW PRIVILEGES");
	fake_conn_rows(c, PRIVILEGES);
	fake_conn_expect(c, "SELECT CURRENT_USER()");
	fake_conn_rows(c, "u\nseeder@%\n");
	fake_conn_expect(c, sent);
	if (my_errno)
		fake_conn_error(c, my_errno, "no");
	enum status st = load_accounts_grant(&b, c, &snapshotted, err);
	conn_free(c);
	buf_free(&b);
	return st;
}

static void grants_that_are_about_nothing(void **state)
{
	(void)state;
	static const unsigned absent[] = { 1049, 1054, 1146, 1147, 1305 };
	static const char on[] = "GRANT SELECT ON `gone`.`t` TO `a`@`%`", hash[] = "GRANT SELECT ON `gone`.`t` TO 'a'@'%' IDENTIFIED BY PASSWORD '*00'";
	struct error err = ERROR_INIT;
	for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++) {
		assert_int_equal(grant(on, on, absent[i], &err), ST_OK);
		assert_string_equal(buf_str(&warnings), "left out, since what it is about does not exist here: GRANT SELECT ON `gone`.`t` TO `a`@`%`\n");
	}
	assert_int_equal(grant(hash, hash, 1146, &err), ST_OK);
	assert_null(strstr(buf_str(&warnings), "*00"));
	assert_int_equal(grant(on, on, 1142, &err), ST_FAILED);
	assert_int_equal(grant("SET DEFAULT ROLE `a` TO `b`", "SET DEFAULT ROLE `a` TO `b`", 1146, &err), ST_FAILED);
	assert_int_equal(grant(ROOT, ROOT_ADAPTED, 0, &err), ST_OK);
}

/* MySQL 5.6, whose CREATE USER ... IDENTIFIED WITH has no other way to an account that is there. */
static void an_account_that_is_there_is_made_anew(void **state)
{
	(void)state;
	static const char text[] = "CREATE USER 'sha'@'%' IDENTIFIED WITH 'sha256_password' AS 'x';\nCREATE USER 'seeder'@'%' IDENTIFIED WITH 'p' AS 'y';\n";
	struct buf users = BUF_INIT(1000);
	struct error err = ERROR_INIT;
	struct conn *c = fake_conn_new(&run, FLAVOR_MYSQL, 50624);
	buf_adds(&users, text);
	fake_conn_expect(c, "SELECT CURRENT_USER()");
	fake_conn_rows(c, "u\nseeder@%\n");
	fake_conn_expect(c, "CREATE USER 'sha'@'%' IDENTIFIED WITH 'sha256_password' AS 'x'");
	fake_conn_error(c, 1396, "Operation CREATE USER failed for 'sha'@'%'");
	fake_conn_expect(c, "DROP USER 'sha'@'%'");
	fake_conn_expect(c, "CREATE USER 'sha'@'%' IDENTIFIED WITH 'sha256_password' AS 'x'");
	assert_int_equal(load_accounts_create(&users, c, &err), ST_OK);
	assert_non_null(strstr(buf_str(&warnings), "seeder@%"));
	conn_free(c);
	buf_free(&users);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(privileges_that_went_away),
		cmocka_unit_test(privileges_that_were_split),
		cmocka_unit_test(what_the_target_lacks_is_known_beforehand),
		cmocka_unit_test(plugins_of_all_factors_are_looked_for),
		cmocka_unit_test(grants_that_are_about_nothing),
		cmocka_unit_test(an_account_that_is_there_is_made_anew),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
