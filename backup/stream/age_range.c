/* SPDX-License-Identifier: Apache-2.0 */
/* At an offset: the chunks that hold a piece of the clear text, by one ranged get. */
#include <stdlib.h>
#include <string.h>

#include "slackwater/age.h"
#include "stream/age_chunk.h"
#include "stream/age_keys.h"
#include "stream/age_peek.h"
#include "stream/age_stanza.h"

enum { RANGE_HEADER_FIRST = 4096 }; /* enough for some 40 recipients by one get */

struct age_range {
	struct store_reader base;
	struct store_reader *next;
	char *what;
	struct age_chunk chunk;
	uint64_t number, chunks; /* the next one to be read; of the file */
	size_t last_len;         /* of the file's last chunk, sealed */
	size_t skip;             /* of the next chunk's clear text, before what was asked for */
	uint64_t left;           /* still to be handed out */
	size_t out_at, out_n;
	unsigned char in[AGE_SEALED], out[AGE_CHUNK];
};

static enum status range_get(struct store *s, const char *key, uint64_t offset, size_t len, void *data, size_t *ret_n, struct error *err)
{
	struct store_reader *r = NULL;
	enum status st = s->ops->open(s, key, offset, len, &r, err);
	if (!st)
		st = age_peek_full(r, data, len, ret_n, err);
	store_reader_free(r);
	return st;
}

/* The header is short as a rule; where it is not, ask for as much as it may have. */
static enum status range_header(struct store *s, const char *key, struct buf *text, struct age_header *h, struct error *err)
{
	for (size_t want = RANGE_HEADER_FIRST;; want = AGE_HEADER_MAX) {
		bool whole = false;
		buf_clear(text);
		buf_reserve(text, want);
		enum status st = buf_check(text, "the header", err);
		if (!st)
			st = range_get(s, key, 0, want, text->data, &text->len, err);
		if (!st)
			st = age_header_parse(text->data, text->len, text->len < want || want == AGE_HEADER_MAX, h, &whole, err);
		if (st || (whole && text->len >= h->size + AGE_NONCE))
			return st;
		if (whole && (text->len < want || want == AGE_HEADER_MAX))
			return age_header_bad(err, "the nonce behind it is not there");
		age_header_free(h);
	}
}

/* That the last chunk is where the size says, and is marked as the last, shows that nothing was cut off or added: the chunks before it do not. */
static enum status range_check_end(struct store *s, const struct age_opened *o, struct error *err)
{
	uint64_t chunks = 0;
	size_t last = 0, n = 0;
	struct age_chunk c = { 0 };
	if (o->size < o->begin || !age_chunk_layout(o->size - o->begin, &chunks, &last))
		return age_chunk_damaged(o->key, chunks, "it cannot have the size that it has", err);
	unsigned char *sealed = malloc(AGE_SEALED + 1), *clear = malloc(AGE_CHUNK);
	enum status st = sealed && clear ? age_chunk_init(&c, o->payload, err) : error_oom(err);
	if (!st)
		st = range_get(s, o->key, o->begin + (chunks - 1) * AGE_SEALED, last + 1, sealed, &n, err);
	if (!st && n != last)
		st = age_chunk_damaged(o->key, chunks - 1, n < last ? "it is cut off" : "something follows its end", err);
	if (!st && !age_chunk_open(&c, chunks - 1, true, sealed, last, clear))
		st = age_chunk_damaged(o->key, chunks - 1, "its end was altered or is cut off", err);
	if (clear)
		age_crypto_wipe(clear, AGE_CHUNK);
	age_chunk_free(&c);
	free(sealed);
	free(clear);
	return st;
}

static enum status range_open_file(struct store *s, const struct age_keyring *k, struct age_opened *o, struct error *err)
{
	struct buf text = BUF_INIT(AGE_HEADER_MAX + 1);
	struct age_header h = { 0 };
	enum status st = range_header(s, o->key, &text, &h, err);
	if (!st)
		st = age_stanza_open(k, o->key, &h, text.data, (unsigned char *)text.data + h.size, o->payload, err);
	o->begin = h.size + AGE_NONCE;
	if (!st)
		st = range_check_end(s, o, err);
	age_header_free(&h);
	buf_free(&text);
	return st;
}

