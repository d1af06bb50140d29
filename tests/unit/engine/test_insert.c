/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/logical/insert.h"
#include "engine/logical/layout.h"
#include "tables.h"

#define ENTRIES 64

struct kept {
	struct buf text[ENTRIES];
	uint64_t raw[ENTRIES], rows[ENTRIES];
	size_t n;
	enum status fail;
};

static enum status keep(void *arg, const struct table *t, struct stream_entry *e, struct error *err)
{
	struct kept *k = arg;
	(void)t;
	if (k->fail)
		return error_set(err, k->fail, ERR_STORE, "disk full");
	assert_true(k->n < ENTRIES);
	k->text[k->n] = BUF_INIT((size_t)1 << 30);
	assert_int_equal(stream_unzstd(e->data.data, e->data.len, &k->text[k->n], err), ST_OK);
	k->raw[k->n] = e->raw_bytes;
	k->rows[k->n++] = e->rows;
	return ST_OK;
}

static void drop(struct kept *k)
{
	for (size_t i = 0; i < k->n; i++)
		buf_free(&k->text[i]);
}

static const struct a_column all_kinds[] = {
	COL("i", "int"),       COL("g", "int", .extra = "VIRTUAL GENERATED"), COL("f", "float"), COL("d", "datetime"),
	COL("s", "varchar", .charset = "latin1"), COL("b", "bit"), COL("j", "json"),
};

static void one_of_each_kind(void **state)
{
	(void)state;
	struct inventory inv;
	struct kept k = { 0 };
	struct insert *in = NULL;
	inventory_init(&inv);
	struct table *t = a_table(&inv, "s", "odd`t", all_kinds, 7);
	assert_int_equal(insert_new(1 << 20, 1, keep, &k, &in, NULL), ST_OK);
	assert_int_equal(insert_begin(in, t, NULL), ST_OK);
	const char *row[] = { "-7", "-0", "2020-01-01 00:00:00", "a'\n\\", "\x05", "{\"a\": \"'\"}" };
	const size_t len[] = { 2, 2, 19, 4, 1, 10 };
	const char *null[6] = { 0 };
	const char *plain[] = { "0", "0.1", "0000-00-00", "", "", "" };
	const size_t plain_len[] = { 1, 3, 10, 0, 0, 0 };
	assert_int_equal(insert_row(in, row, len, NULL), ST_OK);
	assert_int_equal(insert_row(in, null, len, NULL), ST_OK);
	assert_int_equal(insert_row(in, plain, plain_len, NULL), ST_OK);
	assert_int_equal(insert_end(in, NULL), ST_OK);
	assert_int_equal(k.n, 1);
	assert_string_equal(k.text[0].data, LAYOUT_DATA_HEADER
	                    "INSERT INTO `odd``t` (`i`,`f`,`d`,`s`,`b`,`j`) VALUES\n"
	                    "(-7,'-0','2020-01-01 00:00:00','a\\'\\n\\\\',0x05,_utf8mb4'{\"a\": \"\\'\"}'),\n"
	                    "(NULL,NULL,NULL,NULL,NULL,NULL),\n"
	                    "(0,0.1,'0000-00-00','','',_utf8mb4'');\n");
	assert_int_equal(k.rows[0], 3);
	assert_int_equal(k.raw[0], k.text[0].len);
	assert_int_equal(insert_totals(in)->rows, 3);
	assert_int_equal(insert_totals(in)->bytes, k.text[0].len - (sizeof LAYOUT_DATA_HEADER - 1));
	drop(&k);
	insert_free(in);
	inventory_clear(&inv);
}

static void partitioned_tables_get_introducers(void **state)
{
	(void)state;
	struct inventory inv;
	struct kept k = { 0 };
	struct insert *in = NULL;
	inventory_init(&inv);
	struct table *t = a_table(&inv, "s", "t", all_kinds, 7);
	t->partitioned = true;
	assert_int_equal(insert_new(1 << 20, 1, keep, &k, &in, NULL), ST_OK);
	assert_int_equal(insert_begin(in, t, NULL), ST_OK);
	const char *row[] = { "1", "1", "2020-01-01 00:00:00", "\xe4'", NULL, "1" };
	assert_int_equal(insert_row(in, row, (size_t[]){ 1, 1, 19, 2, 0, 1 }, NULL), ST_OK);
	assert_int_equal(insert_end(in, NULL), ST_OK);
	assert_string_equal(k.text[0].data, LAYOUT_SCHEMA_HEADER
	                    "INSERT INTO `t` (`i`,`f`,`d`,`s`,`b`,`j`) VALUES\n"
	                    "(1,1,'2020-01-01 00:00:00',_binary'\xe4\\'',NULL,_utf8mb4'1');\n");
	drop(&k);
	insert_free(in);
	inventory_clear(&inv);
}

