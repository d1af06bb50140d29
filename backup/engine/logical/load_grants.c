/* SPDX-License-Identifier: Apache-2.0 */
#include "load_grants.h"

#include <string.h>

enum { GRANTS_NAME_MAX = 128 };

enum status load_grants_known(struct conn *target, struct strlist *ret, struct error *err)
{
	struct rows *r = NULL;
	bool more = false;
	if (!conn_is_mysql(target, 80000))
		return ST_OK;
	enum status st = conn_query(target, "SHOW PRIVILEGES", &r, err);
	while (!st && !(st = rows_next(r, &more, err)) && more)
		if (rows_get(r, "Privilege"))
			st = strlist_add(ret, rows_get(r, "Privilege"), err);
	rows_free(r);
	strlist_sort(ret);
	return st;
}

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

static enum status adapt_name(const char *name, const struct strlist *known, struct buf *out, bool *any, struct strlist *lost, struct error *err)
{
	const char *as = strlist_has(known, name) ? name : successor(name);
	if (!as)
		return lost && !strlist_has(lost, name) ? strlist_add(lost, name, err) : ST_OK;
	buf_addf(out, "%s%s", *any ? "," : "", as);
	*any = true;
	return ST_OK;
}

enum status load_grants_adapt(const char *sql, size_t len, const struct strlist *known, struct buf *out, struct strlist *lost, struct error *err)
{
	static const char grant[] = "GRANT ";
	const char *end = sql + len, *p = sql + sizeof grant - 1;
	enum status st = ST_OK;
	bool any = false;
	if (!known->n || len < sizeof grant || memcmp(sql, grant, sizeof grant - 1) != 0 || !name_length(p, end)) {
		buf_add(out, sql, len);
		return ST_OK;
	}
	buf_adds(out, grant);
	for (size_t n; !st && (n = name_length(p, end));) {
		char name[GRANTS_NAME_MAX];
		memcpy(name, p, n);
		name[n] = '\0';
		st = adapt_name(name, known, out, &any, lost, err);
		for (p += n; p < end && (*p == ',' || (*p == ' ' && p[-1] == ',')); p++)
			;
	}
	if (any)
		buf_add(out, p, (size_t)(end - p));
	else
		buf_clear(out);
	return st;
}
