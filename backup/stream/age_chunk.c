/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/age_chunk.h"

#include <inttypes.h>
#include <string.h>

enum status age_chunk_init(struct age_chunk *c, const unsigned char payload_key[AGE_KEY], struct error *err)
{
	return age_aead_new(payload_key, &c->aead, err);
}

void age_chunk_free(struct age_chunk *c)
{
	age_aead_free(c->aead);
	c->aead = NULL;
}

/* Eleven bytes of the number, big-endian, then the mark of the last. Numbers of ours fit into eight. */
static void chunk_nonce(uint64_t number, bool last, unsigned char ret[AGE_CHUNK_NONCE])
{
	memset(ret, 0, AGE_CHUNK_NONCE);
	for (unsigned i = 0; i < 8; i++)
		ret[AGE_CHUNK_NONCE - 2 - i] = (unsigned char)(number >> (8 * i));
	ret[AGE_CHUNK_NONCE - 1] = last;
}

enum status age_chunk_seal(struct age_chunk *c, uint64_t number, bool last, const void *data, size_t len, unsigned char *ret,
                           struct error *err)
{
	unsigned char nonce[AGE_CHUNK_NONCE];
	chunk_nonce(number, last, nonce);
	return age_aead_seal(c->aead, nonce, data, len, ret, err);
}

bool age_chunk_open(struct age_chunk *c, uint64_t number, bool last, const void *data, size_t len, unsigned char *ret)
{
	unsigned char nonce[AGE_CHUNK_NONCE];
	chunk_nonce(number, last, nonce);
	return age_aead_open(c->aead, nonce, data, len, ret);
}

bool age_chunk_layout(uint64_t sealed, uint64_t *ret_chunks, size_t *ret_last)
{
	if (sealed < AGE_TAG)
		return false;
	uint64_t chunks = (sealed + AGE_SEALED - 1) / AGE_SEALED, last = sealed - (chunks - 1) * AGE_SEALED;
	if (last < AGE_TAG || (last == AGE_TAG && chunks > 1))
		return false;
	*ret_chunks = chunks;
	*ret_last = (size_t)last;
	return true;
}

enum status age_chunk_damaged(const char *what, uint64_t number, const char *why, struct error *err)
{
	error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s is damaged: %s (64 KiB piece %" PRIu64 ")", what, why, number);
	error_hint(err, "use another snapshot; `slackwater verify` shows what else is damaged");
	return ST_FAILED;
}
