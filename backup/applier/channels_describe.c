/* SPDX-License-Identifier: Apache-2.0 */
/* What does not move while the window lasts, from wherever this version keeps it. */
#include <stdlib.h>
#include <string.h>

#include "applier/channels.h"
#include "slackwater/slot.h"

static const char *text_or(const char *s, const char *fallback)
{
	return s ? s : fallback;
}

typedef enum status (*take_row)(struct channel *ch, const struct rows *r, struct error *err);

/* Each row of sql belongs to the channel that its Channel_name names (to the only one where there is no such column). */
static enum status each_channel(struct conn *c, const char *sql, struct channels *list, take_row take, struct error *err)
{
	struct rows *r = NULL;
	bool more = false;
	enum status st = conn_query(c, sql, &r, err);
	while (!st && !(st = rows_next(r, &more, err)) && more) {
		struct channel *ch = channels_find(list, text_or(rows_get(r, "Channel_name"), ""));
		if (ch)
			st = take(ch, r, err);
	}
	rows_free(r);
	return st;
}

static enum status take_connection(struct channel *ch, const struct rows *r, struct error *err)
{
	(void)err;
	const char *beat = rows_get(r, "HEARTBEAT_INTERVAL");
	if (beat)
		ch->cp.heartbeat_s = strtod(beat, NULL);
	const char *gtid_only = rows_get(r, "GTID_ONLY"); /* 8.0.27+ */
	ch->cp.gtid_only = gtid_only && strcmp(gtid_only, "0") != 0 && strcasecmp(gtid_only, "NO") != 0;
	return ST_OK;
}

static enum status take_applier(struct channel *ch, const struct rows *r, struct error *err)
{
	const char *strict = rows_get(r, "REQUIRE_ROW_FORMAT");                         /* 8.0.19+ */
	const char *type = rows_get(r, "ASSIGN_GTIDS_TO_ANONYMOUS_TRANSACTIONS_TYPE"); /* 8.0.23+ */
	ch->cp.require_row_format = strict && strcasecmp(strict, "YES") == 0;
	if (type && strcasecmp(type, "UUID") == 0)
		type = rows_get(r, "ASSIGN_GTIDS_TO_ANONYMOUS_TRANSACTIONS_VALUE");
	enum status st = slot_set(&ch->cp.assign_gtids, type, err);
	if (!st)
		st = slot_set(&ch->cp.privilege_checks_user, rows_get(r, "PRIVILEGE_CHECKS_USER"), err);
	return st;
}

/* The table may be out of date, and the setting is for the next START: the larger of the two, for what has no workers has no rows to be looked at. */
static enum status take_workers(struct channel *ch, const struct rows *r, struct error *err)
{
	(void)err;
	unsigned n = (unsigned)rows_u64(r, "Number_of_workers", 0);
	ch->cp.workers = n > ch->cp.workers ? n : ch->cp.workers;
	return ST_OK;
}

static enum status describe_heartbeat_56(struct conn *c, struct channels *list, struct error *err)
{
	struct rows *r = NULL;
	bool more = false;
	enum status st = conn_query(c, "SHOW GLOBAL STATUS LIKE 'Slave_heartbeat_period'", &r, err);
	if (!st && !(st = rows_next(r, &more, err)) && more && r->row[1] && list->n)
		list->item[0].cp.heartbeat_s = strtod(r->row[1], NULL);
	rows_free(r);
	return st;
}

static enum status describe_mysql(struct conn *c, const struct instance *in, struct channels *list, struct error *err)
{
	enum status st = ST_OK;
	if (!list->n)
		return ST_OK;
	if (in->ps && conn_is_mysql(c, 50706)) {
		st = each_channel(c, "SELECT * FROM performance_schema.replication_connection_configuration", list,
		                  take_connection, err);
		if (!st)
			st = each_channel(c, "SELECT * FROM performance_schema.replication_applier_configuration", list, take_applier,
			                  err);
	} else if (!conn_is_mysql(c, 50706)) {
		st = describe_heartbeat_56(c, list, err);
	}
	if (!st && in->tables)
		st = each_channel(c, "SELECT * FROM mysql.slave_relay_log_info", list, take_workers, err);
	return st;
}

enum status channels_describe(struct conn *c, const struct instance *in, struct channels *ch, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; i < ch->n; i++)
		ch->item[i].cp.workers = in->workers;
	if (in->server.flavor == FLAVOR_MYSQL)
		st = describe_mysql(c, in, ch, err);
	for (size_t i = 0; i < ch->n; i++) {
		struct checkpoint_channel *cp = &ch->item[i].cp;
		cp->commit_order = in->server.flavor == FLAVOR_MARIADB || in->commit_order || cp->workers <= 1;
		cp->mode = channels_mode(in, cp);
	}
	return st;
}
