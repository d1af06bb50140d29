/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan: which session reads which table, decided before any lock is taken, because a session reads only tables whose metadata lock it
 * holds: a replicated DDL that waits for table T makes every new lock on T wait behind it, so a session that came to T later would wait
 * for a DDL that waits for us.
 *
 * A small table belongs to one session; a big one with a key is shared by all. A session reads its own tables first, biggest first, then
 * takes part in the shared ones: so the sessions finish together, however wrong the server's estimates are.
 */
#pragma once

#include <stdatomic.h>

#include "chunk.h"

struct task {
	char *schema, *name;
	uint64_t bytes;        /* estimate */
	bool shared;
	bool rows;             /* there is something to read through the snapshot */
	unsigned owner;        /* session, unless shared */
	const struct table *table; /* bound: in the inventory that counts */
	struct chunker chunker;
	atomic_uint_fast64_t rows_done, bytes_done, files;
	atomic_uint_fast64_t json_lost; /* rows whose JSON holds types that its text does not tell */
};

struct plan {
	struct task *task;
	size_t n;
	/*
	 * Per session the tasks it holds, in the order of reading; locks are taken in the reverse order. They are given up in groups: ends[i] says
	 * that a group ends with the i-th. Groups are of one table each unless there are very many: every savepoint is looked for in the list of
	 * all, so that one for each of 10,000 tables took MySQL 9.7 minutes, under the backup lock [run].
	 */
	struct { struct task **item; bool *ends; size_t n; uint64_t load; } *session;
	unsigned nsessions;
};

/* Most groups of one session. */
enum { PLAN_GROUPS = 256 };

/* names: what there is now; sizes (may be the same): where a table's size and key are looked up. */
enum status plan_build(struct plan *p, const struct inventory *names, const struct inventory *sizes, unsigned nsessions,
                       uint64_t chunk_bytes, struct error *err);
/* Find each task's table in inv, and mark what inv has besides as gone. ST_RETRY: one is not there any more. */
enum status plan_bind(struct plan *p, struct inventory *inv, uint64_t chunk_bytes, struct error *err);
void plan_free(struct plan *p);
