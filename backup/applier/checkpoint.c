/* SPDX-License-Identifier: Apache-2.0 */
#include "applier/checkpoint_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "slackwater/dialect.h"
#include "slackwater/slot.h"

static const char *const mode_names[] = {
	[MODE_MYSQL_AUTO] = "mysql-auto-position",
	[MODE_MYSQL_GTID] = "mysql-gtid",
	[MODE_MYSQL_ASSIGNED] = "mysql-assigned-gtids",
	[MODE_MYSQL_POSITION] = "mysql-position",
	[MODE_MARIADB_GTID] = "mariadb-gtid",
	[MODE_MARIADB_POSITION] = "mariadb-position",
};

const char *checkpoint_mode_name(enum applier_mode m)
{
	return mode_names[m];
}

bool checkpoint_mode_from_name(const char *name, enum applier_mode *ret)
{
	for (size_t i = 0; i < sizeof mode_names / sizeof *mode_names; i++) {
		if (strcmp(mode_names[i], name) == 0) {
			*ret = (enum applier_mode)i;
			return true;
		}
	}
	return false;
}

void checkpoint_channel_clear(struct checkpoint_channel *ch)
{
	free(ch->name);
	free(ch->source_host);
	free(ch->source_uuid);
	free(ch->coordinates_why);
	free(ch->exec_file);
	free(ch->relay_file);
	free(ch->read_file);
	free(ch->using_gtid);
	free(ch->received_set);
	free(ch->lwm_file);
	free(ch->privilege_checks_user);
	free(ch->assign_gtids);
	json_decref(ch->worker_rows);
	json_decref(ch->filters);
	strlist_free(&ch->proof);
	*ch = (struct checkpoint_channel){ 0 };
}

static bool channel_copy_strings(struct checkpoint_channel *ret, const struct checkpoint_channel *from, struct error *err)
{
	return !slot_set(&ret->name, from->name, err) && !slot_set(&ret->source_host, from->source_host, err) &&
	       !slot_set(&ret->source_uuid, from->source_uuid, err) &&
	       !slot_set(&ret->coordinates_why, from->coordinates_why, err) &&
	       !slot_set(&ret->exec_file, from->exec_file, err) &&
	       !slot_set(&ret->relay_file, from->relay_file, err) &&
	       !slot_set(&ret->read_file, from->read_file, err) &&
	       !slot_set(&ret->using_gtid, from->using_gtid, err) &&
	       !slot_set(&ret->received_set, from->received_set, err) &&
	       !slot_set(&ret->lwm_file, from->lwm_file, err) &&
	       !slot_set(&ret->privilege_checks_user, from->privilege_checks_user, err) &&
	       !slot_set(&ret->assign_gtids, from->assign_gtids, err);
}

enum status checkpoint_channel_copy(struct checkpoint_channel *ret, const struct checkpoint_channel *from,
                                    struct error *err)
{
	*ret = *from;
	ret->name = ret->source_host = ret->source_uuid = ret->coordinates_why = ret->exec_file = NULL;
	ret->relay_file = ret->read_file = ret->using_gtid = ret->received_set = ret->lwm_file = NULL;
	ret->privilege_checks_user = ret->assign_gtids = NULL;
	ret->proof = (struct strlist){ 0 };
	ret->worker_rows = json_deep_copy(from->worker_rows);
	ret->filters = json_deep_copy(from->filters);
	if ((from->worker_rows && !ret->worker_rows) || (from->filters && !ret->filters))
		return error_oom(err);
	if (!channel_copy_strings(ret, from, err))
		return err ? err->status : ST_FATAL;
	return strlist_add_all(&ret->proof, &from->proof, err);
}

void checkpoint_free(struct checkpoint *cp)
{
	if (!cp)
		return;
	for (size_t i = 0; i < cp->nchannels; i++)
		checkpoint_channel_clear(&cp->channel[i]);
	free(cp->channel);
	free(cp->gtid_mode);
	free(cp->gtid_executed);
	free(cp->gtid_purged);
	free(cp->gtid_slave_pos);
	free(cp->gtid_binlog_pos);
	free(cp->gtid_current_pos);
	free(cp->binlog_file);
	strlist_free(&cp->proof);
	strlist_free(&cp->warnings);
	strlist_free(&cp->notes);
	free(cp);
}

