/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the lists from information_schema, in bulk: one query per kind of thing, whatever the number of tables. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "filter.h"
#include "inventory.h"
#include "layout.h"
#include "slackwater/dialect.h"

/* Compared bytewise: a user's schema may be called SYS where case counts. */
#define NOT_SYSTEM(column) "CAST(" column " AS BINARY) NOT IN ('mysql','sys','ndbinfo','information_schema','performance_schema')"

static const char *list_cell(const struct rows *r, unsigned i)
{
	return r->row[i] ? r->row[i] : "";
}

static uint64_t list_number(const struct rows *r, unsigned i)
{
	return r->row[i] ? strtoull(r->row[i], NULL, 10) : 0;
}

static enum status list_dup(char **ret, const struct rows *r, unsigned i, struct error *err)
{
	return inventory_dup(ret, r->row[i], r->len[i], err);
}

/* Row by row: of very many tables the lists would be the largest thing in memory. */
static enum status list_query(struct conn *c, struct rows **ret, struct error *err, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static enum status list_query(struct conn *c, struct rows **ret, struct error *err, const char *fmt, ...)
{
	struct buf sql = BUF_INIT(BUF_MAX_SQL);
	va_list ap;
	va_start(ap, fmt);
	buf_addv(&sql, fmt, ap);
	va_end(ap);
	enum status st = conn_stream(c, &sql, ret, err);
	buf_free(&sql);
	return st;
}

/* ---- tables ---- */

static bool list_engine(const char *engine, enum table_rows *how)
{
	static const struct { const char *name; enum table_rows how; } known[] = {
		{ "InnoDB", ROWS_SNAPSHOT }, { "MyISAM", ROWS_COPIED }, { "Aria", ROWS_COPIED }, { "CSV", ROWS_COPIED },
		{ "ARCHIVE", ROWS_COPIED },  { "MEMORY", ROWS_COPIED }, { "MRG_MyISAM", ROWS_NONE }, { "BLACKHOLE", ROWS_NONE },
	};
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (!strcasecmp(known[i].name, engine)) {
			*how = known[i].how;
			return true;
		}
	}
	return false;
}

/* What list_tables asks for. */
enum {
	ROW_TABLE_SCHEMA, ROW_TABLE_NAME, ROW_TABLE_TYPE, ROW_TABLE_ENGINE, ROW_TABLE_ROWS, ROW_TABLE_BYTES, ROW_TABLE_COMMENT, ROW_TABLE_PARTITIONED
};

/* Nothing but MariaDB 10.11.1 and later takes a history that was not made by the table itself. */
static enum status list_judge_versioned(struct inventory *inv, struct table *t, const struct rows *r, const struct conn *c, struct error *err)
{
	t->versioned = true;
	if (!conn_is_mariadb(c, 101101))
		return inventory_refused(inv, t->schema, t->name, err, "the history of a system-versioned table can be carried from MariaDB 10.11.1 on");
	if (!strcmp(list_cell(r, ROW_TABLE_PARTITIONED), "1"))
		return inventory_refused(inv, t->schema, t->name, err, "system-versioned tables with partitions are not supported: history may come to lie in others");
	return ST_OK;
}

/* What row r says of base table t; *ret_skip: it is to be left out. */
static enum status list_judge(struct inventory *inv, struct table *t, const struct rows *r, const struct conn *c,
                              const struct engine_options *o, bool *ret_skip, struct error *err)
{
	enum status st = ST_OK;
	const char *type = list_cell(r, ROW_TABLE_TYPE), *engine = list_cell(r, ROW_TABLE_ENGINE);
	*ret_skip = false;
	if (!strcmp(type, "VIEW")) {
		t->view = true;
		return ST_OK;
	}
	if (!strcmp(type, "SEQUENCE")) {
		/* Its row is changed without a trace in any read view, also in InnoDB. */
		t->sequence = true;
		t->how = ROWS_COPIED;
		return ST_OK;
	}
	if (!strcmp(type, "SYSTEM VERSIONED"))
		st = list_judge_versioned(inv, t, r, c, err);
	else if (strcmp(type, "BASE TABLE") != 0)
		return inventory_refused(inv, t->schema, t->name, err, "table type %s is not known", type);
	if (st)
		return st;
	*ret_skip = !*engine; /* nor is there a definition to be read */
	if (!*engine)
		return inventory_refused(inv, t->schema, t->name, err, "the server cannot open it: %s", list_cell(r, ROW_TABLE_COMMENT));
	if (!list_engine(engine, &t->how))
		return inventory_refused(inv, t->schema, t->name, err, "engine %s is not supported", engine);
	if (t->how == ROWS_COPIED && o->nontransactional == NONTRANSACTIONAL_REFUSE)
		return inventory_refused(inv, t->schema, t->name, err, "engine %s is not transactional and --nontransactional is refuse", engine);
	*ret_skip = t->how == ROWS_COPIED && o->nontransactional == NONTRANSACTIONAL_SKIP;
	return ST_OK;
}

