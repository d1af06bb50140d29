/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logical: the engine that reads rows through consistent snapshots and writes SQL. logical.c is the story; the parts:
 *
 *   probe       rights, and what cannot be dumped
 *   inventory   what there is            fingerprint  has any DDL run
 *   define      definitions of tables    abreast      all sessions at once
 *   plan        who reads what           session      snapshots and metadata locks
 *   copy        tables without MVCC      watch        what we cost the server
 *   dump        worker threads           chunk, insert, escape  rows into entries
 *   schema      definition files         layout       names and metadata
 *
 * How DDL is kept away (facts/servers 8) depends on the server and on --ddl:
 *   LOCKS_BACKUP    MySQL 8.0+: LOCK INSTANCE FOR BACKUP in the window; after it the lists are read, every table is touched, and the lock is
 *                   given up again: the metadata locks hold from then on.
 *   LOCKS_METADATA  elsewhere: every table is touched in the window. What is no table is proven unchanged by the fingerprint.
 *   LOCKS_NONE      --ddl retry.
 */
#pragma once

#include "copy.h"
#include "dump.h"
#include "retry.h"
#include "watch.h"

/* How often anybody's statement failed because of a backup lock (3857, 4085). */
#define LOGICAL_LOCK_HITS                                                                                              \
	"SELECT COALESCE(SUM(SUM_ERROR_RAISED), 0) FROM performance_schema.events_errors_summary_global_by_error WHERE ERROR_NUMBER IN (3857, 4085)"

enum logical_locks { LOCKS_BACKUP, LOCKS_METADATA, LOCKS_NONE };

struct logical {
	struct engine base;
	const struct conn_options *o;
	const struct engine_options *eo;
	unsigned attempt;
	struct conn *prober;        /* the session in which probe read inv, which is good for the first attempt; on the caller's run */

	/* One attempt: from prepare to release. */
	bool live;
	struct run run;             /* all sessions of the attempt hang on it */
	struct conn *control;       /* lists and definitions */
	struct conn *lock;          /* LOCK INSTANCE FOR BACKUP, nothing else */
	bool lock_held;
	int64_t locked_ms;          /* when it was taken */
	uint64_t lock_hits;         /* LOGICAL_LOCK_HITS before it was taken */
	struct conn *copier;        /* rows of non-transactional tables; holds no lock behind the window */
	struct session *session;
	unsigned nsessions;
	struct watch watch;
	enum logical_locks locks;
	struct inventory inv;
	struct inventory window;    /* names as they were in the window, when DDL came between prepare and capture */
	struct fingerprint listed, captured;
	bool settled;               /* listed proves inv */
	bool changed;               /* inv was not exact in the window */
	bool touched;
	int64_t touch_ms;           /* what touching took when it was done behind the window; kept from one attempt to the next */
	struct plan plan;
	struct copy copy;
	struct retry retry;         /* LOCKS_NONE */
	struct dump dump;
	struct buf slave_info, binlog_info;

	struct engine_report report;
};

/* probe.c: rights and settings; opens nothing, touches nothing. */
enum status probe_rights(struct conn *c, enum logical_locks locks, struct error *err);
/* The global privileges the session has, in upper case, "ALL PRIVILEGES" included. For tests: one line of SHOW GRANTS. */
void probe_parse_grant(const char *line, struct strlist *ret, struct error *err);
enum logical_locks logical_locks_for(const struct conn *c, const struct engine_options *o);

/* capture.c: inside the window. */
enum status capture_run(struct logical *l, const struct checkpoint *cp, struct error *err);
void capture_drop(struct logical *l);
/*
 * Locks on very many tables are taken when the applier runs again. When a DDL has slipped in behind the window of an earlier attempt they are taken
 * in the window, unless they are so many that the pause would be long.
 */
bool capture_touches_later(const struct logical *l);
/* emit.c: after the window. */
enum status emit_run(struct logical *l, struct stream_writer *w, struct error *err);
