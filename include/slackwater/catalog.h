/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog: a snapshot is its manifest. Small, bounded, immutable, written last, put-if-absent; one prefix listing shows the catalogue.
 *
 *   <instance>/manifests/<id>.json   <id>.proof.json   <id>.trial.json   <id>.pin
 *   <instance>/<id>/shard-NNNN.tar   index-NNNN.json   checkpoint.json, or, encrypted, each with ".age" behind
 */
#pragma once

#include "slackwater/checkpoint.h"
#include "slackwater/store.h"
#include "slackwater/stream.h"

#define CATALOG_ID 32 /* "20261120T133701Z-9f3a1c" */

struct manifest {
	unsigned format;          /* 1 */
	char id[CATALOG_ID];
	char *instance;
	char *tool;               /* "slackwater 0.1.0" */
	char *engine;             /* "logical" */
	char *layout;             /* "store", or "pipe" (one tar, the manifest its last entry) */
	char *server_version, *server_flavor, *server_identity, *server_hostname;
	unsigned server_port;
	uint64_t server_id;
	int64_t started_ms, finished_ms, taken_ms;
	int64_t pause_ms, wait_ms, in_flight_ms, ddl_wait_ms;
	uint64_t rows, bytes, bytes_stored, tables;
	uint64_t largest_statement; /* bytes; for the loader's max_allowed_packet */
	uint64_t nontransactional_tables;
	uint64_t history_max;       /* the longest InnoDB history list seen while the read views were open */
	bool partial;             /* include, exclude, skip or no-users: not everything is in it */
	struct strlist partial_why; /* the options that made it so; no table names: those are data */
	bool users;               /* accounts are in it */
	struct stream_objects objects; /* shards, indexes, checkpoint.json: sizes and digests */
	struct strlist encrypted_for; /* "age1...", or "passphrase"; empty: in clear. The objects are encrypted then, and the manifest is sealed: */
	char *seal_key;           /* writing: 64 hexadecimal digits, that checkpoint.json holds too; zeroed on free */
	struct buf sealed;        /* reading: the bytes that seal is the HMAC of */
	char seal[DIGEST_HEX];
	struct strlist warnings, notes; /* not written when it is encrypted: they are in the checkpoint then */
};

void manifest_free(struct manifest *m); /* frees members and m */
/* JSON whose last member is a digest of the rest ("sha256" over the document without it). One that was read and is sealed is written as it was. */
enum status manifest_write(const struct manifest *m, struct buf *out, struct error *err);
/* Damaged, unknown format, digest wrong: ERR_SNAPSHOT. */
enum status manifest_read(const char *text, size_t len, struct manifest **ret, struct error *err);

/* [A-Za-z0-9._-], anything else (and a leading dot) as %XX; never empty. Same name in, same key out, and the name can be had back from it. */
void catalog_instance_key(const char *instance, struct buf *out);
enum status catalog_new_id(int64_t wall_ms, char ret[CATALOG_ID], struct error *err);
/*
 * Put the manifest if absent. Sees first that every object is there with its size: somebody may have tidied up a run that took them very long.
 * On failure *ret_stay says whether the objects have to stay: there is a manifest of this id that is another's, or ours may be there. Otherwise
 * none is visible (one that was written before the failure is removed), and they may be removed.
 */
enum status catalog_publish(struct store *s, const struct manifest *m, bool *ret_stay, struct error *err);
/* The same with a manifest that is written already: text, of which m was read. ret_stay NULL: the objects stay in any case, and nothing is removed. */
enum status catalog_publish_text(struct store *s, const struct manifest *m, const struct buf *text, bool *ret_stay,
                                 struct error *err);

/* Is every object of a manifest in the store, with its size? ERR_STORE names the first that is not. */
enum status catalog_check_objects(struct store *s, const struct manifest *m, struct error *err);

/* size: of the manifest object; what the snapshot holds is in it. tried: there is a later trial, which was no proof (slackwater/proof.h). */
struct catalog_item { char *instance; char id[CATALOG_ID]; uint64_t size; bool pinned, proven, tried; };
struct catalog { struct catalog_item *item; size_t n; };
/* instance NULL = all. Ordered by instance, then id. ERR_USAGE: the store is what a repository has of one instance. */
enum status catalog_list(struct store *s, const char *instance, struct catalog *ret, struct error *err);
void catalog_free(struct catalog *c);
/* id NULL or "latest": the newest. Several instances and none named: ERR_USAGE that lists them (an id that only one of them has needs no
 * instance). None there: ERR_SNAPSHOT. */
enum status catalog_find(struct store *s, const char *instance, const char *id, struct manifest **ret, struct error *err);
/* The manifest of one item of a listing. Gone meanwhile, damaged, or another's: ERR_SNAPSHOT. text (may be NULL): its bytes as they are stored. */
enum status catalog_load(struct store *s, const struct catalog_item *it, struct manifest **ret, struct buf *text, struct error *err);
/* Every manifest of a listing, read by some threads and handed over in order, in the caller's thread. m NULL: damage (ERR_SNAPSHOT) says what is wrong
 * with it. A failure that says nothing about the manifest, or fn's own, ends it and is returned. */
typedef enum status catalog_each_fn(void *arg, size_t i, const struct manifest *m, const struct error *damage, struct error *err);
enum status catalog_each(struct store *s, const struct catalog *c, unsigned threads, catalog_each_fn *fn, void *arg, struct error *err);
/*
 * Remove the objects and proofs of snapshots that have no manifest, never had one or have it no more, when the id and the youngest of its objects
 * are older than age_ms and nobody pinned it. What the store holds (store_held) is counted and left. instance NULL = all.
 */
struct catalog_swept { unsigned removed, held; };
enum status catalog_sweep(struct store *s, const char *instance, int64_t age_ms, struct catalog_swept *ret, struct error *err);
/* For catalog_sweep and for unfinished uploads: no run takes that long, nor does a copy of an old snapshot stand still for so long. */
extern const int64_t catalog_sweep_age_ms;
/* "<instance>/<id>/" of a manifest. */
void catalog_prefix(const struct manifest *m, struct buf *out);
/* Whether its objects are encrypted. */
bool manifest_encrypted(const struct manifest *m);
/* A key for the seal of a new manifest. */
enum status manifest_new_seal_key(struct manifest *m, struct error *err);
/*
 * Of an encrypted snapshot: that the manifest is the one whose seal key its checkpoint holds. m->objects.keyring has to open the checkpoint. ERR_SNAPSHOT:
 * the manifest was altered, or one of its objects belongs to another snapshot. A snapshot in clear has nothing to be checked.
 */
enum status catalog_authenticate(struct store *s, const struct manifest *m, struct error *err);
/* The checkpoint of a stored snapshot, digest checked; of an encrypted one, authenticated too. */
enum status catalog_checkpoint(struct store *s, const struct manifest *m, struct checkpoint **ret, struct error *err);
