/* SPDX-License-Identifier: Apache-2.0 */
#include "rights.h"

#include <string.h>

static const char on_everything[] = " ON *.* TO ";

/* Whether the list "SELECT, INSERT, CREATE USER" holds the right, as a whole. */
static bool in_list(const char *list, size_t len, const char *right)
{
	size_t n = strlen(right);
	for (const char *p = list, *end = list + len; p < end;) {
		while (p < end && (*p == ' ' || *p == ','))
			p++;
		const char *comma = memchr(p, ',', (size_t)(end - p));
		size_t m = (size_t)((comma ? comma : end) - p);
		if (m == n && memcmp(p, right, n) == 0)
			return true;
		p += m;
	}
	return false;
}

static bool has(const struct strlist *grants, const char *right)
{
	for (size_t i = 0; i < grants->n; i++) {
		const char *g = grants->item[i], *on = strstr(g, on_everything);
		if (strncmp(g, "GRANT ", 6) != 0 || !on)
			continue;
		if (in_list(g + 6, (size_t)(on - g) - 6, "ALL PRIVILEGES") || in_list(g + 6, (size_t)(on - g) - 6, right))
			return true;
	}
	return false;
}

static bool has_grant_option(const struct strlist *grants)
{
	for (size_t i = 0; i < grants->n; i++)
		if (strstr(grants->item[i], on_everything) && strstr(grants->item[i], "WITH GRANT OPTION"))
			return true;
	return false;
}

static bool has_roles(const struct strlist *grants)
{
	for (size_t i = 0; i < grants->n; i++)
		if (strncmp(grants->item[i], "GRANT ", 6) == 0 && !strstr(grants->item[i], " ON "))
			return true;
	return false;
}

static void want(const struct strlist *grants, bool needed, const char *right, const char *or_else, struct buf *ret)
{
	if (!needed || has(grants, right) || (or_else && has(grants, or_else)))
		return;
	buf_addf(ret, "%s%s", ret->len ? ", " : "", right);
}

void seed_rights_missing(const struct strlist *grants, const struct server_info *s, const struct seed_rights_need *need, struct buf *ret)
{
	static const char *const always[] = { "SELECT", "CREATE", "DROP", "INSERT", "ALTER", "INDEX", "PROCESS" };
	bool mysql = s->flavor == FLAVOR_MYSQL;
	bool split_mysql = mysql && s->version >= 80000, split_mariadb = !mysql && s->version >= 100502;
	/* SUPER stopped to stand for these in 11.0 (MDEV-29668): 10.11.19 takes it, 11.8.9 does not [run]. */
	const char *super = split_mysql || s->version < 110000 ? "SUPER" : NULL;
	if (has_roles(grants))
		return;
	for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
		want(grants, true, always[i], NULL, ret);
	want(grants, !split_mysql && !split_mariadb, "SUPER", NULL, ret);
	want(grants, split_mysql, "REPLICATION_SLAVE_ADMIN", super, ret);
	want(grants, split_mysql, "SYSTEM_VARIABLES_ADMIN", super, ret);
	want(grants, split_mariadb, "REPLICATION SLAVE ADMIN", super, ret);
	want(grants, split_mariadb, "BINLOG ADMIN", super, ret);
	want(grants, split_mariadb && need->source, "REPLICATION MASTER ADMIN", super, ret);
	want(grants, need->reset, "RELOAD", NULL, ret);
	want(grants, need->accounts, "CREATE USER", NULL, ret);
	if (need->accounts && !has_grant_option(grants))
		buf_addf(ret, "%sGRANT OPTION", ret->len ? ", " : "");
}

enum status seed_rights_check(struct seed_job *j, struct error *err)
{
	struct seed_rights_need need = { .accounts = j->manifest->users, .reset = j->found.gtids && *j->found.gtids,
		                         .source = j->o->standalone && j->found.log_bin };
	struct strlist grants = { 0 };
	struct buf missing = BUF_INIT(1024);
	struct rows *r = NULL;
	bool more = false;
	enum status st = conn_query(j->target, "SHOW GRANTS", &r, err);
	while (!st && !(st = rows_next(r, &more, err)) && more)
		st = r->row[0] ? strlist_add(&grants, r->row[0], err) : ST_OK;
	rows_free(r);
	if (!st)
		seed_rights_missing(&grants, &j->target->server, &need, &missing);
	if (!st && missing.len)
		st = seed_refuse(err, "GRANT ALL PRIVILEGES ON *.* TO it WITH GRANT OPTION: it writes every schema and every account",
		                 "the account on the target lacks %s", buf_str(&missing));
	if (!st && (st = conn_exec(j->target, "SET SESSION sql_log_bin = 0", err)) && err->kind == ERR_PREFLIGHT)
		err->kind = ERR_SEED_REFUSED;
	strlist_free(&grants);
	buf_free(&missing);
	return st;
}
