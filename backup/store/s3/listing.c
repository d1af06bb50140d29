/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3/listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slackwater/array.h"
#include "slackwater/hex.h"
#include "store/key.h"
#include "store/s3/xml.h"

enum { LISTING_TEXT_MAX = 8 << 20, LISTING_TOKEN_MAX = 8192 };

void listing_page_init(struct listing_page *p, const char *root, const char *item_path)
{
	*p = (struct listing_page){
		.root = root, .item_path = item_path, .text = BUF_INIT(LISTING_TEXT_MAX), .next = BUF_INIT(LISTING_TOKEN_MAX),
		.next_id = BUF_INIT(LISTING_TOKEN_MAX),
	};
}

void listing_page_free(struct listing_page *p)
{
	free(p->item);
	buf_free(&p->text);
	buf_free(&p->next);
	buf_free(&p->next_id);
	p->item = NULL;
	p->n = p->cap = 0;
}

/* encoding-type=url is that of a form: a blank may come as a plus. A NUL can be in no key. */
static void listing_decode(char *text)
{
	char *to = text;
	for (const char *p = text; *p; p++) {
		int byte = hex_percent(p);
		if (byte > 0) {
			*to++ = (char)byte;
			p += 2;
		} else {
			*to++ = *p == '+' ? ' ' : *p;
		}
	}
	*to = '\0';
}

static size_t listing_keep(struct listing_page *p, const char *text)
{
	size_t at = p->text.len;
	buf_add(&p->text, text, strlen(text) + 1);
	return at;
}

static bool listing_push(struct listing_page *p)
{
	struct listing_item *grown = array_room(p->item, p->n, &p->cap, sizeof *grown);
	p->oom = !grown;
	if (!grown)
		return false;
	p->item = grown;
	p->item[p->n++] = p->now;
	p->now = (struct listing_item){ .key = 0 };
	return true;
}

static bool listing_on_item(struct listing_page *p, const char *name, const char *text)
{
	if (!*name)
		return listing_push(p);
	if (strcmp(name, "/Key") == 0 || strcmp(name, "/Prefix") == 0)
		p->now.key = listing_keep(p, text);
	else if (strcmp(name, "/UploadId") == 0)
		p->now.id = listing_keep(p, text);
	else if (strcmp(name, "/Size") == 0)
		p->now.size = strtoull(text, NULL, 10);
	else if (strcmp(name, "/LastModified") == 0 || strcmp(name, "/Initiated") == 0)
		p->now.ms = xml_time(text);
	return !p->text.bad;
}

static bool listing_on_element(void *arg, const char *path, const char *text)
{
	struct listing_page *p = arg;
	size_t root = strlen(p->root), item = strlen(p->item_path);
	if (strncmp(path, p->root, root) != 0 || (path[root] && path[root] != '/'))
		return true;
	if (!path[root]) {
		p->whole = true;
		return true;
	}
	const char *name = path + root + 1;
	if (strncmp(name, p->item_path, item) == 0 && (!name[item] || name[item] == '/'))
		return listing_on_item(p, name + item, text);
	if (strcmp(name, "IsTruncated") == 0)
		p->truncated = strcmp(text, "true") == 0;
	else if (strcmp(name, "EncodingType") == 0)
		p->url_encoded = strcmp(text, "url") == 0;
	else if (strcmp(name, "NextContinuationToken") == 0 || strcmp(name, "NextKeyMarker") == 0 || strcmp(name, "NextPartNumberMarker") == 0)
		buf_adds(&p->next, text);
	else if (strcmp(name, "NextUploadIdMarker") == 0)
		buf_adds(&p->next_id, text);
	return true;
}