static struct insert *begun(struct kept *k, const struct table *t)
{
	struct insert *in = NULL;
	assert_int_equal(insert_new(1 << 20, 1, keep, k, &in, NULL), ST_OK);
	assert_int_equal(insert_begin(in, t, NULL), ST_OK);
	return in;
}

/* Else a loader would take the first half of the name for a whole statement. */
static void a_name_may_hold_what_ends_statements(void **state)
{
	(void)state;
	static const struct a_column odd[] = { COL("b;\nc", "int") };
	struct inventory inv;
	struct kept k = { 0 };
	struct insert *in = NULL;
	const char *row[] = { "7" };
	const size_t len[] = { 1 };
	inventory_init(&inv);
	struct table *t = a_table(&inv, "s", "a; \n", odd, 1);
	assert_int_equal(insert_new(1 << 20, 1, keep, &k, &in, NULL), ST_OK);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(insert_begin(in, t, NULL), ST_OK);
		assert_int_equal(insert_row(in, row, len, NULL), ST_OK);
		assert_int_equal(insert_end(in, NULL), ST_OK);
		assert_string_equal(k.text[i].data, LAYOUT_DATA_HEADER "INSERT INTO `a;  \n` (`b; \nc`) VALUES\n(7);\n");
	}
	drop(&k);
	insert_free(in);
	inventory_clear(&inv);
}

static void values_that_are_none_are_counted(void **state)
{
	(void)state;
	static const struct a_column cols[] = { COL("i", "int"), COL("e", "enum", .column_type = "enum('a','b')"), COL("f", "enum", .column_type = "enum('','b')") };
	struct inventory inv;
	struct kept k = { 0 };
	inventory_init(&inv);
	struct insert *in = begun(&k, a_table(&inv, "s", "t", cols, 3));
	assert_int_equal(insert_row(in, (const char *[]){ "1", "", "0" }, (size_t[]){ 1, 0, 1 }, NULL), ST_OK);
	assert_int_equal(insert_row(in, (const char *[]){ "2", "b", "1" }, (size_t[]){ 1, 1, 1 }, NULL), ST_OK);
	assert_int_equal(insert_row(in, (const char *[]){ "3", NULL, "2" }, (size_t[]){ 1, 0, 1 }, NULL), ST_OK);
	assert_int_equal(insert_row(in, (const char *[]){ "4", "", NULL }, (size_t[]){ 1, 0, 0 }, NULL), ST_OK);
	assert_int_equal(insert_end(in, NULL), ST_OK);
	assert_string_equal(k.text[0].data, LAYOUT_DATA_HEADER "INSERT INTO `t` (`i`,`e`,`f`) VALUES\n(1,_binary'00000',_binary'00000'),\n(2,'b',1),\n(3,NULL,2),\n"
	                                                       "(4,_binary'00000',NULL)\n/* invalid ENUM values: 3 */;\n");
	assert_int_equal(k.raw[0], k.text[0].len);
	drop(&k);
	insert_free(in);
	inventory_clear(&inv);
}

/* What the statements of one text say of themselves, added up; each must say what is in it. */
static uint64_t each_says_its_own(const char *text)
{
	uint64_t all = 0;
	for (const char *p = text; (p = strstr(p, "INSERT INTO")); p++) {
		const char *end = strstr(p, ";\n"), *mark = strstr(p, "/* invalid ENUM values: ");
		uint64_t here = 0;
		for (const char *q = p; (q = strstr(q, "_binary'00000'")) && q < end; q++)
			here++;
		assert_int_equal(mark && mark < end ? strtoull(mark + 24, NULL, 10) : 0, here);
		all += here;
	}
	return all;
}

static void each_statement_counts_its_own(void **state)
{
	(void)state;
	static const struct a_column cols[] = { COL("e", "enum", .column_type = "enum('a','b')"), COL("b", "longblob") };
	static char blob[400000];
	struct inventory inv;
	struct kept k = { 0 };
	uint64_t all = 0;
	inventory_init(&inv);
	memset(blob, 'x', sizeof blob);
	struct insert *in = begun(&k, a_table(&inv, "s", "t", cols, 2));
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(insert_row(in, (const char *[]){ i % 2 ? "a" : "", blob }, (size_t[]){ i % 2, sizeof blob }, NULL), ST_OK);
	assert_int_equal(insert_end(in, NULL), ST_OK);
	for (size_t i = 0; i < k.n; i++)
		all += each_says_its_own(k.text[i].data);
	assert_int_equal(all, 4);
	drop(&k);
	insert_free(in);
	inventory_clear(&inv);
}

