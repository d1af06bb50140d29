/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/sink_age.h"

#include <stdlib.h>
#include <string.h>

#include "stream/age_chunk.h"
#include "stream/age_stanza.h"

struct sink_age {
	struct sink base;
	struct age_chunk chunk;
	uint64_t number;
	size_t held; /* bytes of clear that wait for what follows */
	unsigned char clear[AGE_CHUNK], sealed[AGE_SEALED];
};

static enum status sink_age_chunk(struct sink_age *a, const void *data, size_t len, bool last, struct error *err)
{
	enum status st = age_chunk_seal(&a->chunk, a->number++, last, data, len, a->sealed, err);
	return st ? st : sink_write(a->base.next, a->sealed, len + AGE_TAG, err);
}

static enum status sink_age_write(struct sink *s, const void *data, size_t len, struct error *err)
{
	struct sink_age *a = (struct sink_age *)s;
	const unsigned char *p = data;
	enum status st = ST_OK;
	while (!st && len) {
		if (a->held == AGE_CHUNK) {
			st = sink_age_chunk(a, a->clear, AGE_CHUNK, false, err);
			a->held = 0;
			continue;
		}
		/* Whole chunks that something follows need not be copied. */
		if (!a->held && len > AGE_CHUNK) {
			st = sink_age_chunk(a, p, AGE_CHUNK, false, err);
			p += AGE_CHUNK;
			len -= AGE_CHUNK;
			continue;
		}
		size_t n = len < AGE_CHUNK - a->held ? len : AGE_CHUNK - a->held;
		memcpy(a->clear + a->held, p, n);
		a->held += n;
		p += n;
		len -= n;
	}
	return st;
}

static enum status sink_age_end(struct sink *s, struct error *err)
{
	struct sink_age *a = (struct sink_age *)s;
	enum status st = sink_age_chunk(a, a->clear, a->held, true, err);
	return st ? st : sink_end(s->next, err);
}

static void sink_age_free(struct sink *s)
{
	struct sink_age *a = (struct sink_age *)s;
	age_chunk_free(&a->chunk);
	age_crypto_wipe(a->clear, sizeof a->clear);
	free(a);
}

static const struct sink_ops sink_age_ops = { sink_age_write, sink_age_end, sink_age_free };

enum status sink_age_new(const struct age_recipients *to, struct sink *next, struct sink **ret, struct error *err)
{
	unsigned char payload_key[AGE_KEY];
	struct buf header = BUF_INIT(AGE_HEADER_MAX + AGE_NONCE);
	struct sink_age *a = calloc(1, sizeof *a);
	enum status st = a ? age_stanza_begin(to, &header, payload_key, err) : error_oom(err);
	if (!st)
		st = age_chunk_init(&a->chunk, payload_key, err);
	if (!st)
		st = sink_write(next, header.data, header.len, err);
	age_crypto_wipe(payload_key, sizeof payload_key);
	buf_free(&header);
	if (st) {
		if (a)
			age_chunk_free(&a->chunk);
		free(a);
		sink_free(next);
		return st;
	}
	a->base = (struct sink){ &sink_age_ops, next };
	*ret = &a->base;
	return ST_OK;
}
