/* SPDX-License-Identifier: Apache-2.0 */
/* listing: reading listings page by page; a page that is not whole is asked for again, and never half used. */
#pragma once

#include "store/s3/bucket.h"

struct listing_item {
	size_t key, id; /* offsets in text */
	uint64_t size;
	int64_t ms;     /* last modified, or initiated */
};

struct listing_page {
	const char *root, *item_path; /* "ListBucketResult", "Contents"; of "CommonPrefixes" the key is the prefix */
	struct buf text;
	struct listing_item *item, now;
	size_t n, cap;
	bool truncated, url_encoded, whole, oom;
	struct buf next, next_id; /* where the following page begins */
};

void listing_page_init(struct listing_page *p, const char *root, const char *item_path);
void listing_page_free(struct listing_page *p);
/* A client_call's check, with a page as its arg. */
enum status listing_read(struct client_call *call, struct error *err);
/* The text at an offset, decoded in place where the answer says that it is encoded. */
const char *listing_text(const struct listing_page *p, size_t offset);
