/* SPDX-License-Identifier: Apache-2.0 */
#include "conn_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool session_number(const char **at, unsigned *ret)
{
	const char *p = *at;
	unsigned n = 0;
	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9' && n < 10000; p++)
		n = n * 10 + (unsigned)(*p - '0');
	*at = p;
	*ret = n;
	return true;
}

bool conn_session_version(const char *text, enum flavor *ret_flavor, unsigned *ret_version)
{
	enum flavor flavor = strstr(text, "MariaDB") || strstr(text, "mariadb") ? FLAVOR_MARIADB : FLAVOR_MYSQL;
	unsigned major, minor = 0, patch = 0;
	/* MariaDB puts this in front for clients that would take 10 for 1. */
	if (flavor == FLAVOR_MARIADB && strncmp(text, "5.5.5-", 6) == 0)
		text += 6;
	if (!session_number(&text, &major) || *text != '.')
		return false;
	text++;
	if (!session_number(&text, &minor) || minor > 99)
		return false;
	/* Builds by others have words in the third place. */
	if (*text == '.') {
		text++;
		(void)session_number(&text, &patch);
	}
	*ret_flavor = flavor;
	*ret_version = major * 10000 + minor * 100 + (patch > 99 ? 99 : patch);
	return true;
}

static void session_copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

/*
 * MariaDB has no server_uuid. @@server_uid exists only in later releases, so that an upgrade would make another instance of the
 * same server, and is made of a hardware address. Hostname, port and server_id are there in every version, survive restarts and
 * upgrades, and tell apart what a replication topology has to tell apart anyway.
 */
static void session_identity(struct server_info *s)
{
	if (s->uuid[0])
		session_copy(s->identity, sizeof s->identity, s->uuid);
	else
		snprintf(s->identity, sizeof s->identity, "mariadb:%.80s:%u:%llu", s->hostname, s->port,
		         (unsigned long long)s->server_id);
}

static enum status session_uuid(struct conn *c, struct error *err)
{
	char *uuid = NULL;
	if (c->server.flavor == FLAVOR_MARIADB)
		return ST_OK;
	enum status st = conn_scalar(c, "SELECT @@server_uuid", &uuid, err);
	if (!st)
		session_copy(c->server.uuid, sizeof c->server.uuid, uuid);
	free(uuid);
	return st;
}

static enum status session_server(struct conn *c, struct error *err)
{
	struct rows *r = NULL;
	bool more = false;
	struct server_info *s = &c->server;
	enum status st = conn_query(c,
	                            "SELECT @@version AS version, @@version_comment AS comment, @@hostname AS hostname, "
	                            "@@port AS port, @@server_id AS server_id, @@performance_schema AS ps",
	                            &r, err);
	if (!st)
		st = rows_next(r, &more, err);
	if (!st && !more)
		st = error_set(err, ST_FAILED, ERR_PREFLIGHT, "the server does not say what it is");
	if (!st) {
		const char *version = rows_get(r, "version");
		session_copy(s->version_text, sizeof s->version_text, version);
		session_copy(s->comment, sizeof s->comment, rows_get(r, "comment"));
		session_copy(s->hostname, sizeof s->hostname, rows_get(r, "hostname"));
		s->port = (unsigned)rows_u64(r, "port", 0);
		s->server_id = rows_u64(r, "server_id", 0);
		s->ps = rows_u64(r, "ps", 0) != 0;
		if (!version || !conn_session_version(version, &s->flavor, &s->version))
			st = error_set(err, ST_FAILED, ERR_PREFLIGHT, "'%s' is no version known here", s->version_text);
	}
	rows_free(r);
	if (!st)
		st = session_uuid(c, err);
	if (!st)
		session_identity(s);
	return st;
}

enum { NEVER = 0 };

/* version bounds per flavor: 0 = not there at all, 1 = in every version. */
static const struct {
	const char *assignment;
	unsigned mysql, mariadb;
} session_settings[] = {
	{ "SESSION autocommit = 1", 1, 1 },
	{ "SESSION completion_type = 'NO_CHAIN'", 1, 1 },
	{ "SESSION net_read_timeout = 31536000", 1, 1 },
	{ "SESSION net_write_timeout = 31536000", 1, 1 },
	{ "SESSION wait_timeout = 31536000", 1, 1 },
	{ "SESSION lock_wait_timeout = 5", 1, 1 },
	{ "SESSION innodb_lock_wait_timeout = 50", 1, 1 },
	{ "SESSION sql_mode = ''", 1, 1 },
	{ "SESSION time_zone = '+00:00'", 1, 1 },
	{ "SESSION sql_quote_show_create = 1", 1, 1 },
	{ "SESSION sql_select_limit = 18446744073709551615", 1, 1 },
	{ "SESSION sql_big_selects = 1", 1, 1 },
	{ "SESSION sql_safe_updates = 0", 1, 1 },
	{ "SESSION sql_auto_is_null = 0", 1, 1 },
	/* Warnings are looked at. */
	/* MySQL 8.0 wants SESSION_VARIABLES_ADMIN for it [run 9.7.4], which an account of replication has not; its defaults are enough. */
	{ "SESSION max_error_count = 64", NEVER, 1 },
	{ "SESSION sql_notes = 1", 1, 1 },
	{ "SESSION max_execution_time = 0", 50708, NEVER },
	/* Any other value makes a reader of information_schema write to mysql.table_stats: a local writer in the window, and 6 ms for each table [run 9.7.4]. */
	{ "SESSION information_schema_stats_expiry = 0", 80003, NEVER },
	{ "SESSION max_statement_time = 0", NEVER, 100101 },
	{ "SESSION idle_transaction_timeout = 0", NEVER, 100300 },
	{ "SESSION idle_readonly_transaction_timeout = 0", NEVER, 100300 },
	{ "SESSION idle_write_transaction_timeout = 0", NEVER, 100300 },
};

static enum status session_set(struct conn *c, struct error *err)
{
	struct buf sql = BUF_INIT(4096);
	buf_adds(&sql, "SET NAMES utf8mb4");
	for (size_t i = 0; i < sizeof session_settings / sizeof session_settings[0]; i++) {
		bool maria = c->server.flavor == FLAVOR_MARIADB;
		unsigned from = maria ? session_settings[i].mariadb : session_settings[i].mysql;
		if (from != NEVER && c->server.version >= from)
			buf_addf(&sql, ", %s", session_settings[i].assignment);
	}
	enum status st = conn_exec_buf(c, &sql, err);
	buf_free(&sql);
	return st;
}

/* Needs a right that a reader of rows may do without; what matters is that nothing done here by accident gets a GTID. */
static enum status session_no_binlog(struct conn *c, struct error *err)
{
	struct error why = ERROR_INIT;
	enum status st = conn_exec(c, "SET SESSION sql_log_bin = 0", &why);
	if (!st || (!c->lost && why.kind != ERR_INTERRUPTED))
		return ST_OK;
	if (err)
		*err = why;
	return st;
}

enum status conn_session_begin(struct conn *c, struct error *err)
{
	enum status st = session_server(c, err);
	if (!st)
		st = session_set(c, err);
	/* The variable has two names; a default of READ ONLY would be inherited without the second half. */
	if (!st)
		st = conn_exec(c, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE", err);
	if (!st)
		st = session_no_binlog(c, err);
	return st;
}
