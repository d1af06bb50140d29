/* SPDX-License-Identifier: Apache-2.0 */
/* Definitions, read by several sessions at once: each reads its own tables, and the first that fails ends it for all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/logical/abreast.h"
#include "engine/logical/define.h"
#include "fake_conn.h"
#include "tables.h"

enum { SESSIONS = 3, MANY = 3 * ABREAST_ALONE };

#define TRIGGERS "SELECT TRIGGER_SCHEMA"

static const struct a_column one_int[] = { COL("id", "int") };

struct fixture {
	struct run run;
	struct inventory inv;
	struct session session[SESSIONS];
	struct conn *control;
	struct engine_options eo;
	struct error err;
};

static void begin_on(struct fixture *f, unsigned tables, unsigned version)
{
	*f = (struct fixture){ .err = ERROR_INIT };
	char name[16];
	assert_int_equal(run_init(&f->run, NULL, NULL, NULL, NULL), ST_OK);
	inventory_init(&f->inv);
	for (unsigned i = 0; i < tables; i++) {
		snprintf(name, sizeof name, "t%u", i);
		a_table(&f->inv, "s", name, one_int, 1)->reader = i;
	}
	f->control = fake_conn_new(&f->run, FLAVOR_MYSQL, version);
	for (unsigned i = 0; i < SESSIONS; i++) {
		pthread_mutex_init(&f->session[i].busy, NULL);
		f->session[i].index = i;
		f->session[i].c = fake_conn_new(&f->run, FLAVOR_MYSQL, version);
	}
}

static void begin(struct fixture *f, unsigned tables)
{
	begin_on(f, tables, 50624);
}

static void expect_text(struct fixture *f, unsigned session)
{
	fake_conn_expect(f->session[session].c, "SET character_set_results = utf8mb4");
}

static void end(struct fixture *f)
{
	for (unsigned i = 0; i < SESSIONS; i++)
		session_close(&f->session[i]); /* what was expected and did not come fails the test */
	conn_free(f->control);
	inventory_clear(&f->inv);
	run_destroy(&f->run);
}

static enum status define(struct fixture *f)
{
	return define_run(&f->inv, f->control, f->session, SESSIONS, &f->eo, &f->err);
}

static void expect_table(struct fixture *f, unsigned session, unsigned table)
{
	char sql[64], rows[200];
	snprintf(sql, sizeof sql, "SHOW CREATE TABLE `s`.`t%u`", table);
	snprintf(rows, sizeof rows, "Table\tCreate Table\nt%u\tCREATE TABLE `t%u` (...)\n", table, table);
	fake_conn_expect(f->session[session].c, sql);
	fake_conn_rows(f->session[session].c, rows);
}

static void expect_share(struct fixture *f, unsigned session, unsigned tables)
{
	expect_text(f, session);
	for (unsigned i = session; i < tables; i += SESSIONS)
		expect_table(f, session, i);
	fake_conn_expect(f->session[session].c, "SET character_set_results = binary");
}

static void many_tables_are_dealt_out(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f, MANY);
	for (unsigned i = 0; i < SESSIONS; i++)
		expect_share(&f, i, MANY);
	fake_conn_expect_prefix(f.control, TRIGGERS);
	assert_int_equal(define(&f), ST_OK);
	for (unsigned i = 0; i < MANY; i++) {
		char sql[64];
		snprintf(sql, sizeof sql, "CREATE TABLE `t%u` (...)", i);
		assert_string_equal(f.inv.table[i].create, sql);
		assert_int_equal(f.inv.table[i].create_len, strlen(sql));
	}
	end(&f);
}

/* Asked for text they would make question marks of characters of four bytes in expressions. */
static void newer_servers_tell_bytes(void **state)
{
	(void)state;
	struct fixture f;
	begin_on(&f, SESSIONS, 80000);
	for (unsigned i = 0; i < SESSIONS; i++)
		expect_table(&f, i, i);
	fake_conn_expect_prefix(f.control, TRIGGERS);
	assert_int_equal(define(&f), ST_OK);
	end(&f);
}

static void who_holds_the_lock_reads_views_and_gone_tables_are_left(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f, 4);
	f.inv.table[0].reader = 2; /* as plan_bind says */
	f.inv.table[1].view = true;
	f.inv.table[2].gone = true;
	f.inv.table[3].reader = 2;
	for (unsigned i = 0; i < SESSIONS; i++) {
		expect_text(&f, i);
		if (i == 2) {
			expect_table(&f, 2, 0);
			expect_table(&f, 2, 3);
		}
		fake_conn_expect(f.session[i].c, "SET character_set_results = binary");
	}
	fake_conn_expect_prefix(f.control, TRIGGERS);
	assert_int_equal(define(&f), ST_OK);
	assert_null(f.inv.table[1].create);
	assert_null(f.inv.table[2].create);
	end(&f);
}

static void the_first_that_fails_is_told(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f, 3);
	expect_share(&f, 0, 3);
	expect_text(&f, 1);
	fake_conn_expect(f.session[1].c, "SHOW CREATE TABLE `s`.`t1`");
	fake_conn_error(f.session[1].c, 1146, "Table 's.t1' doesn't exist");
	assert_int_equal(define(&f), ST_FAILED);
	assert_int_equal(f.err.my_errno, 1146); /* and the third session is not asked any more */
	end(&f);
}

static void cancel(void *run)
{
	run_cancel(run, 2);
}

