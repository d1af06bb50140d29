/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job: what the stages of seed.c share. Each stage is a file of this folder; job.c opens what they all need and lets go of it.
 *
 * Everything refused before a byte is loaded is ERR_SEED_REFUSED with a hint (seed_refuse).
 */
#pragma once

#include "slackwater/claim.h"
#include "slackwater/gtid.h"
#include "slackwater/seed.h"

/* One channel to be set up on the target. */
struct seed_link {
	const struct checkpoint_channel *channel; /* NULL: the source is the snapshotted server itself */
	const struct seed_source *source;
	char address[300];                        /* of the source, for messages: host:port */
	const char *name;                         /* of the channel on the target; "" = the default one */
	enum source_position position;
	const char *file;                         /* POSITION_FILE: where to begin; borrowed from the checkpoint */
	uint64_t pos;

	struct conn *conn;    /* to the source, with the account of replication */
	bool tls;             /* that connection is encrypted */
	/* What the source said when we connected; NULL = none, or the account may not ask. */
	char *executed;       /* what its binary log has: gtid_executed; MariaDB gtid_binlog_pos */
	char *purged;         /* gtid_purged; MariaDB: the position at which its oldest binary log begins */
	char *binlog_state;   /* MariaDB */
	char *end_file;       /* where its binary log ended */
	uint64_t end_pos;
};

/* What the target was like before anything was touched. */
struct seed_found {
	struct strlist schemas;  /* its own, system schemas apart, the marker included */
	struct strlist channels; /* configured ones */
	bool log_bin;            /* it writes a binary log */
	bool marked;             /* an earlier load did not come to its end */
	char *gtids;             /* gtid_executed / gtid_binlog_state: transactions of its own; "" = none */
};

struct seed_job {
	const struct seed_options *o;
	struct run *run;
	struct seed_report *report;
	char *spool;             /* directory the pipe was turned into, removed at the end */
	struct store *store;
	struct manifest *manifest;
	struct checkpoint *cp;
	struct stream_index index;
	struct loader_options lo;
	struct loader *loader;
	struct conn *target;
	struct claim *claim;     /* nobody else seeds it, or backs it up */
	struct seed_found found;
	struct seed_link *link;
	size_t nlinks;
	bool from_replica;       /* asked for, or because the snapshot is of a server that replicates from nobody */
	bool touched;            /* the target is marked incomplete */
};

/* Store, manifest, checkpoint, index, loader, target. Reads only. */
enum status seed_job_open(struct seed_job *j, struct error *err);
void seed_job_close(struct seed_job *j);

/*
 * `first` on a session that may have been idle for hours; if that shows that it is lost, on a new one in its place. *c NULL: there was none; it may be
 * NULL after a failure.
 */
enum status seed_job_session(struct conn **c, const struct conn_options *o, unsigned flags, const char *first, struct run *run, struct error *err);

/* Fill err as a refusal: ERR_SEED_REFUSED with the hint. */
enum status seed_refuse(struct error *err, const char *hint, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The failure came when the target had been touched: no refusal any more, and the hint says that it is marked incomplete. */
void seed_midway(struct error *err);
/* A warning for the log and for the report. */
void seed_warn(struct seed_job *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool seed_is_mariadb(const struct seed_job *j);
