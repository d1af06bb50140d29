/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slackwater-users: accounts, roles, grants, in an order in which each statement can be executed: every account first, then what
 * they are granted, then default roles. An account that exists on the target (root) is altered to what it is here.
 *
 *   MySQL 5.7+        CREATE USER IF NOT EXISTS + ALTER USER from SHOW CREATE USER, SHOW GRANTS; roles are locked accounts
 *   MariaDB 10.2+     CREATE OR REPLACE would drop grants of others' roles: CREATE USER IF NOT EXISTS + ALTER USER; roles of their own kind
 *   MySQL 5.6         SHOW GRANTS, whose GRANT USAGE ... IDENTIFIED BY PASSWORD makes the account; and account_old.h
 */
#include <stdlib.h>
#include <string.h>

#include "account_columns.h"
#include "account_old.h"
#include "inventory.h"
#include "layout.h"
#include "slackwater/dialect.h"

struct account { char *user, *host; bool role, unknown, expired; char *default_role; struct account_old old; };

struct accounts {
	struct account *item;
	size_t n;
	struct inventory *inv;
	struct conn *c;
};

static void accounts_clear(struct accounts *a)
{
	for (size_t i = 0; i < a->n; i++) {
		free(a->item[i].user);
		free(a->item[i].host);
		free(a->item[i].default_role);
		account_old_free(&a->item[i].old);
	}
	free(a->item);
}

/* The server's own: each server brings them itself. */
static bool accounts_own(const char *user, const char *host)
{
	static const char *const own[] = { "mysql.sys", "mysql.session", "mysql.infoschema", "mariadb.sys" };
	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
		if (!strcmp(user, own[i]) && !strcmp(host, "localhost"))
			return true;
	return false;
}

static enum status accounts_add(struct accounts *a, const struct rows *r, struct error *err)
{
	if (!r->row[0] || !r->row[1] || accounts_own(r->row[0], r->row[1]))
		return ST_OK;
	struct account *p = realloc(a->item, (a->n + 1) * sizeof *p);
	if (!p)
		return error_oom(err);
	a->item = p;
	p = &p[a->n++];
	*p = (struct account){ .user = strdup(r->row[0]), .host = strdup(r->row[1]), .role = r->row[2] && !strcmp(r->row[2], "Y") };
	if (r->row[3] && *r->row[3])
		p->default_role = strdup(r->row[3]);
	return p->user && p->host && (p->default_role || !r->row[3] || !*r->row[3]) ? ST_OK : error_oom(err);
}

static enum status accounts_list(struct accounts *a, struct error *err)
{
	struct rows *r = NULL;
	const char *sql = conn_is_mariadb(a->c, 100005) ? "SELECT User, Host, is_role, default_role FROM mysql.user ORDER BY is_role DESC, User, Host"
	                                                : "SELECT User, Host, 'N', '' FROM mysql.user ORDER BY User, Host";
	enum status st = conn_query(a->c, sql, &r, err);
	while (rows_more(r, &st, err))
		st = accounts_add(a, r, err);
	rows_free(r);
	return st;
}

static void accounts_name(struct buf *b, const struct account *u)
{
	if (u->role)
		sql_string(b, u->user);
	else
		sql_account(b, u->user, u->host);
}

static void accounts_line(struct accounts *a, const char *sql)
{
	layout_statement(&a->inv->users, sql, strlen(sql));
}

/* ---- creating ---- */

/* Where the words stand in a statement outside of what it quotes; NULL: they do not. */
static const char *accounts_find(const char *sql, const char *words)
{
	size_t n = strlen(words);
	char quote = 0;
	for (const char *p = sql; *p; p++) {
		if (quote && *p == '\\' && quote != '`' && p[1])
			p++;
		else if (quote)
			quote = *p == quote ? 0 : quote;
		else if (*p == '\'' || *p == '"' || *p == '`')
			quote = *p;
		else if (strncmp(p, words, n) == 0)
			return p;
	}
	return NULL;
}

