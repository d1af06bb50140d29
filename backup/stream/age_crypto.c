/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/age_crypto.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static enum status crypto_failed(const char *what, struct error *err)
{
	error_set(err, ST_FATAL, ERR_UNEXPECTED, "OpenSSL cannot do %s", what);
	error_hint(err, "its default provider has to be there; a provider restricted to FIPS has neither X25519 nor ChaCha20-Poly1305");
	return ST_FATAL;
}

void age_crypto_wipe(void *secret, size_t len)
{
	OPENSSL_cleanse(secret, len);
}

enum status age_crypto_random(void *ret, size_t len, struct error *err)
{
	return RAND_priv_bytes(ret, (int)len) == 1 ? ST_OK : crypto_failed("random numbers", err);
}

bool age_crypto_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

enum status age_crypto_hkdf(const void *secret, size_t secret_len, const void *salt, size_t salt_len, const char *info,
                            unsigned char ret[AGE_KEY], struct error *err)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	char digest[] = "SHA256";
	OSSL_PARAM p[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)secret, secret_len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)info, strlen(info)),
		OSSL_PARAM_construct_end(),
		OSSL_PARAM_construct_end(),
	};
	/* Without a salt it is as many zeros as the digest has bytes, which is what leaving it out means. */
	if (salt_len)
		p[3] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt, salt_len);
	bool done = ctx && EVP_KDF_derive(ctx, ret, AGE_KEY, p) == 1;
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return done ? ST_OK : crypto_failed("HKDF", err);
}

enum status age_crypto_hmac(const void *key, size_t key_len, const void *data, size_t len, unsigned char ret[AGE_KEY], struct error *err)
{
	unsigned n = AGE_KEY;
	return HMAC(EVP_sha256(), key, (int)key_len, data, len, ret, &n) ? ST_OK : crypto_failed("HMAC", err);
}

enum status age_crypto_scrypt(const char *passphrase, const void *salt, size_t salt_len, unsigned log_n, unsigned char ret[AGE_KEY],
                              struct error *err)
{
	static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
	uint64_t n = 1ull << log_n, memory = 128 * 8 * (n + 16);
	pthread_mutex_lock(&one_at_a_time);
	bool done = EVP_PBE_scrypt(passphrase, strlen(passphrase), salt, salt_len, n, 8, 1, memory, ret, AGE_KEY) == 1;
	pthread_mutex_unlock(&one_at_a_time);
	if (done)
		return ST_OK;
	error_set(err, ST_FAILED, ERR_UNEXPECTED, "the passphrase cannot be made a key of");
	error_hint(err, "this takes %llu MiB of memory", (unsigned long long)(memory >> 20));
	return ST_FAILED;
}

enum status age_crypto_public(const unsigned char secret[AGE_KEY], unsigned char ret[AGE_KEY], struct error *err)
{
	size_t n = AGE_KEY;
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, secret, AGE_KEY);
	bool done = key && EVP_PKEY_get_raw_public_key(key, ret, &n) == 1;
	EVP_PKEY_free(key);
	return done ? ST_OK : crypto_failed("X25519", err);
}

enum status age_crypto_agree(const unsigned char secret[AGE_KEY], const unsigned char peer[AGE_KEY], unsigned char ret[AGE_KEY],
                             bool *ret_sound, struct error *err)
{
	size_t n = AGE_KEY;
	EVP_PKEY *mine = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, secret, AGE_KEY);
	EVP_PKEY *theirs = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, peer, AGE_KEY);
	EVP_PKEY_CTX *ctx = mine ? EVP_PKEY_CTX_new_from_pkey(NULL, mine, NULL) : NULL;
	bool ready = ctx && theirs && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, theirs) == 1;
	/* OpenSSL refuses exactly the results that are zero. */
	*ret_sound = ready && EVP_PKEY_derive(ctx, ret, &n) == 1;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(mine);
	EVP_PKEY_free(theirs);
	return ready ? ST_OK : crypto_failed("X25519", err);
}

struct age_aead {
	EVP_CIPHER_CTX *seal, *open;
};

enum status age_aead_new(const unsigned char key[AGE_KEY], struct age_aead **ret, struct error *err)
{
	struct age_aead *a = calloc(1, sizeof *a);
	if (!a)
		return error_oom(err);
	a->seal = EVP_CIPHER_CTX_new();
	a->open = EVP_CIPHER_CTX_new();
	if (!a->seal || !a->open || EVP_EncryptInit_ex(a->seal, EVP_chacha20_poly1305(), NULL, key, NULL) != 1 ||
	    EVP_DecryptInit_ex(a->open, EVP_chacha20_poly1305(), NULL, key, NULL) != 1) {
		age_aead_free(a);
		return crypto_failed("ChaCha20-Poly1305", err);
	}
	*ret = a;
	return ST_OK;
}

/* OpenSSL zeroes what it frees of a cipher. */
void age_aead_free(struct age_aead *a)
{
	if (!a)
		return;
	EVP_CIPHER_CTX_free(a->seal);
	EVP_CIPHER_CTX_free(a->open);
	free(a);
}

enum status age_aead_seal(struct age_aead *a, const unsigned char nonce[AGE_CHUNK_NONCE], const void *data, size_t len, unsigned char *ret,
                          struct error *err)
{
	int n = 0, rest = 0;
	if (EVP_EncryptInit_ex(a->seal, NULL, NULL, NULL, nonce) != 1 ||
	    (len && EVP_EncryptUpdate(a->seal, ret, &n, data, (int)len) != 1) || EVP_EncryptFinal_ex(a->seal, ret + n, &rest) != 1 ||
	    EVP_CIPHER_CTX_ctrl(a->seal, EVP_CTRL_AEAD_GET_TAG, AGE_TAG, ret + len) != 1)
		return crypto_failed("ChaCha20-Poly1305", err);
	return ST_OK;
}

bool age_aead_open(struct age_aead *a, const unsigned char nonce[AGE_CHUNK_NONCE], const void *data, size_t len, unsigned char *ret)
{
	int n = 0, rest = 0;
	unsigned char tag[AGE_TAG];
	if (len < AGE_TAG)
		return false;
	len -= AGE_TAG;
	memcpy(tag, (const unsigned char *)data + len, sizeof tag);
	bool good = EVP_DecryptInit_ex(a->open, NULL, NULL, NULL, nonce) == 1 &&
	            EVP_CIPHER_CTX_ctrl(a->open, EVP_CTRL_AEAD_SET_TAG, AGE_TAG, tag) == 1 &&
	            (!len || EVP_DecryptUpdate(a->open, ret, &n, data, (int)len) == 1) && EVP_DecryptFinal_ex(a->open, ret + n, &rest) == 1;
	if (!good && len)
		age_crypto_wipe(ret, len);
	return good;
}
