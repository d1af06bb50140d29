/* SPDX-License-Identifier: Apache-2.0 */
/* What is said inside the window, word by word: the applier waits for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/logical/logical.h"
#include "engine/logical/touch.h"
#include "fake_conn.h"
#include "tables.h"

#define STATUS "SHOW GLOBAL STATUS LIKE 'Com\\_%'"
#define BEGIN "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"

static const struct a_column one_int[] = { COL("id", "int") };

struct fixture {
	struct logical l;
	struct session session[2];
	struct engine_options eo;
	struct checkpoint cp;
	struct error err;
};

static void begin(struct fixture *f, enum flavor flavor, unsigned version, enum logical_locks locks)
{
	*f = (struct fixture){ .eo = { .threads = 2, .chunk_bytes = 1 << 20, .zstd_level = 1 } };
	struct logical *l = &f->l;
	assert_int_equal(run_init(&l->run, NULL, NULL, NULL, NULL), ST_OK);
	l->eo = &f->eo;
	l->session = f->session;
	l->nsessions = 2;
	l->attempt = 1;
	l->locks = locks;
	l->settled = true;
	l->listed.known = true;
	l->slave_info = l->binlog_info = BUF_INIT(10000);
	l->control = fake_conn_new(&l->run, flavor, version);
	l->lock = fake_conn_new(&l->run, flavor, version);
	l->copier = fake_conn_new(&l->run, flavor, version);
	for (unsigned i = 0; i < 2; i++) {
		pthread_mutex_init(&f->session[i].busy, NULL);
		f->session[i].index = i;
		f->session[i].c = fake_conn_new(&l->run, flavor, version);
	}
	inventory_init(&l->inv);
	inventory_init(&l->window);
	copy_init(&l->copy);
	f->cp.server = l->control->server;
}

static void end(struct fixture *f)
{
	struct logical *l = &f->l;
	for (unsigned i = 0; i < 2; i++)
		session_close(&f->session[i]);
	conn_free(l->control);
	conn_free(l->lock);
	conn_free(l->copier);
	plan_free(&l->plan);
	copy_clear(&l->copy);
	inventory_clear(&l->inv);
	inventory_clear(&l->window);
	buf_free(&l->slave_info);
	buf_free(&l->binlog_info);
	run_destroy(&l->run);
}

static struct table *add(struct fixture *f, const char *name, uint64_t bytes)
{
	struct table *t = a_table(&f->l.inv, "s", name, one_int, 1);
	a_key(t, "PRIMARY", 0, 1);
	t->bytes = bytes;
	return t;
}

static void expect_status(struct fixture *f, const char *rows)
{
	fake_conn_expect(f->l.control, STATUS);
	fake_conn_rows(f->l.control, rows);
}

static void mysql8_takes_the_backup_lock_and_nothing_else(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f, FLAVOR_MYSQL, 90704, LOCKS_BACKUP);
	add(&f, "t", 1000);
	fake_conn_expect(f.l.lock, "SET SESSION wait_timeout = 120");
	fake_conn_expect(f.l.lock, "LOCK INSTANCE FOR BACKUP");
	fake_conn_expect(f.session[0].c, BEGIN);
	fake_conn_expect(f.session[1].c, BEGIN);
	expect_status(&f, "n\tv\nCom_alter_table\t7\n");
	f.l.listed.tables = 7;
	assert_int_equal(capture_run(&f.l, &f.cp, &f.err), ST_OK);
	assert_false(f.l.changed);
	assert_true(f.l.lock_held);
	/* called again in the same stillness: everything before is dropped */
	fake_conn_expect(f.session[0].c, "ROLLBACK");
	fake_conn_expect(f.session[1].c, "ROLLBACK");
	fake_conn_expect(f.l.lock, "UNLOCK INSTANCE");
	fake_conn_expect(f.l.lock, "SET SESSION wait_timeout = 120");
	fake_conn_expect(f.l.lock, "LOCK INSTANCE FOR BACKUP");
	fake_conn_expect(f.session[0].c, BEGIN);
	fake_conn_expect(f.session[1].c, BEGIN);
	expect_status(&f, "n\tv\nCom_alter_table\t7\n");
	assert_int_equal(capture_run(&f.l, &f.cp, &f.err), ST_OK);
	end(&f);
}

