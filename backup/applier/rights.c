/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rights, by name. Each is tried by a statement that needs it and changes nothing; only the right to stop and start an applier
 * cannot be tried so, and is looked for in SHOW GRANTS.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/preflight.h"
#include "slackwater/dialect.h"

/* What is missing, and the GRANTs that would give it. */
struct missing {
	struct strlist names;
	struct strlist grants;
};

static enum status lacks(struct missing *m, const char *name, const char *on, struct error *err)
{
	enum status st = ST_OK;
	if (strlist_has(&m->names, name))
		return ST_OK;
	st = strlist_add(&m->names, name, err);
	return st ? st : strlist_addf(&m->grants, err, "GRANT %s ON %s TO", strncmp(name, "SELECT", 6) == 0 ? "SELECT" : name, on);
}

/* Send sql: refused for want of a right = it is noted; other errors are errors. */
static enum status try_it(struct conn *c, const char *sql, struct missing *m, const char *name, const char *on,
                          struct error *err)
{
	struct rows *r = NULL;
	struct error why = ERROR_INIT;
	enum status st = conn_query(c, sql, &r, &why);
	rows_free(r);
	if (st && why.kind == ERR_PREFLIGHT && why.my_errno)
		return lacks(m, name, on, err);
	if (st && err)
		*err = why;
	return st;
}

static enum status try_table(struct conn *c, const char *table, struct missing *m, struct error *err)
{
	char sql[160], name[160];
	const char *on = strncmp(table, "performance_schema.", 19) == 0 ? "performance_schema.*" : table;
	snprintf(sql, sizeof sql, "SELECT 1 FROM %s LIMIT 0", table);
	snprintf(name, sizeof name, "SELECT on %s", on);
	return try_it(c, sql, m, name, on, err);
}

/* ---- SHOW GRANTS ---- */

/* Is name one of the words between GRANT and ON *.*? */
static bool grants_name(const char *grant, const char *name)
{
	const char *end = strstr(grant, " ON *.* ");
	if (!end || strncmp(grant, "GRANT ", 6) != 0)
		return false;
	for (const char *p = grant + 6; p < end;) {
		size_t n = strcspn(p, ",");
		if (p + n > end)
			n = (size_t)(end - p);
		if (n == strlen(name) && strncasecmp(p, name, n) == 0)
			return true;
		p += n;
		p += strspn(p, ", ");
	}
	return false;
}

/* *ret also when the account has a role whose rights the answer does not spell out: then the STOP itself will tell. */
static enum status has_right(struct conn *c, const char *const *names, bool *ret, struct error *err)
{
	struct rows *r = NULL;
	bool more = false;
	*ret = false;
	enum status st = conn_query(c, "SHOW GRANTS", &r, err);
	while (!st && !(st = rows_next(r, &more, err)) && more) {
		const char *g = r->row[0] ? r->row[0] : "";
		if (!strstr(g, " ON "))
			*ret = true;
		for (const char *const *n = names; *n; n++)
			*ret = *ret || grants_name(g, *n);
	}
	rows_free(r);
	return st;
}

static enum status check_stop_right(struct conn *c, struct missing *m, struct error *err)
{
	static const char *const mysql8[] = { "REPLICATION_SLAVE_ADMIN", "SUPER", "ALL PRIVILEGES", NULL };
	static const char *const maria105[] = { "REPLICATION SLAVE ADMIN", "REPLICATION REPLICA ADMIN", "SUPER", "ALL PRIVILEGES",
		                                NULL };
	/* SUPER stopped to stand for it in 11.0 (MDEV-29668); it does on 10.5.23 and 10.11.19, not on 11.8.9 [run]. */
	static const char *const maria11[] = { "REPLICATION SLAVE ADMIN", "REPLICATION REPLICA ADMIN", "ALL PRIVILEGES", NULL };
	static const char *const old[] = { "SUPER", "ALL PRIVILEGES", NULL };
	const char *const *maria = conn_is_mariadb(c, 110000) ? maria11 : conn_is_mariadb(c, 100502) ? maria105 : old;
	const char *const *names = conn_is_mysql(c, 80000) ? mysql8 : maria;
	bool has = false;
	enum status st = has_right(c, names, &has, err);
	return st || has ? st : lacks(m, names[0], "*.*", err);
}

/* ---- the checks ---- */

/* CURRENT_USER() says name@host, a GRANT wants both quoted. */
static void add_account(struct buf *b, const char *who)
{
	struct buf name = BUF_INIT(512);
	const char *at = strrchr(who, '@');
	buf_add(&name, who, at ? (size_t)(at - who) : strlen(who));
	sql_string(b, buf_str(&name));
	buf_addc(b, '@');
	sql_string(b, at ? at + 1 : "%");
	buf_free(&name);
}

