/* SPDX-License-Identifier: Apache-2.0 */
/* dump: the worker threads. Each reads the tables of its session through the session's snapshot and puts their rows into the stream. */
#pragma once

#include "insert.h"
#include "session.h"

struct dump {
	struct session *session;
	unsigned nsessions;
	struct plan *plan;
	struct stream_writer *writer;
	struct run *run;              /* the attempt's: cancelled when one worker fails, so that the others stop */
	uint64_t chunk_bytes;
	int zstd_level;
	enum json_types json_types;
	/* Called when a session comes to a table, before it reads rows; ST_RETRY voids the attempt. May be NULL. */
	enum status (*arrive)(void *arg, struct session *s, const struct task *k, struct error *err);
	void *arrive_arg;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned running;
	enum status st;               /* the first failure */
	struct error err;
	struct insert_totals totals;  /* of finished workers */
};

/* Start the workers; dump_join waits for them. d must stay where it is. */
enum status dump_start(struct dump *d, pthread_t *thread, unsigned *ret_started, struct error *err);
/* Wait at most ms for the end; true when no worker runs any more. */
bool dump_done(struct dump *d, int64_t ms);
enum status dump_join(struct dump *d, pthread_t *thread, unsigned started, struct error *err);
void dump_progress(const struct dump *d, uint64_t *ret_bytes, uint64_t *ret_rows);

/* A table that changed under a snapshot: 1412, 1146, 1054 ... become ST_RETRY; anything else stays what it is. */
enum status dump_ddl_error(enum status st, struct error *err);
/* Put an entry of table t whose number is given. */
enum status dump_put(struct stream_writer *w, const struct table *t, uint64_t number, struct stream_entry *e, struct error *err);
/* Add to *sum the rows, among those put into `in` since the last call, whose JSON loses types; where: the range they came from, "" = all of t. */
enum status dump_json(struct insert *in, const struct table *t, const char *where, struct conn *c, atomic_uint_fast64_t *sum, struct error *err);
/* "SELECT ... FROM `s`.`t`" for insert_row; the caller appends FORCE INDEX and WHERE. */
void dump_select(const struct table *t, struct buf *b);
