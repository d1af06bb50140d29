/* SPDX-License-Identifier: Apache-2.0 */
/*
 * insert: rows in, entries out. Writes multi-row INSERTs of about 1 MiB, compresses them as they are finished, and hands on an entry whenever
 * it holds as much as it may. One per worker thread.
 */
#pragma once

#include "inventory.h"

/* Takes what e owns; e->name is not set yet. Entries of a table come in the order of its rows. */
typedef enum status insert_put_fn(void *arg, const struct table *t, struct stream_entry *e, struct error *err);

struct insert_totals { uint64_t rows, bytes, largest_statement, largest_row; };

struct insert;
/* chunk_bytes: SQL text per entry, exceeded only by a single larger row. */
enum status insert_new(uint64_t chunk_bytes, int zstd_level, insert_put_fn *put, void *arg, struct insert **ret, struct error *err);
void insert_free(struct insert *in);
/* From now on rows are those of t, in the order of insert_columns. */
enum status insert_begin(struct insert *in, const struct table *t, struct error *err);
enum status insert_row(struct insert *in, const char *const *row, const size_t *len, struct error *err);
/* Everything that was given is put. Another insert_begin may follow. */
enum status insert_end(struct insert *in, struct error *err);
const struct insert_totals *insert_totals(const struct insert *in);
void insert_totals_add(struct insert_totals *to, const struct insert_totals *more);

/*
 * Rows since the last call whose JSON holds what its text does not tell: *ret_lost for certain, *ret_ask perhaps (json_types.h).
 */
void insert_take_json(struct insert *in, uint64_t *ret_lost, uint64_t *ret_ask);
uint64_t insert_bytes(const struct insert *in); /* of SQL text since insert_begin, what is not put yet included */

/* The select list that insert_row expects: all columns but the generated ones. */
void insert_columns(const struct table *t, struct buf *b);
