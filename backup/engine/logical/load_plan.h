/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load_plan: what there is to load and in which order, from `metadata` and the index. Every entry of the index is accounted for and every
 * file that `metadata` speaks of is there: what would be left out, or is not known, is ERR_SNAPSHOT before anything is loaded.
 */
#pragma once

#include <stdatomic.h>

#include "layout.h"
#include "slackwater/engine.h"

struct load_table {
	const struct layout_table *t;
	const struct stream_index_entry *schema;
	bool sequence;            /* created before the tables, whose defaults may ask it */
	bool referred;            /* another table's foreign key points to it */
	atomic_uint_fast64_t left, rows; /* entries not loaded yet, rows loaded */
	char *tail;               /* of the ALTER that builds its indexes; NULL = none waits */
};

struct load_chunk { struct load_table *table; const struct stream_index_entry *entry; };

struct load_plan {
	struct store *store;
	const struct stream_objects *objects; /* the manifest's */
	const struct stream_index *index;
	struct buf prefix;
	struct layout *layout;
	struct load_table *table; /* one for each of layout->table */
	struct load_chunk *chunk; /* largest table first */
	size_t nchunks;
	struct strlist schemas;   /* real names */
	uint64_t raw_bytes, rows; /* of all chunks */
};

enum status load_plan_build(struct store *store, const struct manifest *m, const struct stream_index *index, struct load_plan *ret,
                            struct error *err);
void load_plan_free(struct load_plan *p);

/* NULL = there is none. */
const struct stream_index_entry *load_plan_entry(const struct load_plan *p, enum layout_file file, const char *stem);
/* The entry's text, checked against its digest, uncompressed. ret: empty; its maximum becomes what the entry may have. Any thread. */
enum status load_plan_read(const struct load_plan *p, const struct stream_index_entry *e, struct buf *ret, struct error *err);
