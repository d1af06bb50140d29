/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/logical/layout.h"

static void take(struct layout_names *n, const char *real, const char *want)
{
	char *got = NULL;
	assert_int_equal(layout_names_take(n, real, &got, NULL), ST_OK);
	assert_string_equal(got, want);
	free(got);
}

static void names_are_ascii_and_unique(void **state)
{
	(void)state;
	unsigned number = 0;
	struct layout_names a = { .number = &number }, b = { .number = &number };
	take(&a, "orders", "orders");
	take(&a, "Orders", "mydumper_0"); /* would be the same file where case does not count */
	take(&a, "odd name", "mydumper_1");
	take(&a, "a.b", "mydumper_2");
	take(&a, "x-schema", "mydumper_3");
	take(&a, "\xc3\xbc", "mydumper_4");
	take(&a, "mydumper_7", "mydumper_5"); /* looks like one of ours */
	take(&b, "orders", "orders");
	take(&b, "%s", "mydumper_6");
	take(&b, "_x9", "_x9");
	layout_names_free(&a);
	layout_names_free(&b);
}

static void many_names(void **state)
{
	(void)state;
	unsigned number = 0;
	struct layout_names n = { .number = &number };
	char name[32];
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof name, "t%d", i);
		take(&n, name, name);
	}
	take(&n, "T4999", "mydumper_0");
	layout_names_free(&n);
}

static void file_names(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(1000);
	layout_file_name(&b, LAYOUT_SCHEMA_CREATE, "db");
	buf_addc(&b, ' ');
	layout_file_name(&b, LAYOUT_TABLE, "db.t");
	buf_addc(&b, ' ');
	layout_file_name(&b, LAYOUT_TRIGGERS, "db.t");
	buf_addc(&b, ' ');
	layout_file_name(&b, LAYOUT_VIEW, "db.v");
	buf_addc(&b, ' ');
	layout_file_name(&b, LAYOUT_SCHEMA_POST, "db");
	buf_addc(&b, ' ');
	layout_data_name(&b, "db.t", 12);
	buf_addc(&b, ' ');
	layout_data_name(&b, "db.t", 1234567);
	assert_string_equal(buf_str(&b), "db-schema-create.sql db.t-schema.sql db.t-schema-triggers.sql db.v-schema-view.sql "
	                                 "db-schema-post.sql db.t.00012.sql.zst db.t.1234567.sql.zst");
	buf_free(&b);
}

/* As our loader reads a file: split where a line ends with a semicolon, take the blanks off again. */
static void statement(const char *sql, const char *stored)
{
	struct buf b = BUF_INIT(100000);
	layout_statement(&b, sql, strlen(sql));
	assert_int_equal(buf_check(&b, "x", NULL), ST_OK);
	if (stored)
		assert_string_equal(buf_str(&b), stored);
	/* its own end is the only line that ends with a semicolon */
	const char *end = strstr(b.data, ";\n");
	assert_ptr_equal(end, b.data + b.len - 2);
	size_t n = layout_unblank(b.data, b.len - 2);
	assert_int_equal(n, strlen(sql));
	assert_memory_equal(b.data, sql, n);
	buf_free(&b);
}

static void statements_survive_exactly(void **state)
{
	(void)state;
	statement("CREATE TABLE t(a INT)", "CREATE TABLE t(a INT);\n");
	statement("BEGIN\n SET @a=1;\n SET @b=2;\nEND", "BEGIN\n SET @a=1; \n SET @b=2; \nEND;\n");
	statement("a; \nb;  \nc;\n\n;\n", NULL);
	statement(";;\n;", NULL);
	statement("x; y;\ty;\r\nz; ", NULL);
	statement("", NULL);
	statement(";", NULL);
	statement("END -- done", NULL);
}

static void random_statements_survive(void **state)
{
	(void)state;
	char sql[40];
	unsigned seed = 1;
	for (int round = 0; round < 20000; round++) {
		size_t n = (seed >> 8) % (sizeof sql - 1);
		for (size_t i = 0; i < n; i++) {
			seed = seed * 1103515245u + 12345u;
			sql[i] = "; \n;\n a"[(seed >> 16) % 7];
		}
		sql[n] = '\0';
		statement(sql, NULL);
		seed = seed * 1103515245u + 12345u;
	}
}

