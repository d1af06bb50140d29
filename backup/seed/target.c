/* SPDX-License-Identifier: Apache-2.0 */
#include "target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "links.h"
#include "slackwater/dialect.h"

#define SEED_MARKER "slackwater_incomplete"

enum { SEED_NAMES_SHOWN = 5, SEED_READ_ONLY_SCHEMA = 3989 };

static enum status read_schemas(struct seed_job *j, struct error *err)
{
	struct rows *r = NULL;
	bool more = false;
	enum status st = conn_query(j->target,
	                            "SELECT schema_name AS name FROM information_schema.schemata WHERE LOWER(schema_name) NOT IN ('mysql',"
	                            " 'information_schema', 'performance_schema', 'sys')",
	                            &r, err);
	while (!st && !(st = rows_next(r, &more, err)) && more) {
		j->found.marked = j->found.marked || strcasecmp(r->row[0], SEED_MARKER) == 0;
		st = strlist_add(&j->found.schemas, r->row[0], err);
	}
	rows_free(r);
	return st;
}

static enum status read_channels(struct seed_job *j, struct error *err)
{
	struct buf sql = BUF_INIT(256);
	struct rows *r = NULL;
	bool more = false;
	dialect_show_status(&sql, &j->target->server);
	enum status st = conn_query(j->target, buf_str(&sql), &r, err);
	while (!st && !(st = rows_next(r, &more, err)) && more) {
		const char *host = rows_get(r, "Source_Host"), *name = rows_get(r, "Channel_Name");
		if (host && *host)
			st = strlist_add(&j->found.channels, name ? name : "", err);
	}
	rows_free(r);
	buf_free(&sql);
	return st;
}

static enum status read_gtids(struct seed_job *j, struct error *err)
{
	return conn_variable(j->target, seed_is_mariadb(j) ? "gtid_binlog_state" : "gtid_executed", &j->found.gtids, err);
}

/* ---- what must not be there ---- */

static void add_name(struct buf *b, size_t n, const char *name)
{
	if (n < SEED_NAMES_SHOWN)
		buf_addf(b, "%s%s", n ? ", " : "", name);
	else if (n == SEED_NAMES_SHOWN)
		buf_adds(b, ", ...");
}

static bool same_schema(const char *a, const char *b)
{
	/* Servers that fold names take both for the same; a pair that differs by case alone is not worth a mistake. */
	return strcasecmp(a, b) == 0;
}

static bool in_snapshot(const struct seed_job *j, const char *schema)
{
	const struct strlist *own = j->loader->ops->schemas(j->loader);
	for (size_t i = 0; i < own->n; i++)
		if (same_schema(own->item[i], schema))
			return true;
	return false;
}

/* Schemas that are neither the snapshot's nor the marker; also how many. */
static size_t foreign_schemas(const struct seed_job *j, struct buf *names)
{
	size_t n = 0;
	for (size_t i = 0; i < j->found.schemas.n; i++)
		if (!in_snapshot(j, j->found.schemas.item[i]) && strcasecmp(j->found.schemas.item[i], SEED_MARKER) != 0)
			add_name(names, n++, j->found.schemas.item[i]);
	return n;
}

/* Schemas that the snapshot has as well; also how many. */
static size_t common_schemas(const struct seed_job *j, struct buf *names)
{
	size_t n = 0;
	for (size_t i = 0; i < j->found.schemas.n; i++)
		if (in_snapshot(j, j->found.schemas.item[i]))
			add_name(names, n++, j->found.schemas.item[i]);
	return n;
}

static enum status check_schemas(struct seed_job *j, struct error *err)
{
	struct buf names = BUF_INIT(2048);
	enum status st = ST_OK;
	if (j->found.marked)
		return seed_refuse(err, "--replace drops what it left and starts clean", "an earlier load of this target did not come to its end");
	if (common_schemas(j, &names))
		st = seed_refuse(err, "seed an empty server, or give --replace: these schemas are dropped then",
		                 "the target has schemas of the snapshot already: %s", buf_str(&names));
	buf_free(&names);
	return st;
}