static enum status range_add(struct store *s, const char *key, uint64_t size, struct age_keyring *k, const struct age_opened **ret,
                             struct error *err)
{
	struct age_opened *o = calloc(1, sizeof *o);
	if (!o || !(o->key = strdup(key))) {
		free(o);
		return error_oom(err);
	}
	o->size = size;
	enum status st = range_open_file(s, k, o, err);
	if (st) {
		age_keys_forget(o);
		return st;
	}
	o->next = k->opened;
	*ret = k->opened = o;
	return ST_OK;
}

/* Under the lock also while a header is fetched: the threads that come for the same object wait for it instead of doing the same. */
static enum status range_opened(struct store *s, const char *key, uint64_t size, struct age_keyring *k, const struct age_opened **ret,
                                struct error *err)
{
	enum status st = ST_OK;
	pthread_mutex_lock(&k->lock);
	struct age_opened *o = k->opened;
	while (o && (o->size != size || strcmp(o->key, key) != 0))
		o = o->next;
	if (o)
		*ret = o;
	else
		st = range_add(s, key, size, k, ret, err);
	pthread_mutex_unlock(&k->lock);
	return st;
}

static enum status range_chunk(struct age_range *r, struct error *err)
{
	bool last = r->number + 1 == r->chunks;
	size_t len = last ? r->last_len : AGE_SEALED, n = 0;
	enum status st = age_peek_full(r->next, r->in, len, &n, err);
	if (st)
		return st;
	if (n < len)
		return age_chunk_damaged(r->what, r->number, "it is cut off", err);
	if (!age_chunk_open(&r->chunk, r->number, last, r->in, len, r->out))
		return age_chunk_damaged(r->what, r->number, "its data were altered", err);
	r->number++;
	r->out_n = len - AGE_TAG;
	r->out_at = r->skip < r->out_n ? r->skip : r->out_n;
	r->skip = 0;
	return ST_OK;
}

static enum status range_read(struct store_reader *base, void *data, size_t cap, size_t *ret_n, struct error *err)
{
	struct age_range *r = (struct age_range *)base;
	if (cap > r->left)
		cap = (size_t)r->left;
	while (cap && r->out_at == r->out_n && r->number < r->chunks) {
		enum status st = range_chunk(r, err);
		if (st)
			return st;
	}
	size_t n = r->out_n - r->out_at < cap ? r->out_n - r->out_at : cap;
	memcpy(data, r->out + r->out_at, n);
	r->out_at += n;
	r->left -= n;
	*ret_n = n;
	return ST_OK;
}

static void range_free(struct store_reader *base)
{
	struct age_range *r = (struct age_range *)base;
	store_reader_free(r->next);
	age_chunk_free(&r->chunk);
	age_crypto_wipe(r->out, sizeof r->out);
	free(r->what);
	free(r);
}

static const struct store_reader_ops range_ops = { range_read, range_free };

enum status age_reader_at(struct store *store, const char *key, uint64_t size, struct age_keyring *k, uint64_t offset, uint64_t len,
                          struct store_reader **ret, struct error *err)
{
	const struct age_opened *o = NULL;
	if (!k)
		return age_keys_missing(key, err);
	enum status st = range_opened(store, key, size, k, &o, err);
	struct age_range *r = st ? NULL : calloc(1, sizeof *r);
	if (!st && !r)
		st = error_oom(err);
	if (st)
		return st;
	r->base.ops = &range_ops;
	(void)age_chunk_layout(size - o->begin, &r->chunks, &r->last_len);
	uint64_t first = offset / AGE_CHUNK, end = (offset + len - 1) / AGE_CHUNK + 1;
	r->number = first < r->chunks ? first : r->chunks;
	r->skip = (size_t)(offset % AGE_CHUNK);
	r->left = len;
	if (end > r->chunks)
		end = r->chunks;
	st = (r->what = strdup(key)) ? age_chunk_init(&r->chunk, o->payload, err) : error_oom(err);
	if (!st && r->number < end)
		st = store->ops->open(store, key, o->begin + r->number * AGE_SEALED, (end - r->number) * AGE_SEALED, &r->next, err);
	if (st)
		range_free(&r->base);
	else
		*ret = &r->base;
	return st;
}