static void history_is_let_in(void **state)
{
	(void)state;
	static const struct a_column cols[] = { COL("i", "int"), COL("row_end", "timestamp") };
	struct inventory inv;
	struct kept k = { 0 };
	inventory_init(&inv);
	struct table *t = a_table(&inv, "s", "t", cols, 2);
	t->versioned = true;
	struct insert *in = begun(&k, t);
	assert_int_equal(insert_row(in, (const char *[]){ "1", "2020-01-01 00:00:00.5" }, (size_t[]){ 1, 21 }, NULL), ST_OK);
	assert_int_equal(insert_end(in, NULL), ST_OK);
	assert_string_equal(k.text[0].data, LAYOUT_DATA_HEADER LAYOUT_HISTORY "INSERT INTO `t` (`i`,`row_end`) VALUES\n(1,'2020-01-01 00:00:00.5');\n");
	drop(&k);
	insert_free(in);
	inventory_clear(&inv);
}

static void an_empty_table_makes_no_entry(void **state)
{
	(void)state;
	struct inventory inv;
	struct kept k = { 0 };
	struct insert *in = NULL;
	inventory_init(&inv);
	assert_int_equal(insert_new(1 << 20, 1, keep, &k, &in, NULL), ST_OK);
	assert_int_equal(insert_begin(in, a_table(&inv, "s", "t", all_kinds, 7), NULL), ST_OK);
	assert_int_equal(insert_end(in, NULL), ST_OK);
	assert_int_equal(k.n, 0);
	insert_free(in);
	inventory_clear(&inv);
}

/* Count rows and check each statement's shape; the bound is on whole entries, but for single rows that are larger. */
static uint64_t check_entry(const struct buf *text, uint64_t bound, uint64_t *largest)
{
	static const char head[] = "INSERT INTO `t` (`s`) VALUES\n";
	uint64_t rows = 0, statements = 0;
	assert_memory_equal(text->data, LAYOUT_DATA_HEADER, sizeof LAYOUT_DATA_HEADER - 1);
	for (const char *p = text->data + sizeof LAYOUT_DATA_HEADER - 1; *p; statements++) {
		const char *end = strstr(p, ";\n");
		assert_non_null(end);
		assert_memory_equal(p, head, sizeof head - 1);
		if ((uint64_t)(end + 2 - p) > *largest)
			*largest = (uint64_t)(end + 2 - p);
		for (const char *q = p + sizeof head - 1; q < end; rows++) {
			assert_int_equal(*q, '(');
			const char *nl = memchr(q, '\n', (size_t)(end + 2 - q));
			q = nl + 1;
		}
		p = end + 2;
	}
	assert_true(text->len <= bound || statements == 1);
	return rows;
}

static void rows_of(unsigned n, size_t width, uint64_t chunk, size_t want_entries)
{
	static const struct a_column col[] = { COL("s", "varchar", .charset = "latin1") };
	struct inventory inv;
	struct kept k = { 0 };
	struct insert *in = NULL;
	inventory_init(&inv);
	char *value = malloc(width + 1);
	memset(value, 'x', width);
	const char *row[] = { value };
	const size_t len[] = { width };
	assert_int_equal(insert_new(chunk, 1, keep, &k, &in, NULL), ST_OK);
	assert_int_equal(insert_begin(in, a_table(&inv, "s", "t", col, 1), NULL), ST_OK);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(insert_row(in, row, len, NULL), ST_OK);
	assert_int_equal(insert_end(in, NULL), ST_OK);
	uint64_t rows = 0, largest = 0;
	for (size_t i = 0; i < k.n; i++) {
		uint64_t here = check_entry(&k.text[i], chunk, &largest);
		assert_int_equal(here, k.rows[i]);
		rows += here;
	}
	assert_int_equal(rows, n);
	assert_int_equal(insert_totals(in)->rows, n);
	assert_int_equal(insert_totals(in)->largest_statement, largest);
	assert_int_equal(insert_totals(in)->largest_row, width + 4);
	assert_true(largest <= (1u << 20) + 1 || largest < width + 100);
	if (want_entries)
		assert_int_equal(k.n, want_entries);
	drop(&k);
	insert_free(in);
	inventory_clear(&inv);
	free(value);
}

