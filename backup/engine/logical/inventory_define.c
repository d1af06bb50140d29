/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading definitions. Those of stored programs and views are read with character_set_results=binary: the server keeps their text in
 * the character set of the session that created them, and only the raw bytes can be loaded again under that same character set.
 */
#include <stdlib.h>
#include <string.h>

#include "filter.h"
#include "inventory.h"
#include "slackwater/dialect.h"

#define DEFINE_NAMES_MAX 1000
#define DEFINE_PARSE_ERROR 1064
#define DEFINE_NAME_CHARS 64

/* "SHOW CREATE WHAT `schema`.`name`" and its only row; r is freed by the caller, also after a failure. */
static enum status define_show(struct conn *c, const char *what, const char *schema, const char *name, struct rows **r, struct error *err)
{
	struct buf b = BUF_INIT(4096);
	buf_addf(&b, "SHOW CREATE %s ", what);
	sql_ident(&b, schema);
	if (name) {
		buf_addc(&b, '.');
		sql_ident(&b, name);
	}
	enum status st = buf_check(&b, "a statement", err);
	if (!st)
		st = conn_query(c, buf_str(&b), r, err);
	bool more = rows_more(*r, &st, err);
	if (!st && !more)
		st = error_set(err, ST_FAILED, ERR_SERVER, "%s returned nothing", buf_str(&b));
	buf_free(&b);
	return st;
}

static enum status define_cell(char **ret, const struct rows *r, unsigned i, struct error *err)
{
	if (i >= r->ncols)
		return error_set(err, ST_FAILED, ERR_SERVER, "the server's answer has no column %u", i + 1);
	return inventory_dup(ret, r->row[i], r->len[i], err);
}

/* The statement itself. NULL: the account may not see it. */
static enum status define_text(char **ret, size_t *ret_len, const struct rows *r, unsigned i, const char *what, const char *schema,
                               const char *name, struct error *err)
{
	if (i < r->ncols && r->row[i]) {
		*ret_len = r->len[i];
		return inventory_dup(ret, r->row[i], r->len[i], err);
	}
	error_set(err, ST_FAILED, ERR_PREFLIGHT, "the definition of %s `%s`.`%s` may not be read", what, schema, name);
	error_hint(err, "GRANT SELECT ON *.* to the backup account (MySQL 8.0.20 and later: SHOW_ROUTINE does as well; MariaDB 11.3: SHOW CREATE ROUTINE)");
	return ST_FAILED;
}

/* ---- tables and triggers ---- */

/* Where the text stands outside of quotes, NULL if nowhere: names, defaults and comments may hold it as well. */
static const char *define_find(const char *create, const char *text)
{
	size_t n = strlen(text);
	for (const char *p = create; *p; p++) {
		if (!strncmp(p, text, n))
			return p;
		char quote = *p;
		if (quote != '`' && quote != '\'' && quote != '"')
			continue;
		while (p[1] && *++p != quote)
			p += *p == '\\' && quote != '`' && p[1];
	}
	return NULL;
}

/* A general tablespace would have to exist where the table is created again. */
static bool define_in_tablespace(const char *create)
{
	const char *p = define_find(create, "/*!50100 TABLESPACE `");
	return p && strncmp(p + 21, "innodb_system`", 14) != 0 && strncmp(p + 21, "innodb_file_per_table`", 22) != 0;
}

static bool define_in_directory(const char *create)
{
	return define_find(create, " DATA DIRECTORY") || define_find(create, " INDEX DIRECTORY");
}

enum status inventory_check_places(struct inventory *inv, struct error *err)
{
	struct buf names = BUF_INIT(DEFINE_NAMES_MAX);
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < inv->ntables; i++) {
		const struct table *t = &inv->table[i];
		if (t->view || t->gone)
			continue;
		if (define_in_tablespace(t->create))
			st = inventory_refused(inv, t->schema, t->name, err, "it lies in a general tablespace, which is not carried over");
		/* MySQL 9.7: what one account reads there is not what is there, and whether it is ours no statement says. */
		if (!st && define_find(t->create, "MASKING POLICY `"))
			st = inventory_refused(inv, t->schema, t->name, err, "a column of it is masked (MASKING POLICY), and may not be read as it is");
		if (define_in_directory(t->create))
			buf_addf(&names, "%s`%s`.`%s`", names.len ? ", " : "", t->schema, t->name);
	}
	if (!st && names.len)
		st = strlist_addf(&inv->warnings, err, "these tables have a DATA or INDEX DIRECTORY of their own, which a target must have as well: %s%s",
		                  buf_str(&names), names.bad ? ", ..." : "");
	buf_free(&names);
	return st;
}

