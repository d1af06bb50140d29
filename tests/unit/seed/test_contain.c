/* SPDX-License-Identifier: Apache-2.0 */
/* Can a source continue where the snapshot stands? From literal GTID sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "seed/contain.h"
#include "seed/versions.h"
#include "seed/watch.h"

#define A "3e11fa47-71ca-11e1-9e33-c80aa9429562"
#define B "3e11fa47-71ca-11e1-9e33-c80aa9429563"
#define R "aaaaaaaa-71ca-11e1-9e33-c80aa9429563"

static void refused(enum status st, const struct error *err, const char *part)
{
	assert_int_equal(st, ST_FAILED);
	assert_int_equal(err->kind, ERR_SEED_REFUSED);
	assert_true(err->hint[0]);
	if (!strstr(err->message, part))
		fail_msg("'%s' lacks '%s'", err->message, part);
}

static void test_mysql_can_go_on(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	struct seed_contain_source s = { .name = "db1:3306", .executed = A ":1-500", .purged = A ":1-90" };
	assert_int_equal(seed_contain_mysql(A ":1-100", &s, 1, true, &err), ST_OK);
	/* purged up to the very transaction the snapshot ends in */
	s.purged = A ":1-100";
	assert_int_equal(seed_contain_mysql(A ":1-100", &s, 1, true, &err), ST_OK);
	assert_int_equal(seed_contain_mysql("", &(struct seed_contain_source){ .name = "n", .executed = A ":1-5", .purged = "" }, 1, true, &err), ST_OK);
}

static void test_mysql_purged(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	struct seed_contain_source s = { .name = "db1:3306", .executed = A ":1-500", .purged = A ":1-103" };
	refused(seed_contain_mysql(A ":1-100", &s, 1, true, &err), &err, "db1:3306 has purged 3 transactions that the snapshot lacks: " A ":101-103");
	/* a hole in the snapshot's own set */
	s.purged = A ":1-50";
	refused(seed_contain_mysql(A ":1-40:42-100", &s, 1, true, &err), &err, A ":41");
}

static void test_mysql_errant(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	struct seed_contain_source s = { .name = "db1:3306", .executed = A ":1-500", .purged = "" };
	refused(seed_contain_mysql(A ":1-100," R ":1-2", &s, 1, true, &err), &err, "2 transactions that the source does not have: " R ":1-2");
	/* the source is behind */
	refused(seed_contain_mysql(A ":1-501", &s, 1, true, &err), &err, A ":501");
	/* tags are parts of a GTID */
	s.executed = A ":1-500:tag:1-7";
	assert_int_equal(seed_contain_mysql(A ":1-100:tag:1-7", &s, 1, true, &err), ST_OK);
	refused(seed_contain_mysql(A ":1-100:tag:1-8", &s, 1, true, &err), &err, A ":tag:8");
	/* GTIDs that were given on the replica itself can be in no source */
	assert_int_equal(seed_contain_mysql(A ":1-100," R ":1-2", &s, 1, false, &err), ST_OK);
}

static void test_mysql_several_sources(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	struct seed_contain_source s[] = { { .name = "one", .executed = A ":1-500", .purged = "" }, { .name = "two", .executed = B ":1-50", .purged = B ":1-9" } };
	assert_int_equal(seed_contain_mysql(A ":1-100," B ":1-20", s, 2, true, &err), ST_OK);
	refused(seed_contain_mysql(A ":1-100," B ":1-20", s, 1, true, &err), &err, B ":1-20");
	refused(seed_contain_mysql(A ":1-100," B ":1-8", s, 2, true, &err), &err, "two has purged 1 transactions");
	refused(seed_contain_mysql(A ":1-100," B ":1-60", s, 2, true, &err), &err, "sources do not have: " B ":51-60");
}

