/* SPDX-License-Identifier: Apache-2.0 */
#include "fingerprint.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "slackwater/dialect.h"

enum { COUNTS_NOTHING = 0, COUNTS_TABLES = 1, COUNTS_OBJECTS = 2, COUNTS_BOTH = 3 };

/* By prefix behind "Com_"; the first that fits counts. What is not listed is no DDL. */
static const struct { const char *prefix; unsigned counts; } fingerprint_rules[] = {
	{ "create_temporary", COUNTS_NOTHING },  { "drop_temporary", COUNTS_NOTHING },
	{ "create_db", COUNTS_BOTH },            { "drop_db", COUNTS_BOTH },
	{ "alter_db", COUNTS_BOTH },             { "create_table", COUNTS_TABLES },
	{ "drop_table", COUNTS_TABLES },         { "alter_table", COUNTS_TABLES },
	{ "rename_table", COUNTS_TABLES },       { "truncate", COUNTS_TABLES },
	{ "create_index", COUNTS_TABLES },       { "drop_index", COUNTS_TABLES },
	{ "create_trigger", COUNTS_TABLES },     { "drop_trigger", COUNTS_TABLES },
	{ "create_sequence", COUNTS_TABLES },    { "alter_sequence", COUNTS_TABLES },
	{ "drop_sequence", COUNTS_TABLES },      { "alter_tablespace", COUNTS_TABLES },
	{ "import", COUNTS_TABLES },             { "create_", COUNTS_OBJECTS },
	{ "alter_", COUNTS_OBJECTS },            { "drop_", COUNTS_OBJECTS },
	{ "rename_user", COUNTS_OBJECTS },       { "grant", COUNTS_OBJECTS },
	{ "revoke", COUNTS_OBJECTS },            { "set_password", COUNTS_OBJECTS },
	{ "install", COUNTS_OBJECTS },           { "uninstall", COUNTS_OBJECTS },
};

void fingerprint_add(struct fingerprint *f, const char *variable, uint64_t value)
{
	if (strncasecmp(variable, "Com_", 4) != 0)
		return;
	for (size_t i = 0; i < sizeof fingerprint_rules / sizeof fingerprint_rules[0]; i++) {
		const char *p = fingerprint_rules[i].prefix;
		if (strncasecmp(variable + 4, p, strlen(p)) != 0)
			continue;
		if (fingerprint_rules[i].counts & COUNTS_TABLES)
			f->tables += value;
		if (fingerprint_rules[i].counts & COUNTS_OBJECTS)
			f->objects += value;
		f->known = f->known || fingerprint_rules[i].counts;
		return;
	}
}

bool fingerprint_objects_equal(const struct fingerprint *a, const struct fingerprint *b)
{
	return a->known && b->known && a->objects == b->objects && a->accounts == b->accounts;
}

bool fingerprint_equal(const struct fingerprint *a, const struct fingerprint *b)
{
	return a->tables == b->tables && fingerprint_objects_equal(a, b);
}

static enum status fingerprint_counters(struct conn *c, struct fingerprint *f, struct error *err)
{
	struct rows *r = NULL;
	enum status st = conn_query(c, "SHOW GLOBAL STATUS LIKE 'Com\\_%'", &r, err);
	while (rows_more(r, &st, err))
		if (r->row[0] && r->row[1])
			fingerprint_add(f, r->row[0], strtoull(r->row[1], NULL, 10));
	rows_free(r);
	return st;
}

static const char *fingerprint_account_tables(const struct conn *c)
{
	if (conn_is_mysql(c, 80000))
		return NULL;
	if (conn_is_mariadb(c, 100400))
		return "CHECKSUM TABLE mysql.global_priv, mysql.db, mysql.tables_priv, mysql.columns_priv, mysql.procs_priv, mysql.proxies_priv,"
		       " mysql.roles_mapping EXTENDED";
	if (conn_is_mariadb(c, 100005))
		return "CHECKSUM TABLE mysql.user, mysql.db, mysql.tables_priv, mysql.columns_priv, mysql.procs_priv, mysql.proxies_priv,"
		       " mysql.roles_mapping EXTENDED";
	return "CHECKSUM TABLE mysql.user, mysql.db, mysql.tables_priv, mysql.columns_priv, mysql.procs_priv, mysql.proxies_priv EXTENDED";
}

