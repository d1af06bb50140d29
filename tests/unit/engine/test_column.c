/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tables.h"

static struct column classified(const char *type, const char *column_type, const char *charset, const char *extra, const char *scale)
{
	struct column c = { .name = "c", .charset = charset ? strdup(charset) : NULL };
	assert_true(column_classify(&c, type, column_type, extra, scale));
	return c;
}

static void kinds(void **state)
{
	(void)state;
	static const struct { const char *type; enum column_kind kind; enum column_keying keying; } want[] = {
		{ "int", COLUMN_NUMBER, KEYING_INT },       { "bigint", COLUMN_NUMBER, KEYING_INT },
		{ "decimal", COLUMN_NUMBER, KEYING_NUMBER }, { "float", COLUMN_DOUBLE, KEYING_NONE },
		{ "bit", COLUMN_HEX, KEYING_NONE },         { "datetime", COLUMN_PLAIN, KEYING_QUOTED },
		{ "varbinary", COLUMN_TEXT, KEYING_STRING }, { "longblob", COLUMN_TEXT, KEYING_NONE },
		{ "set", COLUMN_TEXT, KEYING_NONE },        { "json", COLUMN_UTF8, KEYING_NONE },
		{ "uuid", COLUMN_UTF8, KEYING_NONE },       { "geomcollection", COLUMN_HEX, KEYING_NONE },
		{ "vector", COLUMN_HEX, KEYING_NONE },
	};
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
		struct column c = classified(want[i].type, want[i].type, NULL, "", NULL);
		assert_int_equal(c.kind, want[i].kind);
		assert_int_equal(c.keying, want[i].keying);
		free(c.charset);
	}
	struct column c = classified("bigint", "bigint(20) unsigned zerofill", NULL, "auto_increment", "0");
	assert_int_equal(c.keying, KEYING_UINT);
	struct column unknown = { .name = "x" };
	assert_false(column_classify(&unknown, "xmltype", "xmltype", "", NULL)); /* nobody loses a type we have not heard of */
}

static void edges_of_floats(void **state)
{
	(void)state;
	static const struct { const char *type, *column_type; double edge; } want[] = {
		{ "float", "float", 0 },                    { "float", "float(10,2)", 100000000 }, { "float", "float(8,2) unsigned", 1000000 },
		{ "float", "float(7,3)", 9999.9990234375 }, { "float", "float(5,2)", 0 },          { "float", "float(20,0)", 100000002004087734272.0 },
		{ "float", "float(255,30)", 0 },            { "double", "double(10,2)", 0 },
	};
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
		struct column c = classified(want[i].type, want[i].column_type, NULL, "", "2");
		assert_true(c.edge == want[i].edge);
		assert_true(c.edge == 0 || (c.below < c.edge && (float)c.below == (float)c.edge));
	}
	struct column c = classified("float", "float(8,2)", NULL, "", "2");
	struct buf b = BUF_INIT(1000);
	column_select(&c, &b);
	assert_string_equal(buf_str(&b), "IF(ABS(`c`*1e0)=1.0000000000000000e+06,SIGN(`c`)*9.9999997937500000e+05,`c`*1e0)");
	buf_free(&b);
}

static void generated_or_not(void **state)
{
	(void)state;
	static const char *const yes[] = { "VIRTUAL GENERATED", "STORED GENERATED", "STORED GENERATED, INVISIBLE", "VIRTUAL", "PERSISTENT" };
	static const char *const no[] = { "", "auto_increment", "DEFAULT_GENERATED", "DEFAULT_GENERATED on update CURRENT_TIMESTAMP", "INVISIBLE" };
	for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
		assert_true(classified("int", "int", NULL, yes[i], NULL).generated);
	for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
		assert_false(classified("int", "int", NULL, no[i], NULL).generated);
}

static void literal(const char *type, const char *charset, const char *value, size_t len, const char *want)
{
	struct column c = classified(type, type, charset, "", NULL);
	struct buf b = BUF_INIT(1000);
	column_literal(&c, value, len, &b);
	assert_string_equal(buf_str(&b), want);
	buf_free(&b);
	free(c.charset);
}

static void literals(void **state)
{
	(void)state;
	literal("int", NULL, "-5", 2, "-5");
	literal("decimal", NULL, "1.50", 4, "1.50");
	literal("date", NULL, "0000-00-00", 10, "'0000-00-00'");
	literal("varchar", "latin1", "\xe4'\\", 3, "_latin1 X'E4275C'");
	literal("char", "utf16", "\0a", 2, "_utf16 X'0061'");
	literal("varbinary", NULL, "\0\xff", 2, "_binary X'00FF'");
	literal("varchar", "utf8mb4", "", 0, "_utf8mb4 X''");
}

