/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "slackwater/fs.h"
#include "versions.h"

static bool is_on(const char *v)
{
	return v && (strcmp(v, "1") == 0 || strcasecmp(v, "ON") == 0);
}

/* The first of two names that the server knows: variables were renamed in 8.0.26, some kept an alias. */
static enum status either(struct conn *c, const char *name, const char *old, char **ret, struct error *err)
{
	enum status st = conn_variable(c, name, ret, err);
	return st || *ret ? st : conn_variable(c, old, ret, err);
}

/* ---- identity ---- */

static enum status check_identity(const struct server_info *target, const struct server_info *other, const char *name, struct error *err)
{
	if (*target->uuid && strcmp(target->uuid, other->uuid) == 0)
		return seed_refuse(err, "is it the same server? If its files were copied, remove auto.cnf and restart it",
		                   "the target has the server_uuid of %s (%s)", name, target->uuid);
	if (target->server_id == other->server_id)
		return seed_refuse(err, "is it the same server? Otherwise set another server_id on the target", "the target has the server_id of %s (%" PRIu64 ")",
		                   name, target->server_id);
	return ST_OK;
}

static enum status check_member(struct seed_job *j, struct error *err)
{
	char *wsrep = NULL;
	uint64_t member = 0;
	enum status st = conn_variable(j->target, "wsrep_on", &wsrep, err);
	if (!st && is_on(wsrep))
		st = seed_refuse(err, "seed a server that is no cluster node", "the target is a Galera node");
	if (!st && conn_is_mysql(j->target, 50717))
		st = conn_scalar_u64(j->target,
		                     "SELECT COUNT(*) FROM performance_schema.replication_group_members WHERE member_state NOT IN ('OFFLINE', '')",
		                     &member, err);
	if (!st && member)
		st = seed_refuse(err, "seed a server that is in no group", "the target is a group replication member");
	free(wsrep);
	return st;
}

/* ---- what hides errors ---- */

static enum status check_strict(struct seed_job *j, struct error *err)
{
	char *skip = NULL, *mode = NULL;
	enum status st = either(j->target, "replica_skip_errors", "slave_skip_errors", &skip, err);
	if (!st && skip && *skip && strcasecmp(skip, "OFF") != 0)
		st = seed_refuse(err, "remove it from the target's configuration and restart it: a proof would prove nothing",
		                 "the target has slave_skip_errors = %s", skip);
	if (!st)
		st = either(j->target, "replica_exec_mode", "slave_exec_mode", &mode, err);
	if (!st && mode && strcasecmp(mode, "STRICT") != 0)
		st = seed_refuse(err, "SET GLOBAL slave_exec_mode = 'STRICT' (replica_exec_mode) on the target: a proof would prove nothing",
		                 "the target has slave_exec_mode = %s", mode);
	free(skip);
	free(mode);
	return st;
}

/* ---- GTIDs, logs, writing ---- */

static enum status check_gtid_mode(struct seed_job *j, struct error *err)
{
	char *mode = NULL;
	if (seed_is_mariadb(j))
		return ST_OK;
	const char *want = j->cp->gtid_mode && *j->cp->gtid_mode ? j->cp->gtid_mode : "OFF";
	enum status st = conn_variable(j->target, "gtid_mode", &mode, err);
	if (!st && strcasecmp(mode ? mode : "OFF", want) != 0)
		st = seed_refuse(err, "set gtid_mode (and enforce_gtid_consistency) on the target as they are on the snapshotted server",
		                 "the target has gtid_mode = %s, the snapshotted server had %s", mode ? mode : "OFF", want);
	free(mode);
	return st;
}

static enum status check_writable(struct seed_job *j, struct error *err)
{
	char *super = NULL, *read_only = NULL;
	enum status st = conn_variable(j->target, "super_read_only", &super, err);
	if (!st && is_on(super))
		st = seed_refuse(err, "SET GLOBAL super_read_only = OFF for the time of the load", "the target has super_read_only = ON");
	if (!st)
		st = conn_variable(j->target, "read_only", &read_only, err);
	/* MariaDB 12 has words for it; this one holds for every account (MDEV-36425). */
	if (!st && read_only && strcasecmp(read_only, "NO_LOCK_NO_ADMIN") == 0)
		st = seed_refuse(err, "SET GLOBAL read_only = ON for the time of the load", "the target has read_only = NO_LOCK_NO_ADMIN");
	if (!st && !j->o->standalone && !is_on(super) && read_only && (strcmp(read_only, "0") == 0 || strcasecmp(read_only, "OFF") == 0))
		seed_warn(j, "the target is writable (read_only = OFF); set read_only when it is in use");
	free(super);
	free(read_only);
	return st;
}

static enum status check_own_log(struct seed_job *j, struct error *err)
{
	char *log_bin = NULL;
	enum status st = conn_variable(j->target, "log_bin", &log_bin, err);
	j->found.log_bin = !st && is_on(log_bin);
	if (!st && j->cp->log_bin && !is_on(log_bin))
		st = strlist_add(&j->report->not_carried, "log_bin: the snapshotted server writes a binary log, the target does not", err);
	free(log_bin);
	return st;
}

/* ---- what is only reported ---- */