static enum status list_table(struct inventory *inv, const struct rows *r, const struct conn *c, const struct engine_options *o, struct error *err)
{
	char *schema = NULL, *name = NULL;
	struct table *t = NULL;
	bool skip = false;
	if (!filter_table(o, list_cell(r, ROW_TABLE_SCHEMA), list_cell(r, ROW_TABLE_NAME)) || !strcmp(list_cell(r, ROW_TABLE_TYPE), "SYSTEM VIEW") ||
	    strstr(list_cell(r, ROW_TABLE_TYPE), "TEMPORARY"))
		return ST_OK;
	enum status st = list_dup(&schema, r, ROW_TABLE_SCHEMA, err);
	if (!st)
		st = list_dup(&name, r, ROW_TABLE_NAME, err);
	if (st) {
		free(schema);
		return st;
	}
	st = inventory_add_table(inv, schema, name, &t, err);
	if (!st)
		st = inventory_dup(&t->engine, list_cell(r, ROW_TABLE_ENGINE), strlen(list_cell(r, ROW_TABLE_ENGINE)), err);
	if (!st)
		st = list_judge(inv, t, r, c, o, &skip, err);
	if (st)
		return st;
	t->gone = skip;
	t->reader = (unsigned)inv->ntables;
	t->partitioned = !strcmp(list_cell(r, ROW_TABLE_PARTITIONED), "1");
	t->rows = list_number(r, ROW_TABLE_ROWS);
	t->bytes = list_number(r, ROW_TABLE_BYTES);
	return ST_OK;
}

/* ROW_TABLE_ROWS to ROW_TABLE_COMMENT. On MySQL 5.x and MariaDB the server opens each table to tell them. */
#define LIST_SIZES "TABLE_ROWS, DATA_LENGTH, IF(ENGINE IS NULL, TABLE_COMMENT, '')"
#define LIST_NO_SIZES "0, 0, ''"

static enum status list_tables(struct inventory *inv, struct conn *c, const struct engine_options *o, const char *sizes, struct error *err)
{
	struct rows *r = NULL;
	enum status st = list_query(c, &r, err, "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, ENGINE, %s, CREATE_OPTIONS LIKE '%%partitioned%%'"
	                                        " FROM information_schema.TABLES WHERE " NOT_SYSTEM("TABLE_SCHEMA"), sizes);
	while (rows_more(r, &st, err))
		st = list_table(inv, r, c, o, err);
	rows_free(r);
	return st;
}

enum status inventory_names(struct inventory *inv, struct conn *c, const struct engine_options *o, struct error *err)
{
	inventory_clear(inv);
	return list_tables(inv, c, o, LIST_NO_SIZES, err);
}

/* ---- columns ---- */

/* What list_columns_query asks for. */
enum {
	ROW_COLUMN_SCHEMA, ROW_COLUMN_TABLE, ROW_COLUMN_NAME, ROW_COLUMN_DATA_TYPE, ROW_COLUMN_TYPE, ROW_COLUMN_NULLABLE, ROW_COLUMN_CHARSET,
	ROW_COLUMN_EXTRA, ROW_COLUMN_SCALE, ROW_COLUMN_EXPRESSION, ROW_COLUMN_DEFAULT
};

/* Of a versioned table: is it when a row began or ended? Those are written like other columns, so that history stays what it was. */
static bool list_is_period(const struct table *t, const struct rows *r)
{
	return t->versioned && (!strcmp(list_cell(r, ROW_COLUMN_EXPRESSION), "ROW START") || !strcmp(list_cell(r, ROW_COLUMN_EXPRESSION), "ROW END"));
}

