/* SPDX-License-Identifier: Apache-2.0 */
/* digest: SHA-256 by OpenSSL, in lower-case hexadecimal where it is text. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "slackwater/error.h"

#define DIGEST_HEX 65 /* 64 digits and a NUL */

struct digest;

enum status digest_new(struct digest **ret, struct error *err);
void digest_add(struct digest *d, const void *data, size_t len);
void digest_hex(struct digest *d, char out[DIGEST_HEX]); /* finishes it; add nothing afterwards */
void digest_free(struct digest *d);
enum status digest_of(const void *data, size_t len, char out[DIGEST_HEX], struct error *err);
