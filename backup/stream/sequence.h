/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sequence: a whole snapshot that comes as one tar (layout "pipe"): entries, each part of the index behind the entries it lists, the
 * manifest last. Checks the entries against the index as they pass, with memory for one part of it; what the manifest says is for the
 * caller to compare. Input that ends before the manifest is ERR_SNAPSHOT.
 */
#pragma once

#include "slackwater/stream.h"
#include "stream/visitor.h"

struct sequence {
	struct stream_objects objects; /* the parts of the index and checkpoint.json, as they came */
	struct buf manifest;
	uint64_t entries, data_bytes, raw_bytes, rows; /* index and manifest not counted */
};

/* The visitor sees all entries but index and manifest. *ret is filled on ST_OK; free it with sequence_free. */
enum status sequence_read(struct store_reader *r, struct visitor *v, struct sequence *ret, struct error *err);
void sequence_free(struct sequence *s);
