/* SPDX-License-Identifier: Apache-2.0 */
#include "escape.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* 0 = copy as it is, else the letter behind the backslash. */
static const char escape_letter[256] = {
	['\0'] = '0', ['\n'] = 'n', ['\r'] = 'r', [26] = 'Z', ['\\'] = '\\', ['\''] = '\'',
};

static char *escape_tail(char *out, const char *in, const char *end)
{
	while (in < end) {
		unsigned char c = (unsigned char)*in++;
		char letter = escape_letter[c];
		if (letter) {
			*out++ = '\\';
			*out++ = letter;
		} else {
			*out++ = (char)c;
		}
	}
	return out;
}

#ifdef __SSE2__
/* Sixteen bytes at a time: store them, and go on behind the first that needs a backslash. */
char *escape_string(char *out, const char *in, size_t n)
{
	const char *end = in + n;
	const __m128i quote = _mm_set1_epi8('\''), slash = _mm_set1_epi8('\\'), zero = _mm_setzero_si128(),
	              nl = _mm_set1_epi8('\n'), cr = _mm_set1_epi8('\r'), sub = _mm_set1_epi8(26);

	while (end - in >= 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)in);
		_mm_storeu_si128((__m128i *)(void *)out, v);
		__m128i a = _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash));
		__m128i b = _mm_or_si128(_mm_cmpeq_epi8(v, zero), _mm_cmpeq_epi8(v, nl));
		__m128i c = _mm_or_si128(_mm_cmpeq_epi8(v, cr), _mm_cmpeq_epi8(v, sub));
		unsigned mask = (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(a, b), c));
		if (!mask) {
			in += 16;
			out += 16;
			continue;
		}
		unsigned skip = (unsigned)__builtin_ctz(mask);
		out[skip] = '\\';
		out[skip + 1] = escape_letter[(unsigned char)in[skip]];
		in += skip + 1;
		out += skip + 2;
	}
	return escape_tail(out, in, end);
}
#else
char *escape_string(char *out, const char *in, size_t n)
{
	const char *end = in + n;
	while (in < end) {
		const char *run = in;
		while (run < end && !escape_letter[(unsigned char)*run])
			run++;
		memcpy(out, in, (size_t)(run - in));
		out += run - in;
		in = run;
		if (in < end)
			out = escape_tail(out, in, in + 1), in++;
	}
	return out;
}
#endif

char *escape_hex(char *out, const char *in, size_t n)
{
	static const char digit[] = "0123456789ABCDEF";
	for (const unsigned char *p = (const unsigned char *)in, *end = p + n; p < end; p++) {
		*out++ = digit[*p >> 4];
		*out++ = digit[*p & 15];
	}
	return out;
}
