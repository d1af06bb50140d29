/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint: where the applier stood when the snapshot was fixed, and what proves it. Filled by applier/ inside the window,
 * written as checkpoint.json, read again by seeding. Never holds a password. Strings are owned; NULL or "" = not there.
 */
#pragma once

#include <jansson.h>

#include "slackwater/conn.h"
#include "slackwater/strlist.h"

/* How a channel's gaps are seen, closed and proven; chosen per channel (design "The window"). */
enum applier_mode {
	MODE_MYSQL_AUTO,        /* GTID with auto-position */
	MODE_MYSQL_GTID,        /* GTIDs arrive, the channel asks by file and position */
	MODE_MYSQL_ASSIGNED,    /* ASSIGN_GTIDS_TO_ANONYMOUS_TRANSACTIONS: nothing in the received set */
	MODE_MYSQL_POSITION,    /* anonymous transactions */
	MODE_MARIADB_GTID,      /* Using_Gtid Slave_Pos or Current_Pos */
	MODE_MARIADB_POSITION   /* Using_Gtid No */
};
const char *checkpoint_mode_name(enum applier_mode m); /* "mysql-auto-position", ... as in the JSON */

enum coordinates { COORDINATES_PROVEN, COORDINATES_STALE, COORDINATES_UNAVAILABLE };
const char *checkpoint_coordinates_name(enum coordinates c); /* "proven", ... as in the JSON */

struct checkpoint_channel {
	char *name; /* "" = default channel */
	enum applier_mode mode;
	bool was_running;       /* the SQL thread ran when we came: it was stopped and started by us */
	bool io_running;
	unsigned workers;       /* 0 = single-threaded */
	bool commit_order;      /* replica_preserve_commit_order; always true on MariaDB inside a domain */
	char *source_host;
	unsigned source_port;
	char *source_uuid;
	uint64_t source_server_id;
	enum coordinates coordinates;
	char *coordinates_why;  /* one line: what was compared with what, or why they cannot be used */
	char *exec_file;        /* executed source coordinates; usable only when PROVEN */
	uint64_t exec_pos;
	char *relay_file;
	uint64_t relay_pos;
	char *read_file;        /* what the receiver had: Source_Log_File / Read_Source_Log_Pos */
	uint64_t read_pos;
	bool auto_position;
	char *using_gtid;       /* MariaDB: "No", "Slave_Pos", "Current_Pos" */
	char *received_set;     /* Retrieved_Gtid_Set / Gtid_IO_Pos */
	char *lwm_file;         /* low-water mark of slave_relay_log_info where it was read */
	uint64_t lwm_pos;
	json_t *worker_rows;    /* array of objects, as read; NULL when there are none */
	json_t *filters;        /* object: Replicate_Do_DB etc. and per-channel rules, only what is set; NULL when none */
	int64_t delay_s;
	char *privilege_checks_user;
	bool require_row_format, gtid_only;
	char *assign_gtids;     /* ASSIGN_GTIDS_TO_ANONYMOUS_TRANSACTIONS_TYPE: OFF, LOCAL, uuid */
	double heartbeat_s;
	struct strlist proof;   /* one line per comparison */
};

struct checkpoint {
	struct server_info server;
	int64_t taken_ms;       /* wall clock when the stillness was proven, UTC */
	char *gtid_mode;        /* MySQL: @@gtid_mode, "" where there is none */
	char *gtid_executed, *gtid_purged;                       /* MySQL */
	char *gtid_slave_pos, *gtid_binlog_pos, *gtid_current_pos; /* MariaDB */
	bool log_bin, log_replica_updates;
	char *binlog_file;      /* own binary log, for a replica of this replica; NULL without log_bin */
	uint64_t binlog_pos;
	struct checkpoint_channel *channel;
	size_t nchannels;
	struct strlist proof;   /* about the instance: fingerprints, prepared transactions, temporary tables */
	struct strlist warnings;
	struct strlist notes;   /* of an encrypted snapshot; else they are in the manifest */
	int64_t pause_ms;       /* first STOP issued until every channel was seen running again; the sum where more than one stillness was needed */
	int64_t wait_ms;        /* WATCHING and CLOSING: from ARMED to the last STOP */
	int64_t in_flight_ms;   /* oldest transaction in flight when STOP was issued */
	unsigned gap_rounds;    /* rounds of CLOSING that were needed */
};

void checkpoint_free(struct checkpoint *cp); /* of one that was allocated with calloc */
json_t *checkpoint_to_json(const struct checkpoint *cp); /* new reference; NULL = out of memory */
/* What it is not is ERR_SNAPSHOT; of a format that is not known here, with sys_errno ENOTSUP. */
enum status checkpoint_from_json(const json_t *doc, struct checkpoint **ret, struct error *err);
/* The texts peers' tools expect beside the data (FORMAT.md); *ret may stay empty when there is nothing to say. */
void checkpoint_slave_info(const struct checkpoint *cp, struct buf *out);
void checkpoint_binlog_info(const struct checkpoint *cp, struct buf *out);
