/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "logical.h"
#include "slackwater/dialect.h"

enum logical_locks logical_locks_for(const struct conn *c, const struct engine_options *o)
{
	if (o->ddl == DDL_RETRY)
		return LOCKS_NONE;
	return conn_is_mysql(c, 80000) ? LOCKS_BACKUP : LOCKS_METADATA;
}

/* "GRANT A, B (col), C ON *.* TO ...": adds A and C. Lines about anything but *.* say nothing here. */
void probe_parse_grant(const char *line, struct strlist *ret, struct error *err)
{
	static const char grant[] = "GRANT ";
	const char *end = strstr(line, " ON *.* TO ");
	if (strncmp(line, grant, sizeof grant - 1) != 0 || !end)
		return;
	for (const char *p = line + sizeof grant - 1; p < end;) {
		const char *comma = memchr(p, ',', (size_t)(end - p));
		const char *stop = comma ? comma : end;
		while (p < stop && *p == ' ')
			p++;
		strlist_addf(ret, err, "%.*s", (int)(stop - p), p);
		p = stop + 1;
	}
}

static enum status probe_show_grants(struct conn *c, const char *sql, struct strlist *ret, bool *revoked, struct error *err)
{
	struct rows *r = NULL;
	enum status st = conn_query(c, sql, &r, err);
	while (rows_more(r, &st, err)) {
		if (r->row[0] && !strncmp(r->row[0], "REVOKE SELECT", 13))
			*revoked = true;
		if (r->row[0])
			probe_parse_grant(r->row[0], ret, err);
	}
	rows_free(r);
	return st;
}

static enum status probe_grants(struct conn *c, struct strlist *ret, bool *revoked, struct error *err)
{
	enum status st = probe_show_grants(c, "SHOW GRANTS", ret, revoked, err); /* MySQL 8.0: with the active roles */
	if (st || !conn_is_mariadb(c, 100005))
		return st;
	char *role = NULL;
	st = conn_scalar(c, "SELECT CURRENT_ROLE()", &role, err);
	if (!st && role)
		st = probe_show_grants(c, "SHOW GRANTS FOR CURRENT_ROLE", ret, revoked, err);
	free(role);
	return st;
}

/* CURRENT_USER() says name@host; a GRANT wants both quoted. */
static void probe_hint(struct conn *c, const char *missing, struct error *err)
{
	char *who = NULL;
	struct buf b = BUF_INIT(2048);
	struct error ignored = ERROR_INIT;
	(void)conn_scalar(c, "SELECT CURRENT_USER()", &who, &ignored);
	char *at = who ? strrchr(who, '@') : NULL;
	buf_addf(&b, "GRANT %s ON *.* TO ", missing);
	if (at) {
		*at = '\0';
		sql_string(&b, who);
		buf_addc(&b, '@');
		sql_string(&b, at + 1);
	} else {
		buf_adds(&b, "the backup account");
	}
	error_hint(err, "%s", buf_str(&b));
	free(who);
	buf_free(&b);
}

enum status probe_rights(struct conn *c, enum logical_locks locks, struct error *err)
{
	/* Without SELECT on everything tables are not refused but invisible: the snapshot would lack them and nobody would know. */
	static const char *const needed[] = { "SELECT", "SHOW VIEW", "TRIGGER", "EVENT", "PROCESS" };
	struct strlist has = { 0 };
	struct buf missing = BUF_INIT(512);
	bool revoked = false;
	enum status st = probe_grants(c, &has, &revoked, err);
	bool all = strlist_has(&has, "ALL PRIVILEGES") || strlist_has(&has, "ALL");
	for (size_t i = 0; !st && !all && i < sizeof needed / sizeof needed[0]; i++)
		if (!strlist_has(&has, needed[i]))
			buf_addf(&missing, "%s%s", missing.len ? ", " : "", needed[i]);
	if (!st && !all && locks == LOCKS_BACKUP && !strlist_has(&has, "BACKUP_ADMIN"))
		buf_addf(&missing, "%sBACKUP_ADMIN", missing.len ? ", " : "");
	if (!st && missing.len) {
		st = error_set(err, ST_FAILED, ERR_PREFLIGHT, "the backup account lacks %s", buf_str(&missing));
		probe_hint(c, buf_str(&missing), err);
	} else if (!st && revoked) {
		st = error_set(err, ST_FAILED, ERR_PREFLIGHT, "SELECT is revoked from the backup account for some schemas, which it cannot see");
		error_hint(err, "use an account without partial revokes");
	}
	strlist_free(&has);
	buf_free(&missing);
	return st;
}