static enum status list_column(struct inventory *inv, struct table *t, const struct rows *r, struct error *err)
{
	struct column *more = realloc(t->col, (t->ncols + 1) * sizeof *more);
	if (!more)
		return error_oom(err);
	t->col = more;
	struct column *col = &t->col[t->ncols++];
	*col = (struct column){ .nullable = strcasecmp(list_cell(r, ROW_COLUMN_NULLABLE), "YES") == 0 };
	enum status st = list_dup(&col->name, r, ROW_COLUMN_NAME, err);
	if (!st)
		st = list_dup(&col->charset, r, ROW_COLUMN_CHARSET, err);
	if (st)
		return st;
	if (!column_classify(col, list_cell(r, ROW_COLUMN_DATA_TYPE), list_cell(r, ROW_COLUMN_TYPE), list_cell(r, ROW_COLUMN_EXTRA), r->row[ROW_COLUMN_SCALE]) && !t->view && !t->gone)
		return inventory_refused(inv, t->schema, t->name, err, "column `%s` has a type that is not known: %s", col->name, list_cell(r, ROW_COLUMN_TYPE));
	col->doubtful = inventory_default_doubtful(col, list_cell(r, ROW_COLUMN_DATA_TYPE), r->row[ROW_COLUMN_DEFAULT], r->len[ROW_COLUMN_DEFAULT]);
	if (inventory_words_doubtful(col, list_cell(r, ROW_COLUMN_DATA_TYPE), list_cell(r, ROW_COLUMN_TYPE)) && (st = list_dup(&col->words, r, ROW_COLUMN_TYPE, err)))
		return st;
	if (list_is_period(t, r)) {
		t->period = true;
		col->generated = false;
		if (!strcasecmp(list_cell(r, ROW_COLUMN_DATA_TYPE), "bigint") && !strcmp(list_cell(r, ROW_COLUMN_EXPRESSION), "ROW START"))
			return inventory_refused(inv, t->schema, t->name, err, "its history goes by transaction numbers, which are not carried over");
	}
	if (col->is_enum && !col->invalid)
		return inventory_refused(inv, t->schema, t->name, err, "column `%s` is an ENUM whose words leave no way to write an invalid value", col->name);
	return ST_OK;
}

/* A versioned table that does not name these two has them all the same; SELECT * and information_schema leave them out. */
static enum status list_period(struct table *t, struct error *err)
{
	static const char *const name[] = { "row_start", "row_end" };
	if (!t->versioned || t->period || !t->ncols)
		return ST_OK;
	struct column *more = realloc(t->col, (t->ncols + 2) * sizeof *more);
	if (!more)
		return error_oom(err);
	t->col = more;
	t->period = true;
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < 2; i++) {
		struct column *col = &t->col[t->ncols++];
		*col = (struct column){ 0 };
		column_classify(col, "timestamp", "timestamp(6)", "", NULL);
		st = inventory_dup(&col->name, name[i], strlen(name[i]), err);
	}
	return st;
}

static enum status list_columns_query(struct inventory *inv, struct conn *c, const char *where, struct error *err)
{
	struct rows *r = NULL;
	struct table *t = NULL;
	enum status st = list_query(c, &r, err,
	                             "SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, CHARACTER_SET_NAME,"
	                             " EXTRA, NUMERIC_SCALE, %s, COLUMN_DEFAULT FROM information_schema.COLUMNS WHERE %s"
	                             " ORDER BY " INVENTORY_BYTES("TABLE_SCHEMA") ", " INVENTORY_BYTES("TABLE_NAME") ", ORDINAL_POSITION",
	                             conn_is_mariadb(c, 100300) ? "GENERATION_EXPRESSION" : "''", where);
	while (rows_more(r, &st, err)) {
		if (!t || strcmp(t->name, list_cell(r, ROW_COLUMN_TABLE)) != 0 || strcmp(t->schema, list_cell(r, ROW_COLUMN_SCHEMA)) != 0)
			t = inventory_find(inv, list_cell(r, ROW_COLUMN_SCHEMA), list_cell(r, ROW_COLUMN_TABLE));
		if (t)
			st = list_column(inv, t, r, err);
	}
	rows_free(r);
	return st;
}

