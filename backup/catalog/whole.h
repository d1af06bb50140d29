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

struct whole_stream {
	struct store *pipe;
	struct age_keyring *keyring; /* what opens it if it is encrypted; NULL: nobody has given a key */
	struct run *run;
	const char *area;
	struct visitor *visitor;
	struct sink *copy;           /* gets the stream as it is in clear; may be NULL */
};

/*
 * From a pipe: the stream is read to its end, and its manifest compared with what came. Each of ret_m, ret and ret_came (free with sequence_free) may be
 * NULL.
 */
enum status whole_read_stream(const struct whole_stream *w, struct manifest **ret_m, struct verify_report *ret, struct sequence *ret_came,
                              struct error *err);
