/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot_parts: the steps of snapshot.c that are bookkeeping. Shared by snapshot.c and snapshot_parts.c only. */
#pragma once

#include "slackwater/claim.h"
#include "slackwater/jsonx.h"
#include "slackwater/snapshot.h"

struct snapshot {
	const struct snapshot_options *o;
	struct event_recorder recorder; /* in front of the agent's sink for as long as the backup lasts */
	struct window_options window;
	struct preflight *preflight;
	struct claim *claim;
	struct store *store;
	struct run store_run;           /* a child: what is being written to a pipe is given up with the attempt */
	bool sequential;                /* the store is a pipe */
	unsigned shards;
	struct engine *engine;
	struct stream_writer *writer;
	struct manifest *manifest;
	struct checkpoint *checkpoint;
	struct buf prefix;              /* "<instance>/<id>/" */
	bool keep;                      /* not published as far as we know, but a manifest may be visible: nothing is removed */
	int64_t started_ms;
};

void snapshot_begin(struct snapshot *s, struct run *run);
/* Rights, versions, engines: everything that can be refused before anything is touched. */
enum status snapshot_preflight(struct snapshot *s, struct run *run, struct error *err);
/* One run per instance, from here to the end. */
enum status snapshot_claim(struct snapshot *s, struct run *run, struct error *err);
/* Open the repository, remove what dead runs left there, choose the id. */
enum status snapshot_open(struct snapshot *s, struct run *run, struct error *err);
/* checkpoint.json, the first entry of shard 0. */
enum status snapshot_put_checkpoint(struct snapshot *s, struct error *err);
void snapshot_drop_attempt(struct snapshot *s);
/* Fill in the manifest from the checkpoint, the engine's report and the warnings; put checkpoint.json as an object. */
enum status snapshot_describe(struct snapshot *s, struct run *run, struct error *err);
enum status snapshot_publish(struct snapshot *s, struct error *err);
/* Free everything; what is not published is removed from the store. */
void snapshot_end(struct snapshot *s, struct run *run);
