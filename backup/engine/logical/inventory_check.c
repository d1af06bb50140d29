/* SPDX-License-Identifier: Apache-2.0 */
/* What an inventory says about the options, and about the server beyond its schemas. */
#include <stdlib.h>
#include <string.h>

#include "filter.h"
#include "inventory.h"

/* Reading this much while the applier is still takes about a second. */
#define CHECK_COPIED_BYTES (100u << 20)
#define CHECK_NAMES_MAX 1000

/* "schema.table", either of which may hold dots. */
static enum status check_listed(const struct inventory *inv, const char *name, struct error *err)
{
	bool found = false;
	char *schema = strdup(name);
	if (!schema)
		return error_oom(err);
	for (char *dot = strchr(schema, '.'); dot && !found; dot = strchr(dot + 1, '.')) {
		*dot = '\0';
		found = inventory_find(inv, schema, dot + 1);
		*dot = '.';
	}
	free(schema);
	return found ? ST_OK : error_set(err, ST_FAILED, ERR_PREFLIGHT, "table %s of --tables-from-file does not exist", name);
}

/* A pattern that matches nothing is a typing error, and a snapshot without that table a bad surprise. */
static enum status check_patterns(const struct inventory *inv, const struct engine_options *o, struct error *err)
{
	for (size_t i = 0; i < o->include.n; i++) {
		struct engine_options one = { .include = { .item = &o->include.item[i], .n = 1 } };
		bool found = false;
		for (size_t k = 0; !found && k < inv->ntables; k++)
			found = filter_table(&one, inv->table[k].schema, inv->table[k].name);
		for (size_t k = 0; !found && k < inv->nschemas; k++)
			found = filter_whole(&one, inv->schema[k].name);
		if (!found) {
			error_set(err, ST_FAILED, ERR_PREFLIGHT, "--include '%s' matches nothing", o->include.item[i]);
			error_hint(err, "patterns are schema or schema.table, with * and ?");
			return ST_FAILED;
		}
	}
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < o->tables.n; i++)
		st = check_listed(inv, o->tables.item[i], err);
	return st;
}

static void check_nontransactional(const struct inventory *inv, const struct conn *c, const struct engine_options *o)
{
	uint64_t bytes = 0, skipped = 0;
	for (size_t i = 0; i < inv->ntables; i++) {
		const struct table *t = &inv->table[i];
		if (t->view || t->how != ROWS_COPIED)
			continue;
		bytes += t->gone ? 0 : t->bytes;
		skipped += t->gone;
	}
	if (skipped && o->nontransactional == NONTRANSACTIONAL_SKIP)
		event_warning(c->run->events, "dump", "%llu table(s) of non-transactional engines are left out", (unsigned long long)skipped);
	if (bytes > CHECK_COPIED_BYTES)
		event_warning(c->run->events, "dump", "%llu MiB of non-transactional tables are copied while the applier is still: the pause will be long",
		              (unsigned long long)(bytes >> 20));
}

static enum status check_count(struct conn *c, const char *sql, const char *what, struct error *err)
{
	uint64_t n = 0;
	enum status st = conn_scalar_u64(c, sql, &n, err);
	if (!st && n)
		event_warning(c->run->events, "dump", "%llu %s are not carried over", (unsigned long long)n, what);
	return st;
}

/*
 * note: no warning. What a server has found out, or only keeps in mind, costs the snapshot no data, and would make every nightly run one with warnings, in which a
 * new one is not seen.
 */
static enum status check_names(struct conn *c, bool note, const char *sql, const char *what, struct error *err)
{
	struct buf names = BUF_INIT(CHECK_NAMES_MAX);
	struct rows *r = NULL;
	enum status st = conn_query(c, sql, &r, err);
	while (rows_more(r, &st, err))
		buf_addf(&names, "%s%s", names.len ? ", " : "", r->row[0] ? r->row[0] : "");
	rows_free(r);
	const char *more_names = names.bad ? ", ..." : "";
	if (!st && names.len && note)
		event_note(c->run->events, "dump", "%s: %s%s", what, buf_str(&names), more_names);
	else if (!st && names.len)
		event_warning(c->run->events, "dump", "%s: %s%s", what, buf_str(&names), more_names);
	buf_free(&names);
	return st;
}

/* What is called as a schema of the server's own is left out, also by a server that has none of that name. */
static enum status check_own_names(struct conn *c, struct error *err)
{
	bool has_sys = conn_is_mysql(c, 50700) || conn_is_mariadb(c, 100600);
	enum status st = has_sys ? ST_OK : check_count(c, "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE CAST(SCHEMA_NAME AS BINARY) = 'sys'",
	                                               "schemas of the name sys, which is taken for the server's own,", err);
	return st ? st : check_count(c, "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE CAST(SCHEMA_NAME AS BINARY) = 'ndbinfo'"
	                                " AND NOT EXISTS (SELECT 1 FROM information_schema.ENGINES WHERE ENGINE = 'ndbinfo')",
	                             "schemas of the name ndbinfo, which is taken for the server's own,", err);
}

/* What a server has found out or keeps in mind, and no statement puts back as it was. */
static enum status check_memory(struct conn *c, const struct engine_options *o, struct error *err)
{
	static const char *const statistics = "statistics of these tables that somebody has had collected (ANALYZE TABLE) are not carried over";
	enum status st = ST_OK;
	if (conn_is_mysql(c, 80003))
		st = check_names(c, true, "SELECT DISTINCT CONCAT(SCHEMA_NAME, '.', TABLE_NAME) AS n FROM information_schema.COLUMN_STATISTICS ORDER BY n", statistics, err);
	if (conn_is_mariadb(c, 0))
		st = check_names(c, true, "SELECT DISTINCT CONCAT(db_name, '.', table_name) AS n FROM mysql.column_stats ORDER BY n", statistics, err);
	if (!st && o->users && conn_is_mysql(c, 80003))
		st = check_names(c, true, "SELECT DISTINCT CONCAT(User, '@', Host) AS n FROM mysql.password_history ORDER BY n",
		                 "former passwords of these accounts (PASSWORD HISTORY) are not carried over", err);
	return st;
}

enum status inventory_check_options(const struct inventory *inv, struct conn *c, const struct engine_options *o, struct error *err)
{
	enum status st = check_patterns(inv, o, err);
	if (st)
		return st;
	check_nontransactional(inv, c, o);
	st = check_own_names(c, err);
	if (!st)
		st = check_names(c, true, "SELECT DISTINCT dl FROM mysql.func ORDER BY dl", "loadable functions are carried over, the target must have their libraries in its plugin_dir", err);
	if (!st)
		st = check_memory(c, o, err);
	return st ? st : check_names(c, false, "SELECT Server_name FROM mysql.servers ORDER BY Server_name",
	                             "server definitions (CREATE SERVER) are not carried over, and not replicated either", err);
}