static enum status complain(struct conn *c, struct missing *m, enum status st, struct error *err)
{
	if (!st && m->names.n) {
		struct buf names = BUF_INIT(4096), grants = BUF_INIT(4096);
		char *who = NULL;
		struct error ignored = ERROR_INIT;
		(void)conn_scalar(c, "SELECT CURRENT_USER()", &who, &ignored);
		for (size_t i = 0; i < m->names.n; i++) {
			buf_addf(&names, "%s%s", i ? ", " : "", m->names.item[i]);
			buf_addf(&grants, "%s%s ", i ? "; " : "", m->grants.item[i]);
			add_account(&grants, who ? who : "");
		}
		st = error_set(err, ST_FAILED, ERR_PREFLIGHT, "the account %s lacks: %s", who ? who : "", buf_str(&names));
		error_hint(err, "%s", buf_str(&grants));
		free(who);
		buf_free(&names);
		buf_free(&grants);
	}
	strlist_free(&m->names);
	strlist_free(&m->grants);
	return st;
}

static enum status check_mysql(struct conn *c, const struct instance *in, struct missing *m, bool *ret_no_xa,
                               struct error *err)
{
	enum status st = ST_OK;
	if (in->ps && conn_is_mysql(c, 50706))
		st = try_table(c, "performance_schema.replication_applier_status_by_worker", m, err);
	if (!st && in->ps && conn_is_mysql(c, 50706))
		st = try_table(c, "performance_schema.threads", m, err);
	if (!st && in->tables)
		st = try_table(c, "mysql.slave_relay_log_info", m, err);
	if (!st && in->tables)
		st = try_table(c, "mysql.slave_worker_info", m, err);
	if (!st && conn_is_mysql(c, 80000)) {
		struct rows *r = NULL;
		struct error why = ERROR_INIT;
		*ret_no_xa = conn_query(c, "XA RECOVER", &r, &why) && !c->lost && why.kind != ERR_INTERRUPTED;
		rows_free(r);
	}
	return st;
}

static enum status check_mariadb(struct conn *c, const struct instance *in, struct missing *m, struct error *err)
{
	enum status st = ST_OK;
	char table[160];
	if (!in->gtid_tables.n)
		return lacks(m, "SELECT on mysql.gtid_slave_pos", "mysql.gtid_slave_pos", err);
	for (size_t i = 0; !st && i < in->gtid_tables.n; i++) {
		snprintf(table, sizeof table, "mysql.%.100s", in->gtid_tables.item[i]);
		st = try_table(c, table, m, err);
	}
	return st;
}

/* MariaDB took it from REPLICATION CLIENT in 10.5.2, and gave it a right of its own in 10.5.9 only [doc]. */
const char *rights_to_look(const struct server_info *s)
{
	if (s->flavor != FLAVOR_MARIADB || s->version < 100502)
		return "REPLICATION CLIENT";
	return s->version < 100509 ? "REPLICATION SLAVE ADMIN" : "SLAVE MONITOR";
}

enum status rights_check(struct conn *c, const struct instance *in, bool *ret_no_xa, struct error *err)
{
	struct missing m = { 0 };
	struct buf sql = BUF_INIT(4096);
	bool mariadb = in->server.flavor == FLAVOR_MARIADB;
	bool split = conn_is_mariadb(c, 100502); /* REPLICATION CLIENT became several */
	const char *look = rights_to_look(&in->server);
	*ret_no_xa = false;
	enum status st = try_it(c, "SHOW ENGINE INNODB STATUS", &m, "PROCESS", "*.*", err);
	dialect_show_status(&sql, &in->server);
	if (!st)
		st = try_it(c, buf_str(&sql), &m, look, "*.*", err);
	/* Who may not see the channels is told of the right to stop them as well: where SUPER is wanted it would do for both. */
	if (!st && strlist_has(&m.names, look))
		st = check_stop_right(c, &m, err);
	buf_clear(&sql);
	dialect_show_own_binlog(&sql, &in->server);
	if (!st)
		st = try_it(c, buf_str(&sql), &m, split ? "BINLOG MONITOR" : "REPLICATION CLIENT", "*.*", err);
	if (!st)
		st = mariadb ? check_mariadb(c, in, &m, err) : check_mysql(c, in, &m, ret_no_xa, err);
	buf_free(&sql);
	return complain(c, &m, st, err);
}

enum status rights_check_channels(struct conn *c, const struct instance *in, const struct channels *ch,
                                  struct error *err)
{
	struct missing m = { 0 };
	struct buf sql = BUF_INIT(8192);
	enum status st = ST_OK;
	const struct checkpoint_channel *cp = ch->n ? &ch->item[0].cp : NULL;
	if (!cp)
		return ST_OK;
	st = check_stop_right(c, &m, err);
	if (!st && cp->relay_file && *cp->relay_file) {
		struct error why = ERROR_INIT;
		struct rows *r = NULL;
		dialect_relaylog_events(&sql, &in->server, cp->name, cp->relay_file, 4, 1);
		/* Any other refusal (a relay log that was purged just now) is for the proof to find. */
		if (conn_query(c, buf_str(&sql), &r, &why) && why.kind == ERR_PREFLIGHT)
			st = lacks(&m, conn_is_mariadb(c, 100502) ? rights_to_look(&in->server) : "REPLICATION SLAVE", "*.*", err);
		else if (c->lost || why.kind == ERR_INTERRUPTED) {
			st = why.status;
			if (err)
				*err = why;
		}
		rows_free(r);
	}
	buf_free(&sql);
	return complain(c, &m, st, err);
}
