/* SPDX-License-Identifier: Apache-2.0 */
/* The texts beside the data. */
#include "slackwater/checkpoint.h"

#include <inttypes.h>

#include "slackwater/dialect.h"

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
