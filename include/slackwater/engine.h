/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine: how data is captured, and how it is loaded again. One contract for logical, clone, mariadb-backup, volume.
 *
 * snapshot.c calls, per attempt: prepare, emit_before, (window: capture), emit_after; and release at the end of each attempt whatever happened.
 * emit_after (and prepare) may return ST_RETRY: the attempt is void (a DDL hit, the lock was given up), start over. Entries go to the stream
 * writer; snapshot.c puts the checkpoint's behind the window, the first of shard 0 unless the engine has put something there in emit_before.
 */
#pragma once

#include "slackwater/applier.h"
#include "slackwater/catalog.h"
#include "slackwater/stream.h"

enum engine_feature {
	ENGINE_TRANSACTIONAL_VIEW = 1 /* rows are read through read views: prepared XA and temporary tables must be waited out */
};

enum ddl_mode { DDL_HOLD, DDL_RETRY };
enum nontransactional { NONTRANSACTIONAL_COPY, NONTRANSACTIONAL_REFUSE, NONTRANSACTIONAL_SKIP };
/* MySQL's JSON values of types that text does not tell (decimals, dates, times, bytes): they become numbers and strings. */
enum json_types { JSON_TYPES_WARN, JSON_TYPES_REFUSE };

struct engine_options {
	unsigned threads;          /* default 4 */
	uint64_t chunk_bytes;      /* default 16 MiB: of SQL text before compression, per entry */
	int zstd_level;            /* default 1 */
	enum ddl_mode ddl;
	int64_t ddl_max_wait_ms;   /* default 60000 */
	enum nontransactional nontransactional;
	enum json_types json_types;
	struct strlist include, exclude; /* "schema" or "schema.table", with * and ? */
	struct strlist tables;     /* from --tables-from-file: exact schema.table, sorted (strlist_sort) */
	bool users;                /* accounts, roles, grants */
	uint64_t max_history;      /* give up when InnoDB's history list is longer; 0 = never */
};

/* Filled while it works; read by snapshot.c for the manifest. */
struct engine_report {
	uint64_t rows, bytes, tables, nontransactional_tables;
	uint64_t largest_statement;
	uint64_t history_max;      /* longest InnoDB history list seen */
	int64_t ddl_wait_ms;       /* longest that a replicated DDL waited for us */
};

struct engine;
struct engine_ops {
	const char *name;
	unsigned features;
	/* Preflight of its own: what cannot be captured without loss is ERR_PREFLIGHT naming it. Touches nothing. */
	enum status (*probe)(struct engine *e, struct run *run, struct error *err);
	enum status (*prepare)(struct engine *e, struct run *run, struct error *err);
	enum status (*emit_before)(struct engine *e, struct stream_writer *w, struct run *run, struct error *err);
	enum status (*capture)(struct engine *e, const struct checkpoint *cp, struct run *run, struct error *err);
	void (*drop)(struct engine *e); /* what capture fixed does not count: locks and snapshots are given up, the sessions stay */
	enum status (*emit_after)(struct engine *e, struct stream_writer *w, struct run *run, struct error *err);
	void (*release)(struct engine *e); /* sessions and locks given up; idempotent */
	void (*report)(const struct engine *e, struct engine_report *ret);
	void (*free)(struct engine *e);
};
struct engine { const struct engine_ops *ops; };

/* o and eo must outlive the engine. */
enum status engine_logical_new(const struct conn_options *o, const struct engine_options *eo, struct engine **ret,
                               struct error *err);
void engine_free(struct engine *e); /* NULL is fine; releases first */

/* ---- reading back: seeding ---- */

struct loader_options {
	unsigned threads;
	/* For a server nobody uses: events of a time zone that it does not know are created in UTC, loadable functions whose library it lacks left out, each
	 * with a warning. */
	bool lenient;
	bool users;
	const struct server_info *server; /* that the snapshot was taken of; borrowed */
	bool keep_redo_log;   /* do not switch InnoDB's redo log off even where it could be */
};

struct loader_report { uint64_t rows, bytes, tables, statements; int64_t elapsed_ms; };

struct loader;
struct loader_ops {
	/* Everything that can be known before a byte is loaded: the snapshot is whole, the target can take it (max_allowed_packet, engines, keys).
	 * That the schemas are absent is for seed/ to see, which may drop them first. ERR_SEED_REFUSED; ERR_SNAPSHOT. */
	enum status (*plan)(struct loader *l, struct conn *target, struct run *run, struct error *err);
	/* Parallel; with sql_log_bin=0 on every session. A warning of the server while loading is an error. ERR_SERVER with a hint how to go on. */
	enum status (*load)(struct loader *l, struct run *run, struct error *err);
	/* Put back what was switched off, whatever happened (redo log, global settings); then verify nothing is left off. */
	enum status (*finish)(struct loader *l, struct run *run, struct error *err);
	/* The schemas that this snapshot would create, once it is planned; borrowed. */
	const struct strlist *(*schemas)(const struct loader *l);
	/* Whether it holds a table, or (table NULL) a schema as a whole, with nothing left out by include, exclude or skip. */
	bool (*holds)(const struct loader *l, const char *schema, const char *table);
	void (*report)(const struct loader *l, struct loader_report *ret);
	void (*free)(struct loader *l);
};
struct loader { const struct loader_ops *ops; };

/* store, m, index and o must outlive the loader. */
enum status loader_logical_new(struct store *store, const struct manifest *m, const struct stream_index *index,
                               const struct conn_options *target, const struct loader_options *o, struct loader **ret,
                               struct error *err);
void loader_free(struct loader *l);

/* ---- one table back ---- */

struct restore_part;
/* What of the snapshot's directory belongs to the tables that o's patterns choose; accounts never do. ERR_USAGE when there are none. */
enum status engine_logical_choose(struct store *store, const struct manifest *m, const struct engine_options *o, struct restore_part *ret,
                                  struct error *err);