/* Takes out " DEFAULT ROLE a,b", which ALTER USER does not take, and which needs the roles granted first. */
static void accounts_cut_default_role(char *text)
{
	const char *role = accounts_find(text, " DEFAULT ROLE ");
	if (!role)
		return;
	const char *end = accounts_find(role, " REQUIRE ");
	size_t rest = end ? strlen(end) : 0;
	memmove(text + (role - text), end ? end : "", rest + 1);
}

/*
 * "name IDENTIFIED WITH 'plugin' rest": an account without a password is shown without AS, but ALTER USER takes that for a new
 * plugin and lets the password expire (1862 at the next login [run 9.7.4]). With AS '' it does not.
 */
static void accounts_rest(struct buf *b, const char *rest)
{
	static const char with[] = " IDENTIFIED WITH '";
	const char *plugin = accounts_find(rest, with);
	const char *end = plugin ? strchr(plugin + sizeof with - 1, '\'') : NULL;
	if (!end || strncmp(end + 1, " AS ", 4) == 0) {
		buf_adds(b, rest);
		return;
	}
	buf_add(b, rest, (size_t)(end + 1 - rest));
	buf_addf(b, " AS ''%s", end + 1);
}

/*
 * Of several factors, or a device alone, ALTER USER takes no such text (1064 [run 9.7.4]): one statement, and an account of that name that is there already
 * is dropped by the loader. What a second factor has registered is shown, what a device alone has registered is not.
 */
static enum status accounts_create_factors(struct accounts *a, const struct account *u, const char *text, struct error *err)
{
	accounts_line(a, text);
	if (!accounts_find(text, " INITIAL AUTHENTICATION "))
		return ST_OK;
	return strlist_addf(&a->inv->warnings, err, "account '%s'@'%s' logs in with a device, which has to be registered anew on a seed: the server does not show"
	                    " what it has registered", u->user, u->host);
}

/*
 * text: "CREATE USER name rest". Written once as CREATE USER IF NOT EXISTS and once as ALTER USER. lifetime: NULL, or the ALTER USER in which MariaDB
 * tells the lifetime of a password that has expired; given last it would undo the expiry, given first it is kept [run 10.11.19].
 */
static enum status accounts_create_from(struct accounts *a, const struct account *u, char *text, const char *lifetime, struct error *err)
{
	static const char create[] = "CREATE USER ";
	if (strncmp(text, create, sizeof create - 1) != 0)
		return error_set(err, ST_FAILED, ERR_SERVER, "SHOW CREATE USER for '%s'@'%s' answered something unknown", u->user, u->host);
	if (strstr(text, "<secret>")) {
		error_set(err, ST_FAILED, ERR_PREFLIGHT, "the password hash of '%s'@'%s' may not be read", u->user, u->host);
		error_hint(err, "GRANT SELECT ON mysql.* to the backup account, or use --no-users");
		return ST_FAILED;
	}
	if (a->c->server.flavor == FLAVOR_MYSQL)
		accounts_cut_default_role(text);
	if (accounts_find(text, " AND IDENTIFIED WITH ") || accounts_find(text, " INITIAL AUTHENTICATION "))
		return accounts_create_factors(a, u, text, err);
	struct buf *b = &a->inv->users, stmt = BUF_INIT(1u << 20);
	stmt.secret = 1;
	buf_adds(&stmt, "CREATE USER IF NOT EXISTS ");
	accounts_rest(&stmt, text + sizeof create - 1);
	layout_statement(b, buf_str(&stmt), stmt.len);
	buf_clear(&stmt);
	if (lifetime)
		accounts_line(a, lifetime);
	buf_adds(&stmt, "ALTER USER ");
	accounts_rest(&stmt, text + sizeof create - 1);
	layout_statement(b, buf_str(&stmt), stmt.len);
	enum status st = buf_check(&stmt, "an account", err);
	buf_free(&stmt);
	return st;
}

/*
 * In the table, but not in the server's memory: under skip_name_resolve accounts with host names are ignored, and a row written by hand waits for
 * FLUSH PRIVILEGES. No statement shows such an account, and none that is replicated here finds it either.
 */
