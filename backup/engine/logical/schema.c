/* SPDX-License-Identifier: Apache-2.0 */
#include "schema.h"

#include <stdlib.h>
#include <string.h>

#include "layout.h"
#include "slackwater/dialect.h"

#define SCHEMA_FILE_MAX (512u << 20)

static enum status schema_put_file(struct stream_writer *w, enum layout_file file, const char *stem, struct buf *text, struct error *err)
{
	struct buf name = BUF_INIT(4096);
	layout_file_name(&name, file, stem);
	enum status st = buf_check(&name, "a file name", err);
	if (!st)
		st = stream_writer_put_text(w, -1, name.data, text, err);
	buf_free(&name);
	return st;
}

static void schema_line(struct buf *b, const char *text)
{
	layout_statement(b, text, strlen(text));
}

/* A statement about a name, which may hold what ends statements. */
static void schema_about(struct buf *b, const char *verb, const char *name, const char *rest)
{
	struct buf sql = BUF_INIT(4096);
	buf_adds(&sql, verb);
	sql_ident(&sql, name);
	buf_adds(&sql, rest);
	schema_line(b, buf_str(&sql));
	buf_free(&sql);
}

static void schema_begin(struct buf *b, const struct inventory *inv)
{
	buf_adds(b, LAYOUT_SCHEMA_HEADER);
	buf_adds(b, inv->defaults);
}

/* ---- whose is what ---- */

/* Libraries, routines and events, those of one schema together and in the order of the inventory. */
struct schema_owned { const struct object **item; size_t n; };

static int schema_owned_order(const void *a, const void *b)
{
	const struct object *x = *(const struct object *const *)a, *y = *(const struct object *const *)b;
	int order = strcmp(x->schema, y->schema);
	return order ? order : x < y ? -1 : x > y;
}

static enum status schema_own(const struct inventory *inv, struct schema_owned *ret, struct error *err)
{
	*ret = (struct schema_owned){ .item = calloc(inv->nobjects + 1, sizeof(const struct object *)) };
	if (!ret->item)
		return error_oom(err);
	for (size_t i = 0; i < inv->nobjects; i++)
		if (inv->object[i].kind != OBJECT_TRIGGER)
			ret->item[ret->n++] = &inv->object[i];
	qsort(ret->item, ret->n, sizeof *ret->item, schema_owned_order);
	return ST_OK;
}

