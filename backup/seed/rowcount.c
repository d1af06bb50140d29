/* SPDX-License-Identifier: Apache-2.0 */
#include "rowcount.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct rowcount_tables { struct strlist schema, name, type; };

/* A history is rows like others; a sequence is a table of one row. */
static enum status count_table(struct conn *c, const struct rowcount_tables *t, size_t i, uint64_t *ret, struct error *err)
{
	struct buf sql = BUF_INIT(4096);
	uint64_t n = 0;
	buf_adds(&sql, "SELECT COUNT(*) FROM ");
	sql_ident(&sql, t->schema.item[i]);
	buf_addc(&sql, '.');
	sql_ident(&sql, t->name.item[i]);
	buf_adds(&sql, strcmp(t->type.item[i], "SYSTEM VERSIONED") ? "" : " FOR SYSTEM_TIME ALL");
	enum status st = buf_check(&sql, "a table's name", err);
	if (!st)
		st = conn_scalar_u64(c, sql.data, &n, err);
	*ret += n;
	buf_free(&sql);
	return st;
}

/* Servers that fold names have another spelling than the snapshot. */
static bool among(const struct strlist *schemas, const char *schema)
{
	for (size_t i = 0; schemas && i < schemas->n; i++)
		if (!strcasecmp(schemas->item[i], schema))
			return true;
	return !schemas;
}

/* A MERGE table shows rows of others, which the snapshot holds once. */
static enum status count_list(struct conn *c, const struct strlist *schemas, struct rowcount_tables *t, struct error *err)
{
	struct rows *r = NULL;
	bool more = false;
	enum status st = conn_query(c,
	                            "SELECT table_schema, table_name, table_type FROM information_schema.tables WHERE table_type IN ('BASE TABLE',"
	                            " 'SYSTEM VERSIONED', 'SEQUENCE') AND table_schema NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')"
	                            " AND COALESCE(engine, '') <> 'MRG_MyISAM'",
	                            &r, err);
	while (!st && !(st = rows_next(r, &more, err)) && more) {
		struct strlist *const to[] = { &t->schema, &t->name, &t->type };
		for (size_t i = 0; !st && i < 3 && among(schemas, r->row[0]); i++)
			st = strlist_add(to[i], r->row[i], err);
	}
	rows_free(r);
	return st;
}

enum status seed_rowcount(struct conn *c, const struct strlist *schemas, uint64_t expected, struct error *err)
{
	struct rowcount_tables t = { 0 };
	uint64_t rows = 0;
	enum status st = count_list(c, schemas, &t, err);
	for (size_t i = 0; !st && i < t.name.n; i++) {
		st = run_check(c->run, err);
		if (!st)
			st = count_table(c, &t, i, &rows, err);
		event_progress(c->run->events, "count", 0, 0, rows, expected);
	}
	if (!st && rows != expected)
		st = error_set(err, ST_FAILED, ERR_NOT_PROVEN, "the restored server has %" PRIu64 " rows, the snapshot %" PRIu64, rows, expected);
	strlist_free(&t.schema);
	strlist_free(&t.name);
	strlist_free(&t.type);
	return st;
}