/* ---- keys ---- */

/* What list_keys_query asks for. */
enum { ROW_KEY_SCHEMA, ROW_KEY_TABLE, ROW_KEY_INDEX, ROW_KEY_COLUMN, ROW_KEY_PREFIX, ROW_KEY_TYPE, ROW_KEY_USABLE, ROW_KEY_SEQUENCE };

static bool list_column_index(const struct table *t, const char *name, unsigned *ret)
{
	for (size_t i = 0; i < t->ncols; i++) {
		if (!strcmp(t->col[i].name, name)) {
			*ret = (unsigned)i;
			return true;
		}
	}
	return false;
}

static void list_key_part(struct table *t, struct index_info *ix, const struct rows *r)
{
	unsigned col = 0;
	t->found_by_key = t->found_by_key || !strcmp(ix->name, "PRIMARY"); /* of whatever type */
	if (ix->ncols == INDEX_COLUMNS || r->row[ROW_KEY_PREFIX] || !r->row[ROW_KEY_COLUMN] || strcasecmp(list_cell(r, ROW_KEY_TYPE), "BTREE") != 0 ||
	    strcmp(list_cell(r, ROW_KEY_USABLE), "1") != 0 || !list_column_index(t, r->row[ROW_KEY_COLUMN], &col)) {
		ix->usable = false;
		return;
	}
	ix->col[ix->ncols++] = col;
}

/* A part of an index taken for the whole of it would pass for a key, and rows be passed over along it. */
static enum status list_key_whole(const struct table *t, const struct index_info *ix, const struct rows *r, uint64_t part, struct error *err)
{
	if (!t || list_number(r, ROW_KEY_SEQUENCE) == part)
		return ST_OK;
	return error_set(err, ST_FAILED, ERR_SERVER, "the server lists index `%s` of `%s`.`%s` in pieces", ix->name, t->schema, t->name);
}

static const char *list_index_usable(const struct conn *c)
{
	if (conn_is_mysql(c, 80000))
		return "IS_VISIBLE = 'YES'"; /* FORCE INDEX refuses one that is not */
	if (conn_is_mariadb(c, 100600))
		return "IGNORED = 'NO'";
	return "1";
}

static enum status list_keys_query(struct inventory *inv, struct conn *c, const char *where, struct error *err)
{
	struct rows *r = NULL;
	struct table *t = NULL;
	struct index_info ix = { 0 };
	uint64_t part = 0;
	enum status st = list_query(c, &r, err,
	                             "SELECT TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, COLUMN_NAME, SUB_PART, INDEX_TYPE, %s, SEQ_IN_INDEX"
	                             " FROM information_schema.STATISTICS WHERE NON_UNIQUE = 0 AND %s"
	                             " ORDER BY " INVENTORY_BYTES("TABLE_SCHEMA") ", " INVENTORY_BYTES("TABLE_NAME") ", " INVENTORY_BYTES("INDEX_NAME")
	                             ", SEQ_IN_INDEX", list_index_usable(c), where);
	while (rows_more(r, &st, err)) {
		bool same = t && !strcmp(t->name, list_cell(r, ROW_KEY_TABLE)) && !strcmp(t->schema, list_cell(r, ROW_KEY_SCHEMA));
		if (!same || strcmp(ix.name, list_cell(r, ROW_KEY_INDEX)) != 0) {
			st = t ? column_consider_key(t, &ix, err) : ST_OK;
			t = same ? t : inventory_find(inv, list_cell(r, ROW_KEY_SCHEMA), list_cell(r, ROW_KEY_TABLE));
			ix = (struct index_info){ .usable = true };
			strncpy(ix.name, list_cell(r, ROW_KEY_INDEX), sizeof ix.name - 1);
			part = 0;
		}
		if (!st)
			st = list_key_whole(t, &ix, r, ++part, err);
		if (t && !st)
			list_key_part(t, &ix, r);
	}
	if (!st && t)
		st = column_consider_key(t, &ix, err);
	rows_free(r);
	return st;
}

