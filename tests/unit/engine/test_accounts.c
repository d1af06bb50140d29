/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/logical/account_columns.h"
#include "engine/logical/layout.h"
#include "engine/logical/logical.h"
#include "fake_conn.h"

#define OLD_ACCOUNT "SELECT IF(plugin = '' AND LENGTH(Password) = 16, 'mysql_old_password', plugin)"

static struct run run;
static struct inventory inv;

static int setup(void **state)
{
	(void)state;
	inventory_init(&inv);
	return run_init(&run, NULL, NULL, NULL, NULL) ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	inventory_clear(&inv);
	run_destroy(&run);
	return 0;
}

static void columns(const char *grant, const char *want)
{
	struct buf b = BUF_INIT(10000);
	accounts_quote_columns(grant, &b);
	assert_string_equal(buf_str(&b), want);
	buf_free(&b);
}

static void bare_column_names_are_quoted(void **state)
{
	(void)state;
	columns("GRANT SELECT ON `a`.`b` TO 'u'@'h'", "GRANT SELECT ON `a`.`b` TO 'u'@'h'");
	columns("GRANT SELECT (a, odd name), INSERT, UPDATE (x`y) ON `a`.`b (c)` TO 'u'@'h'",
	        "GRANT SELECT (`a`, `odd name`), INSERT, UPDATE (`x``y`) ON `a`.`b (c)` TO 'u'@'h'");
	columns("GRANT SELECT (`a`, `b`) ON `a`.`b` TO 'u'@'h'", "GRANT SELECT (`a`, `b`) ON `a`.`b` TO 'u'@'h'");
	columns("GRANT ALL PRIVILEGES ON *.* TO 'u'@'h' IDENTIFIED BY PASSWORD '*00'", "GRANT ALL PRIVILEGES ON *.* TO 'u'@'h' IDENTIFIED BY PASSWORD '*00'");
}

/* As 5.6 keeps and prints them [run 5.6.24]. */
static void column_grants_come_from_the_tables(void **state)
{
	(void)state;
	struct account_columns a = { 0 };
	struct conn *c = fake_conn_new(&run, FLAVOR_MYSQL, 50624);
	fake_conn_expect_prefix(c, "SELECT t.Db, t.Table_name, t.Table_priv, c.Column_name, c.Column_priv FROM mysql.columns_priv AS c JOIN mysql.tables_priv AS t"
	                           " USING (Host, Db, User, Table_name) WHERE t.User = 'u' AND t.Host = 'h'");
	fake_conn_rows(c, "d\tt\tp\tc\tq\n"
	                  "g\tt\tSelect,Grant,Show view\ta, b\tSelect\n"
	                  "g\tt\tSelect,Grant,Show view\tc)\tSelect,References\n"
	                  "g\tt`2\t\td`\tInsert,Update\n");
	assert_int_equal(account_columns_read(c, "u", "h", &a, NULL), ST_OK);
	conn_free(c);
	assert_int_equal(a.grant.n, 2);
	const char *all = "GRANT SELECT, SHOW VIEW, SELECT (`a, b`, `c)`), REFERENCES (`c)`) ON `g`.`t` TO 'u'@'h' WITH GRANT OPTION";
	assert_string_equal(account_columns_instead(&a, "GRANT SELECT, SELECT (c), a, b), SHOW VIEW, REFERENCES (c)) ON `g`.`t` TO 'u'@'h' WITH GRANT OPTION"), all);
	assert_string_equal(account_columns_instead(&a, "GRANT INSERT (d`), UPDATE (d`) ON `g`.`t``2` TO 'u'@'h'"),
	                    "GRANT INSERT (`d```), UPDATE (`d```) ON `g`.`t``2` TO 'u'@'h'");
	static const char *const others[] = { "GRANT SELECT ON `g`.`t2` TO 'u'@'h'", "GRANT USAGE ON *.* TO 'u'@'h' IDENTIFIED BY PASSWORD '*00'", "" };
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		assert_ptr_equal(account_columns_instead(&a, others[i]), others[i]);
	account_columns_free(&a);
}

