/* SPDX-License-Identifier: Apache-2.0 */
#include "checksum_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "slackwater/dialect.h"
#include "slackwater/hash.h"

void seed_checksum_table_list_free(struct seed_tables *t)
{
	strlist_free(&t->schema);
	strlist_free(&t->table);
}

static void add_schema_list(struct buf *b, const struct strlist *schemas)
{
	for (size_t i = 0; i < schemas->n; i++) {
		buf_adds(b, i ? ", " : "");
		sql_string(b, schemas->item[i]);
	}
}

enum status seed_checksum_table_list(struct conn *c, const struct strlist *schemas, struct seed_tables *ret, struct strlist *others,
                                     struct error *err)
{
	struct buf sql = BUF_INIT(BUF_MAX_SQL);
	struct rows *r = NULL;
	bool more = false;
	if (!schemas->n)
		return ST_OK;
	buf_adds(&sql, "SELECT table_schema AS s, table_name AS t, IF(table_type = 'SEQUENCE', 'sequence', engine) AS e FROM information_schema.tables WHERE table_type IN ('BASE TABLE',"
	               " 'SYSTEM VERSIONED', 'SEQUENCE') AND table_schema IN (");
	add_schema_list(&sql, schemas);
	buf_adds(&sql, ") ORDER BY BINARY table_schema, BINARY table_name");
	enum status st = buf_check(&sql, "a statement", err);
	if (!st)
		st = conn_query(c, sql.data, &r, err);
	while (!st && !(st = rows_next(r, &more, err)) && more) {
		const char *engine = rows_get(r, "e");
		if (engine && strcasecmp(engine, "InnoDB") == 0) {
			st = strlist_add(&ret->schema, rows_get(r, "s"), err);
			if (!st)
				st = strlist_add(&ret->table, rows_get(r, "t"), err);
		} else if (others) {
			st = strlist_addf(others, err, "%s.%s", rows_get(r, "s"), rows_get(r, "t"));
		}
	}
	rows_free(r);
	buf_free(&sql);
	return st;
}

static void seed_checksum_table_column(struct buf *b, const char *name, const char *data_type)
{
	static const char *const opaque[] = { "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon",
		                              "geometrycollection", "geomcollection", "vector" };
	bool hex = false;
	for (size_t i = 0; i < sizeof opaque / sizeof opaque[0]; i++)
		hex = hex || strcasecmp(data_type, opaque[i]) == 0;
	/* The bytes as they are: character sets of several columns cannot be mixed in one text. */
	buf_adds(b, hex ? "HEX(" : "CAST(");
	sql_ident(b, name);
	buf_adds(b, hex ? ")" : " AS BINARY)");
}

/* The text of one row, without NULLs, and the row of its NULLs. */
static enum status read_columns(struct conn *c, const char *schema, const char *table, struct buf *values, struct buf *nulls,
                                struct error *err)
{
	struct buf sql = BUF_INIT(16384);
	struct rows *r = NULL;
	bool more = false;
	buf_adds(&sql, "SELECT column_name AS n, data_type AS d FROM information_schema.columns WHERE table_schema = ");
	sql_string(&sql, schema);
	buf_adds(&sql, " AND table_name = ");
	sql_string(&sql, table);
	buf_adds(&sql, " ORDER BY ordinal_position");
	enum status st = buf_check(&sql, "a statement", err);
	if (!st)
		st = conn_query(c, sql.data, &r, err);
	while (!st && !(st = rows_next(r, &more, err)) && more) {
		buf_adds(values, ", ");
		seed_checksum_table_column(values, rows_get(r, "n"), rows_get(r, "d"));
		buf_adds(nulls, nulls->len ? ", ISNULL(" : "ISNULL(");
		sql_ident(nulls, rows_get(r, "n"));
		buf_addc(nulls, ')');
	}
	rows_free(r);
	buf_free(&sql);
	return st;
}

enum { HISTORY_NONE, HISTORY_NAMED, HISTORY_HIDDEN };