enum status listing_read(struct client_call *call, struct error *err)
{
	struct listing_page *p = call->arg;
	p->n = 0;
	p->truncated = p->url_encoded = p->whole = p->oom = false;
	p->now = (struct listing_item){ .key = 0 };
	buf_clear(&p->text);
	buf_clear(&p->next);
	buf_clear(&p->next_id);
	buf_addc(&p->text, '\0'); /* offset 0: what an item does not have */
	enum status st = xml_read(buf_str(&call->a.body), call->a.body.len, listing_on_element, p, err);
	if (p->oom)
		return error_oom(err);
	if (!st && !p->whole)
		st = error_set(err, ST_RETRY, ERR_STORE, "the store's answer is no %s", p->root);
	if (!st && p->truncated && !p->next.len)
		st = error_set(err, ST_RETRY, ERR_STORE, "the store's listing breaks off without saying where it goes on");
	for (size_t i = 0; !st && p->url_encoded && i < p->n; i++)
		listing_decode(p->text.data + p->item[i].key);
	return st;
}

const char *listing_text(const struct listing_page *p, size_t offset)
{
	return p->text.data + offset;
}

struct listing {
	struct bucket *b;
	store_list_fn *fn;
	store_folder_fn *folder; /* NULL: objects are wanted */
	void *arg;
	struct buf prefix; /* whole */
	bool stopped;
};

/* Objects that no key of ours can have are somebody else's. */
static void listing_tell(struct listing *l, const struct listing_page *p)
{
	size_t skip = strlen(l->b->client.place.prefix);
	for (size_t i = 0; i < p->n && !l->stopped; i++) {
		const char *key = listing_text(p, p->item[i].key);
		if (strncmp(key, buf_str(&l->prefix), l->prefix.len) != 0 || !(l->folder ? key_prefix_valid(key + skip) : key_valid(key + skip)))
			continue;
		const struct store_object o = { .key = key + skip, .size = p->item[i].size, .modified_ms = p->item[i].ms };
		l->stopped = run_cancelled(l->b->base.run) || !(l->folder ? l->folder(l->arg, o.key) : l->fn(l->arg, &o));
	}
}

static enum status listing_fetch(struct listing *l, const char *token, struct listing_page *p, struct error *err)
{
	struct client_call call = { .what = "list", .method = "GET", .check = listing_read, .arg = p };
	client_query(&call, "list-type", "2");
	client_query(&call, "encoding-type", "url");
	if (l->folder)
		client_query(&call, "delimiter", "/");
	if (l->prefix.len)
		client_query(&call, "prefix", l->prefix.data);
	if (*token)
		client_query(&call, "continuation-token", token);
	enum status st = client_do(&l->b->client, &call, err);
	client_done(&call);
	return st;
}

static enum status listing_walk(struct listing *l, const char *prefix, struct error *err)
{
	struct buf token = BUF_INIT(LISTING_TOKEN_MAX);
	struct listing_page p;
	if (!key_prefix_valid(prefix))
		return error_set(err, ST_FAILED, ERR_STORE, "%.200s cannot begin the key of an object", prefix);
	listing_page_init(&p, "ListBucketResult", l->folder ? "CommonPrefixes" : "Contents");
	l->prefix = BUF_INIT(PLACE_KEY_MAX);
	buf_addf(&l->prefix, "%s%s", l->b->client.place.prefix, prefix);
	enum status st = buf_check(&l->prefix, "the prefix", err);
	do {
		if (!st)
			st = listing_fetch(l, buf_str(&token), &p, err);
		if (!st && p.truncated && strcmp(buf_str(&token), p.next.data) == 0)
			st = error_set(err, ST_FAILED, ERR_STORE, "the store's listing goes round in a circle");
		if (!st)
			listing_tell(l, &p);
		buf_clear(&token);
		buf_adds(&token, buf_str(&p.next));
	} while (!st && p.truncated && !l->stopped);
	listing_page_free(&p);
	buf_free(&l->prefix);
	buf_free(&token);
	return st ? st : run_check(l->b->base.run, err);
}

enum status listing_list(struct store *s, const char *prefix, store_list_fn *fn, void *arg, struct error *err)
{
	struct listing l = { .b = (struct bucket *)s, .fn = fn, .arg = arg };
	return listing_walk(&l, prefix, err);
}

enum status listing_folders(struct store *s, const char *prefix, store_folder_fn *fn, void *arg, struct error *err)
{
	struct listing l = { .b = (struct bucket *)s, .folder = fn, .arg = arg };
	return listing_walk(&l, prefix, err);
}
