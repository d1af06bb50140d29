/* SPDX-License-Identifier: Apache-2.0 */
/* From front to back: header, nonce, chunk after chunk. What a chunk held is handed out once its tag was right, and never before. */
#include <stdlib.h>
#include <string.h>

#include "slackwater/age.h"
#include "stream/age_armor.h"
#include "stream/age_chunk.h"
#include "stream/age_keys.h"
#include "stream/age_peek.h"
#include "stream/age_stanza.h"

enum { READER_PEEK = 1200, READER_BLOCK = 4096 };

struct age_reader {
	struct store_reader base;
	struct store_reader *peek, *armor, *from; /* from: the one of the two that is read */
	char *what;
	struct age_chunk chunk;
	uint64_t number;
	struct error pending; /* to be said when everything that was sound has been handed out */
	bool over;
	size_t in_n, out_at, out_n;
	unsigned char in[AGE_SEALED + 1]; /* one more than a chunk: whether something follows it decides on its nonce */
	unsigned char out[AGE_CHUNK];
};

/* Read on until the header is whole and the nonce is there; what came with it of the payload stays in text. */
static enum status reader_header(struct age_reader *r, struct age_header *h, struct buf *text, struct error *err)
{
	bool whole = false, ended = false;
	for (;;) {
		size_t n = 0;
		buf_reserve(text, READER_BLOCK);
		enum status st = buf_check(text, "the header", err);
		if (!st)
			st = age_peek_full(r->from, text->data + text->len, READER_BLOCK, &n, err);
		if (st)
			return st;
		text->len += n;
		ended = n < READER_BLOCK;
		st = age_header_parse(text->data, text->len, ended, h, &whole, err);
		if (st || (whole && text->len >= h->size + AGE_NONCE))
			return st;
		if (whole && ended)
			return age_header_bad(err, "the nonce behind it is cut off");
		age_header_free(h);
	}
}

static enum status reader_begin(struct age_reader *r, const struct age_keyring *k, struct error *err)
{
	struct age_header h = { 0 };
	struct buf text = BUF_INIT(AGE_HEADER_MAX + 2 * READER_BLOCK);
	unsigned char payload_key[AGE_KEY];
	enum status st = reader_header(r, &h, &text, err);
	if (!st)
		st = age_stanza_open(k, r->what, &h, text.data, (unsigned char *)text.data + h.size, payload_key, err);
	if (!st)
		st = age_chunk_init(&r->chunk, payload_key, err);
	if (!st) {
		r->in_n = text.len - h.size - AGE_NONCE;
		memcpy(r->in, text.data + h.size + AGE_NONCE, r->in_n);
	}
	age_crypto_wipe(payload_key, sizeof payload_key);
	age_header_free(&h);
	buf_free(&text);
	return st;
}

/*
 * A chunk that is sound but for its mark: the file was cut off at a chunk's end, or something follows the last one. It is handed out like the
 * ones before it, and then there is an error.
 */
static bool reader_mark_wrong(struct age_reader *r, bool last, size_t len)
{
	if (len < AGE_SEALED || !age_chunk_open(&r->chunk, r->number, !last, r->in, len, r->out))
		return false;
	(void)age_chunk_damaged(r->what, r->number, last ? "it is cut off" : "something follows its end", &r->pending);
	return true;
}

static enum status reader_chunk(struct age_reader *r, struct error *err)
{
	size_t more = 0;
	enum status st = age_peek_full(r->from, r->in + r->in_n, sizeof r->in - r->in_n, &more, err);
	if (st)
		return st;
	r->in_n += more;
	bool last = r->in_n <= AGE_SEALED;
	size_t len = last ? r->in_n : AGE_SEALED;
	if (len < AGE_TAG || (len == AGE_TAG && r->number))
		return age_chunk_damaged(r->what, r->number, "it is cut off", err);
	if (!age_chunk_open(&r->chunk, r->number, last, r->in, len, r->out) && !reader_mark_wrong(r, last, len))
		return age_chunk_damaged(r->what, r->number, "its data were altered or are cut off", err);
	r->over = last || r->pending.status;
	r->number++;
	r->out_at = 0;
	r->out_n = len - AGE_TAG;
	r->in_n -= len;
	memmove(r->in, r->in + len, r->in_n);
	return ST_OK;
}

static enum status reader_read(struct store_reader *base, void *data, size_t cap, size_t *ret_n, struct error *err)
{
	struct age_reader *r = (struct age_reader *)base;
	while (r->out_at == r->out_n && !r->over) {
		enum status st = reader_chunk(r, err);
		if (st)
			return st;
	}
	size_t n = r->out_n - r->out_at < cap ? r->out_n - r->out_at : cap;
	if (!n && cap && r->pending.status) {
		if (err)
			*err = r->pending;
		return r->pending.status;
	}
	memcpy(data, r->out + r->out_at, n);
	r->out_at += n;
	*ret_n = n;
	return ST_OK;
}

static void reader_free(struct store_reader *base)
{
	struct age_reader *r = (struct age_reader *)base;
	age_chunk_free(&r->chunk);
	store_reader_free(r->armor);
	store_reader_free(r->peek);
	age_crypto_wipe(r->out, sizeof r->out);
	free(r->what);
	free(r);
}

static const struct store_reader_ops reader_ops = { reader_read, reader_free };

/* Takes peek. */
static enum status reader_make(struct store_reader *peek, bool armored, struct age_keyring *k, const char *what,
                               struct store_reader **ret, struct error *err)
{
	struct age_reader *r = calloc(1, sizeof *r);
	if (!r) {
		store_reader_free(peek);
		return error_oom(err);
	}
	r->base.ops = &reader_ops;
	r->peek = r->from = peek;
	enum status st = (r->what = strdup(what)) ? ST_OK : error_oom(err);
	if (!st && armored && !(st = age_armor_new(peek, &r->armor, err)))
		r->from = r->armor;
	if (!st)
		st = reader_begin(r, k, err);
	if (st)
		reader_free(&r->base);
	else
		*ret = &r->base;
	return st;
}

enum status age_reader_new(struct store_reader *next, struct age_keyring *k, const char *what, struct store_reader **ret, struct error *err)
{
	struct store_reader *peek = NULL;
	const char *text;
	size_t len;
	if (!k)
		return age_keys_missing(what, err);
	enum status st = age_peek_new(next, READER_PEEK, &peek, &text, &len, err);
	return st ? st : reader_make(peek, age_armor_begins(text, len), k, what, ret, err);
}

enum status age_reader_detect(struct store_reader *next, struct age_keyring *k, const char *what, struct store_reader **ret,
                              struct error *err)
{
	struct store_reader *peek = NULL;
	const char *text;
	size_t len, magic = strlen(AGE_HEADER_MAGIC);
	enum status st = age_peek_new(next, READER_PEEK, &peek, &text, &len, err);
	if (st)
		return st;
	bool armored = age_armor_begins(text, len);
	if (!armored && (len < magic || memcmp(text, AGE_HEADER_MAGIC, magic) != 0)) {
		*ret = peek;
		return ST_OK;
	}
	if (k)
		return reader_make(peek, armored, k, what, ret, err);
	store_reader_free(peek);
	return age_keys_missing(what, err);
}
