/* SPDX-License-Identifier: Apache-2.0 */
#include "applier/channels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/checkpoint_parts.h"
#include "slackwater/dialect.h"
#include "slackwater/slot.h"

static void channel_clear(struct channel *ch)
{
	checkpoint_channel_clear(&ch->cp);
	free(ch->sql_error);
	free(ch->io_error);
	free(ch->until);
	free(ch->sql_state);
	*ch = (struct channel){ 0 };
}

void channels_free(struct channels *c)
{
	for (size_t i = 0; i < c->n; i++)
		channel_clear(&c->item[i]);
	free(c->item);
	free(c->executed_set);
	*c = (struct channels){ 0 };
}

static bool is_yes(const char *v)
{
	return v && (strcasecmp(v, "Yes") == 0 || strcmp(v, "1") == 0);
}

/* The filters a status row tells of; only what is set. */
static const char *const filter_columns[] = {
	"Replicate_Do_DB", "Replicate_Ignore_DB", "Replicate_Do_Table", "Replicate_Ignore_Table", "Replicate_Wild_Do_Table",
	"Replicate_Wild_Ignore_Table", "Replicate_Rewrite_DB", "Replicate_Ignore_Server_Ids", "Replicate_Do_Domain_Ids",
	"Replicate_Ignore_Domain_Ids",
};

static enum status parse_filters(const struct rows *r, json_t **ret, struct error *err)
{
	json_t *o = NULL;
	for (size_t i = 0; i < sizeof filter_columns / sizeof *filter_columns; i++) {
		const char *v = rows_get(r, filter_columns[i]);
		if (!v || !*v)
			continue;
		if (!o && !(o = json_object()))
			return error_oom(err);
		if (json_object_set_new(o, filter_columns[i], json_string(v))) {
			json_decref(o);
			return error_oom(err);
		}
	}
	*ret = o;
	return ST_OK;
}

static enum status parse_texts(const struct rows *r, struct channel *ch, struct error *err)
{
	struct checkpoint_channel *cp = &ch->cp;
	const char *name = rows_get(r, "Channel_Name");
	const char *received = rows_get(r, "Retrieved_Gtid_Set");
	if (!received)
		received = rows_get(r, "Gtid_IO_Pos");
	const struct { char **slot; const char *text; } texts[] = {
		{ &cp->name, name ? name : "" },
		{ &cp->source_host, rows_get(r, "Source_Host") },
		{ &cp->source_uuid, rows_get(r, "Source_UUID") },
		{ &cp->exec_file, rows_get(r, "Relay_Source_Log_File") },
		{ &cp->relay_file, rows_get(r, "Relay_Log_File") },
		{ &cp->read_file, rows_get(r, "Source_Log_File") },
		{ &cp->received_set, received },
		{ &cp->using_gtid, rows_get(r, "Using_Gtid") },
		{ &ch->sql_error, rows_get(r, "Last_SQL_Error") },
		{ &ch->io_error, rows_get(r, "Last_IO_Error") },
		{ &ch->until, rows_get(r, "Until_Condition") },
		{ &ch->sql_state, rows_get(r, "Replica_SQL_Running_State") },
	};
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < sizeof texts / sizeof *texts; i++)
		st = slot_set(texts[i].slot, texts[i].text, err);
	return st;
}

/* The current row of a status statement. *ret must be zeroed; it is the caller's even on failure. */
static enum status channels_parse_row(const struct server_info *s, const struct rows *r, struct channel *ret, struct error *err)
{
	struct checkpoint_channel *cp = &ret->cp;
	enum status st = parse_texts(r, ret, err);
	if (st)
		return st;
	ret->sql_running = is_yes(rows_get(r, "Replica_SQL_Running"));
	ret->sql_errno = (unsigned)rows_u64(r, "Last_SQL_Errno", 0);
	ret->io_errno = (unsigned)rows_u64(r, "Last_IO_Errno", 0);
	const char *io = rows_get(r, "Replica_IO_Running");
	cp->io_running = is_yes(io);
	ret->io_stopped = io && strcasecmp(io, "No") == 0;
	cp->source_port = (unsigned)rows_u64(r, "Source_Port", 0);
	cp->source_server_id = rows_u64(r, "Source_Server_Id", 0);
	cp->exec_pos = rows_u64(r, "Exec_Source_Log_Pos", 0);
	cp->relay_pos = rows_u64(r, "Relay_Log_Pos", 0);
	cp->read_pos = rows_u64(r, "Read_Source_Log_Pos", 0);
	cp->auto_position = is_yes(rows_get(r, "Auto_Position"));
	cp->delay_s = (int64_t)rows_u64(r, "SQL_Delay", 0);
	ret->lag_s = rows_get(r, "Seconds_Behind_Source") ? (int64_t)rows_u64(r, "Seconds_Behind_Source", 0) : -1;
	const char *beat = rows_get(r, "Slave_heartbeat_period");
	cp->heartbeat_s = s->flavor == FLAVOR_MARIADB && beat ? strtod(beat, NULL) : -1;
	cp->coordinates = COORDINATES_UNAVAILABLE;
	return parse_filters(r, &cp->filters, err);
}

