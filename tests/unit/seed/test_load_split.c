/* SPDX-License-Identifier: Apache-2.0 */
/* Files into statements, and statements about accounts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/logical/layout.h"
#include "engine/logical/load_accounts.h"
#include "engine/logical/load_split.h"

static void check(const char *text, size_t n, const char *const *want)
{
	struct load_split s = { text, text + strlen(text) };
	const char *sql;
	size_t len, i = 0;
	while (load_split_next(&s, &sql, &len)) {
		assert_true(i < n);
		assert_int_equal(len, strlen(want[i]));
		assert_memory_equal(sql, want[i], len);
		i++;
	}
	assert_int_equal(i, n);
}
#define CHECK(text, ...)                                                                                               \
	do {                                                                                                                \
		const char *const want[] = { __VA_ARGS__ };                                                                       \
		check(text, sizeof want / sizeof want[0], want);                                                                  \
	} while (0)

static void test_statements(void **state)
{
	(void)state;
	CHECK("/*!40101 SET NAMES binary*/;\nINSERT INTO `t` VALUES(1,'a;b'),\n(2,'x;');\n", "/*!40101 SET NAMES binary*/",
	      "INSERT INTO `t` VALUES(1,'a;b'),\n(2,'x;')");
	/* The pair that ends a statement has a blank inside wherever it is not meant. */
	CHECK("CREATE PROCEDURE p() BEGIN SELECT 1; \nSELECT 2;  \nEND;\nSET sql_mode = '';\n", "CREATE PROCEDURE p() BEGIN SELECT 1; \nSELECT 2;  \nEND",
	      "SET sql_mode = ''");
	CHECK("SELECT 1", "SELECT 1");
	CHECK("SELECT 1;", "SELECT 1");
	CHECK("\n\n;\n;\nSELECT 1;\n\n", "SELECT 1");
}

static void test_comments_between_statements(void **state)
{
	(void)state;
	CHECK("-- left out: GRANT x;\nSELECT 1;\n--\n-- two;\n  SELECT 2;\n-- end", "SELECT 1", "SELECT 2");
	CHECK("SELECT 1\n-- inside\n+1;\n", "SELECT 1\n-- inside\n+1");
	/* minus minus one is no comment */
	CHECK("--1;\n", "--1");
}

static void test_empty(void **state)
{
	(void)state;
	check("", 0, NULL);
	check("\n -- nothing\n", 0, NULL);
	struct load_split none = { NULL, NULL };
	const char *sql;
	size_t len;
	assert_false(load_split_next(&none, &sql, &len));
}

/* What the dumping side writes comes out as it went in. */
static void test_round_trip(void **state)
{
	(void)state;
	const char *bodies[] = { "CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW BEGIN\nSET @a = 1;\nSET @b = ';\n';  \nEND", ";\n", "a; \n;  \n; b" };
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		struct buf b = BUF_INIT(4096);
		buf_adds(&b, "SELECT 'before';\n");
		layout_statement(&b, bodies[i], strlen(bodies[i]));
		buf_adds(&b, "SELECT 'after';\n");
		struct load_split s = { b.data, b.data + b.len };
		const char *sql;
		size_t len;
		assert_true(load_split_next(&s, &sql, &len));
		assert_true(load_split_next(&s, &sql, &len));
		len = layout_unblank(b.data + (sql - b.data), len);
		assert_int_equal(len, strlen(bodies[i]));
		assert_memory_equal(sql, bodies[i], len);
		assert_true(load_split_next(&s, &sql, &len));
		assert_memory_equal(sql, "SELECT 'after'", len);
		assert_false(load_split_next(&s, &sql, &len));
		buf_free(&b);
	}
}

static bool about(const char *sql, const char *account)
{
	return load_accounts_about(sql, strlen(sql), account);
}

static void test_own_account(void **state)
{
	(void)state;
	assert_true(about("ALTER USER 'root'@'localhost' IDENTIFIED WITH 'caching_sha2_password' AS 'x'", "root@localhost"));
	assert_true(about("ALTER USER `root`@`localhost` IDENTIFIED BY PASSWORD 'x'", "root@localhost"));
	assert_true(about("ALTER USER 'it''s'@'%' ACCOUNT LOCK", "it's@%"));
	assert_false(about("ALTER USER 'root'@'%' IDENTIFIED BY 'x'", "root@localhost"));
	assert_false(about("ALTER USER 'root'@'localhost.example' IDENTIFIED BY 'x'", "root@localhost"));
	assert_true(about("GRANT ALL PRIVILEGES ON *.* TO 'root'@'localhost' IDENTIFIED BY PASSWORD '*AB' WITH GRANT OPTION", "root@localhost"));
	assert_true(about("GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` IDENTIFIED VIA unix_socket", "root@localhost"));
	/* rights alone keep the door open */
	assert_false(about("GRANT SELECT ON *.* TO 'root'@'localhost'", "root@localhost"));
	assert_false(about("GRANT USAGE ON *.* TO 'a'@'b' IDENTIFIED BY PASSWORD 'x'", "root@localhost"));
}

static void test_inserts(void **state)
{
	(void)state;
	assert_true(load_split_is_insert("INSERT INTO `t` VALUES(1)", 25));
	assert_false(load_split_is_insert("SET NAMES binary", 16));
	assert_false(load_split_is_insert("INSERTS", 7));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_statements), cmocka_unit_test(test_comments_between_statements), cmocka_unit_test(test_empty),
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_own_account),                cmocka_unit_test(test_inserts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
