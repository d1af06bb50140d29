/* SPDX-License-Identifier: Apache-2.0 */
#include "source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "contain.h"
#include "gtids.h"
#include "links.h"
#include "settings.h"
#include "watch.h"

void seed_source_free(struct seed_source *s)
{
	free(s->channel);
	free(s->public_key_path);
	conn_options_free(&s->login);
	*s = (struct seed_source){ 0 };
}

/* ---- reaching it ---- */

static enum status connect_source(struct seed_job *j, struct seed_link *l, struct error *err)
{
	struct rows *r = NULL;
	bool more = false;
	enum status st = conn_open(&l->conn, &l->source->login, 0, j->run, err);
	if (st && err->kind != ERR_INTERRUPTED) {
		err->kind = ERR_SEED_REFUSED;
		error_prefix(err, "source %s", l->address);
	}
	if (!st)
		st = conn_query(l->conn, "SHOW SESSION STATUS LIKE 'Ssl_cipher'", &r, err);
	if (!st)
		st = rows_next(r, &more, err);
	l->tls = !st && more && r->ncols > 1 && r->row[1] && *r->row[1];
	rows_free(r);
	return st;
}

/* A right that the account lacks is no failure. */
static enum status forgiven(enum status st, const struct error *why, struct error *err)
{
	if (!st || why->kind == ERR_PREFLIGHT)
		return ST_OK;
	*err = *why;
	return st;
}

/* *ret_may: the account may ask. */
static enum status ask(struct seed_link *l, const char *sql, struct rows **ret, bool *ret_may, struct error *err)
{
	struct error why = ERROR_INIT;
	enum status st = conn_query(l->conn, sql, ret, &why);
	*ret_may = !st;
	return forgiven(st, &why, err);
}

static enum status check_rights(struct seed_job *j, struct seed_link *l, struct error *err)
{
	struct rows *r = NULL;
	bool more = false, has = false, roles = false;
	enum status st = conn_query(l->conn, "SHOW GRANTS", &r, err);
	while (!st && !(st = rows_next(r, &more, err)) && more) {
		const char *g = r->row[0] ? r->row[0] : "";
		has = has || strstr(g, "REPLICATION SLAVE") || strstr(g, "ALL PRIVILEGES ON *.*");
		roles = roles || !strstr(g, " ON ");
	}
	rows_free(r);
	if (!st && !has && !roles)
		st = seed_refuse(err, "GRANT REPLICATION SLAVE ON *.* to it on the source", "the account %s may not replicate from source %s",
		                 l->source->login.user ? l->source->login.user : "(none given)", l->address);
	else if (!st && !has)
		seed_warn(j, "source %s: whether the account's roles let it replicate cannot be seen", l->address);
	return st;
}

/* ---- who else it feeds ---- */

static enum status check_other_replicas(struct seed_job *j, struct seed_link *l, struct error *err)
{
	struct rows *r = NULL;
	bool more = false, may = false;
	const struct server_info *t = &j->target->server;
	enum status st = ask(l, conn_is_mysql(l->conn, 80022) ? "SHOW REPLICAS" : "SHOW SLAVE HOSTS", &r, &may, err);
	while (!st && may && !(st = rows_next(r, &more, err)) && more) {
		const char *uuid = rows_get(r, "Replica_UUID");
		if (rows_u64(r, "Server_id", 0) != t->server_id || (uuid && strcmp(uuid, t->uuid) == 0) || j->found.channels.n)
			continue;
		st = seed_refuse(err, "set another server_id on the target: two replicas of one number throw each other out",
		                 "source %s has a replica with server_id %" PRIu64 " already", l->address, t->server_id);
		break;
	}
	rows_free(r);
	return st;
}

/* ---- GTIDs ---- */

/* The position at which the oldest binary log begins, from its Gtid_list event. */
static enum status read_oldest(struct seed_job *j, struct seed_link *l, struct error *err)
{
	struct rows *r = NULL;
	bool more = false, may = false;
	struct buf sql = BUF_INIT(4096);
	enum status st = ask(l, "SHOW BINARY LOGS", &r, &may, err);
	if (!st && may)
		st = rows_next(r, &more, err);
	if (!st && more && r->row[0]) {
		buf_adds(&sql, "SELECT BINLOG_GTID_POS(");
		sql_string(&sql, r->row[0]);
		buf_adds(&sql, ", 4)");
		st = conn_scalar(l->conn, buf_str(&sql), &l->purged, err);
	}
	rows_free(r);
	buf_free(&sql);
	if (!st && !may)
		seed_warn(j, "source %s: whether it still has every binary log that is needed cannot be seen (GRANT BINLOG MONITOR to the account)",
		          l->address);
	return st;
}

