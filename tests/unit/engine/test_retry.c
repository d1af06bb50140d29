/* SPDX-License-Identifier: Apache-2.0 */
/* --ddl retry: is the table that a session comes to still that of the window? Asked of the server as rarely as can be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/logical/retry.h"
#include "fake_conn.h"

#define LIST "SELECT SUBSTRING_INDEX(NAME, '#', 1), TABLE_ID FROM information_schema.INNODB_TABLES"
#define WINDOW "n\ti\ns/a\t10\ns/p\t21\nS/a\t11\ns/b\t12\ns/p\t20\n"

struct fixture {
	struct run run;
	struct conn *control;
	struct session session[2];
	struct retry retry;
	struct error err;
};

static void begin(struct fixture *f)
{
	*f = (struct fixture){ .err = ERROR_INIT };
	const struct fingerprint captured = { .tables = 5, .known = true };
	assert_int_equal(run_init(&f->run, NULL, NULL, NULL, NULL), ST_OK);
	retry_init(&f->retry);
	f->control = fake_conn_new(&f->run, FLAVOR_MYSQL, 90704);
	for (unsigned i = 0; i < 2; i++) {
		pthread_mutex_init(&f->session[i].busy, NULL);
		f->session[i].c = fake_conn_new(&f->run, FLAVOR_MYSQL, 90704);
	}
	fake_conn_expect(f->control, LIST);
	fake_conn_rows(f->control, WINDOW);
	assert_int_equal(retry_remember(&f->retry, f->control, &captured, &f->err), ST_OK);
}

static void end(struct fixture *f)
{
	for (unsigned i = 0; i < 2; i++)
		session_close(&f->session[i]); /* what was expected and did not come fails the test */
	conn_free(f->control);
	retry_free(&f->retry);
	run_destroy(&f->run);
}

static void expect_count(struct conn *c, unsigned tables)
{
	char rows[64];
	snprintf(rows, sizeof rows, "v\tn\nCom_alter_table\t%u\n", tables);
	fake_conn_expect(c, "SHOW GLOBAL STATUS LIKE 'Com\\_%'");
	fake_conn_rows(c, rows);
}

static void expect_visit(struct conn *c, const char *table, unsigned tables)
{
	char sql[100];
	snprintf(sql, sizeof sql, "SAVEPOINT sw;SELECT 1 FROM `s`.`%s` LIMIT 0", table);
	fake_conn_expect(c, sql);
	expect_count(c, tables);
}

static void expect_list(struct conn *c, unsigned tables, const char *running, const char *list)
{
	expect_count(c, tables);
	fake_conn_expect_prefix(c, "SELECT LEFT(INFO, 4000) FROM information_schema.PROCESSLIST");
	fake_conn_rows(c, running);
	fake_conn_expect(c, LIST);
	fake_conn_rows(c, list);
}

static void expect_definition(struct conn *c, const char *table)
{
	char sql[64];
	snprintf(sql, sizeof sql, "SHOW CREATE TABLE `s`.`%s`", table);
	fake_conn_expect(c, sql);
	fake_conn_rows(c, "t\tc\nx\tCREATE TABLE x () AUTO_INCREMENT=8\n");
}

static enum status arrive(struct fixture *f, unsigned session, char *table)
{
	static char schema[] = "s", create[] = "CREATE TABLE x () AUTO_INCREMENT=7";
	struct table t = { .create = create };
	struct task k = { .schema = schema, .name = table, .table = &t };
	return retry_arrive(&f->retry, &f->session[session], &k, &f->err);
}

static void nothing_is_asked_while_no_ddl_has_run(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f);
	expect_visit(f.session[0].c, "a", 5);
	assert_int_equal(arrive(&f, 0, "a"), ST_OK);
	end(&f);
}

static void one_look_serves_all_sessions_until_the_next_ddl(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f);
	for (unsigned round = 6; round < 8; round++) {
		expect_visit(f.session[0].c, "a", round);
		expect_list(f.session[0].c, round, "i\nSELECT 1\n", "n\ti\ns/p\t20\ns/b\t99\ns/a\t10\ns/p\t21\n");
		expect_definition(f.session[0].c, "a");
		assert_int_equal(arrive(&f, 0, "a"), ST_OK);
		expect_visit(f.session[1].c, "p", round);
		expect_definition(f.session[1].c, "p");
		assert_int_equal(arrive(&f, 1, "p"), ST_OK);
	}
	expect_visit(f.session[1].c, "b", 7); /* another table has its name */
	assert_int_equal(arrive(&f, 1, "b"), ST_RETRY);
	assert_string_equal(f.err.message, "a DDL hit table `s`.`b` before it was read");
	end(&f);
}

static void while_a_ddl_runs_each_table_is_looked_for(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f);
	for (unsigned i = 0; i < 2; i++) {
		expect_visit(f.session[i].c, "a", 6);
		expect_list(f.session[i].c, 6, "i\nALTER TABLE s.b FORCE\n", i ? "n\ti\ns/a\t77\n" : WINDOW);
	}
	expect_definition(f.session[0].c, "a");
	assert_int_equal(arrive(&f, 0, "a"), ST_OK);
	assert_int_equal(arrive(&f, 1, "a"), ST_RETRY);
	end(&f);
}

static void a_table_that_is_gone_or_has_an_odd_name_is_not_taken_for_the_same(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f);
	expect_visit(f.session[0].c, "b", 6);
	expect_list(f.session[0].c, 6, "i\n", "n\ti\ns/a\t10\n");
	assert_int_equal(arrive(&f, 0, "b"), ST_RETRY);
	expect_visit(f.session[1].c, "o-d", 6);
	assert_int_equal(arrive(&f, 1, "o-d"), ST_RETRY);
	end(&f);
}

/* What a look that failed has left is not believed. */
static void a_look_that_fails_is_done_again(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f);
	expect_visit(f.session[0].c, "a", 6);
	expect_list(f.session[0].c, 6, "i\n", "n\ti\ns/b\t12\n");
	fake_conn_error(f.session[0].c, 1205, "Lock wait timeout exceeded");
	assert_int_equal(arrive(&f, 0, "a"), ST_RETRY);
	assert_int_equal(f.err.my_errno, 1205);
	expect_visit(f.session[1].c, "a", 6);
	expect_list(f.session[1].c, 6, "i\n", WINDOW);
	expect_definition(f.session[1].c, "a");
	assert_int_equal(arrive(&f, 1, "a"), ST_OK);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_asked_while_no_ddl_has_run),
		cmocka_unit_test(one_look_serves_all_sessions_until_the_next_ddl),
		cmocka_unit_test(while_a_ddl_runs_each_table_is_looked_for),
		cmocka_unit_test(a_table_that_is_gone_or_has_an_odd_name_is_not_taken_for_the_same),
		cmocka_unit_test(a_look_that_fails_is_done_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