static void a_running_ddl_keeps_the_backup_lock_away(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f, FLAVOR_MYSQL, 90704, LOCKS_BACKUP);
	fake_conn_expect(f.l.lock, "SET SESSION wait_timeout = 120");
	fake_conn_expect(f.l.lock, "LOCK INSTANCE FOR BACKUP");
	fake_conn_error(f.l.lock, 1205, "Lock wait timeout exceeded");
	assert_int_equal(capture_run(&f.l, &f.cp, &f.err), ST_RETRY); /* please call again */
	assert_false(f.l.lock_held);
	end(&f);
}

static void elsewhere_every_table_is_touched_last_read_first(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f, FLAVOR_MARIADB, 101119, LOCKS_METADATA);
	add(&f, "big", 100 << 20);
	add(&f, "mid", 1000000);
	add(&f, "sm`all", 500000);
	add(&f, "tiny", 10);
	fake_conn_expect(f.session[0].c, BEGIN);
	fake_conn_expect(f.session[1].c, BEGIN);
	expect_status(&f, "n\tv\nCom_alter_table\t7\n");
	f.l.listed.tables = 7;
	/* reading order of session 0: mid, then the shared one; locks in reverse */
	fake_conn_expect(f.session[0].c, "SAVEPOINT sw1;SELECT 1 FROM `s`.`big` LIMIT 0;SAVEPOINT sw0;SELECT 1 FROM `s`.`mid` LIMIT 0");
	fake_conn_expect(f.session[1].c, "SAVEPOINT sw2;SELECT 1 FROM `s`.`big` LIMIT 0;SAVEPOINT sw1;SELECT 1 FROM `s`.`tiny` LIMIT 0;"
	                                 "SAVEPOINT sw0;SELECT 1 FROM `s`.`sm``all` LIMIT 0");
	assert_int_equal(capture_run(&f.l, &f.cp, &f.err), ST_OK);
	assert_true(f.l.touched);
	/* done with it: its lock and no other is given up */
	fake_conn_expect(f.session[0].c, "ROLLBACK TO SAVEPOINT sw0");
	assert_int_equal(session_release(&f.session[0], &f.l.plan, 0, &f.err), ST_OK);
	end(&f);
}

/* The order in which the session will take the locks, on a connection that keeps none; where it goes on when some are taken. */
static void a_scout_opens_what_comes_next(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f, FLAVOR_MARIADB, 101119, LOCKS_METADATA);
	add(&f, "a", 300);
	add(&f, "b", 200);
	add(&f, "c", 100);
	assert_int_equal(plan_build(&f.l.plan, &f.l.inv, &f.l.inv, 1, 1 << 20, NULL), ST_OK);
	fake_conn_expect(f.l.copier, "SELECT 1 FROM `s`.`c` LIMIT 0;SELECT 1 FROM `s`.`b` LIMIT 0");
	assert_int_equal(session_scout(&f.session[0], f.l.copier, &f.l.plan, 2, &f.err), ST_OK);
	fake_conn_expect(f.session[0].c, "SAVEPOINT sw2;SELECT 1 FROM `s`.`c` LIMIT 0;SAVEPOINT sw1;SELECT 1 FROM `s`.`b` LIMIT 0");
	assert_int_equal(session_touch(&f.session[0], &f.l.plan, 2, &f.err), ST_OK);
	fake_conn_expect(f.l.copier, "SELECT 1 FROM `s`.`a` LIMIT 0");
	assert_int_equal(session_scout(&f.session[0], f.l.copier, &f.l.plan, 2, &f.err), ST_OK);
	end(&f);
}