static enum status read_gtids(struct seed_job *j, struct seed_link *l, struct error *err)
{
	enum status st = seed_gtids_read(l->conn, true, &l->executed, err);
	if (st || !seed_is_mariadb(j))
		return st ? st : conn_variable(l->conn, "gtid_purged", &l->purged, err);
	st = conn_variable(l->conn, "gtid_binlog_state", &l->binlog_state, err);
	return st ? st : read_oldest(j, l, err);
}

/* ---- coordinates ---- */

static enum status read_end(struct seed_link *l, struct error *err)
{
	struct error why = ERROR_INIT;
	enum status st = seed_watch_own_log(l->conn, &l->end_file, &l->end_pos, &why);
	return forgiven(st, &why, err);
}

static enum status listed(struct seed_link *l, bool *ret_known, bool *ret_there, uint64_t *ret_size, struct error *err)
{
	struct rows *r = NULL;
	bool more = false;
	enum status st = ask(l, "SHOW BINARY LOGS", &r, ret_known, err);
	*ret_there = false;
	while (!st && *ret_known && !(st = rows_next(r, &more, err)) && more) {
		if (!r->row[0] || strcmp(r->row[0], l->file) != 0)
			continue;
		*ret_there = true;
		*ret_size = rows_u64(r, "File_size", 0);
	}
	rows_free(r);
	return st;
}

/* Reading one event there proves that a transaction may begin at that byte; MySQL lets the account of replication do it. */
static enum status check_event(struct seed_job *j, struct seed_link *l, bool listed_there, struct error *err)
{
	struct buf sql = BUF_INIT(4096);
	struct rows *r = NULL;
	struct error why = ERROR_INIT;
	buf_adds(&sql, "SHOW BINLOG EVENTS IN ");
	sql_string(&sql, l->file);
	buf_addf(&sql, " FROM %" PRIu64 " LIMIT 1", l->pos);
	enum status st = conn_query(l->conn, buf_str(&sql), &r, &why);
	rows_free(r);
	buf_free(&sql);
	if (st && why.kind == ERR_PREFLIGHT) {
		if (!listed_there)
			seed_warn(j, "source %s: whether it still has %s cannot be seen (GRANT REPLICATION CLIENT, or BINLOG MONITOR, to the account)", l->address,
			          l->file);
		return ST_OK;
	}
	if (st && (l->conn->lost || why.kind == ERR_INTERRUPTED)) {
		*err = why;
		return st;
	}
	if (st)
		return seed_refuse(err, "take a newer snapshot; is it really the source that the snapshotted server replicates from?",
		                   "source %s cannot read its binary log at %s:%" PRIu64 ": %.300s", l->address, l->file, l->pos, why.message);
	return ST_OK;
}

static enum status check_file(struct seed_job *j, struct seed_link *l, struct error *err)
{
	bool known = false, there = false;
	uint64_t size = 0;
	enum status st = listed(l, &known, &there, &size, err);
	if (!st && known && !there)
		st = seed_refuse(err, "take a newer snapshot", "source %s has purged the binary log %s, where the snapshot stands", l->address, l->file);
	if (!st && there && size && l->pos > size)
		st = seed_refuse(err, "is it really the source that the snapshotted server replicates from? Was its binary log reset?",
		                 "the snapshot stands at %s:%" PRIu64 ", source %s has that log up to %" PRIu64, l->file, l->pos, l->address, size);
	return st ? st : check_event(j, l, there, err);
}

/* ---- is it the one? ---- */

static bool is_snapshotted(const struct seed_job *j, const struct server_info *s)
{
	const struct server_info *was = &j->cp->server;
	return *was->uuid && *s->uuid ? strcmp(was->uuid, s->uuid) == 0 : was->server_id == s->server_id;
}