static void rights_are_read_from_grants(void **state)
{
	(void)state;
	struct strlist l = { 0 };
	probe_parse_grant("GRANT SELECT, SHOW VIEW, BACKUP_ADMIN ON *.* TO `b`@`%` WITH GRANT OPTION", &l, NULL);
	probe_parse_grant("GRANT EVENT ON `db`.* TO `b`@`%`", &l, NULL);
	probe_parse_grant("GRANT PROXY ON ''@'' TO 'root'@'localhost'", &l, NULL);
	assert_int_equal(l.n, 3);
	assert_true(strlist_has(&l, "SELECT") && strlist_has(&l, "SHOW VIEW") && strlist_has(&l, "BACKUP_ADMIN"));
	strlist_free(&l);
}

static void missing_rights_are_named(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	struct conn *c = fake_conn_new(&run, FLAVOR_MYSQL, 90704);
	fake_conn_expect(c, "SHOW GRANTS");
	fake_conn_rows(c, "g\nGRANT SELECT, PROCESS, EVENT ON *.* TO `b`@`%`\nGRANT TRIGGER ON `a`.* TO `b`@`%`\n");
	fake_conn_expect(c, "SELECT CURRENT_USER()");
	fake_conn_rows(c, "u\nb@x'y@%\n");
	assert_int_equal(probe_rights(c, LOCKS_BACKUP, &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_PREFLIGHT);
	assert_string_equal(err.message, "the backup account lacks SHOW VIEW, TRIGGER, BACKUP_ADMIN");
	assert_string_equal(err.hint, "GRANT SHOW VIEW, TRIGGER, BACKUP_ADMIN ON *.* TO 'b@x\\'y'@'%'");
	fake_conn_expect(c, "SHOW GRANTS");
	fake_conn_rows(c, "g\nGRANT SELECT, PROCESS, EVENT, SHOW VIEW, TRIGGER ON *.* TO `b`@`%`\nREVOKE SELECT ON `secret`.* FROM `b`@`%`\n");
	assert_int_equal(probe_rights(c, LOCKS_NONE, &err), ST_FAILED);
	assert_non_null(strstr(err.message, "revoked"));
	fake_conn_expect(c, "SHOW GRANTS");
	fake_conn_rows(c, "g\nGRANT ALL PRIVILEGES ON *.* TO `b`@`%`\n");
	assert_int_equal(probe_rights(c, LOCKS_METADATA, &err), ST_OK);
	conn_free(c);
}

static void mysql_accounts(void **state)
{
	(void)state;
	struct conn *c = fake_conn_new(&run, FLAVOR_MYSQL, 90704);
	fake_conn_expect(c, "SELECT User, Host, 'N', '' FROM mysql.user ORDER BY User, Host");
	fake_conn_rows(c, "u\th\tr\td\nmysql.sys\tlocalhost\tN\t\nro\t%\tN\t\no'x\t%\tN\t\n");
	fake_conn_expect(c, "SHOW CREATE USER 'ro'@'%'");
	fake_conn_rows(c, "x\nCREATE USER `ro`@`%` IDENTIFIED WITH 'caching_sha2_password' REQUIRE NONE PASSWORD EXPIRE ACCOUNT LOCK\n");
	fake_conn_expect(c, "SHOW CREATE USER 'o\\'x'@'%'");
	fake_conn_rows(c, "x\nCREATE USER `o'x`@`%` IDENTIFIED WITH 'p' AS 0x01 DEFAULT ROLE `ro`@`%` REQUIRE SSL ACCOUNT UNLOCK\n");
	fake_conn_expect(c, "SHOW GRANTS FOR 'ro'@'%'");
	fake_conn_rows(c, "x\nGRANT USAGE ON *.* TO `ro`@`%`\n");
	fake_conn_expect(c, "SHOW GRANTS FOR 'o\\'x'@'%'");
	fake_conn_rows(c, "x\nGRANT `ro`@`%` TO `o'x`@`%`\n");
	fake_conn_expect_prefix(c, "SELECT USER, HOST, DEFAULT_ROLE_USER, DEFAULT_ROLE_HOST FROM mysql.default_roles");
	fake_conn_rows(c, "a\tb\tc\td\no'x\t%\tro\t%\no'x\t%\tro2\t%\nz\t%\tro\t%\n");
	fake_conn_expect_prefix(c, "SELECT User, Host FROM mysql.user WHERE JSON_CONTAINS_PATH(User_attributes, 'one', '$.additional_password')");
	fake_conn_rows(c, "User\tHost\nro\t%\n");
	assert_int_equal(accounts_read(&inv, c, NULL), ST_OK);
	assert_string_equal(inv.users.data, LAYOUT_SCHEMA_HEADER
	                    "CREATE USER IF NOT EXISTS `ro`@`%` IDENTIFIED WITH 'caching_sha2_password' AS '' REQUIRE NONE PASSWORD EXPIRE ACCOUNT LOCK;\n"
	                    "ALTER USER `ro`@`%` IDENTIFIED WITH 'caching_sha2_password' AS '' REQUIRE NONE PASSWORD EXPIRE ACCOUNT LOCK;\n"
	                    "CREATE USER IF NOT EXISTS `o'x`@`%` IDENTIFIED WITH 'p' AS 0x01 REQUIRE SSL ACCOUNT UNLOCK;\n"
	                    "ALTER USER `o'x`@`%` IDENTIFIED WITH 'p' AS 0x01 REQUIRE SSL ACCOUNT UNLOCK;\n"
	                    "GRANT USAGE ON *.* TO `ro`@`%`;\n"
	                    "GRANT `ro`@`%` TO `o'x`@`%`;\n"
	                    "SET DEFAULT ROLE 'ro'@'%', 'ro2'@'%' TO 'o\\'x'@'%';\n"
	                    "SET DEFAULT ROLE 'ro'@'%' TO 'z'@'%';\n");
	assert_int_equal(inv.warnings.n, 1);
	assert_string_equal(inv.warnings.item[0], "account 'ro'@'%' has a second password (RETAIN CURRENT PASSWORD), which is not carried over");
	conn_free(c);
}

#define SENT "\\" /* a backslash, as the file has it and as the fake wants it told */
#define TOLD "\\\\"
#define TWO_FACTORS(backslash) "CREATE USER `two`@`%` IDENTIFIED WITH 'p' AS 'it" backslash "'s' AND IDENTIFIED WITH 'q' AS 'x' REQUIRE NONE"
#define DEVICE_ALONE "CREATE USER `dev`@`%` IDENTIFIED WITH 'w' INITIAL AUTHENTICATION IDENTIFIED WITH 'p' AS 0x01 REQUIRE NONE"
#define ONLY_QUOTED(backslash) "`one`@`%` IDENTIFIED WITH 'p' AS ' AND IDENTIFIED WITH " backslash "' INITIAL AUTHENTICATION ' REQUIRE NONE"

/* Of several factors, or a device alone, ALTER USER takes no such text [run 9.7.4]. What is quoted says nothing. */
static void accounts_of_several_factors(void **state)
{
	(void)state;
	struct conn *c = fake_conn_new(&run, FLAVOR_MYSQL, 80027);
	fake_conn_expect_prefix(c, "SELECT User, Host");
	fake_conn_rows(c, "u\th\tr\td\ntwo\t%\tN\t\ndev\t%\tN\t\none\t%\tN\t\n");
	fake_conn_expect(c, "SHOW CREATE USER 'two'@'%'");
	fake_conn_rows(c, "x\n" TWO_FACTORS(TOLD) "\n");
	fake_conn_expect(c, "SHOW CREATE USER 'dev'@'%'");
	fake_conn_rows(c, "x\n" DEVICE_ALONE "\n");
	fake_conn_expect(c, "SHOW CREATE USER 'one'@'%'");
	fake_conn_rows(c, "x\nCREATE USER " ONLY_QUOTED(TOLD) "\n");
	static const char *const grants[] = { "SHOW GRANTS FOR 'two'@'%'", "SHOW GRANTS FOR 'dev'@'%'", "SHOW GRANTS FOR 'one'@'%'" };
	for (size_t i = 0; i < sizeof grants / sizeof grants[0]; i++) {
		fake_conn_expect(c, grants[i]);
		fake_conn_rows(c, "x\n");
	}
	fake_conn_expect_prefix(c, "SELECT USER, HOST, DEFAULT_ROLE_USER");
	fake_conn_rows(c, "a\tb\tc\td\n");
	fake_conn_expect_prefix(c, "SELECT User, Host FROM mysql.user WHERE JSON_CONTAINS_PATH");
	fake_conn_rows(c, "User\tHost\n");
	assert_int_equal(accounts_read(&inv, c, NULL), ST_OK);
	assert_string_equal(inv.users.data, LAYOUT_SCHEMA_HEADER TWO_FACTORS(SENT) ";\n" DEVICE_ALONE ";\nCREATE USER IF NOT EXISTS " ONLY_QUOTED(SENT) ";\nALTER USER " ONLY_QUOTED(SENT) ";\n");
	assert_int_equal(inv.warnings.n, 1);
	assert_non_null(strstr(inv.warnings.item[0], "'dev'@'%'"));
	conn_free(c);
}

#define WITH_COMMENT "REQUIRE NONE PASSWORD EXPIRE DEFAULT ATTRIBUTE '{\"comment\": \"has DEFAULT ROLE x REQUIRE y\"}'"
#define ODD_NAME "`a DEFAULT ROLE b`@`%`"

/* ALTER USER is given all but the default role, whatever a comment or a name says. */
static void a_default_role_is_not_looked_for_in_quotes(void **state)
{
	(void)state;
	struct conn *c = fake_conn_new(&run, FLAVOR_MYSQL, 90704);
	fake_conn_expect_prefix(c, "SELECT User, Host");
	fake_conn_rows(c, "u\th\tr\td\nu\t%\tN\t\na DEFAULT ROLE b\t%\tN\t\n");
	fake_conn_expect(c, "SHOW CREATE USER 'u'@'%'");
	fake_conn_rows(c, "x\nCREATE USER `u`@`%` IDENTIFIED WITH 'p' AS 'q' " WITH_COMMENT "\n");
	fake_conn_expect(c, "SHOW CREATE USER 'a DEFAULT ROLE b'@'%'");
	fake_conn_rows(c, "x\nCREATE USER " ODD_NAME " IDENTIFIED WITH 'p' AS 'q' DEFAULT ROLE `r REQUIRE s`@`%` " WITH_COMMENT "\n");
	for (unsigned i = 0; i < 2; i++)
		fake_conn_expect_prefix(c, "SHOW GRANTS FOR ");
	fake_conn_expect_prefix(c, "SELECT USER, HOST, DEFAULT_ROLE_USER");
	fake_conn_expect_prefix(c, "SELECT User, Host FROM mysql.user WHERE JSON_CONTAINS_PATH");
	assert_int_equal(accounts_read(&inv, c, NULL), ST_OK);
	assert_string_equal(inv.users.data, LAYOUT_SCHEMA_HEADER
	                    "CREATE USER IF NOT EXISTS `u`@`%` IDENTIFIED WITH 'p' AS 'q' " WITH_COMMENT ";\n"
	                    "ALTER USER `u`@`%` IDENTIFIED WITH 'p' AS 'q' " WITH_COMMENT ";\n"
	                    "CREATE USER IF NOT EXISTS " ODD_NAME " IDENTIFIED WITH 'p' AS 'q' " WITH_COMMENT ";\n"
	                    "ALTER USER " ODD_NAME " IDENTIFIED WITH 'p' AS 'q' " WITH_COMMENT ";\n");
	conn_free(c);
}

static void mariadb_accounts(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	struct conn *c = fake_conn_new(&run, FLAVOR_MARIADB, 101119);
	fake_conn_expect_prefix(c, "SELECT User, Host, is_role, default_role FROM mysql.user");
	fake_conn_rows(c, "u\th\tr\td\nrole1\t\tY\t\nPUBLIC\t\tY\t\nann\t%\tN\trole1\nroot\tvm\tN\t\n");
	fake_conn_expect(c, "SHOW CREATE USER 'ann'@'%'");
	fake_conn_rows(c, "x\nCREATE USER `ann`@`%` IDENTIFIED BY PASSWORD '*AB' PASSWORD EXPIRE\nALTER USER `ann`@`%` PASSWORD EXPIRE NEVER\n");
	fake_conn_expect(c, "SHOW CREATE USER 'root'@'vm'");
	fake_conn_error(c, 1133, "Can't find any matching row in the user table");
	fake_conn_expect(c, "SHOW GRANTS FOR 'role1'");
	fake_conn_rows(c, "x\nGRANT USAGE ON *.* TO `role1`\n");
	fake_conn_expect(c, "SHOW GRANTS FOR 'PUBLIC'");
	fake_conn_rows(c, "x\n");
	fake_conn_expect(c, "SHOW GRANTS FOR 'ann'@'%'");
	fake_conn_rows(c, "x\nGRANT `role1` TO `ann`@`%`\nSET DEFAULT ROLE `role1` FOR `ann`@`%`\n");
	assert_int_equal(accounts_read(&inv, c, &err), ST_OK);
	assert_string_equal(inv.users.data, LAYOUT_SCHEMA_HEADER
	                    "CREATE ROLE IF NOT EXISTS 'role1';\n"
	                    "CREATE USER IF NOT EXISTS `ann`@`%` IDENTIFIED BY PASSWORD '*AB' PASSWORD EXPIRE;\n"
	                    "ALTER USER `ann`@`%` PASSWORD EXPIRE NEVER;\n"
	                    "ALTER USER `ann`@`%` IDENTIFIED BY PASSWORD '*AB' PASSWORD EXPIRE;\n"
	                    "GRANT USAGE ON *.* TO `role1`;\n"
	                    "GRANT `role1` TO `ann`@`%`;\n"
	                    "ALTER USER 'ann'@'%' PASSWORD EXPIRE;\n"
	                    "SET DEFAULT ROLE 'role1' FOR 'ann'@'%';\n");
	assert_int_equal(inv.warnings.n, 1); /* the account that the server does not know */
	conn_free(c);
}

/* What SHOW GRANTS of 5.6 leaves out or gets wrong [run 5.6.24]. */
static void accounts_of_5_6(void **state)
{
	(void)state;
	struct conn *c = fake_conn_new(&run, FLAVOR_MYSQL, 50624);
	fake_conn_expect_prefix(c, "SELECT User, Host");
	fake_conn_rows(c, "u\th\tr\td\nsha\t%\tN\t\no'x\t%\tN\t\n");
	fake_conn_expect_prefix(c, OLD_ACCOUNT);
	fake_conn_rows(c, "p\ta\te\nsha256_password\t$5$sa'lt$abc\tN\n");
	fake_conn_expect_prefix(c, OLD_ACCOUNT);
	fake_conn_rows(c, "p\ta\te\n\t*AB\tY\n");
	fake_conn_expect_prefix(c, "SELECT t.Db, t.Table_name");
	fake_conn_expect(c, "SHOW GRANTS FOR 'sha'@'%'");
	fake_conn_rows(c, "x\nGRANT SELECT ON *.* TO 'sha'@'%' IDENTIFIED BY PASSWORD '$5$sa'lt$abc' REQUIRE SSL\n");
	fake_conn_expect_prefix(c, "SELECT t.Db, t.Table_name");
	fake_conn_expect(c, "SHOW GRANTS FOR 'o\\'x'@'%'");
	fake_conn_rows(c, "x\nGRANT USAGE ON *.* TO 'o'x'@'%' IDENTIFIED BY PASSWORD '*AB'\n");
	assert_int_equal(accounts_read(&inv, c, NULL), ST_OK);
	assert_string_equal(inv.users.data, LAYOUT_SCHEMA_HEADER
	                    "CREATE USER 'sha'@'%' IDENTIFIED WITH 'sha256_password' AS '$5$sa\\'lt$abc';\n"
	                    "GRANT SELECT ON *.* TO 'sha'@'%' REQUIRE SSL;\n"
	                    "GRANT USAGE ON *.* TO 'o\\'x'@'%' IDENTIFIED BY PASSWORD '*AB';\n"
	                    "ALTER USER 'o\\'x'@'%' PASSWORD EXPIRE;\n");
	conn_free(c);
}

static void packages_are_granted_in_their_own_mode(void **state)
{
	(void)state;
	struct conn *c = fake_conn_new(&run, FLAVOR_MARIADB, 101119);
	fake_conn_expect_prefix(c, "SELECT User, Host, is_role, default_role FROM mysql.user");
	fake_conn_rows(c, "u\th\tr\td\nann\t%\tN\t\n");
	fake_conn_expect(c, "SHOW CREATE USER 'ann'@'%'");
	fake_conn_rows(c, "x\nCREATE USER `ann`@`%`\n");
	fake_conn_expect(c, "SHOW GRANTS FOR 'ann'@'%'");
	fake_conn_rows(c, "x\nGRANT EXECUTE ON PACKAGE BODY `d`.`p` TO `ann`@`%`\n");
	assert_int_equal(accounts_read(&inv, c, NULL), ST_OK);
	assert_non_null(strstr(inv.users.data, "\nSET sql_mode = 'ORACLE';\nGRANT EXECUTE ON PACKAGE BODY `d`.`p` TO `ann`@`%`;\nSET sql_mode = '';\n"));
	conn_free(c);
}

static void hidden_hashes_are_refused(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	struct conn *c = fake_conn_new(&run, FLAVOR_MYSQL, 80036);
	fake_conn_expect_prefix(c, "SELECT User, Host");
	fake_conn_rows(c, "u\th\tr\td\na\t%\tN\t\n");
	fake_conn_expect(c, "SHOW CREATE USER 'a'@'%'");
	fake_conn_rows(c, "x\nCREATE USER `a`@`%` IDENTIFIED WITH 'p' AS '<secret>' REQUIRE NONE\n");
	assert_int_equal(accounts_read(&inv, c, &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_PREFLIGHT);
	conn_free(c);
}

static void dangling_grants_are_told(void **state)
{
	(void)state;
	struct schema *s = NULL;
	struct table *t = NULL;
	assert_int_equal(inventory_add_schema(&inv, &s, NULL), ST_OK);
	s->name = strdup("d");
	s->whole = true;
	assert_int_equal(inventory_add_table(&inv, strdup("d"), strdup("here"), &t, NULL), ST_OK);
	struct conn *c = fake_conn_new(&run, FLAVOR_MYSQL, 50624);
	fake_conn_expect_prefix(c, "SELECT User, Host");
	fake_conn_rows(c, "u\th\tr\td\na\t%\tN\t\n");
	fake_conn_expect_prefix(c, OLD_ACCOUNT);
	fake_conn_rows(c, "p\ta\te\nmysql_native_password\t\tN\n");
	fake_conn_expect_prefix(c, "SELECT t.Db, t.Table_name, t.Table_priv, c.Column_name");
	fake_conn_expect(c, "SHOW GRANTS FOR 'a'@'%'");
	fake_conn_rows(c, "x\nGRANT USAGE ON *.* TO 'a'@'%'\nGRANT SELECT ON `d`.`here` TO 'a'@'%'\nGRANT SELECT ON `d`.`gone` TO 'a'@'%'\n"
	                  "GRANT SELECT ON `d`.* TO 'a'@'%'\nGRANT SELECT ON `elsewhere`.`x` TO 'a'@'%'\n");
	assert_int_equal(accounts_read(&inv, c, NULL), ST_OK);
	assert_int_equal(inv.warnings.n, 1);
	assert_non_null(strstr(inv.users.data, "\nGRANT SELECT ON `d`.`here`"));
	assert_null(strstr(inv.users.data, "\nGRANT SELECT ON `d`.`gone`"));
	assert_non_null(strstr(inv.users.data, "\nGRANT SELECT ON `d`.*"));
	assert_non_null(strstr(inv.users.data, "\nGRANT SELECT ON `elsewhere`"));
	conn_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(column_grants_come_from_the_tables), cmocka_unit_test(bare_column_names_are_quoted),
		cmocka_unit_test(rights_are_read_from_grants),
		cmocka_unit_test_setup_teardown(missing_rights_are_named, setup, teardown),
		cmocka_unit_test_setup_teardown(mysql_accounts, setup, teardown),
		cmocka_unit_test_setup_teardown(accounts_of_several_factors, setup, teardown),
		cmocka_unit_test_setup_teardown(a_default_role_is_not_looked_for_in_quotes, setup, teardown),
		cmocka_unit_test_setup_teardown(mariadb_accounts, setup, teardown),
		cmocka_unit_test_setup_teardown(accounts_of_5_6, setup, teardown),
		cmocka_unit_test_setup_teardown(packages_are_granted_in_their_own_mode, setup, teardown),
		cmocka_unit_test_setup_teardown(hidden_hashes_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(dangling_grants_are_told, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