static enum status fingerprint_accounts(struct conn *c, struct fingerprint *f, struct error *err)
{
	const char *sql = fingerprint_account_tables(c);
	struct rows *r = NULL;
	if (!sql)
		return ST_OK;
	enum status st = conn_query(c, sql, &r, err);
	while (rows_more(r, &st, err))
		f->accounts = f->accounts * 1099511628211u + (r->row[1] ? strtoull(r->row[1], NULL, 10) : 0);
	rows_free(r);
	return st;
}

enum status fingerprint_take(struct conn *c, bool accounts, struct fingerprint *ret, struct error *err)
{
	struct fingerprint f = { 0 };
	enum status st = fingerprint_counters(c, &f, err);
	if (!st && accounts)
		st = fingerprint_accounts(c, &f, err);
	if (!st)
		*ret = f;
	return st;
}

/* ---- what runs just now ---- */

/* Past blanks, brackets and comments; the inside of an executable comment is text. */
static const char *fingerprint_skip(const char *p)
{
	for (;;) {
		while (*p && strchr(" \t\r\n(;", *p))
			p++;
		if (*p == '#' || (p[0] == '-' && p[1] == '-')) {
			p += strcspn(p, "\n");
		} else if (p[0] == '/' && p[1] == '*' && (p[2] == '!' || (p[2] == 'M' && p[3] == '!'))) {
			p += p[2] == '!' ? 3 : 4;
			while (*p >= '0' && *p <= '9')
				p++;
		} else if (p[0] == '/' && p[1] == '*') {
			const char *end = strstr(p + 2, "*/");
			if (!end)
				return p;
			p = end + 2;
		} else if (p[0] == '*' && p[1] == '/') {
			p += 2;
		} else {
			return p;
		}
	}
}

bool fingerprint_may_be_ddl(const char *statement)
{
	static const char *const harmless[] = { "select", "insert", "update", "delete", "replace", "load", "commit", "rollback", "show",
		                                "start", "stop", "explain", "analyze", "check", "checksum", "flush", "do", "with", "use",
		                                "binlog", "xa", "values", "savepoint", "lock", "unlock", "purge", "change", "desc", "describe" };
	const char *p = fingerprint_skip(statement);
	if (!strcasecmp(p, "BEGIN")) /* more than the word is a compound statement, with anything inside */
		return false;
	size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
	for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++)
		if (strlen(harmless[i]) == n && !strncasecmp(harmless[i], p, n))
			return false;
	return true;
}

static enum status fingerprint_running(struct conn *c, bool *ret, struct error *err)
{
	struct rows *r = NULL;
	*ret = false;
	enum status st = conn_queryf(c, &r, err, "SELECT LEFT(INFO, 4000) FROM %s WHERE ID <> CONNECTION_ID() AND INFO IS NOT NULL AND INFO <> ''",
	                             dialect_processlist(&c->server));
	while (rows_more(r, &st, err))
		if (r->row[0] && fingerprint_may_be_ddl(r->row[0]))
			*ret = true;
	rows_free(r);
	return st;
}

enum status fingerprint_settle(struct conn *c, bool accounts, int64_t wait_ms, struct fingerprint *ret, bool *ret_settled,
                               struct error *err)
{
	int64_t until = run_now_ms(c->run) + wait_ms;
	for (;;) {
		bool running = false;
		enum status st = fingerprint_take(c, accounts, ret, err);
		if (!st)
			st = fingerprint_running(c, &running, err);
		if (!st && running && run_now_ms(c->run) < until) {
			st = run_sleep_ms(c->run, 20, err);
			if (!st)
				continue;
		}
		*ret_settled = !running;
		return st;
	}
}
