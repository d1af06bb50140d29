/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream: takes finished entries from the engine's workers, packs them into K pax tar shards in parallel, and hands the shards'
 * bytes through a chain of sinks (digest, ...) to the store. Must never hold more than its bounds in memory and never look into an entry.
 *
 * Writing: each shard has a thread of its own (libarchive -> sinks -> store). put() blocks while the queues are full (back-pressure); nobody holds a
 * server's result set half-read just because a store is slow beyond what the session's timeouts allow.
 * Reading: by the index (one entry = one ranged get, in any order, from many threads) or sequentially over a whole tar (pipe).
 */
#pragma once

#include <stdint.h>

#include "slackwater/age.h"
#include "slackwater/digest.h"
#include "slackwater/store.h"

/* One file inside a shard. Names are ASCII, made by the engine. */
struct stream_entry {
	char *name;        /* owned */
	struct buf data;   /* owned; stored as it is (already compressed where the name ends in .zst) */
	uint64_t raw_bytes; /* before compression */
	uint64_t rows;
};
void stream_entry_free(struct stream_entry *e); /* frees what it owns and zeroes it */

/* What was written where; also one line of the manifest. */
struct stream_object {
	/* Below the snapshot's prefix: "shard-0000.tar", "index-0000.json", "checkpoint.json". A shard's index comes in parts of some MiB, so that
	 * memory stays bounded: index-NNNN is the first of shard-NNNN, further ones have numbers beyond; each says which shard it is about.
	 * Encrypted, their names end in ".age". */
	char key[64];
	uint64_t size; /* in the store, as the digest */
	char sha256[DIGEST_HEX];
	uint64_t entries, raw_bytes, rows; /* shards only */
};
struct stream_objects {
	struct stream_object *item;
	size_t n;
	struct age_keyring *keyring; /* what opens those that are encrypted; borrowed; NULL: nobody has given a key */
};
void stream_objects_free(struct stream_objects *o);

struct stream_options {
	unsigned shards;      /* >= 1; a sequential store has 1 */
	uint64_t queue_bytes; /* bound of all entries queued, 0 = 64 MiB; one entry larger than that passes alone */
	const struct age_recipients *recipients; /* encrypt for them; must outlive the writer. NULL: in clear */
};

struct stream_writer;

/* prefix = "<instance>/<id>/". Nothing is created before the first entry. run: cancelling makes put fail. */
enum status stream_writer_open(struct store *store, const char *prefix, const struct stream_options *o, struct run *run,
                               struct stream_writer **ret, struct error *err);
/* Takes what e owns in every case and leaves *e zeroed. shard < 0: whichever is least loaded; 0 for what must come first. Entries of one
 * shard keep the order in which they were put. Any thread. Fails with the first failure of any shard. */
enum status stream_writer_put(struct stream_writer *w, int shard, struct stream_entry *e, struct error *err);
/* A text that is an entry as it stands. Takes what it holds once it is put together without fault. */
enum status stream_writer_put_text(struct stream_writer *w, int shard, const char *name, struct buf *text, struct error *err);
/* From now on cancelling run, too, makes put fail, for good; until stream_writer_heed(w, NULL). Not while another thread is in put. */
void stream_writer_heed(struct stream_writer *w, struct run *run);
uint64_t stream_writer_stored(const struct stream_writer *w); /* bytes given to the store so far */
/*
 * Close the shards, write their index objects, and list every object in ret (checkpoint.json excluded: the caller puts it with
 * store->ops->put). On a sequential store the tar stays open for stream_writer_last, and ret holds the index with its digest.
 */
enum status stream_writer_finish(struct stream_writer *w, struct stream_objects *ret, struct error *err);
/* Sequential stores: add the manifest as the last entry and end the tar. */
enum status stream_writer_last(struct stream_writer *w, const char *name, const struct buf *data, struct error *err);
/* Without finish: abort, and committed shards of this prefix are removed. After a finish that succeeded the objects stay: whoever publishes
 * removes them when publishing fails. */
void stream_writer_free(struct stream_writer *w);

/* Compression, in the worker: frames a text into out. */
struct stream_zstd;
enum status stream_zstd_new(int level, struct stream_zstd **ret, struct error *err);
enum status stream_zstd_add(struct stream_zstd *z, const void *data, size_t len, struct buf *out, struct error *err);
enum status stream_zstd_end(struct stream_zstd *z, struct buf *out, struct error *err); /* frame complete; z can start another */
void stream_zstd_free(struct stream_zstd *z);
/* Whole frame(s) at once. Damaged input is ERR_SNAPSHOT; more than ret->max bytes as well. */
enum status stream_unzstd(const void *data, size_t len, struct buf *ret, struct error *err);

/* Reading back. */
struct stream_index_entry {
	char *name;
	unsigned shard;
	uint64_t offset, size; /* of the entry's data inside the shard object */
	uint64_t raw_bytes, rows;
	char sha256[DIGEST_HEX];
};
struct stream_index {
	struct stream_index_entry *item; /* in the order shard, offset */
	size_t n, cap;
	struct stream_index_entry **by_name; /* for stream_index_find */
};
void stream_index_free(struct stream_index *ix);
/* Read every index object named in objects, checking its digest, in the order shard, position. A name that comes twice is ERR_SNAPSHOT. */
enum status stream_index_read(struct store *store, const char *prefix, const struct stream_objects *objects,
                              struct stream_index *ret, struct error *err);
/* NULL = there is none of that name. */
const struct stream_index_entry *stream_index_find(const struct stream_index *ix, const char *name);
/* One entry by ranged get, digest checked before it is returned (ERR_SNAPSHOT names the entry). objects: the manifest's. Any thread. */
enum status stream_entry_read(struct store *store, const char *prefix, const struct stream_objects *objects,
                              const struct stream_index_entry *e, struct buf *ret, struct error *err);
/* Read an object to its end and compare size and digest. progress (may be NULL) is called with the bytes read by each step. */
enum status stream_object_verify(struct store *store, const char *prefix, const struct stream_object *o,
                                 void (*progress)(void *arg, uint64_t bytes), void *arg, struct error *err);