static enum status check_channels(struct seed_job *j, struct error *err)
{
	if (!j->found.channels.n)
		return ST_OK;
	return seed_refuse(err, "if it is to be given up, --replace stops it and forgets its source", "the target replicates already (%s)",
	                   seed_links_label(j->found.channels.item[0]));
}

/* --replace is typed in a hurry: what looks like a source that somebody writes to is not dropped before a person has made it read-only. */
static enum status check_in_use(struct seed_job *j, struct error *err)
{
	struct buf names = BUF_INIT(2048);
	char *read_only = NULL;
	enum status st = ST_OK;
	if (!j->found.marked && !j->found.channels.n && common_schemas(j, &names))
		st = conn_variable(j->target, "read_only", &read_only, err);
	if (!st && read_only && (strcmp(read_only, "0") == 0 || strcasecmp(read_only, "OFF") == 0))
		st = seed_refuse(err, "is it the right server? If it is to be given up: SET GLOBAL read_only = ON there, then again",
		                 "the target is writable, replicates from nobody, and has schemas of the snapshot (%s): it may be a source in use", buf_str(&names));
	free(read_only);
	buf_free(&names);
	return st;
}

/* Own transactions are thrown away with the binary logs; that is only right when nothing they speak of is left. */
static enum status check_gtids(struct seed_job *j, struct error *err)
{
	struct buf names = BUF_INIT(2048);
	enum status st = ST_OK;
	if (j->found.gtids && *j->found.gtids && foreign_schemas(j, &names))
		st = seed_refuse(err, "seed an empty server, or give --replace: its binary logs are reset then",
		                 "the target has schemas (%s) and transactions of its own", buf_str(&names));
	buf_free(&names);
	return st;
}

/* Those that stream now, and those that registered: either list needs a right of its own to be complete. */
static enum status list_replicas(struct seed_job *j, struct buf *ret, size_t *ret_n, struct error *err)
{
	char dumps[160];
	snprintf(dumps, sizeof dumps, "SELECT HOST AS Host FROM %s WHERE COMMAND IN ('Binlog Dump', 'Binlog Dump GTID')", dialect_processlist(&j->target->server));
	const char *const queries[] = { dumps, conn_is_mysql(j->target, 80022) ? "SHOW REPLICAS" : "SHOW SLAVE HOSTS" };
	struct error why = ERROR_INIT;
	enum status st = ST_OK;
	*ret_n = 0;
	for (size_t i = 0; !st && !*ret_n && i < 2; i++) {
		struct rows *r = NULL;
		bool more = false;
		st = conn_query(j->target, queries[i], &r, &why);
		while (!st && !(st = rows_next(r, &more, &why)) && more) {
			const char *host = rows_get(r, "Host");
			add_name(ret, (*ret_n)++, host && *host ? host : "?");
		}
		rows_free(r);
		if (st && i == 1 && why.kind == ERR_PREFLIGHT)
			st = ST_OK;
	}
	if (st)
		*err = why;
	return st;
}

static enum status check_replicas(struct seed_job *j, struct error *err)
{
	struct buf hosts = BUF_INIT(2048);
	size_t n = 0;
	enum status st = list_replicas(j, &hosts, &n, err);
	if (!st && n)
		st = seed_refuse(err, "point them elsewhere first: seeding resets the binary logs they read",
		                 "the target has %zu replicas of its own attached (%s)", n, buf_str(&hosts));
	buf_free(&hosts);
	return st;
}

enum status seed_target_check(struct seed_job *j, struct error *err)
{
	enum status st = read_schemas(j, err);
	if (!st)
		st = read_channels(j, err);
	if (!st)
		st = read_gtids(j, err);
	if (!st && j->o->replace)
		st = check_in_use(j, err);
	if (!st && !j->o->replace)
		st = check_schemas(j, err);
	if (!st && !j->o->replace)
		st = check_channels(j, err);
	if (!st && !j->o->replace)
		st = check_gtids(j, err);
	if (!st)
		st = check_replicas(j, err);
	return st;
}

