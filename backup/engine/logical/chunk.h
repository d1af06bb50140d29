/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chunk: cuts one table into ranges of its key, handed out one at a time to whichever session asks. Thread-safe; the session that
 * asks may run a cheap query of its own on the way. Nothing is kept per row or per range.
 *
 *   one integer column   ranges of values whose width follows what earlier ranges held; each is read with a LIMIT, and what a range holds
 *                        beyond it is given back, so that no estimate can make a range long. A gap costs one index lookup.
 *   any other key        the boundary of the next range is the key n rows further on in the index
 *   no key               everything at once
 */
#pragma once

#include <pthread.h>

#include "inventory.h"

struct chunk_range {
	struct buf where;   /* " FORCE INDEX (...) WHERE ... ORDER BY ... LIMIT n", or empty */
	bool integer;
	uint64_t lo, hi;    /* biased, inclusive */
	uint64_t limit;     /* rows, 0 = none */
	unsigned column;    /* of the select list: where the integer key is */
};

struct chunker {
	pthread_mutex_t lock;
	const struct table *t;
	uint64_t chunk_bytes;
	bool started, done, whole;
	bool integer;
	uint64_t next, max, step;       /* integers: biased */
	bool lowest, sparse;
	struct { uint64_t lo, hi; } *back; /* given back, at most one per session */
	size_t nback, capback;
	unsigned column;
	struct buf after;               /* keyset: the key reached, as literals, NUL-separated; empty at the start */
	double row_bytes;               /* of SQL text, measured so far */
};

void chunk_init(struct chunker *k, const struct table *t, uint64_t chunk_bytes, bool whole);
void chunk_destroy(struct chunker *k);
/* *ret_more false: nothing is left. ret->where is cleared and filled; its maximum is the caller's. */
enum status chunk_next(struct chunker *k, struct conn *c, struct chunk_range *ret, bool *ret_more, struct error *err);
/* What a range held. last: the integer key of the last row as text (borrowed), NULL when there was none. */
enum status chunk_report(struct chunker *k, const struct chunk_range *r, uint64_t rows, uint64_t bytes, const char *last,
                         struct error *err);

/* Order-preserving mapping of BIGINT (signed or not) to uint64_t, and back to text. */
uint64_t chunk_bias(const char *text, bool is_unsigned);
void chunk_unbias(uint64_t biased, bool is_unsigned, struct buf *b);
/* (k1, k2, ...) > or <= (literal 1, literal 2, ...), so that an index range serves it. lit: nkeycols literals, NUL-separated. */
void chunk_after(const struct table *t, const char *lit, struct buf *b);
void chunk_upto(const struct table *t, const char *lit, struct buf *b);
