/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/age_bech32.h"

#include <string.h>

enum { BECH32_DIGITS = 52, BECH32_SUM = 6 }; /* 32 bytes in digits of five bits */

static const char bech32_alphabet[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

static uint32_t bech32_step(uint32_t sum, unsigned value)
{
	static const uint32_t generator[] = { 0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3 };
	uint32_t top = sum >> 25;
	sum = (sum & 0x1ffffff) << 5 ^ value;
	for (unsigned i = 0; i < 5; i++)
		if (top >> i & 1)
			sum ^= generator[i];
	return sum;
}

static uint32_t bech32_begin(const char *word)
{
	uint32_t sum = 1;
	for (const char *p = word; *p; p++)
		sum = bech32_step(sum, (unsigned char)*p >> 5);
	sum = bech32_step(sum, 0);
	for (const char *p = word; *p; p++)
		sum = bech32_step(sum, *p & 31);
	return sum;
}

static char bech32_upper(char c, bool upper)
{
	return upper && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static char bech32_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

void age_bech32_encode(const char *word, const unsigned char key[AGE_KEY], bool upper, struct buf *out)
{
	uint32_t sum = bech32_begin(word);
	for (const char *p = word; *p; p++)
		buf_addc(out, bech32_upper(*p, upper));
	buf_addc(out, '1');
	for (unsigned i = 0; i < BECH32_DIGITS; i++) {
		unsigned bit = i * 5, pair = (unsigned)key[bit / 8] << 8 | (bit / 8 + 1 < AGE_KEY ? key[bit / 8 + 1] : 0);
		unsigned v = pair >> (11 - bit % 8) & 31;
		sum = bech32_step(sum, v);
		buf_addc(out, bech32_upper(bech32_alphabet[v], upper));
	}
	for (unsigned i = 0; i < BECH32_SUM; i++)
		sum = bech32_step(sum, 0);
	sum ^= 1;
	for (unsigned i = 0; i < BECH32_SUM; i++)
		buf_addc(out, bech32_upper(bech32_alphabet[sum >> (25 - 5 * i) & 31], upper));
}

static bool bech32_one_case(const char *text)
{
	bool lower = false, upper = false;
	for (const char *p = text; *p; p++) {
		lower = lower || (*p >= 'a' && *p <= 'z');
		upper = upper || (*p >= 'A' && *p <= 'Z');
	}
	return !lower || !upper;
}

bool age_bech32_decode(const char *text, const char *word, unsigned char ret[AGE_KEY])
{
	unsigned char key[AGE_KEY] = { 0 };
	size_t len = strlen(word);
	uint32_t sum = bech32_begin(word);
	bool good = bech32_one_case(text) && strlen(text) == len + 1 + BECH32_DIGITS + BECH32_SUM && text[len] == '1';
	for (size_t i = 0; good && i < len; i++)
		good = bech32_lower(text[i]) == word[i];
	for (unsigned i = 0; good && i < BECH32_DIGITS + BECH32_SUM; i++) {
		const char *at = strchr(bech32_alphabet, bech32_lower(text[len + 1 + i]));
		if (!at) {
			good = false;
			break;
		}
		unsigned v = (unsigned)(at - bech32_alphabet), bit = i * 5;
		sum = bech32_step(sum, v);
		if (i >= BECH32_DIGITS)
			continue;
		/* The last digit has four bits that belong to no byte. */
		unsigned pair = v << (11 - bit % 8);
		key[bit / 8] |= (unsigned char)(pair >> 8);
		if (bit / 8 + 1 < AGE_KEY)
			key[bit / 8 + 1] |= (unsigned char)pair;
		else if (pair & 0xff)
			good = false;
	}
	good = good && sum == 1;
	if (good)
		memcpy(ret, key, sizeof key);
	age_crypto_wipe(key, sizeof key);
	return good;
}
