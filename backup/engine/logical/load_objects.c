/* SPDX-License-Identifier: Apache-2.0 */
#include "load_objects.h"

#include <string.h>

#include "load_accounts.h"
#include "load_ddl.h"
#include "load_programs.h"
#include "load_session.h"
#include "load_split.h"
#include "slackwater/dialect.h"

enum { NO_LIBRARY = 1126, NOT_IN_LIBRARY = 1127 };

struct objects {
	const struct load_plan *p;
	struct conn *c;
	bool lenient;      /* loader_options.lenient */
	uint64_t switched; /* events that were enabled */
};

/* An event that is enabled would run here as well as on the source, and leave transactions that no source knows. */
static enum status create_event(struct objects *k, const char *sql, size_t len, const char *what, struct error *err)
{
	struct buf out = BUF_INIT(BUF_MAX_SQL);
	bool changed = false;
	enum status st = ST_OK;
	if (!load_ddl_disable_event(sql, len, &out, &changed))
		st = error_set(err, ST_FAILED, ERR_SERVER, "%s: a CREATE EVENT statement that is not understood", what);
	if (!st)
		st = buf_check(&out, "a CREATE EVENT statement", err);
	if (!st)
		st = load_session_exec(k->c, out.data, out.len, true, what, NULL, err);
	k->switched += changed;
	buf_free(&out);
	return st;
}

static enum status run_statement(struct objects *k, enum layout_file file, const char *sql, size_t len, const char *what, struct error *err)
{
	if (file == LAYOUT_SCHEMA_POST && load_ddl_is_event(sql, len))
		return create_event(k, sql, len, what, err);
	struct buf modes = BUF_INIT(4096);
	if (load_programs_modes(&k->c->server, sql, len, &modes)) {
		sql = modes.data;
		len = modes.len;
	}
	enum status st = load_session_exec(k->c, sql, len, true, what, NULL, err);
	buf_free(&modes);
	return st && load_programs_forgives(sql, len, k->lenient, err) ? conn_exec(k->c, "SET time_zone = '+00:00'", err) : st;
}

static enum status run_file(struct objects *k, const char *schema, enum layout_file file, const char *stem, struct error *err)
{
	const struct stream_index_entry *e = load_plan_entry(k->p, file, stem);
	struct buf text = BUF_INIT(1);
	enum status st = load_plan_read(k->p, e, &text, err);
	if (!st && schema)
		st = load_session_use(k->c, schema, err);
	struct load_split s = load_split_of(&text);
	const char *sql;
	size_t len;
	while (!st && load_split_unblanked(&s, &text, &sql, &len)) {
		st = run_statement(k, file, sql, len, e->name, err);
	}
	buf_free(&text);
	return st;
}

/* A loadable function is in a library that somebody has to put there. */
static enum status create_function(struct objects *k, const char *sql, size_t len, struct error *err)
{
	enum status st = load_session_exec(k->c, sql, len, true, LAYOUT_SERVER, NULL, err);
	if (!st || (err->my_errno != NO_LIBRARY && err->my_errno != NOT_IN_LIBRARY))
		return st;
	if (k->lenient) {
		event_warning(k->c->run->events, "load", "left out: %s", err->message);
		return ST_OK;
	}
	error_hint(err, "put the library into the target's plugin_dir, or drop the function on the source and take another snapshot; then --replace");
	return st;
}

static enum status load_server(struct objects *k, struct error *err)
{
	static const char function[] = "CREATE FUNCTION ", aggregate[] = "CREATE AGGREGATE FUNCTION ";
	const struct stream_index_entry *e = stream_index_find(k->p->index, LAYOUT_SERVER);
	struct buf text = BUF_INIT(1);
	enum status st = e ? load_plan_read(k->p, e, &text, err) : ST_OK;
	struct load_split s = load_split_of(&text);
	const char *sql;
	size_t len;
	while (!st && load_split_unblanked(&s, &text, &sql, &len)) {
		bool loadable = !strncmp(sql, function, sizeof function - 1) || !strncmp(sql, aggregate, sizeof aggregate - 1);
		st = loadable ? create_function(k, sql, len, err) : load_session_exec(k->c, sql, len, true, LAYOUT_SERVER, NULL, err);
	}
	buf_free(&text);
	return st;
}

