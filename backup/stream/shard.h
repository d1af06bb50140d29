/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shard: one tar and the thread that writes it. Takes entries from its queue, sums them up, packs them, indexes them; cuts the index
 * into parts and puts those into the store, or, when the store is sequential, into the tar itself.
 */
#pragma once

#include "stream/budget.h"
#include "stream/chain.h"
#include "stream/index_part.h"
#include "stream/tar.h"

/* What all shards of one writer share. */
struct shard_common {
	struct store *store;
	struct run *run;
	char *prefix;
	bool sequential;
	const struct age_recipients *recipients; /* NULL: in clear */
	int64_t mtime_s;
	struct budget budget;
	_Atomic uint64_t stored;
	atomic_uint next_index;         /* for further parts of indexes; starts at the number of shards */
	pthread_mutex_t lock;           /* of everything below, and of the shards' queues */
	struct stream_objects indexes;  /* committed, in no order */
	struct error failure;           /* the first; status 0 while there is none */
	atomic_bool failed;
};

struct shard_item;

struct shard {
	struct shard_common *common;
	unsigned number;
	pthread_t thread;
	bool started;
	pthread_cond_t wake;
	struct shard_item *first, **last;
	uint64_t queued, given; /* bytes waiting or being written; bytes ever put */
	bool closed;            /* no entry follows */
	/* the thread's own until it has ended */
	struct chain chain;
	struct tar *tar;
	struct index_part part;
	unsigned parts;         /* of its index, begun so far */
	struct stream_object object;
	bool committed;
};

void shard_init(struct shard *s, struct shard_common *common, unsigned number);
/* Hand over e, whose bytes have been taken from the budget. Takes what e owns. */
enum status shard_put(struct shard *s, struct stream_entry *e, uint64_t bytes, struct error *err);
void shard_close(struct shard *s); /* no more entries: finish what is queued and end */
void shard_join(struct shard *s);
/* Sequential, after the join: a last entry and the end of the tar. */
enum status shard_last(struct shard *s, const char *name, const struct buf *data, struct error *err);
void shard_free(struct shard *s); /* what was not committed is aborted */

/* Remember the first failure, and let everybody who waits go. */
void shard_common_fail(struct shard_common *c, const struct error *err);
enum status shard_common_check(struct shard_common *c, struct error *err);