/* The name that a server makes up for a foreign key, TABLE_ibfk_1, may be longer than one it takes (1059 [run 10.11.19]). Left out, it is made up again. */
static void define_leave_out_long_names(struct table *t)
{
	static const char word[] = "CONSTRAINT `", key[] = "` FOREIGN KEY";
	for (const char *p = t->create; (p = define_find(p, word));) {
		size_t chars = 0;
		const char *q = p + sizeof word - 1;
		for (; *q && (*q != '`' || q[1] == '`'); q += 1 + (*q == '`'))
			chars += ((unsigned char)*q & 0xc0) != 0x80;
		bool too_long = chars > DEFINE_NAME_CHARS && !strncmp(q, key, sizeof key - 1);
		q += *q == '`';
		if (too_long) {
			size_t at = (size_t)(p - t->create), to = (size_t)(q - t->create) + 1;
			memmove(t->create + at, t->create + to, t->create_len - to + 1);
			t->create_len -= to - at;
		} else {
			p = q;
		}
	}
}

enum status inventory_define_table(struct table *t, struct conn *c, struct error *err)
{
	struct rows *r = NULL;
	free(t->create);
	t->create = NULL;
	enum status st = define_show(c, t->sequence ? "SEQUENCE" : "TABLE", t->schema, t->name, &r, err);
	if (!st)
		st = define_text(&t->create, &t->create_len, r, 1, "table", t->schema, t->name, err);
	rows_free(r);
	if (!st && !t->sequence)
		define_leave_out_long_names(t);
	return st;
}

/* Columns of SHOW CREATE for each kind: statement, sql_mode, time_zone (0 = none); the three of the character set follow the statement. */
static enum status define_program(struct object *o, struct conn *c, struct error *err)
{
	unsigned text = o->kind == OBJECT_EVENT ? 3 : 2;
	const char *word = inventory_object_word(o->kind);
	struct rows *r = NULL;
	enum status st = define_show(c, word, o->schema, o->name, &r, err);
	if (!st)
		st = define_text(&o->create, &o->create_len, r, text, word, o->schema, o->name, err);
	if (!st)
		st = define_cell(&o->sql_mode, r, 1, err);
	if (!st && o->kind == OBJECT_EVENT)
		st = define_cell(&o->time_zone, r, 2, err);
	bool charsets = o->kind != OBJECT_LIBRARY;
	if (!st && charsets)
		st = define_cell(&o->cs_client, r, text + 1, err);
	if (!st && charsets)
		st = define_cell(&o->collation, r, text + 2, err);
	if (!st && charsets)
		st = define_cell(&o->db_collation, r, text + 3, err);
	rows_free(r);
	return st;
}

static enum status define_named(struct inventory *inv, const struct rows *r, enum object_kind kind, struct error *err)
{
	struct object *o = NULL;
	enum status st = inventory_add_object(inv, &o, err);
	if (st)
		return st;
	o->kind = kind;
	st = inventory_dup(&o->schema, r->row[0], r->len[0], err);
	if (!st)
		st = inventory_dup(&o->name, r->row[1], r->len[1], err);
	if (!st && kind == OBJECT_TRIGGER)
		st = inventory_dup(&o->table, r->row[2], r->len[2], err);
	return st;
}

static bool define_kind(const char *type, enum object_kind *ret)
{
	for (enum object_kind k = OBJECT_TRIGGER; k <= OBJECT_LIBRARY; k++) {
		if (!strcmp(inventory_object_word(k), type)) {
			*ret = k;
			return true;
		}
	}
	return false;
}

