/* SPDX-License-Identifier: Apache-2.0 */
/* age_base64: the one encoding that the format allows: standard alphabet, no padding, unused bits zero. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "slackwater/buf.h"

void age_base64_encode(const unsigned char *data, size_t len, struct buf *out);
/* At most cap bytes; false: not canonical, or longer than that. */
bool age_base64_decode(const char *text, size_t len, unsigned char *ret, size_t cap, size_t *ret_len);