static enum status check_same_source(struct seed_job *j, struct seed_link *l, struct error *err)
{
	const struct server_info *s = &l->conn->server;
	const char *was = l->channel ? l->channel->source_uuid : j->cp->server.uuid;
	uint64_t was_id = l->channel ? l->channel->source_server_id : j->cp->server.server_id;
	bool other = was && *was && *s->uuid ? strcmp(was, s->uuid) != 0 : was_id && was_id != s->server_id;
	if (!other)
		return ST_OK;
	if (l->position == POSITION_FILE && is_snapshotted(j, s))
		return seed_refuse(err, "give --from-replica as well: then the snapshot's place in its own binary log counts",
		                   "source %s is the snapshotted server itself, and the seed is to be a replica of its source", l->address);
	if (l->position == POSITION_FILE)
		return seed_refuse(err, "give the source that the snapshotted server replicated from: a file and position mean nothing on another one",
		                   "source %s is not the server whose binary log the snapshot stands in (%s)", l->address, seed_links_label(l->name));
	seed_warn(j, "source %s is not the one that the snapshotted server replicated from; its GTIDs decide", l->address);
	return ST_OK;
}

static enum status check_auto_position(struct seed_link *l, struct error *err)
{
	char *mode = NULL;
	enum status st = conn_variable(l->conn, "gtid_mode", &mode, err);
	if (!st && mode && strcasecmp(mode, "OFF") == 0)
		st = seed_refuse(err, "give a source that has GTIDs on", "source %s has gtid_mode = OFF, the snapshot goes on by GTID", l->address);
	free(mode);
	return st;
}

static enum status check_one(struct seed_job *j, struct seed_link *l, struct error *err)
{
	char *log_bin = NULL;
	enum status st = connect_source(j, l, err);
	if (!st)
		st = check_rights(j, l, err);
	if (!st)
		st = seed_settings_source(j, l, err);
	if (!st)
		st = conn_variable(l->conn, "log_bin", &log_bin, err);
	if (!st && log_bin && strcmp(log_bin, "0") == 0)
		st = seed_refuse(err, "give a server that has one", "source %s writes no binary log", l->address);
	if (!st)
		st = check_other_replicas(j, l, err);
	if (!st)
		st = check_same_source(j, l, err);
	if (!st && l->position == POSITION_AUTO)
		st = check_auto_position(l, err);
	if (!st)
		st = read_gtids(j, l, err);
	if (!st)
		st = read_end(l, err);
	if (!st && l->position == POSITION_FILE)
		st = check_file(j, l, err);
	free(log_bin);
	return st;
}

/* Together: what one source does not know may be another's. */
static enum status check_gtids(struct seed_job *j, struct error *err)
{
	struct seed_contain_source *s = calloc(j->nlinks + 1, sizeof *s);
	bool mariadb = seed_is_mariadb(j), errant = true;
	size_t n = 0;
	if (!s)
		return error_oom(err);
	for (size_t i = 0; i < j->nlinks; i++) {
		const struct seed_link *l = &j->link[i];
		if (l->position == POSITION_FILE && (mariadb || !l->channel || l->channel->mode == MODE_MYSQL_POSITION))
			continue;
		errant = errant && (!l->channel || l->channel->mode != MODE_MYSQL_ASSIGNED);
		s[n] = (struct seed_contain_source){ .name = l->address, .executed = l->executed, .purged = l->purged, .state = l->binlog_state };
		if (!mariadb && !s[n].purged)
			s[n].purged = "";
		n++;
	}
	const char *here = seed_gtids_of(j->cp, j->from_replica);
	/* Where one channel goes by position alone, its transactions are in the set and in nobody's log. */
	errant = errant && n == j->nlinks;
	enum status st = ST_OK;
	if (n)
		st = mariadb ? seed_contain_mariadb(here, s, n, err) : seed_contain_mysql(here, s, n, errant, err);
	free(s);
	return st;
}

/* Of each source what the snapshot lacks; what two sources both have is counted twice. */
static void count_backlog(struct seed_job *j)
{
	const char *here = seed_gtids_of(j->cp, j->from_replica);
	for (size_t i = 0; i < j->nlinks; i++)
		if (seed_links_by_gtid(&j->link[i]))
			j->report->backlog += seed_contain_backlog(here, j->link[i].executed, seed_is_mariadb(j));
}

enum status seed_source_again(struct seed_job *j, struct seed_link *l, struct error *err)
{
	return seed_job_session(&l->conn, &l->source->login, 0, "DO 0", j->run, err);
}

enum status seed_source_check(struct seed_job *j, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < j->nlinks; i++)
		st = check_one(j, &j->link[i], err);
	if (!st)
		st = check_gtids(j, err);
	if (!st)
		count_backlog(j);
	return st;
}
