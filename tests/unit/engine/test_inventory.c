/* SPDX-License-Identifier: Apache-2.0 */
/* What information_schema answers, made into an inventory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/logical/inventory.h"
#include "engine/logical/layout.h"
#include "bare_run.h"
#include "fake_conn.h"

#define COLUMNS "TABLE_SCHEMA\tTABLE_NAME\tCOLUMN_NAME\tDATA_TYPE\tCOLUMN_TYPE\tIS_NULLABLE\tCHARACTER_SET_NAME\tEXTRA\tNUMERIC_SCALE\tE\tCOLUMN_DEFAULT\n"
#define KEYS "TABLE_SCHEMA\tTABLE_NAME\tINDEX_NAME\tCOLUMN_NAME\tSUB_PART\tINDEX_TYPE\tUSABLE\tSEQ_IN_INDEX\n"
#define COLUMN(schema, name) schema "\tt\t" name "\tint\tint(11)\tNO\t\\N\t\t0\t\t\\N\n"
#define KEY(schema, name, number) schema "\tt\tPRIMARY\t" name "\t\\N\tBTREE\t1\t" number "\n"

static struct table *add(struct inventory *inv, const char *schema)
{
	struct table *t = NULL;
	assert_int_equal(inventory_add_table(inv, strdup(schema), strdup("t"), &t, NULL), ST_OK);
	return t;
}

/* Asks for app.t, as a server answers that has an App.t as well and whose sorting does not tell the two apart. */
static enum status ask(struct inventory *inv, const char *keys, struct error *err)
{
	inventory_init(inv);
	add(inv, "App");
	add(inv, "app");
	struct conn *c = fake_conn_new(&bare_run, FLAVOR_MARIADB, 101119);
	fake_conn_expect_prefix(c, "SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, DATA_TYPE");
	fake_conn_rows(c, COLUMNS COLUMN("App", "tenant") COLUMN("App", "id") COLUMN("app", "tenant") COLUMN("app", "id"));
	fake_conn_expect(c, "SELECT TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, COLUMN_NAME, SUB_PART, INDEX_TYPE, IGNORED = 'NO', SEQ_IN_INDEX"
	                    " FROM information_schema.STATISTICS WHERE NON_UNIQUE = 0 AND TABLE_SCHEMA = 'app' AND TABLE_NAME = 't'"
	                    " ORDER BY CAST(TABLE_SCHEMA AS BINARY),"
	                    " CAST(TABLE_NAME AS BINARY), CAST(INDEX_NAME AS BINARY), SEQ_IN_INDEX");
	fake_conn_rows(c, keys);
	enum status st = inventory_columns(inv, inventory_find(inv, "app", "t"), c, err);
	conn_free(c);
	return st;
}

static void a_key_has_all_its_columns(void **state)
{
	(void)state;
	struct inventory inv;
	assert_int_equal(ask(&inv, KEYS KEY("App", "tenant", "1") KEY("App", "id", "2") KEY("app", "tenant", "1") KEY("app", "id", "2"), NULL), ST_OK);
	assert_int_equal(inventory_find(&inv, "App", "t")->nkeycols, 2);
	assert_int_equal(inventory_find(&inv, "app", "t")->nkeycols, 2);
	inventory_clear(&inv);
}

/* As MariaDB 10.11.19 sorts them by their names alone [run]. */
static void an_index_in_pieces_is_no_key(void **state)
{
	(void)state;
	struct inventory inv;
	struct error err = ERROR_INIT;
	assert_int_equal(ask(&inv, KEYS KEY("app", "tenant", "1") KEY("App", "tenant", "1") KEY("app", "id", "2") KEY("App", "id", "2"), &err), ST_FAILED);
	assert_string_equal(err.message, "the server lists index `PRIMARY` of `app`.`t` in pieces");
	inventory_clear(&inv);
}

static void definitions_that_leave_collations_out(void **state)
{
	(void)state;
	assert_string_equal(inventory_defaults(FLAVOR_MYSQL, 50744), LAYOUT_DEFAULTS_MYSQL);
	assert_string_equal(inventory_defaults(FLAVOR_MYSQL, 80011), "");
	assert_string_equal(inventory_defaults(FLAVOR_MARIADB, 101119), LAYOUT_DEFAULTS_MARIADB);
	assert_string_equal(inventory_defaults(FLAVOR_MARIADB, 110502), "");
}

static void what_belongs_to_the_server(void **state)
{
	(void)state;
	struct inventory inv;
	struct error err = ERROR_INIT;
	inventory_init(&inv);
	struct conn *c = fake_conn_new(&bare_run, FLAVOR_MYSQL, 90704);
	fake_conn_expect(c, "SELECT name, ret, dl, type FROM mysql.func ORDER BY name");
	fake_conn_rows(c, "name\tret\tdl\ttype\nave`r\t1\tmath.so\taggregate\nlock\t2\tl'ock.so\tfunction\n");
	fake_conn_expect_prefix(c, "SELECT SRS_ID, SRS_NAME, ORGANIZATION, ORGANIZATION_COORDSYS_ID, DEFINITION, DESCRIPTION FROM information_schema");
	fake_conn_rows(c, "i\tn\to\tc\td\te\n4326\tWGS 84\tEPSG\t4326\tGEOGCS[]\t\\N\n990001\tMine\t\\N\t\\N\tGEOGCS[\"x\"]\tit's\n");
	assert_int_equal(inventory_server(&inv, c, &err), ST_OK);
	assert_string_equal(inv.server.data, LAYOUT_SCHEMA_HEADER
	                    "DROP FUNCTION IF EXISTS `ave``r`;\nCREATE AGGREGATE FUNCTION `ave``r` RETURNS REAL SONAME 'math.so';\n"
	                    "DROP FUNCTION IF EXISTS `lock`;\nCREATE FUNCTION `lock` RETURNS INTEGER SONAME 'l\\'ock.so';\n"
	                    "CREATE SPATIAL REFERENCE SYSTEM IF NOT EXISTS 4326 NAME 'WGS 84' ORGANIZATION 'EPSG' IDENTIFIED BY 4326 DEFINITION 'GEOGCS[]';\n"
	                    "CREATE OR REPLACE SPATIAL REFERENCE SYSTEM 990001 NAME 'Mine' DEFINITION 'GEOGCS[\"x\"]' DESCRIPTION 'it\\'s';\n");
	conn_free(c);
	c = fake_conn_new(&bare_run, FLAVOR_MARIADB, 101119);
	fake_conn_expect(c, "SELECT name, ret, dl, type FROM mysql.func ORDER BY name");
	fake_conn_rows(c, "name\tret\tdl\ttype\nodd\t9\todd.so\tfunction\n");
	assert_int_equal(inventory_server(&inv, c, &err), ST_OK);
	assert_int_equal(inv.server.len, 0);
	assert_int_equal(inv.refused.n, 1);
	conn_free(c);
	inventory_clear(&inv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_has_all_its_columns),
		cmocka_unit_test(an_index_in_pieces_is_no_key),
		cmocka_unit_test(definitions_that_leave_collations_out),
		cmocka_unit_test(what_belongs_to_the_server),
	};
	return cmocka_run_group_tests(tests, bare_run_setup, bare_run_teardown);
}
