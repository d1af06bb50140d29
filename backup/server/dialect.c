/* SPDX-License-Identifier: Apache-2.0 */
#include "slackwater/dialect.h"

#include <inttypes.h>

#include "dialect_names.h"

/*
 * "STOP REPLICA", "STOP SLAVE 'name'". MariaDB: without a name a statement is about @@default_master_connection, which need not
 * be '', so the name is always given.
 */
static void dialect_verb(struct buf *b, const struct server_info *s, const char *verb, const char *channel)
{
	buf_addf(b, "%s %s", verb, dialect_names(s)->replica);
	if (s->flavor == FLAVOR_MARIADB) {
		buf_addc(b, ' ');
		sql_string(b, channel);
	}
}

void dialect_for_channel(struct buf *b, const struct server_info *s, const char *channel)
{
	/* Without the clause START, STOP and RESET are about all channels. */
	if (s->flavor == FLAVOR_MYSQL && s->version >= DIALECT_CHANNELS) {
		buf_adds(b, " FOR CHANNEL ");
		sql_string(b, channel);
	}
}

void dialect_show_status(struct buf *b, const struct server_info *s)
{
	if (s->flavor == FLAVOR_MARIADB)
		buf_adds(b, "SHOW ALL SLAVES STATUS");
	else
		buf_addf(b, "SHOW %s STATUS", dialect_names(s)->replica);
}

const char *dialect_processlist(const struct server_info *s)
{
	return s->flavor == FLAVOR_MYSQL && s->version >= 80022 && s->ps ? "performance_schema.processlist" : "information_schema.PROCESSLIST";
}

void dialect_show_own_binlog(struct buf *b, const struct server_info *s)
{
	buf_adds(b, dialect_names(s)->show_binlog);
}

/* A whole statement about one channel: what stands between its name, which MariaDB has behind the verb, and the clause, which MySQL has at the end. */
static void dialect_statement(struct buf *b, const struct server_info *s, const char *verb, const char *channel, const char *what)
{
	dialect_verb(b, s, verb, channel);
	buf_adds(b, what);
	dialect_for_channel(b, s, channel);
}

void dialect_stop_sql(struct buf *b, const struct server_info *s, const char *channel)
{
	dialect_statement(b, s, "STOP", channel, " SQL_THREAD");
}

void dialect_start_sql(struct buf *b, const struct server_info *s, const char *channel)
{
	dialect_statement(b, s, "START", channel, " SQL_THREAD");
}

void dialect_stop_io(struct buf *b, const struct server_info *s, const char *channel)
{
	dialect_statement(b, s, "STOP", channel, " IO_THREAD");
}

void dialect_start_io(struct buf *b, const struct server_info *s, const char *channel)
{
	dialect_statement(b, s, "START", channel, " IO_THREAD");
}

void dialect_stop_both(struct buf *b, const struct server_info *s, const char *channel)
{
	dialect_statement(b, s, "STOP", channel, "");
}

void dialect_start_both(struct buf *b, const struct server_info *s, const char *channel)
{
	dialect_statement(b, s, "START", channel, "");
}

void dialect_reset_replica(struct buf *b, const struct server_info *s, const char *channel)
{
	dialect_statement(b, s, "RESET", channel, "");
}

void dialect_reset_replica_all(struct buf *b, const struct server_info *s, const char *channel)
{
	dialect_statement(b, s, "RESET", channel, " ALL");
}

void dialect_start_until_gtids(struct buf *b, const struct server_info *s, const char *channel, const char *set)
{
	dialect_verb(b, s, "START", channel);
	if (s->flavor == FLAVOR_MARIADB)
		buf_adds(b, " UNTIL master_gtid_pos = ");
	else
		buf_adds(b, " SQL_THREAD UNTIL SQL_AFTER_GTIDS = ");
	sql_string(b, set);
	dialect_for_channel(b, s, channel);
}

void dialect_start_until_pos(struct buf *b, const struct server_info *s, const char *channel, const char *file,
                             uint64_t pos)
{
	const char *source = dialect_names(s)->source;
	dialect_verb(b, s, "START", channel);
	buf_addf(b, " SQL_THREAD UNTIL %s_LOG_FILE = ", source);
	sql_string(b, file);
	buf_addf(b, ", %s_LOG_POS = %" PRIu64, source, pos);
	dialect_for_channel(b, s, channel);
}

void dialect_reset_binlogs(struct buf *b, const struct server_info *s)
{
	buf_adds(b, dialect_names(s)->reset_binlogs);
}

void dialect_relaylog_events(struct buf *b, const struct server_info *s, const char *channel, const char *file,
                             uint64_t pos, unsigned limit)
{
	buf_adds(b, "SHOW RELAYLOG ");
	if (s->flavor == FLAVOR_MARIADB) {
		sql_string(b, channel);
		buf_addc(b, ' ');
	}
	buf_adds(b, "EVENTS IN ");
	sql_string(b, file);
	buf_addf(b, " FROM %" PRIu64 " LIMIT %u", pos, limit);
	dialect_for_channel(b, s, channel);
}
