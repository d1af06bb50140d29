/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot: the story of a backup, from preflight to the manifest. Start reading in backup/snapshot.c. */
#pragma once

#include "slackwater/applier.h"
#include "slackwater/catalog.h"
#include "slackwater/engine.h"

struct snapshot_options {
	struct conn_options server;
	struct window_options window;
	struct engine_options engine;
	const char *to;        /* URL of the repository, or "-" */
	const char *instance;  /* NULL: host_port */
	unsigned shards;       /* 0 = as many as threads, at most 4 */
};

/* Take a snapshot. On ST_OK *ret_manifest and *ret_cp are the caller's. On failure nothing is left that could be taken for a snapshot, and
 * the applier is as it was found. */
enum status snapshot_take(const struct snapshot_options *o, struct run *run, struct manifest **ret_manifest,
                          struct checkpoint **ret_cp, struct error *err);

/* Check every digest of a stored snapshot (m from catalog_find). With a pipe as store: read it through. ERR_SNAPSHOT names what is wrong. */
struct verify_report { uint64_t objects, bytes, entries; };
enum status snapshot_verify(struct store *s, const struct manifest *m, unsigned threads, struct run *run,
                            struct verify_report *ret, struct error *err);
/* Unpack into dir (created, must be empty or absent): the mydumper-layout directory. Verified first; a damaged snapshot leaves nothing. */
enum status snapshot_restore(struct store *s, const struct manifest *m, const char *dir, unsigned threads, struct run *run,
                             struct error *err);
/* The same for a stream from a pipe: everything is unpacked to dir.part and renamed when the manifest was there and agrees. ret_m may be NULL. */
enum status snapshot_unpack_stream(struct store *pipe, const char *dir, struct run *run, struct manifest **ret_m,
                                   struct error *err);
/* Read a stream through and check it, writing nothing. */
enum status snapshot_verify_stream(struct store *pipe, struct run *run, struct manifest **ret_m, struct verify_report *ret,
                                   struct error *err);
/* Turn a stream into a repository under dir, so that it can be read in any order (seed --from -). */
enum status snapshot_spool_stream(struct store *pipe, const char *dir, struct run *run, struct error *err);
