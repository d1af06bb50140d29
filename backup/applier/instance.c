/* SPDX-License-Identifier: Apache-2.0 */
#include "applier/instance.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { STOP_TIMEOUT_NONE_S = 31536000 };

void instance_free(struct instance *in)
{
	free(in->gtid_mode);
	strlist_free(&in->gtid_tables);
	*in = (struct instance){ 0 };
}

static bool is_on(const char *v)
{
	return strcasecmp(v, "ON") == 0 || strcmp(v, "1") == 0;
}

static unsigned as_unsigned(const char *v)
{
	errno = 0;
	unsigned long n = strtoul(v, NULL, 10);
	return errno || n > 0x7fffffff ? 0x7fffffff : (unsigned)n;
}

/* Old and new names are both asked for; a server that knows both gives the same value twice. */
static const char *const variables_sql =
	"SHOW GLOBAL VARIABLES WHERE Variable_name IN ('gtid_mode','log_bin','log_slave_updates','log_replica_updates',"
	"'read_only','event_scheduler','performance_schema','relay_log_info_repository','wsrep_on',"
	"'slave_preserve_commit_order','replica_preserve_commit_order','slave_parallel_workers',"
	"'replica_parallel_workers','slave_parallel_threads','rpl_stop_slave_timeout','rpl_stop_replica_timeout',"
	"'master_info_repository','sync_master_info','sync_source_info')";

/* A receiver that notes its progress after so many events, or fewer, does it in any window; the default is 10,000. */
enum { RECEIVER_NOTES_OFTEN = 1000 };

static enum status take_variable(struct instance *in, const char *name, const char *v, struct error *err)
{
	if (strcasecmp(name, "gtid_mode") == 0) {
		free(in->gtid_mode);
		in->gtid_mode = strdup(v);
		return in->gtid_mode ? ST_OK : error_oom(err);
	}
	if (strcasecmp(name, "log_bin") == 0)
		in->log_bin = is_on(v);
	else if (strcasecmp(name, "log_slave_updates") == 0 || strcasecmp(name, "log_replica_updates") == 0)
		in->log_updates = is_on(v);
	else if (strcasecmp(name, "read_only") == 0)
		in->read_only = !(strcasecmp(v, "OFF") == 0 || strcmp(v, "0") == 0);
	else if (strcasecmp(name, "event_scheduler") == 0)
		in->event_scheduler = is_on(v);
	else if (strcasecmp(name, "performance_schema") == 0)
		in->ps = is_on(v);
	else if (strcasecmp(name, "relay_log_info_repository") == 0)
		in->tables = strcasecmp(v, "TABLE") == 0;
	else if (strcasecmp(name, "master_info_repository") == 0)
		in->receiver_table = strcasecmp(v, "TABLE") == 0;
	else if (strcasecmp(name, "sync_master_info") == 0 || strcasecmp(name, "sync_source_info") == 0)
		in->receiver_every = as_unsigned(v);
	else if (strcasecmp(name, "wsrep_on") == 0)
		in->galera = is_on(v);
	else if (strstr(name, "preserve_commit_order"))
		in->commit_order = is_on(v);
	else if (strstr(name, "_parallel_"))
		in->workers = as_unsigned(v);
	else if (strncasecmp(name, "rpl_stop_", 9) == 0)
		in->stop_timeout_s = as_unsigned(v);
	return ST_OK;
}

bool instance_stop_gives_up(const struct instance *in)
{
	return in->stop_timeout_s && in->stop_timeout_s < STOP_TIMEOUT_NONE_S;
}

static enum status read_variables(struct conn *c, struct instance *in, struct error *err)
{
	struct rows *r = NULL;
	bool more = false;
	enum status st = conn_query(c, variables_sql, &r, err);
	while (!st && !(st = rows_next(r, &more, err)) && more) {
		if (r->row[0] && r->row[1])
			st = take_variable(in, r->row[0], r->row[1], err);
	}
	rows_free(r);
	return st;
}

/* What may not be read is no answer: rights.c says which right is missing, and names all of them at once. */
static enum status unless_refused(enum status st, const struct error *why, struct error *err)
{
	if (st && why->kind == ERR_PREFLIGHT)
		return ST_OK;
	if (st && err)
		*err = *why;
	return st;
}

/* One row with an empty MEMBER_ID stands for a plugin that is loaded and does nothing. */
static enum status read_group_member(struct conn *c, struct instance *in, struct error *err)
{
	uint64_t n = 0;
	struct error why = ERROR_INIT;
	if (!in->ps || !conn_is_mysql(c, 50719))
		return ST_OK;
	enum status st = conn_scalar_u64(c,
	                                 "SELECT COUNT(*) FROM performance_schema.replication_group_members"
	                                 " WHERE MEMBER_ID <> '' AND MEMBER_STATE <> 'OFFLINE'",
	                                 &n, &why);
	in->group_member = n > 0;
	return unless_refused(st, &why, err);
}

/* More than one engine may write positions (gtid_pos_auto_engines); what counts is their union. */
static enum status read_gtid_tables(struct conn *c, struct instance *in, struct error *err)
{
	struct rows *r = NULL;
	struct error why = ERROR_INIT;
	bool more = false;
	if (!conn_is_mariadb(c, 100000))
		return ST_OK;
	enum status st = conn_query(c, "SHOW TABLES FROM mysql LIKE 'gtid\\_slave\\_pos%'", &r, &why);
	while (!st && !(st = rows_next(r, &more, &why)) && more) {
		if (r->row[0])
			st = strlist_add(&in->gtid_tables, r->row[0], &why);
	}
	rows_free(r);
	return unless_refused(st, &why, err);
}

enum status instance_read(struct conn *c, struct instance *ret, struct error *err)
{
	struct instance in = { .server = c->server };
	enum status st = read_variables(c, &in, err);
	if (!st && conn_is_mysql(c, 80300))
		in.tables = true; /* the variable went, tables are all there is */
	/* From 8.0 on rows of system tables have counters of their own. */
	in.receiver_updates = in.receiver_table && in.receiver_every && in.receiver_every <= RECEIVER_NOTES_OFTEN && !conn_is_mysql(c, 80000);
	in.reads_spend_ids = !conn_is_mysql(c, 50700) && !conn_is_mariadb(c, 100200);
	in.worker_stamps = in.ps && conn_is_mysql(c, 80000);
	if (!st)
		st = read_group_member(c, &in, err);
	if (!st)
		st = read_gtid_tables(c, &in, err);
	if (st)
		instance_free(&in);
	else
		*ret = in;
	return st;
}

enum status instance_uptime(struct conn *c, uint64_t *ret_s, struct error *err)
{
	struct rows *r = NULL;
	bool more = false;
	enum status st = conn_query(c, "SHOW GLOBAL STATUS LIKE 'Uptime'", &r, err);
	if (!st)
		st = rows_next(r, &more, err);
	if (!st && !more)
		st = error_set(err, ST_FAILED, ERR_SERVER, "the server does not say how long it has been running");
	if (!st)
		*ret_s = rows_u64(r, "Value", 0);
	rows_free(r);
	return st;
}
