/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/age_base64.h"

#include <string.h>

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void age_base64_encode(const unsigned char *data, size_t len, struct buf *out)
{
	unsigned held = 0, bits = 0;
	for (size_t i = 0; i < len; i++) {
		held = (held << 8 | data[i]) & 0xffff;
		for (bits += 8; bits >= 6; bits -= 6)
			buf_addc(out, base64_digits[held >> (bits - 6) & 63]);
	}
	if (bits)
		buf_addc(out, base64_digits[held << (6 - bits) & 63]);
}

static int base64_value(char c)
{
	const char *at = c ? strchr(base64_digits, c) : NULL;
	return at ? (int)(at - base64_digits) : -1;
}

bool age_base64_decode(const char *text, size_t len, unsigned char *ret, size_t cap, size_t *ret_len)
{
	unsigned held = 0, bits = 0;
	size_t n = 0;
	for (size_t i = 0; i < len; i++) {
		int v = base64_value(text[i]);
		if (v < 0)
			return false;
		held = (held << 6 | (unsigned)v) & 0xffff;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		if (n == cap)
			return false;
		ret[n++] = (unsigned char)(held >> bits);
	}
	/* Six bits left over would be a digit that stands for nothing. */
	if (bits == 6 || held & ((1u << bits) - 1))
		return false;
	*ret_len = n;
	return true;
}
