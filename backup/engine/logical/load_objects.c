/* SPDX-License-Identifier: Apache-2.0 */
#include "load_objects.h"

#include "load_accounts.h"
#include "load_ddl.h"
#include "load_programs.h"
#include "load_session.h"
#include "load_split.h"

struct objects {
	const struct load_plan *p;
	struct conn *c;
	bool lenient;      /* loader_options.lenient_zones */
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
	struct load_split s = { text.data, text.data ? text.data + text.len : NULL };
	const char *sql;
	size_t len;
	while (!st && load_split_next(&s, &sql, &len)) {
		len = layout_unblank(text.data + (sql - text.data), len);
		st = run_statement(k, file, sql, len, e->name, err);
	}
	buf_free(&text);
	return st;
}

enum status load_objects_schemas(const struct load_plan *p, struct conn *c, struct error *err)
{
	struct objects k = { .p = p, .c = c };
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < p->layout->nschemas; i++)
		st = run_file(&k, NULL, LAYOUT_SCHEMA_CREATE, p->layout->schema[i].file, err);
	return st;
}

static enum status load_views(struct objects *k, struct run *run, struct error *err)
{
	const struct load_plan *p = k->p;
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < p->layout->ntables; i++) {
		const struct layout_table *t = &p->layout->table[i];
		st = run_check(run, err);
		if (!st && t->view)
			st = run_file(k, t->schema, LAYOUT_VIEW, t->file, err);
	}
	return st;
}

static enum status load_triggers(struct objects *k, struct run *run, struct error *err)
{
	const struct load_plan *p = k->p;
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < p->layout->ntables; i++) {
		const struct layout_table *t = &p->layout->table[i];
		st = run_check(run, err);
		if (!st && t->triggers)
			st = run_file(k, t->schema, LAYOUT_TRIGGERS, t->file, err);
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

enum status load_objects_rest(const struct load_plan *p, struct conn *c, const struct loader_options *o, struct run *run, struct error *err)
{
	struct objects k = { .p = p, .c = c, .lenient = o->lenient_zones };
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
		st = load_views(&k, run, err);
	if (!st)
		st = load_triggers(&k, run, err);
	if (!st && users)
		st = load_accounts_grant(&accounts, c, err);
	buf_free(&accounts);
	return st;
}