static void test_mariadb(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	struct seed_contain_source s = { .name = "m", .executed = "0-1-500,1-1-70", .state = "0-1-500,0-2-200,1-1-70", .purged = "0-1-90,1-1-20" };
	assert_int_equal(seed_contain_mariadb("0-1-100,1-1-30", &s, 1, &err), ST_OK);
	assert_int_equal(seed_contain_mariadb("0-1-90,1-1-20", &s, 1, &err), ST_OK);
	/* a former source's GTID that it has logged */
	assert_int_equal(seed_contain_mariadb("0-2-150,1-1-30", &s, 1, &err), ST_OK);
	assert_int_equal(seed_contain_mariadb("0-2-200,1-1-70", &s, 1, &err), ST_OK);
	refused(seed_contain_mariadb("0-2-201,1-1-70", &s, 1, &err), &err, "0-2-201");
	/* a domain of another source */
	assert_int_equal(seed_contain_mariadb("0-1-100,1-1-30,7-9-5", &s, 1, &err), ST_OK);
	refused(seed_contain_mariadb("0-1-89,1-1-30", &s, 1, &err), &err, "begins after 0-1-90");
	refused(seed_contain_mariadb("0-1-100", &s, 1, &err), &err, "begins after 1-1-20");
	refused(seed_contain_mariadb("0-1-501,1-1-30", &s, 1, &err), &err, "0-1-501, which is not in the binary log of source m");
	/* a number that was reached, but by another server */
	refused(seed_contain_mariadb("0-3-100,1-1-30", &s, 1, &err), &err, "0-3-100");
	/* what cannot be asked is not held against it */
	s.purged = NULL;
	assert_int_equal(seed_contain_mariadb("0-1-1", &s, 1, &err), ST_OK);
	/* a fresh source without a transaction */
	assert_int_equal(seed_contain_mariadb("", &(struct seed_contain_source){ .name = "e", .state = "", .purged = NULL }, 1, &err), ST_OK);
}

static void test_backlog(void **state)
{
	(void)state;
	assert_int_equal(seed_contain_backlog(A ":1-100", A ":1-150," B ":1-7", false), 57);
	assert_int_equal(seed_contain_backlog(A ":1-100", A ":1-90", false), 0);
	assert_int_equal(seed_contain_backlog("0-1-100,2-1-9", "0-1-150,1-1-7,2-1-5", true), 57);
	assert_int_equal(seed_contain_backlog(NULL, A ":1", false), 0);
}

static void version(enum flavor flavor, unsigned from, unsigned target, bool fine)
{
	struct error err = ERROR_INIT;
	struct server_info f = { .flavor = flavor, .version = from, .version_text = "f" }, t = { .flavor = flavor, .version = target, .version_text = "t" };
	enum status st = seed_versions_check(&f, "the snapshotted server", &t, &err);
	if ((st == ST_OK) != fine)
		fail_msg("%u -> %u: %s", from, target, err.message);
	if (!fine)
		refused(st, &err, "the target");
}

static void test_versions(void **state)
{
	(void)state;
	version(FLAVOR_MYSQL, 50624, 50624, true);
	version(FLAVOR_MYSQL, 50624, 50744, true);
	version(FLAVOR_MYSQL, 50744, 80040, true);
	version(FLAVOR_MYSQL, 80040, 80403, true);
	version(FLAVOR_MYSQL, 80100, 80403, true);
	version(FLAVOR_MYSQL, 80403, 90704, true);
	version(FLAVOR_MYSQL, 90100, 90704, true);
	version(FLAVOR_MYSQL, 80040, 80035, true); /* within a minor */
	version(FLAVOR_MYSQL, 90704, 90100, false);
	version(FLAVOR_MYSQL, 80403, 80200, false);
	version(FLAVOR_MYSQL, 50624, 80040, false);
	version(FLAVOR_MYSQL, 50624, 90704, false);
	version(FLAVOR_MYSQL, 80040, 90704, false);
	version(FLAVOR_MYSQL, 50744, 80100, false); /* a series begins with its first release */
	version(FLAVOR_MYSQL, 80040, 80100, true);
	version(FLAVOR_MYSQL, 80040, 90000, false);
	version(FLAVOR_MYSQL, 90704, 80403, false);
	version(FLAVOR_MYSQL, 80403, 80040, false);
	version(FLAVOR_MARIADB, 101119, 101119, true);
	version(FLAVOR_MARIADB, 100600, 110402, true);
	version(FLAVOR_MARIADB, 110402, 101119, false);
	struct error err = ERROR_INIT;
	struct server_info m = { .flavor = FLAVOR_MYSQL, .version = 80040 }, x = { .flavor = FLAVOR_MARIADB, .version = 101119 };
	refused(seed_versions_check(&m, "the snapshotted server", &x, &err), &err, "the target is MariaDB, the snapshotted server is MySQL");
}

