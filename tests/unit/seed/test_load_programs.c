/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/logical/load_programs.h"

static void becomes(enum flavor flavor, unsigned version, const char *sql, const char *want)
{
	struct server_info target = { .flavor = flavor, .version = version };
	struct buf out = BUF_INIT(4096);
	assert_int_equal(load_programs_modes(&target, sql, strlen(sql), &out), want != NULL);
	assert_string_equal(buf_str(&out), want ? want : "");
	buf_free(&out);
}

/* What SHOW CREATE PROCEDURE of MySQL 5.7 says by default; 8.0: "Variable 'sql_mode' can't be set to the value of 'NO_AUTO_CREATE_USER'" (1231). */
#define OF_57 "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION"
#define OF_80 "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"

static void modes_that_later_servers_refuse(void **state)
{
	(void)state;
	becomes(FLAVOR_MYSQL, 80036, "SET sql_mode = '" OF_57 "'", "SET sql_mode = '" OF_80 "'");
	becomes(FLAVOR_MYSQL, 80036, "SET sql_mode = 'NO_AUTO_CREATE_USER'", "SET sql_mode = ''");
	becomes(FLAVOR_MYSQL, 90704, "SET sql_mode = 'PIPES_AS_CONCAT,ANSI_QUOTES,IGNORE_SPACE,POSTGRESQL,NO_KEY_OPTIONS,NO_TABLE_OPTIONS,NO_FIELD_OPTIONS'",
	        "SET sql_mode = 'PIPES_AS_CONCAT,ANSI_QUOTES,IGNORE_SPACE'");
}

static void everything_else_is_left_alone(void **state)
{
	(void)state;
	becomes(FLAVOR_MYSQL, 50744, "SET sql_mode = '" OF_57 "'", NULL);
	becomes(FLAVOR_MARIADB, 101119, "SET sql_mode = 'NO_AUTO_CREATE_USER,ORACLE'", NULL);
	becomes(FLAVOR_MYSQL, 80036, "SET sql_mode = '" OF_80 "'", NULL);
	becomes(FLAVOR_MYSQL, 80036, "SET sql_mode = 'MAXDB'", NULL); /* under it a TIMESTAMP is another type */
	becomes(FLAVOR_MYSQL, 80036, "SET sql_mode = ''", NULL);
	becomes(FLAVOR_MYSQL, 80036, "SET time_zone = 'NO_AUTO_CREATE_USER'", NULL);
	becomes(FLAVOR_MYSQL, 80036, "CREATE PROCEDURE p() SET sql_mode = 'NO_AUTO_CREATE_USER'", NULL);
	becomes(FLAVOR_MYSQL, 80036, "SET sql_mode = '", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(modes_that_later_servers_refuse), cmocka_unit_test(everything_else_is_left_alone) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
