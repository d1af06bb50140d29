/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy: tables without MVCC, read whole while the applier is still. What is read waits, compressed, in memory and beyond a bound in an
 * unlinked temporary file, until the window is over.
 */
#pragma once

#include "dump.h"

struct copied;
struct copy {
	struct copied *item;
	size_t n, cap;
	uint64_t in_memory;
	uint64_t tables;
	int fd;              /* of the temporary file, -1 = none yet */
	uint64_t file_size;
	struct insert_totals totals;
};

void copy_init(struct copy *k);
void copy_clear(struct copy *k); /* forget everything; it may be used again */
/* Read every table of inv that needs it, by c: a session in no transaction that reads bytes as they are stored. */
enum status copy_read(struct copy *k, const struct inventory *inv, struct conn *c, uint64_t chunk_bytes, int zstd_level, struct error *err);
/* Hand the entries on, under the names that the plan's tables have, and count them there. inv: the one that p is bound to. */
enum status copy_put(struct copy *k, struct plan *p, const struct inventory *inv, struct stream_writer *w, struct error *err);
