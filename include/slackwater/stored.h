/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stored: what can be done with a snapshot as a whole once it is stored, or comes out of a pipe: check it, unpack it, turn a stream into a
 * repository. Knows nothing of servers.
 */
#pragma once

#include "slackwater/catalog.h"

/*
 * Check every digest of a stored snapshot (m from catalog_find). With a pipe as store: read it through. ERR_SNAPSHOT names what is wrong. An
 * encrypted one: with m->objects.keyring everything inside is checked as well, and the manifest's seal; without, the objects' digests only
 * (digests_only; entries stays 0).
 */
struct verify_report { uint64_t objects, bytes, entries; bool digests_only; };
enum status snapshot_verify(struct store *s, const struct manifest *m, unsigned threads, struct run *run,
                            struct verify_report *ret, struct error *err);
/* Unpack into dir (absent, or empty): the mydumper-layout directory. Checked while it is unpacked beside the place; a damaged snapshot leaves nothing.
 * Something in the way is ERR_USAGE. */
enum status snapshot_restore(struct store *s, const struct manifest *m, const char *dir, unsigned threads, struct run *run,
                             struct error *err);
/* Some of its tables: see engine_logical_choose. Free with restore_part_free; one that is all zeroes may be freed. */
struct restore_part {
	struct strlist leave;            /* files that are not written, sorted */
	struct buf metadata;             /* written in the place of the snapshot's own */
	uint64_t tables, rows, left_out; /* what is there then; tables and views that are not */
};
void restore_part_free(struct restore_part *p);
/* The same of a part. All is read and checked as ever. */
enum status snapshot_restore_part(struct store *s, const struct manifest *m, const struct restore_part *part, const char *dir,
                                  unsigned threads, struct run *run, struct error *err);
/*
 * The same for a stream from a pipe: everything is unpacked to dir.part and renamed when the manifest was there and agrees. ret_m may be NULL.
 * keyring, here and below: what opens the stream if it is encrypted; NULL: ERR_USAGE if it is.
 */
enum status snapshot_unpack_stream(struct store *pipe, struct age_keyring *keyring, const char *dir, struct run *run,
                                   struct manifest **ret_m, struct error *err);
/* Read a stream through and check it, writing nothing. */
enum status snapshot_verify_stream(struct store *pipe, struct age_keyring *keyring, struct run *run, struct manifest **ret_m,
                                   struct verify_report *ret, struct error *err);
/*
 * Copy a snapshot into another repository, its manifest last and byte for byte. Each object's digest is checked on the way, before it becomes visible;
 * those that an earlier copy brought are read there and not sent again, and one that is there whole costs a look only. The proof goes with it, the pin
 * does not. Where a trial at the destination was no proof, everything is read there, what is damaged comes again, and no proof is brought.
 * Another snapshot of that id is there: ERR_STORE with sys_errno EEXIST. A source that is damaged: ERR_SNAPSHOT, and no manifest.
 */
struct copy_report { uint64_t objects, bytes; bool was_there; }; /* what was sent */
enum status snapshot_copy(struct store *from, struct store *to, const struct catalog_item *it, unsigned threads, struct run *run,
                          struct copy_report *ret, struct error *err);
/* Turn a stream into a repository under dir, so that it can be read in any order (seed --from -). */
enum status snapshot_spool_stream(struct store *pipe, struct age_keyring *keyring, const char *dir, struct run *run, struct error *err);
