/* SPDX-License-Identifier: Apache-2.0 */
#include "slackwater/hex.h"

int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void hex_encode(const void *data, size_t n, char *ret)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *byte = data;
	for (size_t i = 0; i < n; i++) {
		ret[2 * i] = digits[byte[i] >> 4];
		ret[2 * i + 1] = digits[byte[i] & 15];
	}
	ret[2 * n] = '\0';
}

int hex_percent(const char *text)
{
	int high = *text == '%' ? hex_digit(text[1]) : -1, low = high >= 0 ? hex_digit(text[2]) : -1;
	return low < 0 ? -1 : high * 16 + low;
}
