/* SPDX-License-Identifier: Apache-2.0 */
#include "load_objects.h"

#include <string.h>
#include <strings.h>

#include "load_accounts.h"
#include "load_ddl.h"
#include "load_session.h"
#include "load_split.h"

/* An event that is enabled would run here as well as on the source, and leave transactions that no source knows. */
static enum status create_event(struct conn *c, const char *sql, size_t len, const char *what, struct error *err)
{
	struct buf out = BUF_INIT(BUF_MAX_SQL);
	bool changed = false;
	enum status st = ST_OK;
	if (!load_ddl_disable_event(sql, len, &out, &changed))
		st = error_set(err, ST_FAILED, ERR_SERVER, "%s: a CREATE EVENT statement that is not understood", what);
	if (!st)
		st = buf_check(&out, "a CREATE EVENT statement", err);
	if (!st)
		st = load_session_exec(c, out.data, out.len, true, what, NULL, err);
	buf_free(&out);
	return st;
}

static bool is_event(const char *sql, size_t len)
{
	struct buf out = BUF_INIT(BUF_MAX_SQL);
	bool changed, is = len > 6 && strncasecmp(sql, "CREATE", 6) == 0 && memmem(sql, len, "EVENT", 5) &&
	                   load_ddl_disable_event(sql, len, &out, &changed);
	buf_free(&out);
	return is;
}

static enum status run_file(const struct load_plan *p, struct conn *c, const char *schema, enum layout_file file, const char *stem,
                            struct error *err)
{
	const struct stream_index_entry *e = load_plan_entry(p, file, stem);
	struct buf text = BUF_INIT(1);
	enum status st = load_plan_read(p, e, &text, err);
	if (!st && schema)
		st = load_session_use(c, schema, err);
	struct load_split s = { text.data, text.data ? text.data + text.len : NULL };
	const char *sql;
	size_t len;
	while (!st && load_split_next(&s, &sql, &len)) {
		len = layout_unblank(text.data + (sql - text.data), len);
		st = file == LAYOUT_SCHEMA_POST && is_event(sql, len) ? create_event(c, sql, len, e->name, err)
		                                                     : load_session_exec(c, sql, len, true, e->name, NULL, err);
	}
	buf_free(&text);
	return st;
}

enum status load_objects_schemas(const struct load_plan *p, struct conn *c, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < p->layout->nschemas; i++)
		st = run_file(p, c, NULL, LAYOUT_SCHEMA_CREATE, p->layout->schema[i].file, err);
	return st;
}

static enum status load_views(const struct load_plan *p, struct conn *c, struct run *run, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < p->layout->ntables; i++) {
		const struct layout_table *t = &p->layout->table[i];
		st = run_check(run, err);
		if (!st && t->view)
			st = run_file(p, c, t->schema, LAYOUT_VIEW, t->file, err);
	}
	return st;
}

static enum status load_triggers(const struct load_plan *p, struct conn *c, struct run *run, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < p->layout->ntables; i++) {
		const struct layout_table *t = &p->layout->table[i];
		st = run_check(run, err);
		if (!st && t->triggers)
			st = run_file(p, c, t->schema, LAYOUT_TRIGGERS, t->file, err);
	}
	return st;
}

enum status load_objects_rest(const struct load_plan *p, struct conn *c, bool users, struct run *run, struct error *err)
{
	struct buf accounts = { .max = 1, .secret = 1 };
	enum status st = ST_OK;
	users = users && p->layout->users;
	if (users)
		st = load_plan_read(p, load_plan_named(p, LAYOUT_USERS), &accounts, err);
	if (!st && users)
		st = load_accounts_create(&accounts, c, err);
	for (size_t i = 0; !st && i < p->layout->nschemas; i++)
		if (p->layout->schema[i].post)
			st = run_file(p, c, p->layout->schema[i].name, LAYOUT_SCHEMA_POST, p->layout->schema[i].file, err);
	if (!st)
		st = load_views(p, c, run, err);
	if (!st)
		st = load_triggers(p, c, run, err);
	if (!st && users)
		st = load_accounts_grant(&accounts, c, err);
	buf_free(&accounts);
	return st;
}