static bool has_text(const char *s)
{
	return s && *s;
}

/* GTID sets come from SHOW STATUS with line breaks; beside the data they stand on one line. */
static void add_one_line(struct buf *out, const char *s)
{
	for (; *s; s++) {
		if (*s != '\n')
			buf_addc(out, *s);
	}
}

static bool new_words(const struct checkpoint *cp)
{
	return cp->server.flavor == FLAVOR_MYSQL && cp->server.version >= 80400;
}

static void add_for_channel(struct buf *out, const struct checkpoint_channel *ch)
{
	if (has_text(ch->name)) {
		buf_adds(out, " FOR CHANNEL ");
		sql_string(out, ch->name);
	}
	buf_adds(out, ";\n");
}

static void add_mysql_channel(const struct checkpoint *cp, const struct checkpoint_channel *ch, struct buf *out)
{
	const char *verb = new_words(cp) ? "CHANGE REPLICATION SOURCE TO SOURCE" : "CHANGE MASTER TO MASTER";
	if (ch->auto_position) {
		buf_addf(out, "%s_AUTO_POSITION=1", verb);
		add_for_channel(out, ch);
	} else if (ch->coordinates == COORDINATES_PROVEN && has_text(ch->exec_file)) {
		buf_addf(out, "%s_LOG_FILE=", verb);
		sql_string(out, ch->exec_file);
		buf_addf(out, ", %s_LOG_POS=%" PRIu64, new_words(cp) ? "SOURCE" : "MASTER", ch->exec_pos);
		add_for_channel(out, ch);
	}
}

static void add_mariadb_channel(const struct checkpoint_channel *ch, struct buf *out)
{
	bool gtid = ch->mode == MODE_MARIADB_GTID;
	if (!gtid && (ch->coordinates != COORDINATES_PROVEN || !has_text(ch->exec_file)))
		return;
	buf_adds(out, "CHANGE MASTER ");
	if (has_text(ch->name)) {
		sql_string(out, ch->name);
		buf_addc(out, ' ');
	}
	if (gtid) {
		buf_adds(out, "TO master_use_gtid = slave_pos;\n");
		return;
	}
	buf_adds(out, "TO MASTER_LOG_FILE=");
	sql_string(out, ch->exec_file);
	buf_addf(out, ", MASTER_LOG_POS=%" PRIu64 ";\n", ch->exec_pos);
}

void checkpoint_slave_info(const struct checkpoint *cp, struct buf *out)
{
	bool mariadb = cp->server.flavor == FLAVOR_MARIADB;
	const char *set = mariadb ? cp->gtid_slave_pos : cp->gtid_executed;
	if (!cp->nchannels)
		return;
	if (has_text(set)) {
		buf_adds(out, mariadb ? "SET GLOBAL gtid_slave_pos='" : "SET GLOBAL gtid_purged='");
		add_one_line(out, set);
		buf_adds(out, "';\n");
	}
	for (size_t i = 0; i < cp->nchannels; i++) {
		if (mariadb)
			add_mariadb_channel(&cp->channel[i], out);
		else
			add_mysql_channel(cp, &cp->channel[i], out);
	}
}

void checkpoint_binlog_info(const struct checkpoint *cp, struct buf *out)
{
	const char *set = cp->server.flavor == FLAVOR_MARIADB ? cp->gtid_binlog_pos : cp->gtid_executed;
	if (!has_text(cp->binlog_file))
		return;
	buf_addf(out, "%s\t%" PRIu64, cp->binlog_file, cp->binlog_pos);
	if (has_text(set)) {
		buf_addc(out, '\t');
		add_one_line(out, set);
	}
	buf_addc(out, '\n');
}
