/* SPDX-License-Identifier: Apache-2.0 */
#include "load_programs.h"

#include <string.h>

#include "load_ddl.h"
#include "load_split.h"

enum { UNKNOWN_TIME_ZONE = 1298 };

static const char set_zone[] = "SET time_zone = ";

static bool sets_zone(const char *sql, size_t len)
{
	return len > sizeof set_zone - 1 && memcmp(sql, set_zone, sizeof set_zone - 1) == 0;
}

bool load_programs_forgives(const char *sql, size_t len, bool lenient, const struct error *err)
{
	return lenient && err->my_errno == UNKNOWN_TIME_ZONE && sets_zone(sql, len);
}

static enum status check_event(const char *sql, size_t len, const char *file, struct error *err)
{
	struct buf out = BUF_INIT(BUF_MAX_SQL);
	bool changed, understood = load_ddl_disable_event(sql, len, &out, &changed);
	buf_free(&out);
	if (understood)
		return ST_OK;
	error_set(err, ST_FAILED, ERR_SEED_REFUSED, "%s: an event that cannot be switched off, since its statement is not understood: %.*s", file,
	          len > 160 ? 160 : (int)len, sql);
	error_hint(err, "it would run on the target as well as on the source: drop or alter it on the source, and take another snapshot");
	return ST_FAILED;
}

/* zones: the statements that set one, each once. */
static enum status read_file(const struct load_plan *p, const struct layout_schema *s, struct strlist *zones, struct error *err)
{
	const struct stream_index_entry *e = load_plan_entry(p, LAYOUT_SCHEMA_POST, s->file);
	struct buf text = BUF_INIT(1);
	enum status st = load_plan_read(p, e, &text, err);
	struct load_split split = load_split_of(&text);
	const char *sql;
	size_t len;
	while (!st && load_split_unblanked(&split, &text, &sql, &len)) {
		if (load_ddl_is_event(sql, len))
			st = check_event(sql, len, e->name, err);
		else if (sets_zone(sql, len))
			st = strlist_addf(zones, err, "%.*s", (int)len, sql);
	}
	buf_free(&text);
	return st;
}

static enum status try_zone(struct conn *target, const char *sql, bool lenient, struct error *err)
{
	enum status st = conn_exec(target, sql, err);
	if (!st || err->my_errno != UNKNOWN_TIME_ZONE)
		return st;
	const char *zone = sql + sizeof set_zone - 1;
	if (lenient) {
		event_warning(target->run->events, "load", "the server does not know the time zone %s: its events are created in UTC there", zone);
		return ST_OK;
	}
	error_set(err, ST_FAILED, ERR_SEED_REFUSED, "the target does not know the time zone %s, which events of the snapshot have", zone);
	error_hint(err, "fill the target's time zone tables: mysql_tzinfo_to_sql /usr/share/zoneinfo, its output into the schema mysql");
	return ST_FAILED;
}

enum status load_programs_check(const struct load_plan *p, struct conn *target, bool lenient, struct error *err)
{
	struct strlist zones = { 0 };
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < p->layout->nschemas; i++)
		if (p->layout->schema[i].post)
			st = read_file(p, &p->layout->schema[i], &zones, err);
	strlist_sort(&zones);
	for (size_t i = 0; !st && i < zones.n; i++)
		if (i == 0 || strcmp(zones.item[i], zones.item[i - 1]) != 0)
			st = try_zone(target, zones.item[i], lenient, err);
	if (!st && zones.n)
		st = conn_exec(target, "SET time_zone = '+00:00'", err);
	strlist_free(&zones);
	return st;
}

/* ---- modes ---- */

static bool mode_is_gone(const char *mode, size_t n)
{
	static const char *const gone[] = { "NO_AUTO_CREATE_USER", "NO_FIELD_OPTIONS", "NO_KEY_OPTIONS", "NO_TABLE_OPTIONS", "DB2", "MSSQL", "MYSQL323",
		                            "MYSQL40", "ORACLE", "POSTGRESQL" };
	for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++)
		if (strlen(gone[i]) == n && memcmp(gone[i], mode, n) == 0)
			return true;
	return false;
}

bool load_programs_modes(const struct server_info *target, const char *sql, size_t len, struct buf *out)
{
	static const char set_modes[] = "SET sql_mode = '";
	const size_t n = sizeof set_modes - 1;
	const char *p = sql + n, *end = len > n && memcmp(sql, set_modes, n) == 0 ? memchr(p, '\'', len - n) : NULL;
	bool any = false, first = true;
	if (!end || target->flavor != FLAVOR_MYSQL || target->version < 80000)
		return false;
	buf_add(out, sql, n);
	for (size_t m; p < end; p += m + (p[m] == ',')) {
		const char *comma = memchr(p, ',', (size_t)(end - p));
		m = (size_t)((comma ? comma : end) - p);
		if (mode_is_gone(p, m)) {
			any = true;
			continue;
		}
		buf_adds(out, first ? "" : ",");
		buf_add(out, p, m);
		first = false;
	}
	buf_add(out, end, (size_t)(sql + len - end));
	any = any && !out->bad;
	if (!any)
		buf_clear(out);
	return any;
}