/* Has it a history (WITH SYSTEM VERSIONING), and are the two columns of its times among those that information_schema shows? */
static enum status read_history(struct conn *c, const char *schema, const char *table, uint64_t *ret, struct error *err)
{
	struct buf sql = BUF_INIT(16384), where = BUF_INIT(8192);
	*ret = HISTORY_NONE;
	if (!conn_is_mariadb(c, 100304))
		return ST_OK;
	buf_adds(&where, "WHERE table_schema = ");
	sql_string(&where, schema);
	buf_adds(&where, " AND table_name = ");
	sql_string(&where, table);
	buf_addf(&sql,
	         "SELECT COALESCE((SELECT IF(table_type <> 'SYSTEM VERSIONED', %d, IF(EXISTS (SELECT 1 FROM information_schema.columns %s AND"
	         " generation_expression = 'ROW START'), %d, %d)) FROM information_schema.tables %s), %d)",
	         HISTORY_NONE, buf_str(&where), HISTORY_NAMED, HISTORY_HIDDEN, buf_str(&where), HISTORY_NONE);
	enum status st = buf_check(&sql, "a statement", err);
	if (!st)
		st = conn_scalar_u64(c, sql.data, ret, err);
	buf_free(&sql);
	buf_free(&where);
	return st;
}

static enum status sum_rows(struct conn *c, const struct buf *sql, struct seed_sum *ret, struct error *err)
{
	struct rows *r = NULL;
	bool more = false;
	enum status st = buf_check(sql, "a checksum statement", err);
	if (!st)
		st = conn_query(c, sql->data, &r, err);
	if (!st)
		st = rows_next(r, &more, err);
	if (!st && more) {
		snprintf(ret->text, sizeof ret->text, "%s rows, %s/%s", r->row[0] ? r->row[0] : "", r->row[1] ? r->row[1] : "",
		         r->row[2] ? r->row[2] : "");
		ret->beyond = r->row[3] ? strtoull(r->row[3], NULL, 10) : 0;
		ret->rows = r->row[0] ? strtoull(r->row[0], NULL, 10) : 0;
	}
	rows_free(r);
	return st;
}

enum status seed_checksum_table(struct conn *c, const char *schema, const char *table, bool consistent, struct seed_sum *ret,
                                struct error *err)
{
	struct buf values = BUF_INIT(BUF_MAX_SQL), nulls = BUF_INIT(BUF_MAX_SQL), sql = BUF_INIT(BUF_MAX_SQL);
	uint64_t history = HISTORY_NONE;
	*ret = (struct seed_sum){ 0 };
	enum status st = consistent ? conn_exec(c, "SAVEPOINT slackwater", err) : ST_OK;
	if (!st)
		st = read_columns(c, schema, table, &values, &nulls, err);
	ret->columns = hash_text(buf_str(&values));
	if (!st)
		st = read_history(c, schema, table, &history, err);
	if (history == HISTORY_HIDDEN)
		buf_adds(&values, ", row_start, row_end");
	/* A row too long for one text gives NULL: it still counts by its number. */
	buf_addf(&sql,
	         "SELECT COUNT(*), COALESCE(SUM(k), 0), COALESCE(BIT_XOR(k), 0), COUNT(*) - COUNT(k) FROM"
	         " (SELECT CRC32(CONCAT_WS('#', CONCAT(%s)%s)) AS k FROM ",
	         buf_str(&nulls), buf_str(&values));
	sql_ident(&sql, schema);
	buf_addc(&sql, '.');
	sql_ident(&sql, table);
	buf_adds(&sql, history == HISTORY_NONE ? ") AS each_row" : " FOR SYSTEM_TIME ALL) AS each_row");
	if (!st && nulls.len)
		st = sum_rows(c, &sql, ret, err);
	if (!st && consistent)
		st = conn_exec(c, "ROLLBACK TO SAVEPOINT slackwater", err);
	buf_free(&values);
	buf_free(&nulls);
	buf_free(&sql);
	return st;
}
