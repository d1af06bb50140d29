/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object_read: one object of a snapshot from front to back. What comes out is clear text, while the bytes that the store had are counted and
 * summed up: those are what the manifest speaks of.
 */
#pragma once

#include "slackwater/stream.h"

struct object_read {
	struct store_reader counted; /* reads raw, counts and sums up */
	const struct stream_object *object;
	struct buf key;
	struct digest *digest;
	uint64_t stored;             /* bytes that have come from the store */
	struct store_reader *raw, *clear; /* clear reads counted; NULL where the object is not encrypted */
};

/* r must not move. keyring may be NULL while the object is not encrypted. After a failure, too, object_read_close. */
enum status object_read_open(struct object_read *r, struct store *store, const char *prefix, const struct stream_object *o,
                             struct age_keyring *keyring, struct error *err);
/* *ret_n = 0 at the end. */
enum status object_read_next(struct object_read *r, void *data, size_t cap, size_t *ret_n, struct error *err);
/* At the end: size and digest are the manifest's. */
enum status object_read_judge(struct object_read *r, struct error *err);
void object_read_close(struct object_read *r); /* zeroed is fine */

/* All of it, checked, appended to text; more than its maximum is ERR_SNAPSHOT. */
enum status object_read_text(struct store *store, const char *prefix, const struct stream_object *o, struct age_keyring *keyring,
                             struct buf *text, struct error *err);
