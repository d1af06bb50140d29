/* SPDX-License-Identifier: Apache-2.0 */
/*
 * observe: what the parallel applier is doing now, in figures, and what a high one points at.
 *
 * Takes connection options from the agent, hands an observation to whoever shows it (status, metrics); must never write, lock, stop
 * or start anything, and never wait behind a STOP in progress for longer than patience_ms. What the account may not read is left
 * out and named in the notes; only the status of replication itself has to be readable.
 *
 * Sources, whichever the server has: performance_schema's applier tables (MySQL 5.7+, ages from 8.0 on), the applier metrics
 * component, the "Multi-threaded ... statistics" lines of the error log (by SQL from 8.0.22 on, or from a file), the status
 * statement, the processlist and InnoDB's transactions elsewhere (facts/servers 6).
 *
 * Figures carry their unit in the name. OBSERVE_UNKNOWN, or a text that is NULL, means that the server does not tell.
 */
#pragma once

#include <jansson.h>

#include "slackwater/conn.h"
#include "slackwater/strlist.h"

#define OBSERVE_UNKNOWN (-1)

struct observed_worker {
	int64_t id;             /* as the server counts them; MySQL 5.6 and MariaDB do not */
	uint64_t thread;        /* in the processlist; 0 = none, or not known */
	bool running, busy;     /* there is a thread; it has a transaction in hand */
	bool waits_for_row;     /* InnoDB: waits for a row lock */
	char *applying;         /* GTID, "ANONYMOUS", or NULL */
	char *statement;        /* text of its statement, cut; row events have none */
	char *state;            /* as the processlist says it */
	int64_t age_ms;         /* how long it has been at it, at least ... */
	int64_t age_max_ms;     /* ... and at most */
	int64_t lag_ms;         /* since the transaction was committed on the server it comes from, by both servers' clocks */
	int64_t size_bytes, done_bytes; /* of the transaction in hand */
	int64_t retries;
	char *last_applied;     /* GTID of the transaction before */
	unsigned error_no;
	char *error;
};

struct observed_wait {
	int64_t count, ms;
};

enum observed_from { OBSERVED_NOWHERE, OBSERVED_COMPONENT, OBSERVED_SERVER_LOG, OBSERVED_LOG_FILE };

/* What the coordinator, which hands transactions to workers, and the workers themselves waited for. */
struct observed_waits {
	enum observed_from from;
	bool since_start;       /* counted since the applier started, else over span_ms */
	int64_t span_ms;        /* how long the applier ran while this was counted */
	char *logged_at;        /* when the line was written, as it says */
	int64_t transactions;   /* committed; component only */
	int64_t events;         /* handed out; lines only */
	int64_t overruns;       /* a worker's queue came near its limit, and the coordinator slowed down */
	struct observed_wait queue_full;   /* a worker's queue was full, which a fixed number of events makes it */
	struct observed_wait queue_memory; /* all queues together reached *_pending_jobs_size_max */
	struct observed_wait dependency;   /* a transaction depends on one that is not committed yet ("clock conflicts") */
	struct observed_wait no_worker;    /* all workers were occupied */
	struct observed_wait commit_order; /* workers, for the commit of the one before */
	struct observed_wait no_work;      /* nothing had been received: idle */
};

struct observed_channel {
	char *name;             /* "" = default channel */
	const char *mode;       /* static text: checkpoint_mode_name */
	char *source_host;
	unsigned source_port;
	bool receiver_running, applier_running;
	unsigned receiver_errno, applier_errno;
	char *receiver_error, *applier_error;
	char *coordinator;      /* what the coordinator says it does */
	unsigned workers;       /* as configured; 0 = the applier thread does it by itself */
	bool commit_order;
	int64_t delay_s;        /* SOURCE_DELAY */
	struct observed_worker *worker;
	size_t nworkers;
	int64_t gap_transactions; /* received, and not applied while later ones are. Of a running applier it is a moment's picture */
	char *gap;              /* which, or why they cannot be counted; NULL = none */
	char *low_water_file;   /* everything before this is applied */
	uint64_t low_water_pos;
	char *received_file;
	uint64_t received_pos;
	int64_t behind_transactions; /* received and not applied, by GTID; of MariaDB by sequence numbers, which may have holes */
	int64_t behind_files;   /* of the source's binary log, between received and low-water mark */
	int64_t behind_bytes;   /* only while both are in one file */
	int64_t lag_s;          /* Seconds_Behind_Source */
	int64_t lag_ms;         /* the largest of its workers' */
	struct observed_waits waits;
	struct strlist reasons; /* in words; most telling first */
};

struct observed_settings {
	int64_t workers;
	int64_t pending_bytes;  /* *_pending_jobs_size_max; MariaDB: slave_parallel_max_queued */
	int64_t log_level;      /* log_error_verbosity (8.0: 3 writes statistics), else log_warnings (2 does) */
	char parallel[40];      /* slave_parallel_type, MariaDB slave_parallel_mode; "" = none */
};

struct observation {
	struct server_info server;
	int64_t taken_ms;       /* wall clock */
	int64_t took_ms;
	bool behind_stop;       /* the status statement waits for a STOP in progress: no channels could be read */
	int64_t stop_s;         /* how long that STOP has been at it */
	struct observed_settings settings;
	struct observed_channel *channel;
	size_t nchannels;
	struct observed_worker *pool; /* workers of which the server does not say whose they are (MariaDB with several channels) */
	size_t npool;
	char *executed_set;     /* gtid_executed; MariaDB gtid_slave_pos */
	char *holes;            /* GTIDs missing below the newest that no channel has received */
	struct strlist notes;   /* what is left out, and why */
};
void observation_free(struct observation *o); /* NULL is fine */
/* New reference; NULL = out of memory. What the server does not tell is null. */
json_t *observation_to_json(const struct observation *o);

/*
 * What the figures point at, in words, appended to ret. Pure. before: an earlier observation of the same channel, whose counters
 * are then taken off; may be NULL. Nothing is said of a channel that is well.
 */
enum status observe_explain(const struct server_info *server, const struct observed_settings *settings,
                            const struct observed_channel *now, const struct observed_channel *before,
                            struct strlist *ret, struct error *err);

struct observe_options {
	const char *error_log;  /* file to read statistics lines from; NULL = none. On this host */
	int64_t patience_ms;    /* 0 = 5000 */
};

struct observer;
/* Logs in. o, opt and run must outlive it. */
enum status observer_open(const struct conn_options *o, const struct observe_options *opt, struct run *run,
                          struct observer **ret, struct error *err);
/*
 * One look; reasons take the look before into account. *ret is the caller's. A session that was lost is opened again by the next
 * look. ERR_PREFLIGHT: the status of replication may not be read; ERR_USAGE: the error log file cannot be.
 */
enum status observer_look(struct observer *ob, struct observation **ret, struct error *err);
void observer_free(struct observer *ob); /* NULL is fine */
