/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gaps_position: gaps as mysql.slave_relay_log_info and mysql.slave_worker_info tell of them (facts/servers 2). Pure: no server.
 *
 * Each worker keeps a bitmap of groups (transactions) in a frame of its own, which starts at the checkpoint it last heard of;
 * bit i, LSB first, is group i of that frame, and Checkpoint_seqno is its own last one. Shifted so that all frames start at the
 * low-water mark, and OR-ed, a zero below the highest one is a group that is missing.
 */
#pragma once

#include "slackwater/conn.h"

struct gaps_at {
	char *file;
	uint64_t pos;
};

struct gaps_worker {
	char *channel;             /* "" for the default one and before 5.7.6 */
	uint64_t id, seqno;
	struct gaps_at last;       /* its last group's end in the source's binary log */
	struct gaps_at checkpoint; /* where its frame starts */
	unsigned char *bitmap;
	size_t bitmap_len;         /* bytes: Checkpoint_group_size */
};

/* One row of slave_worker_info with the bitmap in hexadecimal. *ret must be zeroed; gaps_worker_clear also after failure. */
enum status gaps_worker_parse(const struct rows *r, struct gaps_worker *ret, struct error *err);
void gaps_worker_clear(struct gaps_worker *w);

struct gaps_workers {
	struct gaps_worker *item;
	size_t n, cap;
};
enum status gaps_workers_add(struct gaps_workers *l, const struct rows *r, struct error *err); /* the row as a new one at the end */
void gaps_workers_free(struct gaps_workers *l);

/* Has it applied anything behind the low-water mark? A worker that has not says nothing: its row is left over. */
bool gaps_worker_ahead(const struct gaps_worker *w, const struct gaps_at *lwm);
/* Does its frame start at the low-water mark, so that its group count is known to be seqno + 1? */
bool gaps_worker_in_frame(const struct gaps_worker *w, const struct gaps_at *lwm);

/*
 * Bits of one worker into `done`, where bit 0 is the first group behind the low-water mark. count = how many groups there are from
 * the low-water mark to the worker's last one, that included. ERR_UNEXPECTED when the row contradicts itself or count is beyond
 * what done has room for.
 */
enum status gaps_worker_merge(const struct gaps_worker *w, uint64_t count, unsigned char *done, size_t done_len,
                              struct error *err);

struct gaps_found {
	uint64_t missing; /* zeros below the highest one */
	uint64_t highest; /* number of groups up to and including the highest that was applied; 0 = none */
	char text[256];   /* "group 1, 4-6 of 9 behind the low-water mark"; empty when nothing is missing */
};
void gaps_bitmap_missing(const unsigned char *done, size_t done_len, struct gaps_found *ret);
