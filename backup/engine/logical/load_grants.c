/* SPDX-License-Identifier: Apache-2.0 */
#include "load_grants.h"

#include <string.h>

enum { GRANTS_NAME_MAX = 128 };

static const char grant[] = "GRANT ";

enum status load_grants_begin(struct conn *target, const struct server_info *from, struct load_grants *ret, struct error *err)
{
	struct rows *r = NULL;
	if (conn_is_mariadb(target, 0)) {
		ret->from = from->version;
		ret->to = target->server.version;
	}
	if (!conn_is_mysql(target, 80000))
		return ST_OK;
	enum status st = conn_query(target, "SHOW PRIVILEGES", &r, err);
	while (rows_more(r, &st, err))
		if (rows_get(r, "Privilege"))
			st = strlist_add(&ret->known, rows_get(r, "Privilege"), err);
	rows_free(r);
	strlist_sort(&ret->known);
	return st;
}

void load_grants_end(struct load_grants *g)
{
	strlist_free(&g->known);
}

void load_grants_told_free(struct load_grants_told *t)
{
	strlist_free(&t->lost);
	strlist_free(&t->given);
}

static enum status tell(struct strlist *l, const char *name, struct error *err)
{
	return strlist_has(l, name) ? ST_OK : strlist_add(l, name, err);
}

/* ---- MySQL: by name ---- */

/* The length of a name of this kind: all of them have an underscore, none of the privileges that are words. */
static size_t name_length(const char *p, const char *end)
{
	size_t n = 0;
	bool underscore = false;
	for (; p + n < end && ((p[n] >= 'A' && p[n] <= 'Z') || p[n] == '_'); n++)
		underscore = underscore || p[n] == '_';
	return underscore && n < GRANTS_NAME_MAX ? n : 0;
}

static const char *successor(const char *name)
{
	return strcmp(name, "SET_USER_ID") == 0 ? "SET_ANY_DEFINER,ALLOW_NONEXISTENT_DEFINER" : NULL;
}

static enum status adapt_name(const char *name, const struct strlist *known, struct buf *out, bool *any, struct load_grants_told *told, struct error *err)
{
	const char *as = strlist_has(known, name) ? name : successor(name);
	if (!as)
		return told ? tell(&told->lost, name, err) : ST_OK;
	buf_addf(out, "%s%s", *any ? "," : "", as);
	*any = true;
	return ST_OK;
}

/* p: behind GRANT, at the first name. */
static enum status adapt_names(const struct strlist *known, const char *p, const char *end, struct buf *out, struct load_grants_told *told, struct error *err)
{
	enum status st = ST_OK;
	bool any = false;
	buf_adds(out, grant);
	for (size_t n; !st && (n = name_length(p, end));) {
		char name[GRANTS_NAME_MAX];
		memcpy(name, p, n);
		name[n] = '\0';
		st = adapt_name(name, known, out, &any, told, err);
		for (p += n; p < end && (*p == ',' || (*p == ' ' && p[-1] == ',')); p++)
			;
	}
	if (any)
		buf_add(out, p, (size_t)(end - p));
	else
		buf_clear(out);
	return st;
}

/* ---- MariaDB: split ---- */

/* Who comes from a server before `before` to one of `since` or later, and has `has`, had these as well. */
static const struct { unsigned before, since; const char *has; const char *const gets[10]; } splits[] = {
	{ 100502, 100502, "SUPER", { "SET USER", "FEDERATED ADMIN", "CONNECTION ADMIN", "READ_ONLY ADMIN", "REPLICATION SLAVE ADMIN", "BINLOG ADMIN", "BINLOG REPLAY" } },
	{ 101100, 101100, "SUPER", { "READ_ONLY ADMIN" } },
	{ 110000, 110000, "SUPER", { "BINLOG MONITOR", "SET USER", "FEDERATED ADMIN", "CONNECTION ADMIN", "REPLICATION SLAVE ADMIN", "REPLICATION MASTER ADMIN",
	                             "BINLOG ADMIN", "BINLOG REPLAY", "SLAVE MONITOR" } },
	{ 100502, 100509, "REPLICATION SLAVE", { "SLAVE MONITOR" } },
	{ 100502, 100509, "REPLICATION CLIENT", { "SLAVE MONITOR" } },
};

static bool list_has(const char *list, size_t len, const char *name)
{
	size_t n = strlen(name);
	for (const char *p = list, *end = list + len; p < end;) {
		size_t m = strcspn(p, ",");
		m = p + m > end ? (size_t)(end - p) : m;
		if (m == n && memcmp(p, name, n) == 0)
			return true;
		for (p += m; p < end && (*p == ',' || *p == ' '); p++)
			;
	}
	return false;
}

/* The length of the list of names in "GRANT names ON *.* TO ...", p being behind GRANT; 0: another statement. */
static size_t global_names(const char *p, const char *end)
{
	static const char on[] = " ON *.* TO ";
	const char *at = memmem(p, (size_t)(end - p), on, sizeof on - 1);
	size_t n = at ? (size_t)(at - p) : 0;
	return strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_ ,") >= n ? n : 0;
}

static enum status add_parts(const struct load_grants *g, const char *p, size_t n, struct buf *out, struct load_grants_told *told, struct error *err)
{
	enum status st = ST_OK;
	struct strlist added = { 0 };
	for (size_t i = 0; i < sizeof splits / sizeof splits[0]; i++) {
		if (g->from >= splits[i].before || g->to < splits[i].since || !list_has(p, n, splits[i].has))
			continue;
		for (const char *const *part = splits[i].gets; !st && *part; part++) {
			if (list_has(p, n, *part) || strlist_has(&added, *part))
				continue;
			buf_addf(out, ", %s", *part);
			st = strlist_add(&added, *part, err);
			if (!st && told)
				st = tell(&told->given, *part, err);
		}
	}
	strlist_free(&added);
	return st;
}

static enum status split_names(const struct load_grants *g, const char *p, const char *end, struct buf *out, struct load_grants_told *told, struct error *err)
{
	size_t n = global_names(p, end);
	buf_adds(out, grant);
	buf_add(out, p, n);
	enum status st = n ? add_parts(g, p, n, out, told, err) : ST_OK;
	buf_add(out, p + n, (size_t)(end - p) - n);
	return st;
}

enum status load_grants_adapt(const struct load_grants *g, const char *sql, size_t len, struct buf *out, struct load_grants_told *told, struct error *err)
{
	const char *end = sql + len, *p = sql + sizeof grant - 1;
	bool grants = len >= sizeof grant && memcmp(sql, grant, sizeof grant - 1) == 0;
	if (grants && g->from)
		return split_names(g, p, end, out, told, err);
	if (grants && g->known.n && name_length(p, end))
		return adapt_names(&g->known, p, end, out, told, err);
	buf_add(out, sql, len);
	return ST_OK;
}