static void judge(struct seed_look look, int64_t since, bool fine, const char *part)
{
	struct error err = ERROR_INIT;
	look.seen = true;
	enum status st = seed_watch_judge(&look, "ch", since, 30000, &err);
	if ((st == ST_OK) != fine)
		fail_msg("%s", err.message);
	if (fine)
		return;
	assert_int_equal(err.kind, ERR_NOT_PROVEN);
	assert_true(err.hint[0]);
	if (!strstr(err.message, part) && !strstr(err.hint, part))
		fail_msg("'%s' (%s) lacks '%s'", err.message, err.hint, part);
}

static void test_judge(void **state)
{
	(void)state;
	judge((struct seed_look){ .io = true, .sql = true }, 100000, true, "");
	judge((struct seed_look){ .io_connecting = true, .sql = true }, 100, true, "");
	judge((struct seed_look){ .io_connecting = true, .sql = true, .io_errno = 2003, .io_error = "cannot connect" }, 100, true, "");
	judge((struct seed_look){ .io_connecting = true, .sql = true, .io_errno = 2003, .io_error = "cannot connect" }, 30001, false, "2003");
	judge((struct seed_look){ .io_connecting = true, .sql = true, .io_errno = 2061, .io_error = "x" }, 30001, false, "--source-public-key");
	judge((struct seed_look){ .io = false, .sql = true, .io_errno = 1236, .io_error = "purged" }, 1, false, "purged");
	judge((struct seed_look){ .io = false, .sql = true, .io_errno = 13117, .io_error = "equal" }, 1, false, "server_uuid");
	/* A receiver that goes on trying is not waited for where trying cannot help. */
	judge((struct seed_look){ .io_connecting = true, .sql = true, .io_errno = 1236, .io_error = "purged" }, 1, false, "purged");
	judge((struct seed_look){ .io_connecting = true, .sql = true, .io_errno = 1593, .io_error = "equal" }, 1, false, "server_uuid");
	judge((struct seed_look){ .io_connecting = true, .sql = true, .io_errno = 13117, .io_error = "equal" }, 1, false, "server_uuid");
	judge((struct seed_look){ .io = true, .sql = false, .sql_errno = 1062, .sql_error = "dup" }, 1, false, "do not belong together");
	judge((struct seed_look){ .io = true, .sql = false, .sql_errno = 1396, .sql_error = "no user" }, 1, false, "--no-users");
	judge((struct seed_look){ .io = true, .sql = false }, 1, true, "");
	judge((struct seed_look){ .io = true, .sql = false }, 30001, false, "the applier does not run");
	struct error err = ERROR_INIT;
	assert_int_equal(seed_watch_judge(&(struct seed_look){ .seen = false }, "", 0, 1, &err), ST_FAILED);
}

static void test_positions(void **state)
{
	(void)state;
	assert_true(seed_watch_compare("binlog.000009", 4, "binlog.000010", 4) < 0);
	assert_true(seed_watch_compare("binlog.999999", 900, "binlog.1000000", 4) < 0);
	assert_true(seed_watch_compare("b.c.000010", 5, "b.c.000010", 4) > 0);
	assert_int_equal(seed_watch_compare("b.000010", 4, "b.000010", 4), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mysql_can_go_on),      cmocka_unit_test(test_mysql_purged), cmocka_unit_test(test_mysql_errant),
		cmocka_unit_test(test_mysql_several_sources), cmocka_unit_test(test_mariadb),      cmocka_unit_test(test_backlog),
		cmocka_unit_test(test_versions),             cmocka_unit_test(test_judge),        cmocka_unit_test(test_positions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
