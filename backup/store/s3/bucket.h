/* SPDX-License-Identifier: Apache-2.0 */
/* bucket: an S3 store from the inside: what its parts share. */
#pragma once

#include "store/s3/client.h"
#include "store/s3/marks.h"
#include "store/s3/workers.h"

enum { BUCKET_SPARE = 16 };

struct bucket {
	struct store base;
	struct store_ops ops; /* its features are this store's */
	struct client client;
	struct workers workers;
	struct marks marks;
	uint64_t part_bytes;
	unsigned parallel;
	bool content_md5;
	atomic_bool no_if_absent; /* it answered 501 */
	atomic_bool lock_asked, no_locks; /* whether the bucket has Object Lock; only a clear no is one */
	pthread_mutex_t lock;     /* of all below, of the parts of uploads and the pieces of readers */
	pthread_cond_t changed;
	unsigned sending, ahead; /* parts handed over to be sent; pieces fetched before they are asked for */
	uint64_t sending_bytes;
	char *spare[BUCKET_SPARE]; /* buffers of part_bytes */
	unsigned nspare;
};

/* Of one part. Only those of the first size are kept for the next. */
char *bucket_buffer(struct bucket *b, uint64_t size);
void bucket_give_back(struct bucket *b, char *buffer, uint64_t size);
/* The size of part n = 1, 2 ... of a stream whose end is not known; grows so that 10,000 parts are terabytes. Pure. */
uint64_t bucket_part_size(uint64_t first, unsigned n);

enum status bucket_check_key(const char *key, struct error *err);
/* A whole object at once. writer: a name for who wrote it, in its metadata; may be NULL. */
enum status bucket_put(struct bucket *b, const char *key, const void *data, size_t len, const char *writer, bool *ret_ambiguous,
                       struct error *err);
enum status bucket_put_absent(struct bucket *b, const char *key, const void *data, size_t len, struct error *err);
/* Asks whether the store honours put-if-absent, and with that whether it is there at all; leaves nothing behind. */
enum status bucket_probe(struct bucket *b, struct error *err);
/* tidy: whether or not the run was cancelled. ret_writer may be NULL, else HTTP_WORD bytes. */
enum status bucket_head(struct bucket *b, const char *key, bool tidy, uint64_t *ret_size, char *ret_writer, struct error *err);
enum status bucket_delete(struct bucket *b, const char *key, struct error *err);
/* Whether the bucket is known to have no Object Lock; asks once. */
bool bucket_without_locks(struct bucket *b);
/* Of an object that was written in parts with a lock: that it has it. Ceph 16.2 drops what the beginning of an upload says about it: then the lock is put. */
enum status bucket_confirm_lock(struct bucket *b, const char *key, const char *until, struct error *err);
/* Unless it is locked: then store_held is true of the error. Without a look, a bucket with Object Lock would hide the object and keep its bytes. */
enum status bucket_remove(struct bucket *b, const char *key, struct error *err);

/* upload.c, download.c, listing.c: the slots of the store that are more than a request. */
enum status upload_create(struct store *s, const char *key, struct store_writer **ret, struct error *err);
enum status download_open(struct store *s, const char *key, uint64_t offset, uint64_t len, struct store_reader **ret,
                          struct error *err);
enum status listing_list(struct store *s, const char *prefix, store_list_fn *fn, void *arg, struct error *err);
enum status listing_folders(struct store *s, const char *prefix, store_folder_fn *fn, void *arg, struct error *err);
enum status uploads_sweep(struct store *s, const char *prefix, int64_t age_ms, unsigned *ret_removed, struct error *err);
/* End every unfinished upload of exactly this key: nobody else's, as the key is its writer's own. */
enum status uploads_abort_key(struct bucket *b, const char *key, struct error *err);
/* Until the store has forgotten it: parts that were on their way may arrive after the first attempt. bare: as client_call has it. */
enum status uploads_abort(struct bucket *b, const char *key, bool bare, const char *id, bool again, struct error *err);
