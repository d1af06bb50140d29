/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secrets: what a listener needs from files, read before anything is opened or closed: so a file that has become unusable is found while the
 * listener of before still works, and that one can be opened again whatever the files say by then.
 */
#pragma once

#include <stdbool.h>

#include "slackwater/buf.h"
#include "slackwater/digest.h"

#define SECRETS_TOKEN_MIN 16 /* characters */

struct secrets {
	bool has_token;
	char token_digest[DIGEST_HEX]; /* the token itself is not kept */
	struct buf cert, key;          /* PEM; empty = no TLS */
};

/* Paths; NULL = none. ERR_USAGE: an empty or short token, a certificate without its key; ERR_STORE: a file that cannot be read. */
enum status secrets_read(const char *token_file, const char *tls_cert, const char *tls_key, struct secrets *ret, struct error *err);
enum status secrets_take_token(struct secrets *s, const char *token, size_t len, struct error *err);
bool secrets_same(const struct secrets *a, const struct secrets *b);
void secrets_free(struct secrets *s); /* zeroes the key; a zeroed one is fine */