enum status inventory_columns(struct inventory *inv, struct table *t, struct conn *c, struct error *err)
{
	struct buf where = BUF_INIT(4096);
	buf_adds(&where, "TABLE_SCHEMA = ");
	sql_string(&where, t->schema);
	buf_adds(&where, " AND TABLE_NAME = ");
	sql_string(&where, t->name);
	enum status st = buf_check(&where, "a condition", err);
	if (!st)
		st = list_columns_query(inv, c, buf_str(&where), err);
	if (!st)
		st = list_period(t, err);
	if (!st)
		st = list_keys_query(inv, c, buf_str(&where), err);
	buf_free(&where);
	return st;
}

/* ---- schemas and file names ---- */

enum { ROW_SCHEMA_NAME, ROW_SCHEMA_COLLATION };

static enum status list_schemas(struct inventory *inv, struct conn *c, const struct engine_options *o, struct error *err)
{
	struct rows *r = NULL;
	enum status st = conn_query(c, "SELECT SCHEMA_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA", &r, err);
	while (rows_more(r, &st, err)) {
		struct schema *s = NULL;
		if (filter_schema(o, list_cell(r, ROW_SCHEMA_NAME))) {
			st = inventory_add_schema(inv, &s, err);
			if (!st)
				st = list_dup(&s->name, r, ROW_SCHEMA_NAME, err);
			if (!st)
				st = list_dup(&s->collation, r, ROW_SCHEMA_COLLATION, err);
			if (!st)
				s->whole = filter_whole(o, s->name);
		}
	}
	rows_free(r);
	if (!st)
		inventory_sort(inv);
	return st;
}

static enum status list_file(struct table *t, const struct schema *s, struct layout_names *names, struct error *err)
{
	char *file = NULL;
	enum status st = layout_names_take(names, t->name, &file, err);
	if (st)
		return st;
	struct buf b = BUF_INIT(256);
	buf_addf(&b, "%s.%s", s->file, file);
	free(file);
	t->file = buf_take(&b);
	buf_free(&b);
	return t->file ? ST_OK : error_oom(err);
}

static enum status list_files(struct inventory *inv, struct error *err)
{
	unsigned number = 0;
	struct layout_names schemas = { .number = &number };
	struct layout_names *tables = calloc(inv->nschemas + 1, sizeof *tables);
	enum status st = tables ? ST_OK : error_oom(err);

	for (size_t i = 0; !st && i < inv->nschemas; i++) {
		tables[i].number = &number;
		st = layout_names_take(&schemas, inv->schema[i].name, &inv->schema[i].file, err);
	}
	struct schema *s = NULL;
	for (size_t i = 0; !st && i < inv->ntables; i++) {
		struct table *t = &inv->table[i];
		if (!s || strcmp(s->name, t->schema) != 0)
			s = inventory_schema(inv, t->schema);
		if (s)
			st = list_file(t, s, &tables[s - inv->schema], err);
		else
			st = error_set(err, ST_RETRY, ERR_INCONSISTENT, "schema `%s` came into being while the tables were listed", t->schema);
	}
	for (size_t i = 0; tables && i < inv->nschemas; i++)
		layout_names_free(&tables[i]);
	layout_names_free(&schemas);
	free(tables);
	return st;
}

const char *inventory_defaults(enum flavor flavor, unsigned version)
{
	if (flavor == FLAVOR_MYSQL)
		return version < 80000 ? LAYOUT_DEFAULTS_MYSQL : "";
	return version < 110500 ? LAYOUT_DEFAULTS_MARIADB : "";
}

enum status inventory_list(struct inventory *inv, struct conn *c, const struct engine_options *o, struct error *err)
{
	inventory_clear(inv);
	inv->defaults = inventory_defaults(c->server.flavor, c->server.version);
	enum status st = list_schemas(inv, c, o, err);
	if (!st)
		st = list_tables(inv, c, o, LIST_SIZES, err);
	if (!st)
		st = list_columns_query(inv, c, NOT_SYSTEM("TABLE_SCHEMA"), err);
	for (size_t i = 0; !st && i < inv->ntables; i++)
		st = list_period(&inv->table[i], err);
	if (!st)
		st = list_keys_query(inv, c, NOT_SYSTEM("TABLE_SCHEMA"), err);
	if (!st)
		st = inventory_default_check(inv, c, err);
	if (!st)
		st = inventory_words_check(inv, c, err);
	return st ? st : list_files(inv, err);
}
