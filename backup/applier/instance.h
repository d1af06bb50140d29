/* SPDX-License-Identifier: Apache-2.0 */
/* instance: what a server is and how it is set up, as far as the window has to know; read once, in PREFLIGHT. */
#pragma once

#include "slackwater/conn.h"
#include "slackwater/strlist.h"

struct instance {
	struct server_info server;
	char *gtid_mode;          /* MySQL 5.6+: "ON", "OFF", ...; NULL elsewhere */
	bool log_bin, log_updates;
	bool read_only, event_scheduler;
	bool ps;                  /* performance_schema is on */
	bool worker_stamps;       /* replication_applier_status_by_worker has timestamps (8.0+) */
	bool tables;              /* repositories are tables (always from 8.4, never on MariaDB) */
	bool receiver_table;      /* the receiver's repository is one; asked for before 8.0 only */
	unsigned receiver_every;  /* sync_source_info: it is written after that many events; 0 = not for their number */
	bool receiver_updates;    /* ... so often that rows are updated in any window, by nobody's statement (seen on 5.6.24) */
	bool galera, group_member;
	bool commit_order;
	bool reads_spend_ids;     /* every transaction, a reading one too, moves InnoDB's counter (seen on 5.6.24) */
	unsigned workers;         /* as configured for the next START */
	unsigned stop_timeout_s;  /* rpl_stop_replica_timeout; 0 = the server has none */
	struct strlist gtid_tables; /* MariaDB: mysql.gtid_slave_pos and its engine-specific brothers */
};

void instance_free(struct instance *in);
bool instance_stop_gives_up(const struct instance *in); /* a STOP may return (1875) while it is still in effect */
enum status instance_read(struct conn *c, struct instance *ret, struct error *err);
enum status instance_uptime(struct conn *c, uint64_t *ret_s, struct error *err);