static struct layout sample(struct layout_schema *s, struct layout_table *t)
{
	s[0] = (struct layout_schema){ .name = "odd \"name\"\n\xc3\xbc", .file = "mydumper_0", .whole = true, .post = true };
	t[0] = (struct layout_table){ .schema = s[0].name, .name = "a`b", .file = "mydumper_0.mydumper_1", .engine = "InnoDB", .rows = 7,
		                      .bytes = 1234567890123, .files = 3, .triggers = true };
	t[1] = (struct layout_table){ .schema = s[0].name, .name = "v", .file = "mydumper_0.v", .engine = "", .view = true };
	t[2] = (struct layout_table){ .schema = s[0].name, .name = "m", .file = "mydumper_0.m", .engine = "MyISAM", .nontransactional = true };
	return (struct layout){ .schema = s, .nschemas = 1, .table = t, .ntables = 3, .users = true };
}

static void metadata_round_trip(void **state)
{
	(void)state;
	struct layout_schema s[1];
	struct layout_table t[3];
	struct layout l = sample(s, t), *back = NULL;
	struct buf b = BUF_INIT(100000);
	assert_int_equal(layout_write(&l, &b, NULL), ST_OK);
	assert_non_null(strstr(b.data, "\n[config]\nquote-character = BACKTICK\n"));
	assert_non_null(strstr(b.data, "\n[`mydumper_0`.`mydumper_1`]\nreal_table_name=a`b\nrows=7\n"));
	assert_int_equal(layout_read(b.data, b.len, &back, NULL), ST_OK);
	assert_int_equal(back->nschemas, 1);
	assert_int_equal(back->ntables, 3);
	assert_true(back->users);
	assert_string_equal(back->schema[0].name, s[0].name);
	assert_true(back->schema[0].whole && back->schema[0].post);
	assert_string_equal(back->table[0].name, "a`b");
	assert_string_equal(back->table[0].file, "mydumper_0.mydumper_1");
	assert_int_equal(back->table[0].rows, 7);
	assert_int_equal(back->table[0].bytes, 1234567890123);
	assert_int_equal(back->table[0].files, 3);
	assert_true(back->table[0].triggers && !back->table[0].view);
	assert_true(back->table[1].view);
	assert_true(back->table[2].nontransactional);
	layout_free(back);
	buf_free(&b);
}

static void damaged_metadata_is_told(void **state)
{
	(void)state;
	struct layout_schema s[1];
	struct layout_table t[3];
	struct layout l = sample(s, t), *back = NULL;
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT(100000);
	assert_int_equal(layout_write(&l, &b, NULL), ST_OK);
	const char *end = strstr(b.data, "# slackwater-end");
	/* cut behind any byte of our lines */
	for (const char *p = b.data; p < end; p++) {
		assert_int_equal(layout_read(b.data, (size_t)(p - b.data), &back, &err), ST_FAILED);
		assert_int_equal(err.kind, ERR_SNAPSHOT);
	}
	/* a line lost */
	char *line = strstr(b.data, "# slackwater-table"), *next = strchr(line, '\n') + 1;
	memmove(line, next, b.len - (size_t)(next - b.data) + 1);
	assert_int_equal(layout_read(b.data, strlen(b.data), &back, &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_SNAPSHOT);
	/* files that belong to no schema, which writing it again would trip over */
	buf_clear(&b);
	buf_adds(&b, "# slackwater-format 1\n# slackwater-table {\"file\":\"plain\",\"schema\":\"a\",\"name\":\"b\",\"engine\":\"InnoDB\",\"view\":false,\"triggers\":false,"
	             "\"nontransactional\":false,\"rows\":0,\"bytes\":0,\"files\":0}\n# slackwater-end {\"schemas\":0,\"tables\":1,\"users\":false}\n");
	assert_int_equal(layout_read(b.data, b.len, &back, &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_SNAPSHOT);
	assert_non_null(strstr(err.message, "plain"));
	buf_free(&b);
	static const char future[] = "# slackwater-format 2\n";
	assert_int_equal(layout_read(future, sizeof future - 1, &back, &err), ST_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_ascii_and_unique), cmocka_unit_test(many_names),
		cmocka_unit_test(file_names),                 cmocka_unit_test(statements_survive_exactly),
		cmocka_unit_test(random_statements_survive),  cmocka_unit_test(metadata_round_trip),
		cmocka_unit_test(damaged_metadata_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