static void a_cancel_ends_all_of_them(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f, MANY);
	for (unsigned i = 0; i < SESSIONS; i++) {
		expect_text(&f, i);
		fake_conn_when(f.session[i].c, cancel, &f.run); /* whichever comes first */
		fake_conn_any_times(f.session[i].c);
	}
	assert_int_equal(define(&f), ST_FAILED);
	assert_int_equal(f.err.kind, ERR_INTERRUPTED);
	end(&f);
}

static void a_general_tablespace_is_refused(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f, 3);
	for (unsigned i = 0; i < SESSIONS; i++) {
		static const char *const space[] = { "ts1", "innodb_system", "innodb_file_per_table" };
		char sql[64], rows[200];
		expect_text(&f, i);
		snprintf(sql, sizeof sql, "SHOW CREATE TABLE `s`.`t%u`", i);
		snprintf(rows, sizeof rows, "Table\tCreate Table\nt\tCREATE TABLE `t` (`id` int) /*!50100 TABLESPACE `%s` */ ENGINE=InnoDB\n", space[i]);
		fake_conn_expect(f.session[i].c, sql);
		fake_conn_rows(f.session[i].c, rows);
		fake_conn_expect(f.session[i].c, "SET character_set_results = binary");
	}
	fake_conn_expect_prefix(f.control, TRIGGERS);
	assert_int_equal(define(&f), ST_OK);
	assert_int_equal(f.inv.refused.n, 1);
	assert_string_equal(f.inv.refused.item[0], "`s`.`t0`: it lies in a general tablespace, which is not carried over");
	end(&f);
}

static void list_objects(unsigned version, bool libraries)
{
	struct run run;
	struct inventory inv;
	struct engine_options eo = { .users = false };
	struct error err = ERROR_INIT;
	assert_int_equal(run_init(&run, NULL, NULL, NULL, NULL), ST_OK);
	inventory_init(&inv);
	if (libraries) {
		struct schema *added = NULL;
		assert_int_equal(inventory_add_schema(&inv, &added, NULL), ST_OK);
		added->name = strdup("jslib");
	}
	struct conn *c = fake_conn_new(&run, FLAVOR_MYSQL, version);
	if (libraries) {
		fake_conn_expect(c, "SHOW CREATE DATABASE IF NOT EXISTS `jslib`");
		fake_conn_rows(c, "Database\tCreate Database\njslib\tCREATE DATABASE `jslib`\n");
	}
	fake_conn_expect(c, INVENTORY_RAW);
	fake_conn_expect(c, INVENTORY_TEXT);
	if (libraries) {
		fake_conn_expect_prefix(c, "SELECT LIBRARY_SCHEMA, LIBRARY_NAME, NULL, 'LIBRARY' FROM information_schema.LIBRARIES");
		fake_conn_rows(c, "LIBRARY_SCHEMA\tLIBRARY_NAME\tNULL\tLIBRARY\njslib\tlib1\t\\N\tLIBRARY\n");
	}
	fake_conn_expect_prefix(c, "SELECT ROUTINE_SCHEMA, ROUTINE_NAME, NULL, ROUTINE_TYPE FROM information_schema.ROUTINES");
	fake_conn_rows(c, "s\tn\tt\tk\n");
	fake_conn_expect_prefix(c, "SELECT EVENT_SCHEMA, EVENT_NAME, NULL, 'EVENT' FROM information_schema.EVENTS");
	fake_conn_rows(c, "s\tn\tt\tk\n");
	if (libraries) {
		fake_conn_expect(c, INVENTORY_RAW);
		fake_conn_expect(c, "SHOW CREATE LIBRARY `jslib`.`lib1`");
		fake_conn_rows(c, "Library\tsql_mode\tCreate Library\nlib1\tANSI\tCREATE LIBRARY `lib1` AS $$ x $$\n");
		fake_conn_expect(c, INVENTORY_TEXT);
	}
	fake_conn_expect(c, "SELECT name, ret, dl, type FROM mysql.func ORDER BY name");
	fake_conn_rows(c, "name\tret\tdl\ttype\n");
	fake_conn_expect_prefix(c, "SELECT SRS_ID, SRS_NAME");
	fake_conn_rows(c, "i\tn\to\tc\td\te\n");
	assert_int_equal(inventory_objects(&inv, c, &eo, &err), ST_OK);
	assert_int_equal(inv.nobjects, libraries);
	if (libraries) {
		assert_true(inventory_schema(&inv, "jslib")->libraries && !inventory_schema(&inv, "jslib")->post);
		assert_string_equal(inv.object[0].create, "CREATE LIBRARY `lib1` AS $$ x $$");
	}
	conn_free(c);
	inventory_clear(&inv);
	run_destroy(&run);
}

/* JavaScript libraries, of MySQL 9.2 and later, are in no list of routines. */
static void libraries_are_carried(void **state)
{
	(void)state;
	list_objects(80405, false);
	list_objects(90100, false);
	list_objects(90200, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_tables_are_dealt_out), cmocka_unit_test(newer_servers_tell_bytes),
		cmocka_unit_test(who_holds_the_lock_reads_views_and_gone_tables_are_left),
		cmocka_unit_test(the_first_that_fails_is_told),
		cmocka_unit_test(a_cancel_ends_all_of_them),
		cmocka_unit_test(a_general_tablespace_is_refused),
		cmocka_unit_test(libraries_are_carried),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
