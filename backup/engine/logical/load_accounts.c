/* SPDX-License-Identifier: Apache-2.0 */
#include "load_accounts.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "layout.h"
#include "load_grants.h"
#include "load_split.h"
#include "slackwater/dialect.h"

enum { ACCOUNT_STATEMENT_MAX = 16 << 20, ACCOUNT_EXISTS = 1396 };

static const char create_user[] = "CREATE USER ";

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
	if (starts(sql, len, create_user)) /* with IF NOT EXISTS it does nothing to one that is there, and no name follows */
		return name_at(sql + sizeof create_user - 1, end, account);
	if (!starts(sql, len, "GRANT ") || !memmem(sql, len, " IDENTIFIED ", 12))
		return false;
	for (const char *p = sql; (p = memmem(p, (size_t)(end - p), " TO ", 4)); p += 4)
		if (name_at(p + 4, end, account))
			return true;
	return false;
}

/*
 * Why a grant cannot be given that the loaded server is no worse without. PROXY: the right to grant it comes with being able to proxy, not with all
 * privileges: only root has it as a rule, and root has the grant on the target already. The others: it is about something that is not there, as
 * grants may be for as long as nobody asks for it.
 */
static const char *why_left_out(const struct buf *sql, unsigned my_errno)
{
	static const unsigned absent[] = { 1049, 1054, 1146, 1147, 1305 }; /* schema, column, table, grant on a table, routine */
	if (starts(sql->data, sql->len, "GRANT PROXY "))
		return "the seeding account may not grant it";
	for (size_t i = 0; starts(sql->data, sql->len, "GRANT ") && i < sizeof absent / sizeof absent[0]; i++)
		if (absent[i] == my_errno)
			return "what it is about does not exist here";
	return NULL;
}

/* MySQL 5.6 has neither IF NOT EXISTS nor an ALTER USER that changes the plugin: of an account that is there already, a new one is made. */
static enum status create_anew(struct conn *c, const struct buf *sql, struct error *err)
{
	const char *name = sql->data + sizeof create_user - 1, *end = sql->data + sql->len;
	struct buf ignored = BUF_INIT(2048);
	const char *p = name_part(name, end, &ignored);
	p = p && p < end && *p == '@' ? name_part(p + 1, end, &ignored) : NULL;
	buf_free(&ignored);
	enum status st = p ? conn_execf(c, err, "DROP USER %.*s", (int)(p - name), name) : ST_FAILED;
	return st ? st : conn_exec_secret(c, sql, "a statement of " LAYOUT_USERS, err);
}

static enum status run_one(struct conn *c, const struct buf *sql, struct error *err)
{
	enum status st = conn_exec_secret(c, sql, "a statement of " LAYOUT_USERS, err);
	if (st == ST_FAILED && err->my_errno == ACCOUNT_EXISTS && starts(sql->data, sql->len, create_user))
		st = create_anew(c, sql, err);
	const char *why = st && !c->lost && err->kind != ERR_INTERRUPTED ? why_left_out(sql, err->my_errno) : NULL;
	if (!why)
		return st;
	/* Of 5.6 a GRANT may hold the hash of a password. */
	const char *secret = memmem(sql->data, sql->len, " IDENTIFIED ", 12);
	event_warning(c->run->events, "load", "left out, since %s: %.*s", why, (int)(secret ? (size_t)(secret - sql->data) : sql->len), sql->data);
	return ST_OK;
}

static enum status run_adapted(struct conn *c, const struct buf *sql, const struct load_grants *g, struct error *err)
{
	struct buf adapted = { .max = ACCOUNT_STATEMENT_MAX, .secret = 1 };
	enum status st = load_grants_adapt(g, sql->data, sql->len, &adapted, NULL, err);
	if (!st)
		st = buf_check(&adapted, "an account", err);
	if (!st && adapted.len)
		st = run_one(c, &adapted, err);
	buf_free(&adapted);
	return st;
}

static enum status run_pass(const struct buf *text, struct conn *c, bool create, const struct load_grants *g, struct error *err)
{
	char *self = NULL;
	bool told = false;
	struct buf sql = { .max = ACCOUNT_STATEMENT_MAX, .secret = 1 };
	struct load_split s = load_split_of(text);
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
			st = run_adapted(c, &sql, g, err);
	}
	buf_free(&sql);
	free(self);
	return st;
}

