/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session: one connection that holds a snapshot and reads through it, and the metadata locks it took there. Locks are given up one table
 * (of very many: one group of tables) after the other, as they are done, by rolling back to savepoints set before they were touched.
 */
#pragma once

#include "plan.h"

struct session {
	struct conn *c;
	pthread_mutex_t busy; /* held by whoever uses c while others may want to ping it */
	unsigned index;
	bool open;        /* a snapshot is held */
	bool locked;      /* session_touch has begun */
	size_t untouched; /* of its tasks: savepoints are set for those behind */
	bool visiting;    /* session_visit: savepoint sw is set */
};

enum status session_open(struct session *s, unsigned index, const struct conn_options *o, struct run *run, struct error *err);
/* Drop the snapshot and its locks; the session stays. */
enum status session_drop(struct session *s, struct error *err);
enum status session_begin(struct session *s, struct error *err);
/* Take the metadata locks of the session's tasks, the first to be read last; at most `max` of them now. s->untouched are left.
 * After a lock wait timeout it may be called again. */
enum status session_touch(struct session *s, const struct plan *p, size_t max, struct error *err);
/* Open the tables of the plan once, without keeping a lock: the server's caches then have them when it matters. */
enum status session_warm(struct session *s, const struct plan *p, struct error *err);
/* Open the `max` tables that session_touch would come to next on c, which holds no locks. c: CONN_MULTI. */
enum status session_scout(const struct session *s, struct conn *c, const struct plan *p, size_t max, struct error *err);
/* Take the lock of one table alone, until session_release. */
enum status session_visit(struct session *s, const struct task *k, struct error *err);
/* The i-th task of the session is done (all before it are): give its lock up, or those of its group with the last one. */
enum status session_release(struct session *s, const struct plan *p, size_t i, struct error *err);
/* Show the server that we are still there, unless the session is busy, or gone: whoever uses it next will find that out. */
void session_ping(struct session *s);
void session_close(struct session *s);

/* Settings that make what is read complete and exact, for the sessions that read rows (raw: bytes as they are stored) and for the one that reads
 * definitions. */
enum status session_settle(struct conn *c, bool raw, struct error *err);
