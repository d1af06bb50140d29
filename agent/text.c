/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static size_t sequence_length(unsigned char c)
{
	if (c < 0x80)
		return 1;
	if (c >= 0xC2 && c <= 0xDF)
		return 2;
	if ((c & 0xF0) == 0xE0)
		return 3;
	return c >= 0xF0 && c <= 0xF4 ? 4 : 0;
}

size_t text_char(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t len = sequence_length(u[0]);
	if (len == 1)
		return u[0] >= 0x20 && u[0] != 0x7F;
	for (size_t i = 1; i < len; i++)
		if ((u[i] & 0xC0) != 0x80)
			return 0;
	if (len == 2 && u[0] == 0xC2 && u[1] < 0xA0)
		return 0; /* C1 controls: CSI among them */
	if (len == 3 && ((u[0] == 0xE0 && u[1] < 0xA0) || (u[0] == 0xED && u[1] >= 0xA0)))
		return 0; /* overlong, surrogates */
	if (len == 4 && ((u[0] == 0xF0 && u[1] < 0x90) || (u[0] == 0xF4 && u[1] >= 0x90)))
		return 0;
	return len;
}

size_t text_width(const char *s)
{
	size_t n = 0;
	for (; *s; s++)
		n += ((unsigned char)*s & 0xC0) != 0x80;
	return n;
}

void text_add(struct buf *b, const char *s)
{
	size_t len;
	for (; s && *s; s += len ? len : 1) {
		len = text_char(s);
		if (len)
			buf_add(b, s, len);
		else
			buf_addc(b, '?');
	}
}

void text_count(uint64_t n, const char *word, char out[UNITS_TEXT])
{
	char digits[UNITS_TEXT];
	units_count(n, digits);
	snprintf(out, UNITS_TEXT, "%s %s%s", digits, word, n == 1 ? "" : "s");
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned text_distance(const char *a, const char *b)
{
	enum { MAX = 64 };
	unsigned d[3][MAX];
	size_t la = strnlen(a, MAX - 1), lb = strnlen(b, MAX - 1);
	for (size_t j = 0; j <= lb; j++)
		d[0][j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned *row = d[i % 3], *above = d[(i + 2) % 3], *two = d[(i + 1) % 3];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			int ca = tolower((unsigned char)a[i - 1]), cb = tolower((unsigned char)b[j - 1]);
			row[j] = least(least(above[j] + 1, row[j - 1] + 1), above[j - 1] + (ca != cb));
			if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) && cb == tolower((unsigned char)a[i - 2]))
				row[j] = least(row[j], two[j - 2] + 1);
		}
	}
	return d[la % 3][lb];
}

bool text_similar(const char *typed, const char *known)
{
	size_t len = strlen(typed);
	if (len >= 3 && !strncmp(typed, known, len))
		return true;
	size_t allowed = strlen(known) < 6 ? 1 : strlen(known) < 9 ? 2 : 3;
	return text_distance(typed, known) <= allowed;
}

const char *text_nearer(const char *typed, const char *known, const char *best)
{
	if (!text_similar(typed, known))
		return best;
	return !best || text_distance(typed, known) <= text_distance(typed, best) ? known : best;
}