/* A group's own channels, of a member (--group-member) or left over from one: the group starts and stops those. */
static bool of_a_group(const struct rows *r)
{
	const char *name = rows_get(r, "Channel_Name");
	return name && (strcmp(name, "group_replication_applier") == 0 || strcmp(name, "group_replication_recovery") == 0);
}

static enum status add_row(struct channels *list, const struct server_info *s, const struct rows *r, struct error *err)
{
	if (of_a_group(r))
		return ST_OK;
	struct channel *grown = reallocarray(list->item, list->n + 1, sizeof *grown);
	if (!grown)
		return error_oom(err);
	list->item = grown;
	grown[list->n] = (struct channel){ 0 };
	enum status st = channels_parse_row(s, r, &grown[list->n++], err);
	if (!st && !list->executed_set)
		st = slot_set(&list->executed_set, rows_get(r, "Executed_Gtid_Set"), err);
	return st;
}

enum status channels_read(struct conn *c, struct channels *ret, struct error *err)
{
	struct buf sql = BUF_INIT(4096);
	struct channels list = { 0 };
	struct rows *r = NULL;
	bool more = false;
	dialect_show_status(&sql, &c->server);
	enum status st = buf_check(&sql, "the status statement", err);
	if (!st)
		st = conn_query(c, buf_str(&sql), &r, err);
	while (!st && !(st = rows_next(r, &more, err)) && more)
		st = add_row(&list, &c->server, r, err);
	rows_free(r);
	buf_free(&sql);
	if (st) {
		channels_free(&list);
		return st;
	}
	channels_free(ret);
	*ret = list;
	return ST_OK;
}

struct channel *channels_find(const struct channels *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++) {
		if (strcmp(c->item[i].cp.name, name) == 0)
			return &c->item[i];
	}
	return NULL;
}

enum applier_mode channels_mode(const struct instance *in, const struct checkpoint_channel *cp)
{
	if (in->server.flavor == FLAVOR_MARIADB)
		return !cp->using_gtid || strcasecmp(cp->using_gtid, "No") == 0 ? MODE_MARIADB_POSITION : MODE_MARIADB_GTID;
	if (cp->auto_position)
		return MODE_MYSQL_AUTO;
	if (cp->assign_gtids && *cp->assign_gtids && strcasecmp(cp->assign_gtids, "OFF") != 0)
		return MODE_MYSQL_ASSIGNED;
	/* In the PERMISSIVE modes anonymous transactions may come between: only positions tell of them. */
	return in->gtid_mode && strcasecmp(in->gtid_mode, "ON") == 0 ? MODE_MYSQL_GTID : MODE_MYSQL_POSITION;
}

bool channels_mode_is_gtid(enum applier_mode m)
{
	return m == MODE_MYSQL_AUTO || m == MODE_MYSQL_GTID;
}

bool channels_mode_is_position(enum applier_mode m)
{
	return m == MODE_MYSQL_POSITION || m == MODE_MYSQL_ASSIGNED || m == MODE_MARIADB_POSITION;
}

const char *channels_label(const struct checkpoint_channel *cp, char out[160])
{
	if (!cp->name || !*cp->name)
		snprintf(out, 160, "the default channel");
	else
		snprintf(out, 160, "channel '%s'", cp->name);
	return out;
}

enum status channels_error(const struct channel *ch, struct error *err)
{
	char label[160];
	error_set(err, ST_FAILED, ERR_APPLIER, "%s: the applier has stopped with error %u: %.700s", channels_label(&ch->cp, label),
	          ch->sql_errno, ch->sql_error ? ch->sql_error : "");
	return error_hint(err, "put the applier right first: slackwater recover, or by hand");
}

enum status channels_inherit(struct channels *to, const struct channels *from, const struct instance *in,
                             struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < to->n; i++) {
		struct checkpoint_channel *cp = &to->item[i].cp;
		const struct channel *was = channels_find(from, cp->name);
		cp->workers = was ? was->cp.workers : in->workers;
		cp->commit_order = was ? was->cp.commit_order : in->commit_order;
		if (was) {
			cp->require_row_format = was->cp.require_row_format;
			cp->gtid_only = was->cp.gtid_only;
			cp->heartbeat_s = was->cp.heartbeat_s;
			st = slot_set(&cp->privilege_checks_user, was->cp.privilege_checks_user, err);
			if (!st)
				st = slot_set(&cp->assign_gtids, was->cp.assign_gtids, err);
		}
		cp->mode = channels_mode(in, cp);
	}
	return st;
}