/* Adds an object for each row (schema, name, table or NULL, kind) that is wanted. */
static enum status define_list(struct inventory *inv, struct conn *c, const char *sql, const struct engine_options *o, struct error *err)
{
	struct rows *r = NULL;
	enum status st = conn_query(c, sql, &r, err);
	while (rows_more(r, &st, err)) {
		enum object_kind kind = OBJECT_TRIGGER;
		struct table *t = r->row[2] ? inventory_find(inv, r->row[0], r->row[2]) : NULL;
		bool wanted = r->row[2] ? t && !t->gone : filter_whole(o, r->row[0]);
		if (wanted && !define_kind(r->row[3], &kind))
			st = inventory_refused(inv, r->row[0], r->row[1], err, "objects of type %s are not supported", r->row[3]);
		else if (wanted)
			st = define_named(inv, r, kind, err);
		if (t && wanted)
			t->triggers = true;
	}
	rows_free(r);
	return st;
}

static enum status define_programs(struct inventory *inv, size_t from, struct conn *c, struct error *err)
{
	enum status st = from < inv->nobjects ? conn_exec(c, INVENTORY_RAW, err) : ST_OK;
	for (size_t i = from; !st && i < inv->nobjects; i++)
		st = define_program(&inv->object[i], c, err);
	return st || from == inv->nobjects ? st : conn_exec(c, INVENTORY_TEXT, err);
}

enum status inventory_triggers(struct inventory *inv, struct conn *c, const struct engine_options *o, struct error *err)
{
	size_t from = inv->nobjects;
	enum status st = define_list(inv, c, "SELECT TRIGGER_SCHEMA, TRIGGER_NAME, EVENT_OBJECT_TABLE, 'TRIGGER' FROM information_schema.TRIGGERS"
	                                     " ORDER BY " INVENTORY_BYTES("TRIGGER_SCHEMA") ", " INVENTORY_BYTES("EVENT_OBJECT_TABLE")
	                                     ", ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER", o, err);
	return st ? st : define_programs(inv, from, c, err);
}

/* ---- what is no table ---- */

static enum status define_view(struct table *t, struct conn *c, struct error *err)
{
	struct rows *r = NULL;
	enum status st = define_show(c, "VIEW", t->schema, t->name, &r, err);
	if (!st)
		st = define_text(&t->create, &t->create_len, r, 1, "view", t->schema, t->name, err);
	if (!st)
		st = define_cell(&t->cs_client, r, 2, err);
	if (!st)
		st = define_cell(&t->collation, r, 3, err);
	rows_free(r);
	return st;
}

static enum status define_views(struct inventory *inv, struct conn *c, struct error *err)
{
	enum status st = conn_exec(c, INVENTORY_RAW, err);
	for (size_t i = 0; !st && i < inv->ntables; i++) {
		struct table *t = &inv->table[i];
		if (!t->view || t->gone)
			continue;
		st = define_view(t, c, err);
		/* The server's own text of it, which it cannot read again: a backslash behind half a character of GBK or Big5 [run 5.6.24, 9.7.4]. */
		if (st && err->my_errno == DEFINE_PARSE_ERROR) {
			t->gone = true;
			st = inventory_refused(inv, t->schema, t->name, err, "the view is broken: %s", err->message);
		}
	}
	return st ? st : conn_exec(c, INVENTORY_TEXT, err);
}

static enum status define_schemas(struct inventory *inv, struct conn *c, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < inv->nschemas; i++) {
		struct schema *s = &inv->schema[i];
		struct rows *r = NULL;
		st = define_show(c, "DATABASE IF NOT EXISTS", s->name, NULL, &r, err);
		if (!st)
			st = define_cell(&s->create, r, 1, err);
		rows_free(r);
	}
	return st;
}

