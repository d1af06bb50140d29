/* SPDX-License-Identifier: Apache-2.0 */
#include "load_accounts.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "layout.h"
#include "load_split.h"
#include "slackwater/dialect.h"

enum { ACCOUNT_STATEMENT_MAX = 16 << 20 };

static bool starts(const char *sql, size_t len, const char *word)
{
	size_t n = strlen(word);
	return len >= n && strncasecmp(sql, word, n) == 0;
}

static bool creates(const char *sql, size_t len)
{
	return starts(sql, len, "CREATE USER ") || starts(sql, len, "CREATE ROLE ");
}

/* One quoted part of a name into out; the byte behind it, or NULL. Versions quote with different marks. */
static const char *name_part(const char *p, const char *end, struct buf *out)
{
	char q = p < end ? *p : 0;
	if (q != '\'' && q != '`' && q != '"')
		return NULL;
	for (p++; p < end; p++) {
		if (*p == q && (p + 1 == end || p[1] != q))
			return p + 1;
		if (*p == q || (*p == '\\' && q != '`' && p + 1 < end))
			p++;
		buf_addc(out, *p);
	}
	return NULL;
}

static bool name_at(const char *p, const char *end, const char *account)
{
	struct buf name = BUF_INIT(2048);
	p = name_part(p, end, &name);
	buf_addc(&name, '@');
	bool same = p && p < end && *p == '@' && name_part(p + 1, end, &name) && strcmp(buf_str(&name), account) == 0;
	buf_free(&name);
	return same;
}

bool load_accounts_about(const char *sql, size_t len, const char *account)
{
	const char *end = sql + len;
	if (starts(sql, len, "ALTER USER "))
		return name_at(sql + 11, end, account);
	if (!starts(sql, len, "GRANT ") || !memmem(sql, len, " IDENTIFIED ", 12))
		return false;
	for (const char *p = sql; (p = memmem(p, (size_t)(end - p), " TO ", 4)); p += 4)
		if (name_at(p + 4, end, account))
			return true;
	return false;
}

/*
 * The right to grant PROXY comes with being able to proxy, not with all privileges: only root has it as a rule, and root has the grant on the
 * target already.
 */
static enum status run_one(struct conn *c, const struct buf *sql, struct error *err)
{
	enum status st = conn_exec_secret(c, sql, "a statement of " LAYOUT_USERS, err);
	if (!st || !starts(sql->data, sql->len, "GRANT PROXY ") || c->lost || err->kind == ERR_INTERRUPTED)
		return st;
	event_warning(c->run->events, "load", "left out, since the seeding account may not grant it: %.*s", (int)sql->len, sql->data);
	return ST_OK;
}

static enum status run_pass(struct buf *text, struct conn *c, bool create, struct error *err)
{
	char *self = NULL;
	bool told = false;
	struct buf sql = { .max = ACCOUNT_STATEMENT_MAX, .secret = 1 };
	struct load_split s = { text->data, text->data ? text->data + text->len : NULL };
	const char *p;
	size_t len;
	enum status st = conn_scalar(c, "SELECT CURRENT_USER()", &self, err);
	while (!st && load_split_next(&s, &p, &len)) {
		if (creates(p, len) != create && !starts(p, len, "/*!"))
			continue;
		buf_clear(&sql);
		buf_add(&sql, p, len);
		st = buf_check(&sql, "an account", err);
		if (!st)
			sql.len = layout_unblank(sql.data, sql.len);
		bool own = !st && self && load_accounts_about(sql.data, sql.len, self);
		if (own && !told)
			event_warning(c->run->events, "load", "the account %s is left as it is on the target: it is the one that seeds", self);
		told = told || own;
		if (!st && !own)
			st = run_one(c, &sql, err);
	}
	buf_free(&sql);
	free(self);
	return st;
}

enum status load_accounts_create(struct buf *text, struct conn *c, struct error *err)
{
	return run_pass(text, c, true, err);
}

static const char create_role[] = "CREATE ROLE IF NOT EXISTS ";

