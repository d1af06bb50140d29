/* SPDX-License-Identifier: Apache-2.0 */
/* uploads: those that were begun and not completed. */
#include <stdio.h>
#include <string.h>

#include "store/key.h"
#include "store/s3/bucket.h"
#include "store/s3/listing.h"

enum { UPLOADS_ABORT_ROUNDS = 5, UPLOADS_ABORT_PAUSE_MS = 100 };

/* More than one round only where something may have been on its way: the second should find nothing. */
enum status uploads_abort(struct bucket *b, const char *key, bool bare, const char *id, bool again, struct error *err)
{
	enum status st = ST_OK;
	bool gone = false;
	for (int i = 0; !st && !gone && i < UPLOADS_ABORT_ROUNDS; i++) {
		struct client_call call = { .what = "end the upload of", .method = "DELETE", .key = key, .bare = bare, .tidy = true, .also = { 404 } };
		client_query(&call, "uploadId", id);
		if (i)
			st = run_sleep_ms(&b->client.shield, UPLOADS_ABORT_PAUSE_MS, err);
		if (!st)
			st = client_do(&b->client, &call, err);
		gone = !st && (call.a.status == 404 || !again);
		client_done(&call);
	}
	return st;
}

struct uploads {
	struct bucket *b;
	const char *prefix; /* whole */
	int64_t before_ms;  /* server's clock: older ones only */
	bool exact;         /* prefix is a key, and only uploads of that key are meant */
	unsigned removed;
};

static enum status uploads_fetch(struct uploads *u, const char *key, const char *id, struct listing_page *p, struct error *err)
{
	struct client_call call = { .what = "list the unfinished uploads of", .method = "GET", .check = listing_read, .arg = p, .tidy = u->exact };
	/* Without encoding-type: Ceph 16.2 then encodes the keys, but not the markers, and does not say that it does. */
	client_query(&call, "uploads", "");
	if (*u->prefix)
		client_query(&call, "prefix", u->prefix);
	if (*key)
		client_query(&call, "key-marker", key);
	if (*id)
		client_query(&call, "upload-id-marker", id);
	enum status st = client_do(&u->b->client, &call, err);
	client_done(&call);
	return st;
}

/* When the upload last got a part: a backup may well take longer than the age at which an upload is thought dead. 0: it has none. */
static enum status uploads_newest_part(struct bucket *b, const char *key, const char *id, int64_t *ret_ms, struct error *err)
{
	struct listing_page p;
	struct buf marker = BUF_INIT(32);
	enum status st = ST_OK;
	listing_page_init(&p, "ListPartsResult", "Part");
	*ret_ms = 0;
	do {
		struct client_call call = {
			.what = "list the parts of", .method = "GET", .key = key, .bare = true, .check = listing_read, .arg = &p, .also = { 404 },
		};
		client_query(&call, "uploadId", id);
		if (marker.len)
			client_query(&call, "part-number-marker", marker.data);
		st = client_do(&b->client, &call, err);
		bool gone = !st && call.a.status == 404;
		client_done(&call);
		if (st || gone)
			break;
		for (size_t i = 0; i < p.n; i++)
			*ret_ms = p.item[i].ms > *ret_ms ? p.item[i].ms : *ret_ms;
		buf_clear(&marker);
		buf_adds(&marker, buf_str(&p.next));
	} while (p.truncated && !marker.bad);
	listing_page_free(&p);
	buf_free(&marker);
	return st;
}

static enum status uploads_consider(struct uploads *u, const struct listing_page *p, const struct listing_item *it, struct error *err)
{
	const char *key = listing_text(p, it->key), *id = listing_text(p, it->id), *own = key + strlen(u->b->client.place.prefix);
	int64_t newest = 0;
	bool ours = strncmp(key, u->prefix, strlen(u->prefix)) == 0 && (u->exact ? strcmp(key, u->prefix) == 0 : key_valid(own));
	if (!ours || !*id || it->ms > u->before_ms)
		return ST_OK;
	enum status st = u->exact ? ST_OK : uploads_newest_part(u->b, key, id, &newest, err);
	if (st || newest > u->before_ms)
		return st;
	st = uploads_abort(u->b, key, true, id, u->exact, err);
	u->removed += !st;
	return st;
}

/* One page after another is read to its end before anything on it is ended: markers may not outlive what they name. */
static enum status uploads_walk(struct uploads *u, struct error *err)
{
	struct listing_page p;
	struct buf key = BUF_INIT(PLACE_KEY_MAX * 3), id = BUF_INIT(PLACE_KEY_MAX);
	enum status st = ST_OK;
	bool more = true;
	listing_page_init(&p, "ListMultipartUploadsResult", "Upload");
	while (!st && more) {
		st = uploads_fetch(u, buf_str(&key), buf_str(&id), &p, err);
		more = !st && p.truncated;
		buf_clear(&key);
		buf_clear(&id);
		buf_adds(&key, buf_str(&p.next));
		buf_adds(&id, buf_str(&p.next_id));
		for (size_t i = 0; !st && i < p.n; i++)
			st = uploads_consider(u, &p, &p.item[i], err);
	}
	listing_page_free(&p);
	buf_free(&key);
	buf_free(&id);
	return st;
}

enum status uploads_sweep(struct store *s, const char *prefix, int64_t age_ms, unsigned *ret_removed, struct error *err)
{
	struct bucket *b = (struct bucket *)s;
	struct buf whole = BUF_INIT(PLACE_KEY_MAX);
	if (!key_prefix_valid(prefix))
		return error_set(err, ST_FAILED, ERR_STORE, "%.200s cannot begin the key of an object", prefix);
	buf_addf(&whole, "%s%s", b->client.place.prefix, prefix);
	enum status st = buf_check(&whole, "the prefix", err);
	struct uploads u = { .b = b, .prefix = buf_str(&whole), .before_ms = client_wall_ms(&b->client) - age_ms };
	if (!st)
		st = uploads_walk(&u, err);
	if (!st)
		*ret_removed = u.removed;
	buf_free(&whole);
	return st;
}

enum status uploads_abort_key(struct bucket *b, const char *key, struct error *err)
{
	struct buf whole = BUF_INIT(PLACE_KEY_MAX);
	buf_addf(&whole, "%s%s", b->client.place.prefix, key);
	enum status st = buf_check(&whole, "the key", err);
	struct uploads u = { .b = b, .prefix = buf_str(&whole), .before_ms = INT64_MAX, .exact = true };
	if (!st)
		st = uploads_walk(&u, err);
	buf_free(&whole);
	return st;
}