static void sizes(void **state)
{
	(void)state;
	rows_of(1, 10, 1 << 20, 1);
	rows_of(100000, 100, 16 << 20, 1);
	rows_of(100000, 100, 4 << 20, 0);
	rows_of(30, 600000, 4 << 20, 0);           /* one row per statement */
	rows_of(5, 3 << 20, 1 << 20, 5);           /* each row larger than a statement and an entry */
	rows_of(3, (1 << 20) - 40, 16 << 20, 1);   /* about the size of a statement */
	for (size_t w = (1 << 20) - 60; w < (1 << 20) - 20; w += 3)
		rows_of(2, w, 16 << 20, 1);
}

static void small_after_giant(void **state)
{
	(void)state;
	static const struct a_column col[] = { COL("s", "varchar", .charset = "latin1") };
	struct inventory inv;
	struct kept k = { 0 };
	struct insert *in = NULL;
	inventory_init(&inv);
	size_t giant = 12 << 20;
	char *value = malloc(giant);
	memset(value, '\'', giant);
	const char *row[] = { value };
	assert_int_equal(insert_new(1 << 20, 1, keep, &k, &in, NULL), ST_OK);
	assert_int_equal(insert_begin(in, a_table(&inv, "s", "t", col, 1), NULL), ST_OK);
	assert_int_equal(insert_row(in, row, (size_t[]){ 5 }, NULL), ST_OK);
	assert_int_equal(insert_row(in, row, (size_t[]){ giant }, NULL), ST_OK);
	assert_int_equal(insert_row(in, row, (size_t[]){ 5 }, NULL), ST_OK);
	assert_int_equal(insert_end(in, NULL), ST_OK);
	assert_int_equal(insert_totals(in)->rows, 3);
	assert_int_equal(insert_totals(in)->largest_row, 2 * giant + 4);
	assert_int_equal(k.n, 3);
	drop(&k);
	insert_free(in);
	inventory_clear(&inv);
	free(value);
}

static void a_full_store_is_told(void **state)
{
	(void)state;
	static const struct a_column col[] = { COL("s", "varchar", .charset = "latin1") };
	struct inventory inv;
	struct kept k = { .fail = ST_FAILED };
	struct insert *in = NULL;
	struct error err = ERROR_INIT;
	inventory_init(&inv);
	assert_int_equal(insert_new(1 << 20, 1, keep, &k, &in, NULL), ST_OK);
	assert_int_equal(insert_begin(in, a_table(&inv, "s", "t", col, 1), NULL), ST_OK);
	assert_int_equal(insert_row(in, (const char *[]){ "x" }, (size_t[]){ 1 }, NULL), ST_OK);
	assert_int_equal(insert_end(in, &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_STORE);
	insert_free(in);
	inventory_clear(&inv);
}

static void nothing_but_generated_columns(void **state)
{
	(void)state;
	static const struct a_column col[] = { COL("g", "int", .extra = "STORED GENERATED") };
	struct inventory inv;
	struct kept k = { 0 };
	struct insert *in = NULL;
	struct buf b = BUF_INIT(100);
	inventory_init(&inv);
	struct table *t = a_table(&inv, "s", "t", col, 1);
	insert_columns(t, &b);
	assert_string_equal(buf_str(&b), "1");
	assert_int_equal(insert_new(1 << 20, 1, keep, &k, &in, NULL), ST_OK);
	assert_int_equal(insert_begin(in, t, NULL), ST_OK);
	assert_int_equal(insert_row(in, (const char *[]){ "1" }, (size_t[]){ 1 }, NULL), ST_OK);
	assert_int_equal(insert_end(in, NULL), ST_OK);
	assert_non_null(strstr(k.text[0].data, "INSERT INTO `t` () VALUES\n();\n"));
	drop(&k);
	buf_free(&b);
	insert_free(in);
	inventory_clear(&inv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_of_each_kind),     cmocka_unit_test(partitioned_tables_get_introducers),
		cmocka_unit_test(an_empty_table_makes_no_entry),
		cmocka_unit_test(a_name_may_hold_what_ends_statements),
		cmocka_unit_test(values_that_are_none_are_counted), cmocka_unit_test(each_statement_counts_its_own),
		cmocka_unit_test(history_is_let_in),
		cmocka_unit_test(sizes),                cmocka_unit_test(small_after_giant),
		cmocka_unit_test(a_full_store_is_told), cmocka_unit_test(nothing_but_generated_columns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
