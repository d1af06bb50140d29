/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What belongs to the server as a whole and is replicated: loadable functions (CREATE FUNCTION ... SONAME) and spatial reference systems. A seed
 * that lacks one stops at the DROP that replication brings; a view or a column may need one from the start.
 */
#include <stdlib.h>
#include <string.h>

#include "inventory.h"
#include "layout.h"
#include "slackwater/dialect.h"

static enum status server_statement(struct inventory *inv, struct buf *sql, struct error *err)
{
	enum status st = buf_check(sql, "a definition", err);
	if (!st && !inv->server.len)
		buf_adds(&inv->server, LAYOUT_SCHEMA_HEADER);
	if (!st)
		layout_statement(&inv->server, sql->data, sql->len);
	return st;
}

/* ---- loadable functions ---- */

enum { ROW_FUNCTION_NAME, ROW_FUNCTION_RETURNS, ROW_FUNCTION_LIBRARY, ROW_FUNCTION_TYPE };

/* Dropped first, so that what a load finds from an earlier one is no error. */
static enum status server_function(struct inventory *inv, const struct rows *r, struct error *err)
{
	static const char *const words[] = { "STRING", "REAL", "INTEGER", NULL, "DECIMAL" };
	const char *name = r->row[ROW_FUNCTION_NAME], *library = r->row[ROW_FUNCTION_LIBRARY], *type = r->row[ROW_FUNCTION_TYPE];
	unsigned long kind = r->row[ROW_FUNCTION_RETURNS] ? strtoul(r->row[ROW_FUNCTION_RETURNS], NULL, 10) : 3;
	struct buf sql = BUF_INIT(BUF_MAX_SQL);
	if (!name || !library || !type || kind >= sizeof words / sizeof words[0] || !words[kind])
		return strlist_addf(&inv->refused, err, "loadable function `%s`: what mysql.func says of it is not understood", name ? name : "");
	buf_adds(&sql, "DROP FUNCTION IF EXISTS ");
	sql_ident(&sql, name);
	enum status st = server_statement(inv, &sql, err);
	buf_clear(&sql);
	buf_adds(&sql, strcmp(type, "aggregate") == 0 ? "CREATE AGGREGATE FUNCTION " : "CREATE FUNCTION ");
	sql_ident(&sql, name);
	buf_addf(&sql, " RETURNS %s SONAME ", words[kind]);
	sql_string(&sql, library);
	if (!st)
		st = server_statement(inv, &sql, err);
	buf_free(&sql);
	return st;
}

/* ---- spatial reference systems ---- */

/*
 * The server brings those of the EPSG dataset, some 5,000, all of them under their number there [run 9.7.4]; what does not say so was made by somebody, whatever
 * its number is.
 */
#define SRS_SHIPPED "ORGANIZATION <=> 'EPSG' AND ORGANIZATION_COORDSYS_ID <=> SRS_ID"

enum { ROW_SRS_ID, ROW_SRS_NAME, ROW_SRS_ORGANIZATION, ROW_SRS_NUMBER, ROW_SRS_DEFINITION, ROW_SRS_DESCRIPTION };

static void server_clause(struct buf *sql, const char *word, const char *value)
{
	if (!value)
		return;
	buf_addf(sql, " %s ", word);
	sql_string(sql, value);
}

static enum status server_srs(struct inventory *inv, const struct rows *r, struct error *err)
{
	struct buf sql = BUF_INIT(BUF_MAX_SQL);
	uint64_t id = r->row[ROW_SRS_ID] ? strtoull(r->row[ROW_SRS_ID], NULL, 10) : 0;
	bool shipped = r->row[ROW_SRS_ORGANIZATION] && strcmp(r->row[ROW_SRS_ORGANIZATION], "EPSG") == 0 && r->row[ROW_SRS_NUMBER] &&
	               strtoull(r->row[ROW_SRS_NUMBER], NULL, 10) == id;
	buf_addf(&sql, "CREATE %sSPATIAL REFERENCE SYSTEM %s%llu", shipped ? "" : "OR REPLACE ", shipped ? "IF NOT EXISTS " : "", (unsigned long long)id);
	server_clause(&sql, "NAME", r->row[ROW_SRS_NAME]);
	server_clause(&sql, "ORGANIZATION", r->row[ROW_SRS_ORGANIZATION]);
	if (r->row[ROW_SRS_ORGANIZATION] && r->row[ROW_SRS_NUMBER])
		buf_addf(&sql, " IDENTIFIED BY %s", r->row[ROW_SRS_NUMBER]);
	server_clause(&sql, "DEFINITION", r->row[ROW_SRS_DEFINITION]);
	server_clause(&sql, "DESCRIPTION", r->row[ROW_SRS_DESCRIPTION]);
	enum status st = server_statement(inv, &sql, err);
	buf_free(&sql);
	return st;
}

static enum status server_each(struct inventory *inv, struct conn *c, const char *query,
                               enum status (*add)(struct inventory *, const struct rows *, struct error *), struct error *err)
{
	struct rows *r = NULL;
	enum status st = conn_query(c, query, &r, err);
	while (rows_more(r, &st, err))
		st = add(inv, r, err);
	rows_free(r);
	return st;
}

enum status inventory_server(struct inventory *inv, struct conn *c, struct error *err)
{
	buf_clear(&inv->server);
	enum status st = server_each(inv, c, "SELECT name, ret, dl, type FROM mysql.func ORDER BY name", server_function, err);
	/* A shipped one that a column uses is named as well: the target may be of a version that lacks it. */
	if (!st && conn_is_mysql(c, 80011))
		st = server_each(inv, c, "SELECT SRS_ID, SRS_NAME, ORGANIZATION, ORGANIZATION_COORDSYS_ID, DEFINITION, DESCRIPTION"
		                         " FROM information_schema.ST_SPATIAL_REFERENCE_SYSTEMS WHERE SRS_ID > 0 AND NOT (" SRS_SHIPPED ")"
		                         " OR SRS_ID IN (SELECT SRS_ID FROM information_schema.ST_GEOMETRY_COLUMNS WHERE SRS_ID > 0) ORDER BY SRS_ID",
		                 server_srs, err);
	return st ? st : buf_check(&inv->server, LAYOUT_SERVER, err);
}
