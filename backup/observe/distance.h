/* SPDX-License-Identifier: Apache-2.0 */
/* distance: how far the applier is behind what was received, and what it has left out on the way. Pure. */
#pragma once

#include "applier/gaps_position.h"
#include "slackwater/observe.h"

/* Transactions that are in received and not in executed. NULL counts as empty. */
enum status distance_gtid(const char *received, const char *executed, int64_t *ret, struct error *err);
/* The same of two MariaDB positions: the differences of sequence numbers, added up. Nothing received = unknown (it is so after a restart). */
enum status distance_mariadb(const char *received, const char *executed, int64_t *ret, struct error *err);
/* Files between two places in the source's binary log, and bytes while they are in one file; OBSERVE_UNKNOWN each. */
void distance_positions(const char *file, uint64_t pos, const char *to_file, uint64_t to_pos, int64_t *ret_files,
                        int64_t *ret_bytes);

/* The gap as rows of slave_worker_info joined with their channel's low-water mark (low_file, low_pos) show it. */
struct distance_bitmaps {
	struct gaps_workers ahead; /* of the low-water mark */
	size_t out_of_frame;
};
enum status distance_bitmaps_add(struct distance_bitmaps *b, const struct rows *r, const char *channel, struct error *err);
/* *ret_count OBSERVE_UNKNOWN and a reason in *ret_text where frames differ: counting then needs the relay log, and a still applier. */
enum status distance_bitmaps_end(const struct distance_bitmaps *b, int64_t *ret_count, char **ret_text, struct error *err);
void distance_bitmaps_free(struct distance_bitmaps *b);
