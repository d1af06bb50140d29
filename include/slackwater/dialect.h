/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dialect: what a statement is called on which server (facts/servers 5). Pure text: takes a server_info, appends SQL to a buf,
 * never talks to a server. Channel names are "" for the default one and may hold anything.
 */
#pragma once

#include <stdbool.h>

#include "slackwater/conn.h"

/* Quoting. Identifiers in backticks; strings in single quotes with backslash escapes (sessions never run NO_BACKSLASH_ESCAPES). */
void sql_ident(struct buf *b, const char *name);
void sql_qualified(struct buf *b, const char *schema, const char *name); /* `schema`.`name` */
void sql_string(struct buf *b, const char *s);
void sql_account(struct buf *b, const char *user, const char *host); /* 'user'@'host' */
void sql_bytes(struct buf *b, const char *s, size_t len);

void dialect_show_status(struct buf *b, const struct server_info *s);      /* all channels, one row each */
void dialect_show_own_binlog(struct buf *b, const struct server_info *s);  /* SHOW MASTER STATUS / BINARY LOG STATUS */
/*
 * The table of sessions and threads: ID, USER, HOST, COMMAND, TIME, STATE, INFO. That of information_schema, of which 9.7.4 shows nobody anything (3854)
 * while some session's statement has bytes that are no UTF-8 (SET NAMES binary) [run]; performance_schema has another from 8.0.22 on. Its INFO ends at
 * such bytes, and after 1024 at the latest.
 */
const char *dialect_processlist(const struct server_info *s);
void dialect_stop_sql(struct buf *b, const struct server_info *s, const char *channel);
void dialect_start_sql(struct buf *b, const struct server_info *s, const char *channel);
void dialect_stop_io(struct buf *b, const struct server_info *s, const char *channel);
void dialect_start_io(struct buf *b, const struct server_info *s, const char *channel);
/* MariaDB: START of both threads, which it demands and which both must have been stopped for (1254, 1277 otherwise [run 10.11.19]). */
void dialect_start_until_gtids(struct buf *b, const struct server_info *s, const char *channel, const char *set);
void dialect_start_until_pos(struct buf *b, const struct server_info *s, const char *channel, const char *file,
                             uint64_t pos);
void dialect_stop_both(struct buf *b, const struct server_info *s, const char *channel);
void dialect_start_both(struct buf *b, const struct server_info *s, const char *channel);
void dialect_reset_replica(struct buf *b, const struct server_info *s, const char *channel); /* keeps the connection */
void dialect_reset_replica_all(struct buf *b, const struct server_info *s, const char *channel);
void dialect_reset_binlogs(struct buf *b, const struct server_info *s);    /* RESET MASTER / BINARY LOGS AND GTIDS */
/* SHOW RELAYLOG EVENTS IN 'file' FROM pos LIMIT n [FOR CHANNEL] */
void dialect_relaylog_events(struct buf *b, const struct server_info *s, const char *channel, const char *file,
                             uint64_t pos, unsigned limit);

enum source_position { POSITION_AUTO, POSITION_FILE, POSITION_MARIADB_SLAVE_POS };

/* What a replica is told about its source. Strings are borrowed; NULL = leave it out. */
struct source_spec {
	const char *channel; /* "" = default */
	const char *host;
	unsigned port;
	const char *user, *password;
	/* A replica knows no "TLS where offered": with DEFAULT and PREFERRED nothing is said, and what holds differs (off up to 8.x, on in 9.7, 5.6
	 * keeps the former setting over RESET SLAVE ALL [run]). Better find out what the source offers and say REQUIRED or DISABLED. */
	enum ssl_mode ssl_mode;
	const char *ssl_ca, *ssl_cert, *ssl_key;
	bool get_public_key;
	const char *public_key_path;
	enum source_position position;
	const char *log_file; /* POSITION_FILE */
	uint64_t log_pos;
	int64_t delay_s;                    /* < 0: leave it out */
	const char *privilege_checks_user;  /* MySQL 8.0.18+ */
	bool require_row_format, gtid_only; /* MySQL 8.0.19+, 8.0.27+ */
	const char *assign_gtids;           /* ASSIGN_GTIDS_TO_ANONYMOUS_TRANSACTIONS: "LOCAL" or a uuid */
	double heartbeat_s;                 /* < 0: leave it out */
};

/* Marks b as secret when there is a password. mask: print '<password>' in its place (what --no-start and --dry-run show). */
void dialect_change_source(struct buf *b, const struct server_info *s, const struct source_spec *spec, bool mask);
