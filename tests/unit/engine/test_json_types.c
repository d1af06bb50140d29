/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/logical/json_types.h"
#include "fake_conn.h"
#include "tables.h"

static void scan(const char *text, unsigned want)
{
	/* In a buffer of its own length: ASan sees who reads beyond. */
	size_t n = strlen(text);
	char *copy = malloc(n ? n : 1);
	memcpy(copy, text, n);
	unsigned found = json_types_scan(copy, n);
	free(copy);
	if (found != want)
		fail_msg("%s: %u, not %u", text, found, want);
}

/* As 9.7.4 prints them. */
static void what_text_tells(void **state)
{
	(void)state;
	static const char *const plain[] = {
		"", "null", "true", "[]", "{}", "5", "-7", "[1.5, 1.0, -0.0, 0.1, 1e300, 1e16, 100.0]", "18446744073709551615", "-9223372036854775808",
		"{\"a\": \"2020-01-01T10:00:00Z\", \"b\": \"2020-01-01 10:00:00\", \"1.50\": \"1.50\"}", "\"a \\\" 1.50\"", "0.30000000000000004",
		"1.7976931348623157e308", "\"unclosed", "\"\\", "\"x\\\\\"", "123456.78901234568", "0.00012345678901234567",
	};
	static const char *const decimal[] = { "1.50", "{\"d\": 1.50}", "[12345678901234567890.123]", "-0.10", "18446744073709551616", "-9223372036854775809",
		                               "[\"x\\\\\", 2.00]", "[1e5, 1.50]", "{\"a\": 1E-7, \"b\": 1.50}", "100000000000000000000000000000" };
	static const char *const ask[] = { "[\"2026-11-26\"]", "{\"t\": \"2026-11-26 22:56:59.062943\"}", "\"10:00:00.000000\"", "\"-838:59:59.000000\"",
		                           "\"base64:type15:AP8=\"" };
	for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
		scan(plain[i], 0);
	for (size_t i = 0; i < sizeof decimal / sizeof decimal[0]; i++)
		scan(decimal[i], JSON_SCAN_LOST);
	for (size_t i = 0; i < sizeof ask / sizeof ask[0]; i++)
		scan(ask[i], JSON_SCAN_ASK);
	scan("[1.50, \"2026-11-26\"]", JSON_SCAN_LOST | JSON_SCAN_ASK);
}

static void the_server_is_asked_about_the_range(void **state)
{
	(void)state;
	static const struct a_column cols[] = { COL("i", "int"), COL("j`1", "json"), COL("g", "json", .extra = "VIRTUAL GENERATED"), COL("k", "json") };
	struct inventory inv;
	struct run run;
	uint64_t n = 0;
	inventory_init(&inv);
	assert_int_equal(run_init(&run, NULL, NULL, NULL, NULL), ST_OK);
	struct conn *c = fake_conn_new(&run, FLAVOR_MYSQL, 90704);
	fake_conn_expect(c, "SELECT COUNT(*) FROM (SELECT `j``1` AS j0, `k` AS j1 FROM `s`.`t` FORCE INDEX (`PRIMARY`) WHERE `i` >= 5 LIMIT 7) AS each_row"
	                    " WHERE NOT j0 <=> CAST(CAST(j0 AS CHAR CHARACTER SET utf8mb4) AS JSON) OR NOT j1 <=> CAST(CAST(j1 AS CHAR CHARACTER SET utf8mb4) AS JSON)");
	fake_conn_rows(c, "n\n3\n");
	assert_int_equal(json_types_ask(c, a_table(&inv, "s", "t", cols, 4), " FORCE INDEX (`PRIMARY`) WHERE `i` >= 5 LIMIT 7", &n, NULL), ST_OK);
	assert_int_equal(n, 3);
	conn_free(c);
	run_destroy(&run);
	inventory_clear(&inv);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(what_text_tells), cmocka_unit_test(the_server_is_asked_about_the_range) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
