/* SPDX-License-Identifier: Apache-2.0 */
/* age_chunk: the chunks of a payload (the construction is called STREAM): 64 KiB each, numbered, the last one marked, and empty only when it is the only one. */
#pragma once

#include "stream/age_crypto.h"

struct age_chunk { struct age_aead *aead; };

enum status age_chunk_init(struct age_chunk *c, const unsigned char payload_key[AGE_KEY], struct error *err);
void age_chunk_free(struct age_chunk *c); /* zeroed is fine */
/* ret has room for len + AGE_TAG bytes. */
enum status age_chunk_seal(struct age_chunk *c, uint64_t number, bool last, const void *data, size_t len, unsigned char *ret,
                           struct error *err);
/* len counts the tag. False: this is not that chunk. */
bool age_chunk_open(struct age_chunk *c, uint64_t number, bool last, const void *data, size_t len, unsigned char *ret);

/* ERR_SNAPSHOT: "WHAT is damaged: WHY", and in which chunk. */
enum status age_chunk_damaged(const char *what, uint64_t number, const char *why, struct error *err);

/* Of a payload of `sealed` bytes: false when none can have so many. *ret_chunks >= 1, *ret_last: bytes of the last, the tag counted. */
bool age_chunk_layout(uint64_t sealed, uint64_t *ret_chunks, size_t *ret_last);