/* Some at a time behind the window: it is over when the last session has its last one, and no sooner. */
static void all_are_locked_in_the_end(void **state)
{
	(void)state;
	struct fixture f;
	bool done = true;
	begin(&f, FLAVOR_MARIADB, 101119, LOCKS_METADATA);
	add(&f, "a", 300);
	add(&f, "b", 200);
	add(&f, "c", 100);
	assert_int_equal(plan_build(&f.l.plan, &f.l.inv, &f.l.inv, 2, 1 << 20, NULL), ST_OK);
	assert_int_equal(f.l.plan.session[0].n + f.l.plan.session[1].n, 3);
	fake_conn_expect_prefix(f.session[0].c, "SAVEPOINT");
	fake_conn_expect_prefix(f.session[1].c, "SAVEPOINT");
	assert_int_equal(touch_some(f.session, 2, &f.l.plan, 1, &done, &f.err), ST_OK);
	assert_false(done);
	fake_conn_expect_prefix(f.session[f.session[0].untouched ? 0 : 1].c, "SAVEPOINT");
	assert_int_equal(touch_some(f.session, 2, &f.l.plan, 1, &done, &f.err), ST_OK);
	assert_true(done);
	end(&f);
}

/* Very many are locked behind the window; after a DDL in it only where that has been quick. */
static void many_tables_are_not_locked_in_the_window(void **state)
{
	(void)state;
	struct logical l = { .plan.n = 1000, .attempt = 1 };
	assert_false(capture_touches_later(&l));
	l.plan.n = 1001;
	assert_true(capture_touches_later(&l));
	l.attempt = 2;
	l.touch_ms = 1500;
	assert_false(capture_touches_later(&l));
	l.touch_ms = 15000;
	assert_true(capture_touches_later(&l));
}

static void retry_takes_no_lock(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f, FLAVOR_MYSQL, 50624, LOCKS_NONE);
	add(&f, "t", 1000);
	fake_conn_expect(f.session[0].c, BEGIN);
	fake_conn_expect(f.session[1].c, BEGIN);
	expect_status(&f, "n\tv\nCom_alter_table\t7\n");
	f.l.listed.tables = 7;
	assert_int_equal(capture_run(&f.l, &f.cp, &f.err), ST_OK);
	assert_false(f.l.touched);
	end(&f);
}

static void a_ddl_since_prepare_makes_it_list_again(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f, FLAVOR_MARIADB, 101119, LOCKS_METADATA);
	add(&f, "kept", 1000);
	add(&f, "dropped", 1000);
	fake_conn_expect(f.session[0].c, BEGIN);
	fake_conn_expect(f.session[1].c, BEGIN);
	expect_status(&f, "n\tv\nCom_alter_table\t8\n");
	f.l.listed.tables = 7;
	fake_conn_expect_prefix(f.l.control, "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, ENGINE, 0, 0, '',");
	fake_conn_rows(f.l.control, "s\tt\ty\te\tr\tb\tc\tp\ns\tkept\tBASE TABLE\tInnoDB\t0\t0\t\t0\ns\tfresh\tBASE TABLE\tInnoDB\t0\t0\t\t1\ns\tv\tVIEW\t\\N\t0\t0\t\t\\N\n");
	fake_conn_expect(f.session[0].c, "SAVEPOINT sw0;SELECT 1 FROM `s`.`kept` LIMIT 0");
	fake_conn_expect(f.session[1].c, "SAVEPOINT sw0;SELECT 1 FROM `s`.`fresh` LIMIT 0");
	assert_int_equal(capture_run(&f.l, &f.cp, &f.err), ST_OK);
	assert_true(f.l.changed);
	end(&f);
}

static void a_list_that_was_never_settled_proves_nothing(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f, FLAVOR_MYSQL, 90704, LOCKS_BACKUP);
	f.l.settled = false;
	fake_conn_expect(f.l.lock, "SET SESSION wait_timeout = 120");
	fake_conn_expect(f.l.lock, "LOCK INSTANCE FOR BACKUP");
	fake_conn_expect(f.session[0].c, BEGIN);
	fake_conn_expect(f.session[1].c, BEGIN);
	expect_status(&f, "n\tv\nCom_alter_table\t7\n");
	f.l.listed.tables = 7;
	fake_conn_expect_prefix(f.l.control, "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, ENGINE, 0, 0, '',");
	fake_conn_rows(f.l.control, "s\tt\ty\te\tr\tb\tc\tp\n");
	assert_int_equal(capture_run(&f.l, &f.cp, &f.err), ST_OK);
	assert_true(f.l.changed);
	end(&f);
}

