/* SPDX-License-Identifier: Apache-2.0 */
#include "filter.h"

#include <string.h>
#include <strings.h>

bool filter_match(const char *p, size_t len, const char *name)
{
	const char *end = p + len, *star = NULL, *back = NULL;
	while (*name) {
		if (p < end && *p == '*') {
			star = ++p;
			back = name;
		} else if (p < end && (*p == '?' || *p == *name)) {
			p++;
			name++;
		} else if (star) {
			p = star;
			name = ++back;
		} else {
			return false;
		}
	}
	while (p < end && *p == '*')
		p++;
	return p == end;
}

static bool filter_system(const char *schema)
{
	return !strcmp(schema, "mysql") || !strcmp(schema, "sys") || !strcmp(schema, "ndbinfo") ||
	       !strcasecmp(schema, "information_schema") || !strcasecmp(schema, "performance_schema");
}

/* Does one pattern match the table (table NULL: the schema, as a whole)? */
static bool filter_one(const char *pattern, const char *schema, const char *table)
{
	const char *dot = strchr(pattern, '.');
	if (!dot)
		return filter_match(pattern, strlen(pattern), schema);
	if (!filter_match(pattern, (size_t)(dot - pattern), schema))
		return false;
	return table ? filter_match(dot + 1, strlen(dot + 1), table) : !strcmp(dot + 1, "*");
}

static bool filter_list(const struct strlist *l, const char *schema, const char *table)
{
	for (size_t i = 0; i < l->n; i++)
		if (filter_one(l->item[i], schema, table))
			return true;
	return false;
}

/* Like strcmp(item, "SCHEMA." or "SCHEMA.TABLE"), but that an item which begins with "SCHEMA." is equal to it. */
static int filter_order(const char *item, const char *schema, const char *table)
{
	size_t n = strlen(schema);
	int order = strncmp(item, schema, n);
	if (order)
		return order;
	order = (unsigned char)item[n] - '.';
	return order || !table ? order : strcmp(item + n + 1, table);
}

/* "schema.table", either of which may hold dots; l is sorted. Asked for each table of the server. */
static bool filter_exact(const struct strlist *l, const char *schema, const char *table)
{
	size_t from = 0, to = l->n;
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		int order = filter_order(l->item[middle], schema, table);
		if (!order)
			return true;
		if (order < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return false;
}

bool filter_table(const struct engine_options *o, const char *schema, const char *table)
{
	if (filter_system(schema) || filter_list(&o->exclude, schema, table))
		return false;
	if (!o->include.n && !o->tables.n)
		return true;
	return filter_list(&o->include, schema, table) || filter_exact(&o->tables, schema, table);
}

bool filter_schema(const struct engine_options *o, const char *schema)
{
	if (filter_system(schema) || filter_list(&o->exclude, schema, NULL))
		return false;
	if (!o->include.n && !o->tables.n)
		return true;
	for (size_t i = 0; i < o->include.n; i++) {
		const char *p = o->include.item[i], *dot = strchr(p, '.');
		if (filter_match(p, dot ? (size_t)(dot - p) : strlen(p), schema))
			return true;
	}
	return filter_exact(&o->tables, schema, NULL);
}

bool filter_whole(const struct engine_options *o, const char *schema)
{
	if (!filter_schema(o, schema))
		return false;
	for (size_t i = 0; i < o->exclude.n; i++) {
		const char *p = o->exclude.item[i], *dot = strchr(p, '.');
		if (dot && filter_match(p, (size_t)(dot - p), schema))
			return false; /* part of it may be left out: its routines may speak of what is not there */
	}
	return (!o->include.n && !o->tables.n) || filter_list(&o->include, schema, NULL);
}
