/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard: the dead-man's switch, inside the server (facts/servers 10).
 *
 * One session holds the lock <run> and does nothing else; per channel another one sends a multi-statement that waits for <run>
 * and then starts the channel, unless <done> is held. If this process dies, or its host is cut off, <run> falls (or the wait
 * times out) and the server starts the channels itself. On success <done> is taken before <run> is let go.
 *
 * One waiting session per channel, because an error in a multi-statement ends all of it: one channel that cannot be started
 * must not keep the others from it.
 */
#pragma once

#include "applier/instance.h"

struct guard;

/* A query: the number of the newest session or thread of the server. */
void guard_newest_sql(struct buf *out, const struct instance *in);

/* Opens the sessions for n channels; nothing is set yet. o, in, names and run must outlive it. */
enum status guard_new(const struct conn_options *o, const struct instance *in, const char *const *names, size_t n,
                      int64_t max_pause_ms, struct run *run, struct guard **ret, struct error *err);
/* Which session (its number in the server) will send channel i's STOP; 0: not known. Before guard_arm. */
void guard_stopper(struct guard *g, size_t i, unsigned long id);
/* Set it for the channels with which[i]; ST_OK only once the server has been seen (on watch) to wait in all of them. */
enum status guard_arm(struct guard *g, struct conn *watch, const bool *which, struct error *err);
/* Armed, but one of the sessions no longer waits, or its time is over: it has begun to start channels, or was lost. */
bool guard_fired(const struct guard *g);
/* Waiting session i has done its work and ended by itself: it has seen channel i started again. */
bool guard_restarted(const struct guard *g, size_t i);
/*
 * While a STOP takes its time: a waiting session that was lost or interrupted is set again under the same lock. Nothing is done once the lock
 * itself has fallen: then the switch is going off. What fails here is tried again at the next call.
 */
void guard_repair(struct guard *g);
/* Whether it could be set at all: locks, PREPARE, several statements in one text. ERR_PREFLIGHT with a hint. Touches nothing. */
enum status guard_probe(const struct conn_options *o, struct run *run, struct error *err);
/* Channels run: let go without a START. Harmless when it fails: a START of a running channel does nothing. */
enum status guard_disarm(struct guard *g, struct conn *watch, struct error *err);
/* Still armed: the switch is left to fire, and waited for. NULL is fine. */
void guard_free(struct guard *g);

struct guard_channel {
	const char *name;
	size_t together;       /* how many channels are guarded at once */
	unsigned long stopper; /* as for guard_stopper */
	uint64_t stops;        /* what the server's count of STOPs is at least once all of ours have come to it; 0: it is not known */
};

/*
 * An expression: has the channel been started since `since` (an expression, too) was the highest number in the process list? The thread's number
 * tells. Where the server does not say which thread belongs to which channel, all `channels` that are asked for together have to be new (MariaDB),
 * or one of any channel has (MySQL 5.7 and before). Pure.
 */
void guard_restarted_sql(struct buf *out, const struct instance *in, const char *channel, size_t channels, const char *since);
/* What one waiting session sends. Pure. */
void guard_statement(struct buf *out, const struct instance *in, const struct guard_channel *ch, const char *run_lock,
                     const char *done_lock, int64_t wait_s);
