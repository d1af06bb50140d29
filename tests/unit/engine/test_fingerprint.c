/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/logical/fingerprint.h"
#include "fake_conn.h"

static void counts(const char *name, uint64_t tables, uint64_t objects)
{
	struct fingerprint f = { 0 };
	fingerprint_add(&f, name, 3);
	assert_int_equal(f.tables, tables * 3);
	assert_int_equal(f.objects, objects * 3);
}

static void which_counter_says_what(void **state)
{
	(void)state;
	static const char *const tables[] = { "Com_create_table", "Com_drop_table", "Com_alter_table", "Com_rename_table", "Com_truncate",
		                              "Com_create_index", "Com_drop_index", "Com_create_trigger", "Com_drop_trigger",
		                              "Com_create_sequence", "Com_import" };
	static const char *const objects[] = { "Com_create_view", "Com_drop_view", "Com_create_procedure", "Com_alter_function",
		                               "Com_drop_function", "Com_create_event", "Com_alter_event", "Com_create_user",
		                               "Com_alter_user", "Com_alter_user_default_role", "Com_drop_user", "Com_rename_user",
		                               "Com_grant", "Com_grant_role", "Com_grant_roles", "Com_revoke", "Com_revoke_all",
		                               "Com_revoke_roles", "Com_set_password", "Com_create_role", "Com_drop_role",
		                               "Com_create_package_body", "Com_create_udf" };
	static const char *const nothing[] = { "Com_select", "Com_insert", "Com_create_temporary_table", "Com_drop_temporary_table",
		                               "Com_set_option", "Com_show_grants", "Com_commit", "Questions", "Com_optimize" };
	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
		counts(tables[i], 1, 0);
	for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++)
		counts(objects[i], 0, 1);
	for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++)
		counts(nothing[i], 0, 0);
	counts("Com_create_db", 1, 1);
	counts("Com_drop_db", 1, 1);
	counts("Com_alter_db", 1, 1);
}

static void what_may_be_a_ddl(void **state)
{
	(void)state;
	static const char *const ddl[] = { "ALTER TABLE t ADD x INT", "  create table t(a int)", "/* c */ DROP TABLE t", "/*!40101 TRUNCATE t */",
		                           "/*M!100100 ALTER TABLE t */", "-- c\nRENAME TABLE a TO b", "# x\n grant all", "(/* a *//* b */optimize table t)",
		                           "CALL p()", "EXECUTE s", "SET PASSWORD = 'x'", "SET STATEMENT max_statement_time=1 FOR ALTER TABLE t",
		                           "/* never closed ALTER", "BEGIN NOT ATOMIC CREATE TABLE t(a INT); END", "something new" };
	static const char *const harmless[] = { "SELECT 1", "insert into t(create_time) values(1)", "/* alter */ UPDATE t SET a=1", "BEGIN",
		                                "COMMIT", "(select 1)", "REPLACE t VALUES('drop')", "# Dum\nDELETE FROM t", "DO SLEEP(1)" };
	for (size_t i = 0; i < sizeof ddl / sizeof ddl[0]; i++)
		assert_true(fingerprint_may_be_ddl(ddl[i]));
	for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++)
		assert_false(fingerprint_may_be_ddl(harmless[i]));
}

#define STATUS "SHOW GLOBAL STATUS LIKE 'Com\\_%'"

static void a_running_ddl_is_waited_for(void **state)
{
	(void)state;
	struct run run;
	struct fingerprint f;
	bool settled = false;
	assert_int_equal(run_init(&run, NULL, NULL, NULL, NULL), ST_OK);
	struct conn *c = fake_conn_new(&run, FLAVOR_MYSQL, 90704);
	fake_conn_expect(c, STATUS);
	fake_conn_rows(c, "Variable_name\tValue\nCom_alter_table\t5\nCom_grant\t2\nCom_select\t900\n");
	fake_conn_expect_prefix(c, "SELECT LEFT(INFO, 4000)");
	fake_conn_rows(c, "i\nALTER TABLE a.b ADD c INT\n");
	fake_conn_expect(c, STATUS);
	fake_conn_rows(c, "Variable_name\tValue\nCom_alter_table\t6\nCom_grant\t2\n");
	fake_conn_expect_prefix(c, "SELECT LEFT(INFO, 4000)");
	fake_conn_rows(c, "i\nSELECT 1\n");
	assert_int_equal(fingerprint_settle(c, true, 60000, &f, &settled, NULL), ST_OK);
	assert_true(settled);
	assert_int_equal(f.tables, 6);
	assert_int_equal(f.objects, 2);
	fake_conn_check(c);
	/* no time to wait: it says that nothing is proven */
	fake_conn_expect(c, STATUS);
	fake_conn_rows(c, "Variable_name\tValue\nCom_alter_table\t6\n");
	fake_conn_expect_prefix(c, "SELECT LEFT(INFO, 4000)");
	fake_conn_rows(c, "i\nALTER TABLE a.b ADD c INT\n");
	assert_int_equal(fingerprint_settle(c, true, 0, &f, &settled, NULL), ST_OK);
	assert_false(settled);
	conn_free(c);
	run_destroy(&run);
}

static void accounts_where_counters_are_blind(void **state)
{
	(void)state;
	struct run run;
	struct fingerprint a, b;
	assert_int_equal(run_init(&run, NULL, NULL, NULL, NULL), ST_OK);
	struct conn *c = fake_conn_new(&run, FLAVOR_MARIADB, 101119);
	for (int i = 0; i < 2; i++) {
		fake_conn_expect(c, STATUS);
		fake_conn_rows(c, "Variable_name\tValue\nCom_alter_table\t5\n");
		fake_conn_expect_prefix(c, "CHECKSUM TABLE mysql.global_priv,");
		fake_conn_rows(c, i ? "Table\tChecksum\nmysql.global_priv\t12\nmysql.db\t0\n" : "Table\tChecksum\nmysql.global_priv\t11\nmysql.db\t0\n");
	}
	assert_int_equal(fingerprint_take(c, true, &a, NULL), ST_OK);
	assert_int_equal(fingerprint_take(c, true, &b, NULL), ST_OK);
	assert_int_equal(a.objects, b.objects);
	assert_false(fingerprint_equal(&a, &b));
	assert_false(fingerprint_objects_equal(&a, &b));
	conn_free(c);
	run_destroy(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(which_counter_says_what),
		cmocka_unit_test(what_may_be_a_ddl),
		cmocka_unit_test(a_running_ddl_is_waited_for),
		cmocka_unit_test(accounts_where_counters_are_blind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