static void a_server_without_counters_proves_nothing(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f, FLAVOR_MYSQL, 90704, LOCKS_BACKUP);
	f.l.listed.known = false;
	fake_conn_expect(f.l.lock, "SET SESSION wait_timeout = 120");
	fake_conn_expect(f.l.lock, "LOCK INSTANCE FOR BACKUP");
	fake_conn_expect(f.session[0].c, BEGIN);
	fake_conn_expect(f.session[1].c, BEGIN);
	expect_status(&f, "n\tv\n");
	fake_conn_expect_prefix(f.l.control, "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, ENGINE, 0, 0, '',");
	fake_conn_rows(f.l.control, "s\tt\ty\te\tr\tb\tc\tp\n");
	assert_int_equal(capture_run(&f.l, &f.cp, &f.err), ST_OK);
	assert_true(f.l.changed);
	end(&f);
}

static void a_table_dropped_under_our_hands(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f, FLAVOR_MYSQL, 50624, LOCKS_METADATA);
	add(&f, "t", 1000);
	fake_conn_expect(f.session[0].c, BEGIN);
	fake_conn_expect(f.session[1].c, BEGIN);
	expect_status(&f, "n\tv\nCom_alter_table\t7\n");
	f.l.listed.tables = 7;
	fake_conn_expect_prefix(f.session[0].c, "SAVEPOINT sw0");
	fake_conn_error(f.session[0].c, 1146, "Table 's.t' doesn't exist");
	assert_int_equal(capture_run(&f.l, &f.cp, &f.err), ST_RETRY);
	assert_int_equal(f.err.kind, ERR_INCONSISTENT);
	end(&f);
}

static void a_snapshot_that_is_none(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f, FLAVOR_MYSQL, 50624, LOCKS_METADATA);
	fake_conn_expect(f.session[0].c, BEGIN);
	fake_conn_warnings(f.session[0].c, 1);
	fake_conn_expect_prefix(f.session[0].c, "SHOW WARNINGS");
	fake_conn_rows(f.session[0].c, "Level\tCode\tMessage\nWarning\t138\tInnoDB: WITH CONSISTENT SNAPSHOT was ignored\n");
	assert_int_equal(capture_run(&f.l, &f.cp, &f.err), ST_FAILED);
	assert_int_equal(f.err.kind, ERR_INCONSISTENT);
	end(&f);
}

static void tables_without_mvcc_are_read_at_once(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f, FLAVOR_MYSQL, 90704, LOCKS_BACKUP);
	add(&f, "innodb", 1000);
	add(&f, "myisam", 1000)->how = ROWS_COPIED;
	add(&f, "merge", 1000)->how = ROWS_NONE;
	fake_conn_expect(f.l.lock, "SET SESSION wait_timeout = 120");
	fake_conn_expect(f.l.lock, "LOCK INSTANCE FOR BACKUP");
	fake_conn_expect(f.session[0].c, BEGIN);
	fake_conn_expect(f.session[1].c, BEGIN);
	expect_status(&f, "n\tv\nCom_alter_table\t0\n");
	fake_conn_expect(f.l.copier, "SELECT /*!40001 SQL_NO_CACHE */ `id` FROM `s`.`myisam`");
	fake_conn_rows(f.l.copier, "id\n1\n2\n");
	assert_int_equal(capture_run(&f.l, &f.cp, &f.err), ST_OK);
	assert_int_equal(f.l.copy.tables, 1);
	assert_int_equal(f.l.copy.totals.rows, 2);
	assert_int_equal(f.l.copy.n, 1);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mysql8_takes_the_backup_lock_and_nothing_else),
		cmocka_unit_test(a_running_ddl_keeps_the_backup_lock_away),
		cmocka_unit_test(elsewhere_every_table_is_touched_last_read_first),
		cmocka_unit_test(a_scout_opens_what_comes_next),
		cmocka_unit_test(all_are_locked_in_the_end),
		cmocka_unit_test(many_tables_are_not_locked_in_the_window),
		cmocka_unit_test(retry_takes_no_lock),
		cmocka_unit_test(a_ddl_since_prepare_makes_it_list_again),
		cmocka_unit_test(a_list_that_was_never_settled_proves_nothing),
		cmocka_unit_test(a_server_without_counters_proves_nothing),
		cmocka_unit_test(a_table_dropped_under_our_hands),
		cmocka_unit_test(a_snapshot_that_is_none),
		cmocka_unit_test(tables_without_mvcc_are_read_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