static enum status accounts_unknown(struct accounts *a, struct account *u, enum status st, struct error *err)
{
	if (st != ST_FAILED || (err->my_errno != 1133 && err->my_errno != 1141 && err->my_errno != 1396 && err->my_errno != 3162))
		return st;
	u->unknown = true;
	return strlist_addf(&a->inv->warnings, err, "account '%s'@'%s' is ignored by the server and left out: %s", u->user, u->host, err->message);
}

static bool accounts_ends(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);
	return len >= n && strcmp(text + len - n, end) == 0;
}

static enum status accounts_create(struct accounts *a, struct account *u, struct error *err)
{
	struct buf b = BUF_INIT(4096);
	struct rows *r = NULL;
	enum status st = ST_OK;
	if (u->role) {
		if (strcmp(u->user, "PUBLIC") != 0) {
			buf_adds(&b, "CREATE ROLE IF NOT EXISTS ");
			accounts_name(&b, u);
			accounts_line(a, buf_str(&b));
		}
		st = buf_check(&b, "a role", err);
		buf_free(&b);
		return st;
	}
	buf_adds(&b, "SHOW CREATE USER ");
	accounts_name(&b, u);
	st = buf_check(&b, "a statement", err);
	if (!st)
		st = conn_query(a->c, buf_str(&b), &r, err);
	bool more = rows_more(r, &st, err);
	char *text = NULL;
	st = accounts_unknown(a, u, st, err);
	if (u->unknown)
		goto out;
	if (!st && (!more || !r->row[0]))
		st = error_set(err, ST_RETRY, ERR_INCONSISTENT, "account '%s'@'%s' went away while it was read", u->user, u->host);
	if (!st)
		st = inventory_dup(&text, r->row[0], r->len[0], err);
	more = rows_more(r, &st, err);
	if (!st)
		st = accounts_create_from(a, u, text, more ? r->row[0] : NULL, err);
	u->expired = !st && conn_is_mariadb(a->c, 0) && accounts_ends(text, " PASSWORD EXPIRE");
	free(text);
out:
	rows_free(r);
	buf_free(&b);
	return st;
}

static enum status accounts_create_old(struct accounts *a, struct account *u, struct error *err)
{
	struct buf b = { .max = 1u << 20, .secret = 1 };
	enum status st = account_old_read(a->c, u->user, u->host, &u->old, err);
	account_old_create(&u->old, u->user, u->host, &b);
	u->expired = u->old.expired;
	if (!st)
		st = buf_check(&b, "an account", err);
	if (!st && b.len)
		accounts_line(a, buf_str(&b));
	buf_free(&b);
	return st;
}

/* ---- granting ---- */

/* A grant on a table that does not exist cannot be given again. Only plain tables and views are judged: `schema`.`name` without a wildcard. */
static bool accounts_dangling(const struct inventory *inv, const char *grant)
{
	const char *on = strstr(grant, " ON `");
	if (!on)
		return false;
	char name[2][260] = { "", "" };
	const char *p = on + 4;
	for (int part = 0; part < 2; part++) {
		size_t n = 0;
		if (*p++ != '`')
			return false;
		for (; *p && (*p != '`' || p[1] == '`'); p++) {
			if (*p == '`')
				p++;
			if (n < sizeof name[0] - 1)
				name[part][n++] = *p;
		}
		if (!*p++)
			return false;
		if (!part && *p++ != '.')
			return false;
	}
	/* With CREATE among the rights the server takes it anyway; a schema that is not in the inventory is not judged. */
	const struct schema *s = inventory_schema(inv, name[0]);
	return strncmp(p, " TO ", 4) == 0 && s && s->whole && !inventory_find(inv, name[0], name[1]);
}

/*
 * Servers before 8.0 print column names bare: GRANT SELECT (a, odd name), INSERT (b) ON `s`.`t` TO ... Quoted here. A name that itself
 * holds ", " or ")" cannot be told apart: such grants are put together from the tables they are kept in (account_columns.c).
 */
