/* SPDX-License-Identifier: Apache-2.0 */
#include "slackwater/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "slackwater/hex.h"

struct digest {
	EVP_MD_CTX *ctx;
};

enum status digest_new(struct digest **ret, struct error *err)
{
	struct digest *d = calloc(1, sizeof *d);
	if (!d)
		return error_oom(err);
	d->ctx = EVP_MD_CTX_new();
	if (!d->ctx || EVP_DigestInit_ex(d->ctx, EVP_sha256(), NULL) != 1) {
		digest_free(d);
		return error_set(err, ST_FATAL, ERR_UNEXPECTED, "OpenSSL offers no SHA-256");
	}
	*ret = d;
	return ST_OK;
}

void digest_add(struct digest *d, const void *data, size_t len)
{
	EVP_DigestUpdate(d->ctx, data, len);
}

void digest_hex(struct digest *d, char out[DIGEST_HEX])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	EVP_DigestFinal_ex(d->ctx, md, &n);
	hex_encode(md, DIGEST_HEX / 2, out);
}

void digest_free(struct digest *d)
{
	if (!d)
		return;
	EVP_MD_CTX_free(d->ctx);
	free(d);
}

enum status digest_of(const void *data, size_t len, char out[DIGEST_HEX], struct error *err)
{
	struct digest *d;
	enum status st = digest_new(&d, err);
	if (st)
		return st;
	digest_add(d, data, len);
	digest_hex(d, out);
	digest_free(d);
	return ST_OK;
}
