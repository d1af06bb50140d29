/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shard_read: one shard from front to back, its entries found by the index, every digest checked on the way. Needs memory for one block,
 * whatever the size of an entry.
 */
#pragma once

#include <stdatomic.h>

#include "slackwater/stream.h"
#include "stream/visitor.h"

struct shard_read {
	struct store *store;
	const char *prefix;
	const struct stream_object *object;
	struct age_keyring *keyring;            /* may be NULL while the shard is not encrypted */
	const struct stream_index_entry *entry; /* of this shard, in the order of their offsets */
	size_t n;
	struct visitor *visitor;
	const atomic_bool *stop;                /* somebody else has failed: give up (ERR_INTERRUPTED) */
	void (*progress)(void *arg, uint64_t bytes);
	void *arg;
};

enum status shard_read(const struct shard_read *what, struct error *err);