/* Whether the text grants the role to us. */
static bool role_is_meant(const struct buf *text, const char *role, const char *self)
{
	struct buf grant = BUF_INIT(4096);
	const char *at = strrchr(self, '@');
	buf_adds(&grant, "GRANT ");
	sql_ident(&grant, role);
	buf_addf(&grant, " TO `%.*s`@`%s`", (int)(at ? at - self : 0), self, at ? at + 1 : "");
	bool meant = !grant.bad && memmem(text->data, text->len, grant.data, grant.len);
	buf_free(&grant);
	return meant;
}

static enum status give_up_role(const struct buf *text, struct conn *c, const char *self, const char *sql, size_t len, struct error *err)
{
	struct buf role = BUF_INIT(1024);
	struct error why = ERROR_INIT;
	size_t n = sizeof create_role - 1;
	enum status st = ST_OK;
	if (name_part(sql + n, sql + len, &role) && !role_is_meant(text, buf_str(&role), self))
		st = conn_execf(c, &why, "REVOKE %.*s FROM CURRENT_USER()", (int)(len - n), sql + n);
	buf_free(&role);
	/* Not having been made its administrator is what is wanted. */
	if (st && !c->lost && why.kind != ERR_INTERRUPTED)
		return ST_OK;
	if (st)
		*err = why;
	return st;
}

/*
 * On MariaDB whoever creates a role becomes its administrator, which it takes to grant the role. Afterwards the account that seeds gives that
 * up again, unless the snapshot has granted it the role.
 */
static enum status give_up_roles(const struct buf *text, struct conn *c, struct error *err)
{
	struct load_split s = { text->data, text->data ? text->data + text->len : NULL };
	char *self = NULL;
	const char *p;
	size_t len;
	enum status st = conn_scalar(c, "SELECT CURRENT_USER()", &self, err);
	while (!st && self && load_split_next(&s, &p, &len))
		if (starts(p, len, create_role))
			st = give_up_role(text, c, self, p, len, err);
	free(self);
	return st;
}

enum status load_accounts_grant(struct buf *text, struct conn *c, struct error *err)
{
	enum status st = run_pass(text, c, false, err);
	if (!st && c->server.flavor == FLAVOR_MARIADB)
		st = give_up_roles(text, c, err);
	return st;
}

/* ---- plugins ---- */

static enum status check_plugin(struct conn *c, const char *name, size_t n, struct error *err)
{
	uint64_t there = 0;
	struct buf sql = BUF_INIT(1024);
	/* A name of anything but these is not one. */
	if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") < n || n == 0)
		return ST_OK;
	buf_addf(&sql, "SELECT COUNT(*) FROM information_schema.plugins WHERE plugin_status = 'ACTIVE' AND plugin_name = '%.*s'", (int)n, name);
	enum status st = buf_check(&sql, "a statement", err);
	if (!st)
		st = conn_scalar_u64(c, sql.data, &there, err);
	buf_free(&sql);
	if (st || there)
		return st;
	error_set(err, ST_FAILED, ERR_SEED_REFUSED, "the target has no authentication plugin %.*s, which accounts of the snapshot use", (int)n, name);
	error_hint(err, "install or enable the plugin on the target, or take a snapshot with --no-users");
	return ST_FAILED;
}

enum status load_accounts_check(const struct buf *text, struct conn *c, struct error *err)
{
	static const char *const marks[] = { " IDENTIFIED WITH ", " IDENTIFIED VIA " };
	struct load_split s = { text->data, text->data ? text->data + text->len : NULL };
	const char *p;
	size_t len;
	enum status st = ST_OK;
	while (!st && load_split_next(&s, &p, &len)) {
		for (size_t i = 0; !st && creates(p, len) && i < 2; i++) {
			const char *at = memmem(p, len, marks[i], strlen(marks[i]));
			if (!at)
				continue;
			at += strlen(marks[i]);
			at += *at == '\'';
			st = check_plugin(c, at, strcspn(at, " ';\n"), err);
		}
	}
	return st;
}
