/* SPDX-License-Identifier: Apache-2.0 */
/* whole: reading all of a snapshot, checking every digest on the way: what verify, restore and spool have in common. */
#pragma once

#include "slackwater/stored.h"
#include "stream/sequence.h"
#include "stream/visitor.h"

struct whole {
	struct store *store;
	const struct manifest *manifest;
	struct run *run;
	const char *area; /* of the progress events */
	unsigned threads;
	bool digests_only; /* of the objects; nothing is opened, no visitor is asked for */
	/* The visitor of one thread: `make` gives one for each shard, `end` takes it back, whatever happened. */
	struct visitor *(*make)(void *arg, struct error *err);
	void (*end)(void *arg, struct visitor *v);
	void *arg;
};

/* From a store, shards in parallel. */
enum status whole_read(const struct whole *w, struct verify_report *ret, struct error *err);

/* From a pipe: the stream is read to its end, and its manifest compared with what came. ret_came (may be NULL): free with sequence_free. */
enum status whole_read_stream(struct store_reader *r, struct visitor *v, struct manifest **ret_m, struct verify_report *ret,
                              struct sequence *ret_came, struct error *err);