enum status inventory_objects(struct inventory *inv, struct conn *c, const struct engine_options *o, struct error *err)
{
	size_t from = inv->nobjects;
	enum status st = define_schemas(inv, c, err);
	if (!st)
		st = define_views(inv, c, err);
	/* JavaScript that routines import; the list of routines does not have it. */
	if (!st && conn_is_mysql(c, 90200))
		st = define_list(inv, c, "SELECT LIBRARY_SCHEMA, LIBRARY_NAME, NULL, 'LIBRARY' FROM information_schema.LIBRARIES"
		                         " WHERE CAST(LIBRARY_SCHEMA AS BINARY) NOT IN ('mysql','sys')"
		                         " ORDER BY " INVENTORY_BYTES("LIBRARY_SCHEMA") ", " INVENTORY_BYTES("LIBRARY_NAME"), o, err);
	if (!st)
		st = define_list(inv, c, "SELECT ROUTINE_SCHEMA, ROUTINE_NAME, NULL, ROUTINE_TYPE FROM information_schema.ROUTINES"
		                         " WHERE CAST(ROUTINE_SCHEMA AS BINARY) NOT IN ('mysql','sys')"
		                         " ORDER BY " INVENTORY_BYTES("ROUTINE_SCHEMA") ", ROUTINE_TYPE, " INVENTORY_BYTES("ROUTINE_NAME"), o, err);
	if (!st)
		st = define_list(inv, c, "SELECT EVENT_SCHEMA, EVENT_NAME, NULL, 'EVENT' FROM information_schema.EVENTS"
		                         " ORDER BY " INVENTORY_BYTES("EVENT_SCHEMA") ", " INVENTORY_BYTES("EVENT_NAME"), o, err);
	if (!st)
		st = define_programs(inv, from, c, err);
	for (size_t i = from; !st && i < inv->nobjects; i++) {
		struct schema *s = inventory_schema(inv, inv->object[i].schema);
		bool library = inv->object[i].kind == OBJECT_LIBRARY;
		if (s && library)
			s->libraries = true;
		else if (s)
			s->post = true;
		else
			st = error_set(err, ST_RETRY, ERR_INCONSISTENT, "schema `%s` came into being while its objects were listed",
			               inv->object[i].schema);
	}
	if (!st)
		st = inventory_server(inv, c, err);
	if (!st && o->users)
		st = accounts_read(inv, c, err);
	return st;
}

/* Does the view's own SELECT work for us? Then it was the definer's rights that failed, which creating it again does not need. */
static enum status define_try_select(struct conn *c, const struct table *t, struct error *err)
{
	struct buf b = BUF_INIT(BUF_MAX_SQL);
	char *select = NULL;
	buf_adds(&b, "SELECT VIEW_DEFINITION FROM information_schema.VIEWS WHERE TABLE_SCHEMA = ");
	sql_string(&b, t->schema);
	buf_adds(&b, " AND TABLE_NAME = ");
	sql_string(&b, t->name);
	enum status st = buf_check(&b, "a query", err);
	if (!st)
		st = conn_scalar(c, buf_str(&b), &select, err);
	if (!st) {
		buf_clear(&b);
		buf_adds(&b, "EXPLAIN ");
		buf_adds(&b, select ? select : "");
		st = conn_exec_buf(c, &b, err);
	}
	free(select);
	buf_free(&b);
	return st;
}

/* 1449 is told to those who may make views of others; anybody else is denied access [run 5.6.24, 9.7.4, 10.11.19]. The view can be created all the same. */
static bool define_no_definer(const struct error *err)
{
	return err->my_errno == 1449 || err->my_errno == 1045;
}

enum status inventory_check_views(struct inventory *inv, struct conn *c, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < inv->ntables; i++) {
		const struct table *t = &inv->table[i];
		if (!t->view || t->gone)
			continue;
		struct buf b = BUF_INIT(4096);
		buf_adds(&b, "SELECT 1 FROM ");
		sql_qualified(&b, t->schema, t->name);
		buf_adds(&b, " LIMIT 0");
		st = conn_exec_buf(c, &b, err);
		buf_free(&b);
		if (st && (err->my_errno == 1356 || define_no_definer(err)))
			st = define_try_select(c, t, err);
		if (st && define_no_definer(err)) /* of a view that it uses, which is judged by itself */
			st = ST_OK;
		if (st && !c->lost && err->my_errno && err->my_errno != 1205 && err->kind != ERR_INTERRUPTED)
			st = inventory_refused(inv, t->schema, t->name, err, "the view is broken: %s", err->message);
	}
	return st;
}