static void expressions(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(1000);
	struct column c = classified("float", "float", NULL, "", NULL);
	column_select(&c, &b);
	buf_addc(&b, ' ');
	c = classified("double", "double", NULL, "", NULL);
	column_select(&c, &b);
	buf_addc(&b, ' ');
	c = classified("double", "double(10,2)", NULL, "", "2");
	column_select(&c, &b);
	assert_string_equal(buf_str(&b), "`c`*1e0 `c` `c`*1e0");
	buf_free(&b);
}

static void words_that_look_alike(void **state)
{
	(void)state;
	static const char *const distinct[] = { "enum('a')", "enum('a','b','c,d','it''s')", "set('x','y')", "enum('ab','a','abc')" };
	static const char *const alike[] = { "enum('a','')", "enum('x','X')", "set('a','b','A')", "enum('\xc3\xa9','y')", "set('')", "enum('it''s','b','IT''S')",
		                             "enum('a\x01','b')" };
	for (size_t i = 0; i < sizeof distinct / sizeof distinct[0]; i++)
		assert_true(column_words_distinct(distinct[i]));
	for (size_t i = 0; i < sizeof alike / sizeof alike[0]; i++)
		assert_false(column_words_distinct(alike[i]));
	struct buf b = BUF_INIT(1000);
	struct column c = classified("set", "set('x','X')", NULL, "", NULL);
	assert_int_equal(c.kind, COLUMN_INDEX);
	assert_null(c.invalid);
	column_select(&c, &b);
	assert_string_equal(buf_str(&b), "CAST(`c` AS UNSIGNED)");
	buf_free(&b);
}

static void no_value_of_an_enum(void **state)
{
	(void)state;
	static const struct { const char *type, *charset, *want; } cases[] = {
		{ "enum('a','b')", "latin1", "_binary'00000'" },     { "enum('00000','b')", "utf8mb4", "_binary'0000'" },
		{ "enum('a')", "ucs2", "_ucs2 X'00300030'" },        { "enum('00')", "ucs2", "_ucs2 X'0030'" },
		{ "enum('a')", "utf32", "_utf32 X'00000030'" },      { "enum('0')", "utf32", NULL },
		{ "enum('a')", "utf16le", "_utf16le X'30003000'" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct column c = classified("enum", cases[i].type, cases[i].charset, "", NULL);
		assert_true(c.is_enum);
		if (cases[i].want)
			assert_string_equal(c.invalid, cases[i].want);
		else
			assert_null(c.invalid);
		free(c.charset);
	}
}

static void the_best_key(void **state)
{
	(void)state;
	static const struct a_column cols[] = {
		COL("a", "int", .nullable = true), COL("b", "int"), COL("c", "varchar", .charset = "utf8mb4"), COL("d", "double"),
		COL("g", "int", .extra = "STORED GENERATED"),
	};
	struct inventory inv;
	inventory_init(&inv);
	struct table *t = a_table(&inv, "s", "t", cols, 5);
	a_key(t, "nullable", 0, 1);
	assert_null(t->key); /* NULLs are not walked along */
	a_key(t, "a_double", 3, 1);
	assert_null(t->key);
	a_key(t, "generated", 4, 1);
	assert_null(t->key);
	a_key(t, "text", 2, 1);
	assert_string_equal(t->key, "text");
	a_key(t, "number", 1, 1);
	assert_string_equal(t->key, "number");
	a_key(t, "text2", 1, 2);
	assert_string_equal(t->key, "number");
	a_key(t, "PRIMARY", 1, 2);
	assert_string_equal(t->key, "PRIMARY");
	assert_int_equal(t->nkeycols, 2);
	struct index_info prefix = { .name = "x", .usable = false, .ncols = 1 };
	assert_int_equal(column_consider_key(t, &prefix, NULL), ST_OK);
	assert_string_equal(t->key, "PRIMARY");
	struct table *v = a_table(&inv, "s", "v", cols, 5);
	v->versioned = true;
	a_key(v, "PRIMARY", 1, 1);
	assert_null(v->key); /* a row and its history share it */
	inventory_clear(&inv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds), cmocka_unit_test(edges_of_floats),       cmocka_unit_test(generated_or_not), cmocka_unit_test(literals),
		cmocka_unit_test(expressions), cmocka_unit_test(the_best_key),
		cmocka_unit_test(words_that_look_alike), cmocka_unit_test(no_value_of_an_enum),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