/* ---- taking it ---- */

static enum status forget_channel(struct seed_job *j, const char *channel, struct error *err)
{
	struct buf sql = BUF_INIT(1024);
	dialect_stop_both(&sql, &j->target->server, channel);
	enum status st = conn_exec_buf(j->target, &sql, err);
	buf_clear(&sql);
	dialect_reset_replica_all(&sql, &j->target->server, channel);
	if (!st)
		st = conn_exec_buf(j->target, &sql, err);
	buf_free(&sql);
	return st;
}

/* MySQL 8.0.22 and later: READ ONLY = 1 keeps a schema from being dropped. */
static enum status open_schema(struct seed_job *j, const char *schema, struct error *err)
{
	struct buf sql = BUF_INIT(1024);
	buf_adds(&sql, "ALTER DATABASE ");
	sql_ident(&sql, schema);
	buf_adds(&sql, " READ ONLY = 0");
	enum status st = conn_exec_buf(j->target, &sql, err);
	buf_free(&sql);
	return st;
}

static enum status drop_schema(struct seed_job *j, const char *schema, struct error *err)
{
	struct buf sql = BUF_INIT(1024);
	buf_adds(&sql, "DROP DATABASE IF EXISTS ");
	sql_ident(&sql, schema);
	enum status st = conn_exec_buf(j->target, &sql, err);
	if (st == ST_FAILED && err->my_errno == SEED_READ_ONLY_SCHEMA) {
		st = open_schema(j, schema, err);
		if (!st)
			st = conn_exec_buf(j->target, &sql, err);
	}
	buf_free(&sql);
	return st;
}

static enum status replace(struct seed_job *j, struct error *err)
{
	struct buf names = BUF_INIT(2048);
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < j->found.channels.n; i++)
		st = forget_channel(j, j->found.channels.item[i], err);
	for (size_t i = 0; !st && i < j->found.schemas.n; i++)
		if (in_snapshot(j, j->found.schemas.item[i]))
			st = drop_schema(j, j->found.schemas.item[i], err);
	if (!st && foreign_schemas(j, &names))
		seed_warn(j, "the target keeps schemas that are not in the snapshot: %s", buf_str(&names));
	buf_free(&names);
	return st;
}

enum status seed_target_again(struct seed_job *j, struct error *err)
{
	/* A load that was shot down may still be rolling back and hold its tables. */
	static const char session[] = "SET SESSION sql_log_bin = 0, lock_wait_timeout = 300, foreign_key_checks = 0";
	const struct server_info was = j->target->server;
	enum status st = seed_job_session(&j->target, &j->o->target, CONN_NO_TIMEOUT, session, j->run, err);
	if (st || strcmp(j->target->server.identity, was.identity) == 0)
		return st;
	error_set(err, ST_FAILED, ERR_SERVER, "the session to the target was lost, and its address leads to another server now (%s, not %s)",
	          j->target->server.identity, was.identity);
	error_hint(err, "name the target's own address, not that of a proxy or one that is moved");
	return ST_FAILED;
}

enum status seed_target_take(struct seed_job *j, struct error *err)
{
	enum status st = seed_target_again(j, err);
	if (!st)
		st = conn_exec(j->target, "CREATE DATABASE IF NOT EXISTS " SEED_MARKER, err);
	if (!st)
		j->touched = true;
	if (!st && j->o->replace)
		st = replace(j, err);
	return st;
}

enum status seed_target_release(struct seed_job *j, struct error *err)
{
	enum status st = conn_exec(j->target, "DROP DATABASE IF EXISTS " SEED_MARKER, err);
	if (!st)
		j->touched = false;
	return st;
}