void accounts_quote_columns(const char *grant, struct buf *b)
{
	const char *on = strstr(grant, " ON `"), *p = grant;
	while (on && p < on) {
		const char *open = memchr(p, '(', (size_t)(on - p));
		const char *close = open ? memchr(open, ')', (size_t)(on - open)) : NULL;
		if (!close || open[1] == '`')
			break;
		buf_add(b, p, (size_t)(open + 1 - p));
		for (p = open + 1; p < close;) {
			const char *comma = strstr(p, ", ");
			const char *end = comma && comma < close ? comma : close;
			buf_addc(b, '`');
			for (; p < end; p++) {
				buf_addc(b, *p);
				if (*p == '`')
					buf_addc(b, '`');
			}
			buf_addc(b, '`');
			if (end != close) {
				buf_adds(b, ", ");
				p += 2;
			}
		}
	}
	buf_adds(b, p);
}

static enum status accounts_grant_line(struct accounts *a, const char *grant, struct error *err)
{
	if (!accounts_dangling(a->inv, grant)) {
		struct buf b = BUF_INIT(1u << 20);
		b.secret = 1;
		accounts_quote_columns(grant, &b);
		/* MariaDB shows a grant on a package in words that it takes in this mode alone (1064 [run 10.11.19]). */
		bool package = strncmp(grant, "GRANT ", 6) == 0 && strstr(grant, " ON PACKAGE ");
		if (package)
			accounts_line(a, "SET sql_mode = 'ORACLE'");
		accounts_line(a, buf_str(&b));
		if (package)
			accounts_line(a, "SET sql_mode = ''");
		enum status st = buf_check(&b, "a grant", err);
		buf_free(&b);
		return st;
	}
	enum status st = strlist_addf(&a->inv->warnings, err, "a grant on a table that does not exist is left out: %s", grant);
	buf_adds(&a->inv->users, "-- left out, the table does not exist: ");
	for (const char *p = grant; *p; p++)
		buf_addc(&a->inv->users, *p == '\n' || *p == '\r' ? ' ' : *p);
	buf_adds(&a->inv->users, "\n");
	return st;
}

static enum status accounts_grant_old(struct accounts *a, const struct account *u, const char *line, const struct account_columns *columns,
                                      struct error *err)
{
	struct buf b = { .max = 1u << 20, .secret = 1 };
	account_old_grant(&u->old, u->user, u->host, line, &b);
	enum status st = buf_check(&b, "a grant", err);
	if (!st)
		st = accounts_grant_line(a, account_columns_instead(columns, buf_str(&b)), err);
	buf_free(&b);
	return st;
}

static enum status accounts_grants(struct accounts *a, struct account *u, struct error *err)
{
	bool old = conn_is_mysql(a->c, 0) && !conn_is_mysql(a->c, 50700);
	if (u->unknown)
		return ST_OK;
	struct buf b = BUF_INIT(4096);
	struct account_columns columns = { 0 };
	struct rows *r = NULL;
	buf_adds(&b, "SHOW GRANTS FOR ");
	accounts_name(&b, u);
	enum status st = buf_check(&b, "a statement", err);
	if (!st && conn_is_mysql(a->c, 0) && !conn_is_mysql(a->c, 80000))
		st = account_columns_read(a->c, u->user, u->host, &columns, err);
	if (!st)
		st = conn_query(a->c, buf_str(&b), &r, err);
	while (rows_more(r, &st, err)) {
		/* MariaDB shows a user's default role as a last line of the same answer: it comes later, when the role is granted. */
		if (r->row[0] && old)
			st = accounts_grant_old(a, u, r->row[0], &columns, err);
		else if (r->row[0] && strncmp(r->row[0], "SET DEFAULT ROLE", 16) != 0)
			st = accounts_grant_line(a, account_columns_instead(&columns, r->row[0]), err);
	}
	/* MariaDB's GRANT USAGE ... IDENTIFIED gives the password anew, which is then not expired any more [run 10.11.19]. */
	if (!st && u->expired) {
		buf_clear(&b);
		buf_adds(&b, "ALTER USER ");
		accounts_name(&b, u);
		buf_adds(&b, " PASSWORD EXPIRE");
		accounts_line(a, buf_str(&b));
	}
	rows_free(r);
	buf_free(&b);
	account_columns_free(&columns);
	return accounts_unknown(a, u, st, err);
}