static enum status note_workers(struct seed_job *j, struct error *err)
{
	char *text = NULL;
	unsigned most = 0;
	for (size_t i = 0; i < j->cp->nchannels; i++)
		most = j->cp->channel[i].workers > most ? j->cp->channel[i].workers : most;
	enum status st = seed_is_mariadb(j) ? conn_variable(j->target, "slave_parallel_threads", &text, err)
	                                    : either(j->target, "replica_parallel_workers", "slave_parallel_workers", &text, err);
	unsigned long have = text ? strtoul(text, NULL, 10) : 0;
	if (!st && most && have < most)
		st = strlist_addf(&j->report->not_carried, err, "parallel workers: the snapshotted server has %u, the target %lu", most, have);
	free(text);
	return st;
}

/* ---- disk ---- */

static bool is_local(const struct conn_options *o, const struct server_info *s)
{
	char here[256] = "";
	bool loopback = !o->host || strcmp(o->host, "localhost") == 0 || strcmp(o->host, "127.0.0.1") == 0 || strcmp(o->host, "::1") == 0;
	gethostname(here, sizeof here - 1);
	return (o->socket || loopback) && strcmp(here, s->hostname) == 0;
}

/*
 * Known only where the data directory is on this machine and really the target's: a container may have the same path inside. The SQL text is
 * about the size of the rows; indexes and a margin come on top, so only a clear shortage is refused.
 */
static enum status check_disk(struct seed_job *j, struct error *err)
{
	char *datadir = NULL;
	uint64_t room = 0;
	struct error ignored = ERROR_INIT;
	if (!is_local(&j->o->target, &j->target->server))
		return ST_OK;
	struct buf file = BUF_INIT(4096);
	enum status st = conn_variable(j->target, "datadir", &datadir, err);
	if (!st && datadir)
		buf_addf(&file, "%s/ibdata1", datadir);
	if (!st && file.len && !file.bad && access(file.data, F_OK) == 0 && !fs_free_bytes(datadir, &room, &ignored) && room < j->manifest->bytes)
		st = seed_refuse(err, "make room, or put the data directory on a larger disk",
		                 "the snapshot has %" PRIu64 " bytes of rows, the target's data directory %s has %" PRIu64 " bytes free", j->manifest->bytes,
		                 datadir, room);
	buf_free(&file);
	free(datadir);
	return st;
}

enum status seed_settings_target(struct seed_job *j, struct error *err)
{
	enum status st = seed_versions_check(&j->cp->server, "the snapshotted server", &j->target->server, err);
	/* Where every server is lost, the target may well be the snapshotted one, made anew. */
	if (!st && !j->o->standalone)
		st = check_identity(&j->target->server, &j->cp->server, "the snapshotted server", err);
	if (!st && j->target->server.server_id == 0)
		st = seed_refuse(err, "set server_id in the target's configuration", "the target has server_id = 0 and cannot replicate");
	enum status (*const more[])(struct seed_job *, struct error *) = { check_member,  check_strict, check_gtid_mode, check_writable,
		                                                           check_own_log, note_workers, check_disk };
	for (size_t i = 0; !st && i < sizeof more / sizeof more[0]; i++)
		st = more[i](j, err);
	return st;
}

/* ---- against a source ---- */

static enum status same_variable(struct seed_job *j, const struct seed_link *l, const char *name, const char *hint, struct error *err)
{
	char *here = NULL, *there = NULL;
	enum status st = conn_variable(j->target, name, &here, err);
	if (!st)
		st = conn_variable(l->conn, name, &there, err);
	if (!st && here && there && strcasecmp(here, there) != 0)
		st = seed_refuse(err, hint, "the target has %s = %s, source %s has %s", name, here, l->address, there);
	free(here);
	free(there);
	return st;
}

/* A replica that logs what it applies cannot put rows into a log of statements: error 1666 at the first event. */
static enum status check_formats(struct seed_job *j, const struct seed_link *l, struct error *err)
{
	char *here = NULL, *there = NULL, *log_bin = NULL;
	enum status st = conn_variable(j->target, "binlog_format", &here, err);
	if (!st)
		st = conn_variable(j->target, "log_bin", &log_bin, err);
	if (!st)
		st = conn_variable(l->conn, "binlog_format", &there, err);
	if (!st && is_on(log_bin) && here && there && strcasecmp(here, "STATEMENT") == 0 && strcasecmp(there, "STATEMENT") != 0)
		st = seed_refuse(err, "SET GLOBAL binlog_format = 'ROW' on the target", "the target has binlog_format = STATEMENT, the source %s", there);
	free(here);
	free(there);
	free(log_bin);
	return st;
}

enum status seed_settings_source(struct seed_job *j, const struct seed_link *l, struct error *err)
{
	char name[320];
	snprintf(name, sizeof name, "source %s", l->address);
	enum status st = seed_versions_check(&l->conn->server, name, &j->target->server, err);
	if (!st)
		st = check_identity(&j->target->server, &l->conn->server, name, err);
	if (!st)
		st = same_variable(j, l, "lower_case_table_names", "it can only be chosen when a server is initialised: make the target anew", err);
	return st ? st : check_formats(j, l, err);
}
