/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: where bytes go. Takes objects from stream/ and catalog/, must know nothing of what is in them.
 *
 * Keys are relative paths with '/' between segments, [A-Za-z0-9._-] and %XX only, no segment beginning with a dot. An object is visible only
 * once it is committed. Removing, and freeing an uncommitted writer, work after the run was cancelled: that is how a run tidies up. A store is used by many threads at once; a writer or reader by one at a time. Errors are ERR_STORE; a missing object
 * is ERR_SNAPSHOT with sys_errno ENOENT; put with STORE_IF_ABSENT of an existing key is ERR_STORE with sys_errno EEXIST; removing what the store
 * keeps from everybody (Object Lock, a legal hold, an immutable file) is ERR_STORE with sys_errno EPERM, which is not a missing right (EACCES).
 * ST_RETRY means that the same call may succeed later; a wrapper does the retrying, callers treat it as failed.
 */
#pragma once

#include <stdint.h>

#include "slackwater/buf.h"
#include "slackwater/run.h"

enum store_feature {
	STORE_LIST = 1,       /* can list */
	STORE_RANGED = 2,     /* open at an offset */
	STORE_IF_ABSENT = 4,  /* honours put-if-absent */
	STORE_SEQUENTIAL = 8, /* a pipe: exactly one object, written or read once, front to back */
	STORE_LOCAL = 16      /* reading is cheap: verifying everything first costs little */
};

struct store;
struct store_writer;
struct store_reader;

struct store_object { const char *key; uint64_t size; int64_t modified_ms; };
/* Return false to stop the listing early (which is not an error). */
typedef bool store_list_fn(void *arg, const struct store_object *obj);
typedef bool store_folder_fn(void *arg, const char *folder);

struct store_ops {
	unsigned features;
	enum status (*create)(struct store *s, const char *key, struct store_writer **ret, struct error *err);
	enum status (*put)(struct store *s, const char *key, const void *data, size_t len, bool if_absent,
	                   struct error *err);
	/* From offset; len 0 = to the end. Reading past the object's end is a short read, not an error. */
	enum status (*open)(struct store *s, const char *key, uint64_t offset, uint64_t len, struct store_reader **ret,
	                    struct error *err);
	enum status (*stat)(struct store *s, const char *key, uint64_t *ret_size, struct error *err);
	/* Every committed object whose key starts with prefix, in bytewise order of keys. */
	enum status (*list)(struct store *s, const char *prefix, store_list_fn *fn, void *arg, struct error *err);
	/*
	 * What keys that start with prefix have up to the first '/' behind it, that included ("lab/"): each once, in bytewise order, at the cost of
	 * what is told and not of what is below it. The last object of one may just have gone.
	 */
	enum status (*folders)(struct store *s, const char *prefix, store_folder_fn *fn, void *arg, struct error *err);
	enum status (*remove)(struct store *s, const char *key, struct error *err); /* a missing one is fine */
	/* Remove unfinished uploads below prefix that are older than age_ms; *ret_removed counts them. Foreign ones are never touched. */
	enum status (*sweep)(struct store *s, const char *prefix, int64_t age_ms, unsigned *ret_removed, struct error *err);
	void (*free)(struct store *s);
};

struct store { const struct store_ops *ops; struct run *run; };

struct store_writer_ops {
	enum status (*write)(struct store_writer *w, const void *data, size_t len, struct error *err);
	enum status (*commit)(struct store_writer *w, struct error *err); /* durable and visible; then only free */
	void (*free)(struct store_writer *w); /* without commit: abort, nothing is left behind */
};
struct store_writer { const struct store_writer_ops *ops; };

struct store_reader_ops {
	/* *ret_n = 0 at the end. */
	enum status (*read)(struct store_reader *r, void *data, size_t cap, size_t *ret_n, struct error *err);
	void (*free)(struct store_reader *r);
};
struct store_reader { const struct store_reader_ops *ops; };

/* CHANGE: what is there is changed (pins, removals), nothing new is made: a repository that does not exist is an error, as with READ. */
enum store_use { STORE_READ, STORE_WRITE, STORE_CHANGE };

enum s3_style { S3_STYLE_AUTO, S3_STYLE_PATH, S3_STYLE_VIRTUAL_HOST }; /* auto: virtual host on AWS, unless the bucket has a dot */

struct s3_options {
	const char *endpoint;      /* "https://host:port"; NULL: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, or AWS itself */
	const char *region;        /* NULL: AWS_REGION, AWS_DEFAULT_REGION, or us-east-1 */
	enum s3_style style;
	const char *ca;            /* file of authorities; NULL: AWS_CA_BUNDLE, or the system's */
	const char *storage_class; /* NULL: the bucket's */
	const char *sse;           /* who encrypts what is stored: "AES256", "aws:kms", "aws:kms:dsse"; NULL: as the bucket has it */
	const char *sse_key;       /* of the key service; NULL: the account's own */
	const char *object_lock;   /* "governance:30d" or "compliance:12h", from when each object is begun; NULL: as the bucket has it */
	const char *tags;          /* "name=value,name=value"; NULL: none */
	unsigned parallel;         /* parts on their way at once; 0 = 4 */
	uint64_t part_bytes;       /* of the first parts, at least 5 MiB; 0 = 8 MiB */
	bool content_md5;          /* send Content-MD5, as a bucket with Object Lock wants it; a lock of ours does by itself */
	bool unsigned_payload;     /* parts are not summed up before they are sent: TLS alone protects them on their way; https only */
	int64_t stall_ms;          /* a transfer that stands still for so long has failed; 0 = 30 s */
	int64_t retry_ms;          /* a request is tried again for so long from when it first went wrong; 0 = 5 min */
};
struct store_options {
	struct s3_options s3;
	uint64_t upload_limit;     /* bytes per second sent to an object store, 0 = none */
};

/*
 * "file:///dir", a plain path, "s3://bucket/prefix", or "-" (standard output or input). Other schemes are ERR_USAGE. run must outlive the store;
 * options (NULL = the defaults) need not. An object store that is opened for writing is asked once whether it lets us.
 */
enum status store_open(const char *url, enum store_use use, const struct store_options *options, struct run *run, struct store **ret,
                       struct error *err);
/* Whether store_open would understand it; touches nothing. For mistakes that are better reported before a server is asked for anything. */
enum status store_check_url(const char *url, const struct store_options *options, struct error *err);
void store_free(struct store *s); /* NULL is fine */
void store_writer_free(struct store_writer *w);
void store_reader_free(struct store_reader *r);
/* remove has failed because the store itself holds the object, for now or for good: whoever removes many goes on with the next. */
bool store_held(const struct error *err);
/* There is no such object. */
bool store_missing(const struct error *err);
/* Whole object into ret, at most ret->max bytes. */
enum status store_get(struct store *s, const char *key, struct buf *ret, struct error *err);