enum status load_accounts_create(const struct buf *text, struct conn *c, struct error *err)
{
	return run_pass(text, c, true, &(struct load_grants){ .from = 0 }, err);
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
	struct load_split s = load_split_of(text);
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

enum status load_accounts_grant(const struct buf *text, struct conn *c, const struct server_info *from, struct error *err)
{
	struct load_grants g = { .from = 0 };
	enum status st = load_grants_begin(c, from, &g, err);
	if (!st)
		st = run_pass(text, c, false, &g, err);
	load_grants_end(&g);
	if (!st && c->server.flavor == FLAVOR_MARIADB)
		st = give_up_roles(text, c, err);
	return st;
}

/* ---- what the target lacks ---- */

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

/* A right that was taken back in part would be there as a whole. */
static enum status check_revokes(struct conn *c, struct error *err)
{
	char *now = NULL;
	enum status st = conn_variable(c, "partial_revokes", &now, err);
	bool on = now && strcmp(now, "0") != 0 && strcasecmp(now, "OFF") != 0;
	free(now);
	if (st || on)
		return st;
	error_set(err, ST_FAILED, ERR_SEED_REFUSED, "accounts of the snapshot have partial revokes, and the target has partial_revokes=OFF");
	error_hint(err, "SET PERSIST partial_revokes = ON on the target, or take a snapshot with --no-users");
	return ST_FAILED;
}

static void tell_grants(struct conn *c, const struct server_info *from, const struct load_grants_told *told)
{
	struct buf names = BUF_INIT(1024);
	for (size_t i = 0; i < told->lost.n; i++)
		event_warning(c->run->events, "load", "the target has no privilege %s: accounts of the snapshot that have it will lack it", told->lost.item[i]);
	for (size_t i = 0; i < told->given.n; i++)
		buf_addf(&names, "%s%s", i ? ", " : "", told->given.item[i]);
	if (told->given.n)
		event_info(c->run->events, "load", "privileges that stand for less here than on %s are granted with what was split off: %s", from->version_text, buf_str(&names));
	buf_free(&names);
}

static enum status check_grants(const struct buf *text, struct conn *c, const struct server_info *from, struct error *err)
{
	struct load_split s = load_split_of(text);
	struct load_grants g = { .from = 0 };
	struct load_grants_told told = { .lost = { 0 } };
	bool revokes = false;
	const char *p;
	size_t len;
	enum status st = load_grants_begin(c, from, &g, err);
	while (!st && (g.known.n || g.from) && load_split_next(&s, &p, &len)) {
		struct buf ignored = { .max = ACCOUNT_STATEMENT_MAX, .secret = 1 };
		st = load_grants_adapt(&g, p, len, &ignored, &told, err);
		revokes = revokes || starts(p, len, "REVOKE ");
		buf_free(&ignored);
	}
	if (!st)
		tell_grants(c, from, &told);
	if (!st && revokes && g.known.n)
		st = check_revokes(c, err);
	load_grants_end(&g);
	load_grants_told_free(&told);
	return st;
}

/* An account may have several. */
static enum status check_factors(const char *sql, const char *end, const char *mark, struct conn *c, struct error *err)
{
	enum status st = ST_OK;
	size_t n = strlen(mark);
	for (const char *p = sql; !st && (p = memmem(p, (size_t)(end - p), mark, n));) {
		p += n;
		p += *p == '\'';
		st = check_plugin(c, p, strcspn(p, " ';\n"), err);
	}
	return st;
}

static enum status check_plugins(const struct buf *text, struct conn *c, struct error *err)
{
	static const char *const marks[] = { " IDENTIFIED WITH ", " IDENTIFIED VIA " };
	struct load_split s = load_split_of(text);
	const char *p;
	size_t len;
	enum status st = ST_OK;
	while (!st && load_split_next(&s, &p, &len))
		for (size_t i = 0; !st && creates(p, len) && i < 2; i++)
			st = check_factors(p, p + len, marks[i], c, err);
	return st;
}

enum status load_accounts_check(const struct buf *text, struct conn *c, const struct server_info *from, struct error *err)
{
	enum status st = check_plugins(text, c, err);
	return st ? st : check_grants(text, c, from, err);
}
