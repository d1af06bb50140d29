/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `metadata`: an INI file that myloader 1.x parses (0.10 only wants it to exist). What our own loader needs stands in comment lines, one
 * JSON object each, so that no INI escaping stands between a name and its bytes:
 *
 *   # slackwater-format 1
 *   # slackwater-schema {"file":"DB","name":"...","post":true,"whole":true}
 *   # slackwater-table {"file":"DB.TABLE","name":"...","schema":"...", ...}
 *   # slackwater-end {"schemas":N,"tables":N,"users":true}
 */
#include <stdlib.h>
#include <string.h>

#include "layout.h"
#include "slackwater/jsonx.h"

static enum status metadata_line(struct buf *out, const char *what, json_t *o, struct error *err)
{
	buf_addf(out, "# slackwater-%s ", what);
	enum status st = o ? jsonx_dump_line(o, out, err) : error_oom(err);
	json_decref(o);
	return st;
}

static json_t *metadata_schema(const struct layout_schema *s)
{
	return json_pack("{s:o,s:s,s:b,s:b}", "name", jsonx_text(s->name), "file", s->file, "whole", s->whole, "post", s->post);
}

static json_t *metadata_table(const struct layout_table *t)
{
	return json_pack("{s:o,s:o,s:s,s:s,s:b,s:b,s:b,s:I,s:I,s:I}", "schema", jsonx_text(t->schema), "name",
	                 jsonx_text(t->name), "file", t->file, "engine", t->engine ? t->engine : "", "view", t->view, "triggers",
	                 t->triggers, "nontransactional", t->nontransactional, "rows", (json_int_t)t->rows, "bytes",
	                 (json_int_t)t->bytes, "files", (json_int_t)t->files);
}

/* A value as GLib's key files read it. */
static void metadata_value(struct buf *out, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '\\': buf_adds(out, "\\\\"); break;
		case '\n': buf_adds(out, "\\n"); break;
		case '\r': buf_adds(out, "\\r"); break;
		case '\t': buf_adds(out, "\\t"); break;
		case ' ': buf_adds(out, "\\s"); break;
		default: buf_addc(out, *s);
		}
	}
}

static void metadata_section(const struct layout_table *t, struct buf *out)
{
	const char *dot = strchr(t->file, '.');
	buf_addf(out, "\n[`%.*s`.`%s`]\nreal_table_name=", (int)(dot - t->file), t->file, dot + 1);
	metadata_value(out, t->name);
	if (t->view)
		buf_adds(out, "\nis_view=1\n");
	else
		buf_addf(out, "\nrows=%llu\n", (unsigned long long)t->rows);
}

enum status layout_write(const struct layout *l, struct buf *out, struct error *err)
{
	enum status st = ST_OK;
	buf_adds(out, "# slackwater-format 1\n");
	for (size_t i = 0; !st && i < l->nschemas; i++)
		st = metadata_line(out, "schema", metadata_schema(&l->schema[i]), err);
	for (size_t i = 0; !st && i < l->ntables; i++)
		st = metadata_line(out, "table", metadata_table(&l->table[i]), err);
	if (!st)
		st = metadata_line(out, "end",
		                   json_pack("{s:I,s:I,s:b}", "schemas", (json_int_t)l->nschemas, "tables", (json_int_t)l->ntables,
		                             "users", l->users),
		                   err);
	if (st)
		return st;
	buf_adds(out, "[config]\nquote-character = BACKTICK\nlocal-infile = 0\n");
	for (size_t i = 0; i < l->ntables; i++)
		metadata_section(&l->table[i], out);
	return buf_check(out, "metadata", err);
}

static enum status metadata_copy(const json_t *o, const char *key, char **ret, struct error *err)
{
	const char *s;
	enum status st = jsonx_str(o, key, &s, err);
	if (!st && !(*ret = strdup(s)))
		st = error_oom(err);
	return st;
}

static enum status metadata_read_schema(struct layout *l, const json_t *o, struct error *err)
{
	struct layout_schema *more = realloc(l->schema, (l->nschemas + 1) * sizeof *more);
	if (!more)
		return error_oom(err);
	l->schema = more;
	struct layout_schema *s = &l->schema[l->nschemas++];
	*s = (struct layout_schema){ 0 };
	enum status st = metadata_copy(o, "name", &s->name, err);
	if (!st)
		st = metadata_copy(o, "file", &s->file, err);
	if (!st)
		st = jsonx_bool(o, "whole", &s->whole, err);
	return st ? st : jsonx_bool(o, "post", &s->post, err);
}