static void accounts_mariadb_role(struct accounts *a, const struct account *u)
{
	struct buf b = BUF_INIT(4096);
	if (!u->default_role || u->role || u->unknown)
		return;
	buf_adds(&b, "SET DEFAULT ROLE ");
	sql_string(&b, u->default_role);
	buf_adds(&b, " FOR ");
	accounts_name(&b, u);
	accounts_line(a, buf_str(&b));
	buf_free(&b);
}

static enum status accounts_mysql_roles(struct accounts *a, struct error *err)
{
	struct rows *r = NULL;
	enum status st = conn_query(a->c, "SELECT USER, HOST, DEFAULT_ROLE_USER, DEFAULT_ROLE_HOST FROM mysql.default_roles"
	                                  " ORDER BY USER, HOST, DEFAULT_ROLE_USER, DEFAULT_ROLE_HOST", &r, err);
	struct buf b = BUF_INIT(1u << 20);
	char *last = NULL;
	while (rows_more(r, &st, err)) {
		struct buf who = BUF_INIT(4096);
		sql_account(&who, r->row[0], r->row[1]);
		bool same = last && !strcmp(last, buf_str(&who));
		if (!same && b.len) {
			buf_addf(&b, " TO %s", last);
			accounts_line(a, buf_str(&b));
			buf_clear(&b);
		}
		buf_adds(&b, same ? ", " : "SET DEFAULT ROLE ");
		sql_account(&b, r->row[2], r->row[3]);
		free(last);
		last = buf_take(&who);
		if (!last)
			st = error_oom(err);
	}
	if (!st && b.len) {
		buf_addf(&b, " TO %s", last);
		accounts_line(a, buf_str(&b));
	}
	free(last);
	buf_free(&b);
	rows_free(r);
	return st;
}

/* Of two passwords only the newer one is shown. */
static enum status accounts_dual(struct accounts *a, struct error *err)
{
	struct rows *r = NULL;
	enum status st = conn_query(a->c, "SELECT User, Host FROM mysql.user WHERE JSON_CONTAINS_PATH(User_attributes, 'one', '$.additional_password')"
	                                  " ORDER BY User, Host", &r, err);
	while (rows_more(r, &st, err))
		st = strlist_addf(&a->inv->warnings, err, "account '%s'@'%s' has a second password (RETAIN CURRENT PASSWORD), which is not carried over",
		                  r->row[0] ? r->row[0] : "", r->row[1] ? r->row[1] : "");
	rows_free(r);
	return st;
}

enum status accounts_read(struct inventory *inv, struct conn *c, struct error *err)
{
	struct accounts a = { .inv = inv, .c = c };
	bool mariadb = conn_is_mariadb(c, 0);
	bool show = mariadb ? conn_is_mariadb(c, 100200) : conn_is_mysql(c, 50700);
	buf_clear(&inv->users);
	buf_adds(&inv->users, LAYOUT_SCHEMA_HEADER);
	enum status st = accounts_list(&a, err);
	for (size_t i = 0; !st && i < a.n; i++)
		if (show || !mariadb)
			st = show ? accounts_create(&a, &a.item[i], err) : accounts_create_old(&a, &a.item[i], err);
	for (size_t i = 0; !st && i < a.n; i++)
		st = accounts_grants(&a, &a.item[i], err);
	for (size_t i = 0; !st && mariadb && i < a.n; i++)
		accounts_mariadb_role(&a, &a.item[i]);
	if (!st && conn_is_mysql(c, 80000))
		st = accounts_mysql_roles(&a, err);
	if (!st && conn_is_mysql(c, 80014))
		st = accounts_dual(&a, err);
	accounts_clear(&a);
	return st ? st : buf_check(&inv->users, LAYOUT_USERS, err);
}
