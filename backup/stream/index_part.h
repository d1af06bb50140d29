/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index_part: one index object being written. A shard's index is cut into parts of bounded size, each an object (or an entry of a pipe's
 * tar) of its own, so that neither writing nor reading an index of a million entries needs memory for more than one of them.
 */
#pragma once

#include "slackwater/stream.h"

enum { INDEX_PART_BYTES = 2 << 20, INDEX_PART_MAX = INDEX_PART_BYTES + 4096 };

struct index_part {
	struct buf json;
	uint64_t entries;
};

void index_part_init(struct index_part *p);
void index_part_free(struct index_part *p);
void index_part_add(struct index_part *p, unsigned shard, const struct stream_index_entry *e);
bool index_part_full(const struct index_part *p);
/* The finished JSON text is p->json; after use, index_part_free (or clear) and start again. */
enum status index_part_end(struct index_part *p, struct error *err);
void index_part_clear(struct index_part *p);
