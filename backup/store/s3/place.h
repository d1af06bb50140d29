/* SPDX-License-Identifier: Apache-2.0 */
/* place: where a bucket is and what its objects are called there. Pure. */
#pragma once

#include "slackwater/buf.h"
#include "slackwater/store.h"

enum { PLACE_PREFIX_MAX = 512, PLACE_KEY_MAX = 1024 };

struct place {
	char *bucket;
	char *prefix;   /* of every key: "" or ends with a slash */
	char *scheme;   /* "https" */
	char *host;     /* of the endpoint, with its port unless that is the scheme's own; NULL = AWS's, by region */
	bool virtual_host; /* the bucket stands before the host, not in the path */
};

/* "s3://bucket/prefix", taken as it is: nothing in it is percent-encoded. ERR_USAGE. endpoint may be NULL: AWS. */
enum status place_init(struct place *p, const char *url, const char *endpoint, enum s3_style style, struct error *err);
void place_free(struct place *p);
/* The Host header; the path (not encoded) of key, or of the bucket itself for NULL. Keys here have the prefix. */
void place_host(const struct place *p, const char *region, struct buf *out);
void place_path(const struct place *p, const char *key, struct buf *out);