/* Where those of the schema begin. */
static size_t schema_first(const struct schema_owned *o, const struct schema *s)
{
	size_t low = 0, high = o->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(o->item[middle]->schema, s->name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool schema_owns(const struct schema *s, const struct schema_owned *o, size_t i)
{
	return i < o->n && !strcmp(o->item[i]->schema, s->name);
}

/* ---- schemas and tables ---- */

/* Here, because a routine of any schema may use them, and is not created without. */
static void schema_libraries(const struct schema_owned *owned, const struct schema *s, struct buf *b)
{
	buf_adds(b, LAYOUT_SCHEMA_HEADER);
	schema_about(b, "USE ", s->name, "");
	for (size_t i = schema_first(owned, s); schema_owns(s, owned, i); i++) {
		const struct object *o = owned->item[i];
		if (o->kind != OBJECT_LIBRARY)
			continue;
		buf_adds(b, "SET sql_mode = ");
		sql_string(b, o->sql_mode);
		buf_adds(b, ";\n");
		layout_statement(b, o->create, o->create_len);
	}
	buf_adds(b, "SET sql_mode = '';\n");
}

static enum status schema_put_schema(const struct inventory *inv, const struct schema_owned *owned, const struct schema *s, struct stream_writer *w,
                                     struct error *err)
{
	struct buf b = BUF_INIT(SCHEMA_FILE_MAX);
	buf_adds(&b, inv->defaults);
	schema_line(&b, s->create);
	if (s->libraries)
		schema_libraries(owned, s, &b);
	enum status st = schema_put_file(w, LAYOUT_SCHEMA_CREATE, s->file, &b, err);
	buf_free(&b);
	return st;
}

static enum status schema_put_table(const struct inventory *inv, const struct table *t, struct stream_writer *w, struct error *err)
{
	struct buf b = BUF_INIT(SCHEMA_FILE_MAX);
	schema_begin(&b, inv);
	layout_statement(&b, t->create, t->create_len);
	enum status st = schema_put_file(w, LAYOUT_TABLE, t->file, &b, err);
	buf_free(&b);
	return st;
}

/* ---- views ---- */

static void schema_charset(struct buf *b, const char *cs, const char *collation)
{
	buf_addf(b, "SET character_set_client = %s;\nSET character_set_results = %s;\nSET collation_connection = %s;\n", cs, cs, collation);
}

/* A table with the view's columns stands in its place until every view can be created. */
static enum status schema_put_placeholder(const struct inventory *inv, const struct table *t, struct stream_writer *w, struct error *err)
{
	struct buf b = BUF_INIT(SCHEMA_FILE_MAX), sql = BUF_INIT(SCHEMA_FILE_MAX);
	schema_begin(&b, inv);
	buf_adds(&sql, "CREATE TABLE IF NOT EXISTS ");
	sql_ident(&sql, t->name);
	buf_adds(&sql, " (\n");
	for (size_t i = 0; i < t->ncols; i++) {
		buf_adds(&sql, i ? ",\n" : "");
		sql_ident(&sql, t->col[i].name);
		buf_adds(&sql, " tinyint");
	}
	buf_adds(&sql, t->ncols ? "\n) ENGINE=MEMORY" : "`x` tinyint\n) ENGINE=MEMORY");
	layout_statement(&b, buf_str(&sql), sql.len);
	enum status st = buf_check(&sql, "a view's place-holder", err);
	if (!st)
		st = schema_put_file(w, LAYOUT_TABLE, t->file, &b, err);
	buf_free(&sql);
	buf_free(&b);
	return st;
}

static enum status schema_put_view(const struct inventory *inv, const struct table *t, struct stream_writer *w, struct error *err)
{
	struct buf b = BUF_INIT(SCHEMA_FILE_MAX);
	enum status st = schema_put_placeholder(inv, t, w, err);
	if (st)
		return st;
	schema_begin(&b, inv);
	schema_about(&b, "DROP TABLE IF EXISTS ", t->name, "");
	schema_about(&b, "DROP VIEW IF EXISTS ", t->name, "");
	schema_charset(&b, t->cs_client, t->collation);
	layout_statement(&b, t->create, t->create_len);
	st = schema_put_file(w, LAYOUT_VIEW, t->file, &b, err);
	buf_free(&b);
	return st;
}

/* ---- stored programs ---- */

/* A program keeps the collation its schema had when it was created; only the schema's default can give it that again. */
static void schema_alter_database(struct buf *b, const struct schema *s, const char *collation)
{
	struct buf collate = BUF_INIT(256);
	buf_addf(&collate, " COLLATE %s", collation);
	schema_about(b, "ALTER DATABASE ", s->name, buf_str(&collate));
	buf_free(&collate);
}

static void schema_program(struct buf *b, const struct object *o, const struct schema *s)
{
	bool other = s->collation && o->db_collation && strcmp(s->collation, o->db_collation) != 0;
	if (other)
		schema_alter_database(b, s, o->db_collation);
	buf_adds(b, "SET sql_mode = ");
	sql_string(b, o->sql_mode);
	buf_adds(b, ";\n");
	if (o->time_zone) {
		buf_adds(b, "SET time_zone = ");
		sql_string(b, o->time_zone);
		buf_adds(b, ";\n");
	}
	schema_charset(b, o->cs_client, o->collation);
	layout_statement(b, o->create, o->create_len);
	buf_adds(b, "SET sql_mode = '';\nSET NAMES utf8mb4;\n");
	if (other)
		schema_alter_database(b, s, s->collation);
}

static enum status schema_put_programs(const struct inventory *inv, const struct schema_owned *owned, const struct schema *s, struct stream_writer *w,
                                       struct error *err)
{
	if (!s->post)
		return ST_OK;
	struct buf b = BUF_INIT(SCHEMA_FILE_MAX);
	schema_begin(&b, inv);
	for (size_t i = schema_first(owned, s); schema_owns(s, owned, i); i++)
		if (owned->item[i]->kind != OBJECT_LIBRARY)
			schema_program(&b, owned->item[i], s);
	enum status st = schema_put_file(w, LAYOUT_SCHEMA_POST, s->file, &b, err);
	buf_free(&b);
	return st;
}

/* The n triggers of one table from o on. */
static enum status schema_put_table_triggers(const struct inventory *inv, const struct object *o, size_t n, struct stream_writer *w, struct error *err)
{
	const struct table *t = inventory_find(inv, o->schema, o->table);
	const struct schema *s = inventory_schema(inv, o->schema);
	if (!t || t->gone)
		return ST_OK;
	struct buf b = BUF_INIT(SCHEMA_FILE_MAX);
	schema_begin(&b, inv);
	for (size_t i = 0; i < n; i++)
		schema_program(&b, &o[i], s);
	enum status st = schema_put_file(w, LAYOUT_TRIGGERS, t->file, &b, err);
	buf_free(&b);
	return st;
}

static bool schema_same_table(const struct object *a, const struct object *b)
{
	return b->kind == OBJECT_TRIGGER && !strcmp(a->table, b->table) && !strcmp(a->schema, b->schema);
}

/* Triggers come sorted by table, and in the order in which they fire. */
static enum status schema_put_triggers(const struct inventory *inv, struct stream_writer *w, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0, n; !st && i < inv->nobjects; i += n) {
		const struct object *o = &inv->object[i];
		for (n = 1; o->kind == OBJECT_TRIGGER && i + n < inv->nobjects && schema_same_table(o, &o[n]); n++)
			;
		if (o->kind == OBJECT_TRIGGER)
			st = schema_put_table_triggers(inv, o, n, w, err);
	}
	return st;
}

static enum status schema_put_whole(struct stream_writer *w, const char *name, const struct buf *text, struct error *err)
{
	struct buf b = BUF_INIT(SCHEMA_FILE_MAX);
	b.secret = text->secret;
	buf_add(&b, text->data, text->len);
	enum status st = stream_writer_put_text(w, -1, name, &b, err);
	buf_free(&b);
	return st;
}

enum status schema_put(const struct inventory *inv, struct stream_writer *w, struct error *err)
{
	struct schema_owned owned;
	enum status st = schema_own(inv, &owned, err);
	for (size_t i = 0; !st && i < inv->nschemas; i++)
		st = schema_put_schema(inv, &owned, &inv->schema[i], w, err);
	for (size_t i = 0; !st && i < inv->ntables; i++) {
		const struct table *t = &inv->table[i];
		if (!t->gone)
			st = t->view ? schema_put_view(inv, t, w, err) : schema_put_table(inv, t, w, err);
	}
	for (size_t i = 0; !st && i < inv->nschemas; i++)
		st = schema_put_programs(inv, &owned, &inv->schema[i], w, err);
	free(owned.item);
	if (!st)
		st = schema_put_triggers(inv, w, err);
	if (!st && inv->server.len)
		st = schema_put_whole(w, LAYOUT_SERVER, &inv->server, err);
	if (!st && inv->users.len)
		st = schema_put_whole(w, LAYOUT_USERS, &inv->users, err);
	return st;
}

/* ---- metadata ---- */

static void schema_layout(struct layout *l, const struct inventory *inv, const struct plan *p, size_t *at)
{
	for (size_t i = 0; i < inv->nschemas; i++) {
		const struct schema *s = &inv->schema[i];
		l->schema[l->nschemas++] = (struct layout_schema){ .name = s->name, .file = s->file, .whole = s->whole, .post = s->post };
	}
	for (size_t i = 0; i < inv->ntables; i++) {
		const struct table *t = &inv->table[i];
		if (t->gone)
			continue;
		at[i] = l->ntables;
		l->table[l->ntables++] = (struct layout_table){ .schema = t->schema, .name = t->name, .file = t->file, .engine = t->engine,
			                                        .view = t->view, .triggers = t->triggers,
			                                        .nontransactional = t->how == ROWS_COPIED && !t->view && !t->sequence };
	}
	for (size_t i = 0; i < p->n; i++) {
		const struct task *k = &p->task[i];
		struct layout_table *x = &l->table[at[k->table - inv->table]];
		x->rows = atomic_load(&k->rows_done);
		x->bytes = atomic_load(&k->bytes_done);
		x->files = atomic_load(&k->files);
	}
}

enum status schema_put_metadata(const struct inventory *inv, const struct plan *p, bool users, struct stream_writer *w, struct error *err)
{
	/* The strings belong to inv: only the arrays are ours. */
	struct layout l = { .users = users };
	struct buf b = BUF_INIT(SCHEMA_FILE_MAX);
	l.schema = calloc(inv->nschemas + 1, sizeof *l.schema);
	l.table = calloc(inv->ntables + 1, sizeof *l.table);
	size_t *at = calloc(inv->ntables + 1, sizeof *at);
	enum status st = l.schema && l.table && at ? ST_OK : error_oom(err);
	if (!st) {
		schema_layout(&l, inv, p, at);
		st = layout_write(&l, &b, err);
	}
	if (!st)
		st = stream_writer_put_text(w, -1, LAYOUT_METADATA, &b, err);
	buf_free(&b);
	free(l.schema);
	free(l.table);
	free(at);
	return st;
}