static enum status metadata_read_table(struct layout *l, const json_t *o, struct error *err)
{
	if ((l->ntables & (l->ntables - 1)) == 0) {
		size_t cap = l->ntables ? l->ntables * 2 : 1;
		struct layout_table *more = realloc(l->table, cap * sizeof *more);
		if (!more)
			return error_oom(err);
		l->table = more;
	}
	struct layout_table *t = &l->table[l->ntables++];
	*t = (struct layout_table){ 0 };
	enum status st = metadata_copy(o, "schema", &t->schema, err);
	if (!st)
		st = metadata_copy(o, "name", &t->name, err);
	if (!st)
		st = metadata_copy(o, "file", &t->file, err);
	if (!st)
		st = metadata_copy(o, "engine", &t->engine, err);
	if (!st)
		st = jsonx_bool(o, "view", &t->view, err);
	if (!st)
		st = jsonx_bool(o, "triggers", &t->triggers, err);
	if (!st)
		st = jsonx_bool(o, "nontransactional", &t->nontransactional, err);
	if (!st)
		st = jsonx_u64(o, "rows", &t->rows, err);
	if (!st)
		st = jsonx_u64(o, "bytes", &t->bytes, err);
	if (!st)
		st = jsonx_u64(o, "files", &t->files, err);
	if (!st && !strchr(t->file, '.'))
		st = error_set(err, ST_FAILED, ERR_SNAPSHOT, "metadata names the files of a table %.80s, which is no DB.TABLE", t->file);
	return st;
}

static enum status metadata_read_end(struct layout *l, const json_t *o, struct error *err)
{
	uint64_t schemas = 0, tables = 0;
	enum status st = jsonx_u64(o, "schemas", &schemas, err);
	if (!st)
		st = jsonx_u64(o, "tables", &tables, err);
	if (!st)
		st = jsonx_bool(o, "users", &l->users, err);
	if (!st && (schemas != l->nschemas || tables != l->ntables))
		st = error_set(err, ST_FAILED, ERR_SNAPSHOT, "metadata lists %zu schemas and %zu tables and says it has %llu and %llu",
		               l->nschemas, l->ntables, (unsigned long long)schemas, (unsigned long long)tables);
	return st;
}

/* One comment line of ours, behind "# slackwater-". */
static enum status metadata_parse(struct layout *l, const char *line, size_t len, bool *end, struct error *err)
{
	static const struct { const char *word; enum status (*read)(struct layout *, const json_t *, struct error *); } kinds[] = {
		{ "schema ", metadata_read_schema }, { "table ", metadata_read_table }, { "end ", metadata_read_end },
	};
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		size_t n = strlen(kinds[i].word);
		if (len < n || memcmp(line, kinds[i].word, n) != 0)
			continue;
		json_t *o = NULL;
		enum status st = jsonx_parse(line + n, len - n, "metadata", &o, err);
		if (!st)
			st = kinds[i].read(l, o, err);
		json_decref(o);
		*end = *end || i == 2;
		return st;
	}
	if (len == 8 && !memcmp(line, "format 1", 8))
		return ST_OK;
	return error_set(err, ST_FAILED, ERR_SNAPSHOT, "metadata holds a line that is not known: %.*s", len > 40 ? 40 : (int)len, line);
}

enum status layout_read(const char *text, size_t len, struct layout **ret, struct error *err)
{
	static const char mark[] = "# slackwater-";
	struct layout *l = calloc(1, sizeof *l);
	if (!l)
		return error_oom(err);
	enum status st = ST_OK;
	bool end = false;
	const char *stop = text + len;
	for (const char *p = text; !st && p < stop;) {
		const char *nl = memchr(p, '\n', (size_t)(stop - p));
		const char *eol = nl ? nl : stop;
		if ((size_t)(eol - p) > sizeof mark - 1 && !memcmp(p, mark, sizeof mark - 1))
			st = metadata_parse(l, p + sizeof mark - 1, (size_t)(eol - p) - (sizeof mark - 1), &end, err);
		p = eol + 1;
	}
	if (!st && !end)
		st = error_set(err, ST_FAILED, ERR_SNAPSHOT, "metadata is cut short");
	if (st) {
		layout_free(l);
		return st;
	}
	*ret = l;
	return ST_OK;
}
