/* SPDX-License-Identifier: Apache-2.0 */
/* age_crypto: the primitives of the format, each a thin layer over OpenSSL 3. A failure that is not said otherwise is OpenSSL's own: ERR_UNEXPECTED. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slackwater/buf.h"

enum {
	AGE_KEY = 32,
	AGE_FILE_KEY = 16,
	AGE_NONCE = 16,          /* in front of the payload */
	AGE_TAG = 16,
	AGE_WRAPPED = AGE_FILE_KEY + AGE_TAG,
	AGE_CHUNK_NONCE = 12,
	AGE_CHUNK = 64 * 1024,
	AGE_SEALED = AGE_CHUNK + AGE_TAG
};

void age_crypto_wipe(void *secret, size_t len);
enum status age_crypto_random(void *ret, size_t len, struct error *err);
bool age_crypto_equal(const void *a, const void *b, size_t len); /* in constant time */

enum status age_crypto_hkdf(const void *secret, size_t secret_len, const void *salt, size_t salt_len, const char *info,
                            unsigned char ret[AGE_KEY], struct error *err);
enum status age_crypto_hmac(const void *key, size_t key_len, const void *data, size_t len, unsigned char ret[AGE_KEY], struct error *err);
/* Takes 128 * 8 * 2^log_n bytes of memory, one caller at a time. */
enum status age_crypto_scrypt(const char *passphrase, const void *salt, size_t salt_len, unsigned log_n, unsigned char ret[AGE_KEY],
                              struct error *err);

enum status age_crypto_public(const unsigned char secret[AGE_KEY], unsigned char ret[AGE_KEY], struct error *err);
/* X25519. *ret_sound false: the result is zero whatever the secret is, because the peer's share is a point of low order. */
enum status age_crypto_agree(const unsigned char secret[AGE_KEY], const unsigned char peer[AGE_KEY], unsigned char ret[AGE_KEY],
                             bool *ret_sound, struct error *err);

/* ChaCha20-Poly1305 under one key; used by one thread at a time. */
struct age_aead;
enum status age_aead_new(const unsigned char key[AGE_KEY], struct age_aead **ret, struct error *err);
void age_aead_free(struct age_aead *a);
/* ret has room for len + AGE_TAG bytes. */
enum status age_aead_seal(struct age_aead *a, const unsigned char nonce[AGE_CHUNK_NONCE], const void *data, size_t len, unsigned char *ret,
                          struct error *err);
/* len counts the tag. False: it was not sealed so; ret holds nothing then. */
bool age_aead_open(struct age_aead *a, const unsigned char nonce[AGE_CHUNK_NONCE], const void *data, size_t len, unsigned char *ret);