enum status load_objects_schemas(const struct load_plan *p, struct conn *c, const struct loader_options *o, struct error *err)
{
	struct objects k = { .p = p, .c = c, .lenient = o->lenient };
	enum status st = load_server(&k, err);
	for (size_t i = 0; !st && i < p->layout->nschemas; i++)
		st = run_file(&k, NULL, LAYOUT_SCHEMA_CREATE, p->layout->schema[i].file, err);
	return st;
}

/* One file of each table that has it: LAYOUT_VIEW or LAYOUT_TRIGGERS. */
static enum status load_files(struct objects *k, enum layout_file file, struct run *run, struct error *err)
{
	const struct load_plan *p = k->p;
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < p->layout->ntables; i++) {
		const struct layout_table *t = &p->layout->table[i];
		st = run_check(run, err);
		if (!st && (file == LAYOUT_VIEW ? t->view : t->triggers))
			st = run_file(k, t->schema, file, t->file, err);
	}
	return st;
}

static enum status load_programs(struct objects *k, struct error *err)
{
	const struct layout *l = k->p->layout;
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < l->nschemas; i++)
		if (l->schema[i].post)
			st = run_file(k, l->schema[i].name, LAYOUT_SCHEMA_POST, l->schema[i].file, err);
	if (!st && k->switched)
		event_info(k->c->run->events, "load", "%llu event(s) that run on the source are switched off here (DISABLE ON SLAVE)",
		           (unsigned long long)k->switched);
	return st;
}

/* A schema that is read-only says so in a comment of its definition, and must be filled before it is. */
static bool is_read_only(const char *sql, size_t len)
{
	static const char create[] = "CREATE DATABASE ", mark[] = "/* READ ONLY = 1 */";
	return len > sizeof create + sizeof mark && strncmp(sql, create, sizeof create - 1) == 0 &&
	       memcmp(sql + len - (sizeof mark - 1), mark, sizeof mark - 1) == 0;
}

static enum status close_schema(struct objects *k, const struct layout_schema *schema, struct error *err)
{
	struct buf text = BUF_INIT(1), alter = BUF_INIT(4096);
	bool read_only = false;
	enum status st = load_plan_read(k->p, load_plan_entry(k->p, LAYOUT_SCHEMA_CREATE, schema->file), &text, err);
	struct load_split s = load_split_of(&text);
	const char *sql;
	size_t len;
	while (!st && !read_only && load_split_next(&s, &sql, &len))
		read_only = is_read_only(sql, len);
	buf_adds(&alter, "ALTER DATABASE ");
	sql_ident(&alter, schema->name);
	buf_adds(&alter, " READ ONLY = 1");
	if (!st && read_only)
		st = conn_exec_buf(k->c, &alter, err);
	buf_free(&alter);
	buf_free(&text);
	return st;
}

static enum status close_schemas(struct objects *k, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && conn_is_mysql(k->c, 80022) && i < k->p->layout->nschemas; i++)
		st = close_schema(k, &k->p->layout->schema[i], err);
	return st;
}

enum status load_objects_rest(const struct load_plan *p, struct conn *c, const struct loader_options *o, struct run *run, struct error *err)
{
	struct objects k = { .p = p, .c = c, .lenient = o->lenient };
	struct buf accounts = { .max = 1, .secret = 1 };
	enum status st = ST_OK;
	bool users = o->users && p->layout->users;
	if (users)
		st = load_plan_read(p, stream_index_find(p->index, LAYOUT_USERS), &accounts, err);
	if (!st && users)
		st = load_accounts_create(&accounts, c, err);
	if (!st)
		st = load_programs(&k, err);
	if (!st)
		st = load_files(&k, LAYOUT_VIEW, run, err);
	if (!st)
		st = load_files(&k, LAYOUT_TRIGGERS, run, err);
	if (!st && users)
		st = load_accounts_grant(&accounts, c, o->server, err);
	if (!st)
		st = close_schemas(&k, err);
	buf_free(&accounts);
	return st;
}
