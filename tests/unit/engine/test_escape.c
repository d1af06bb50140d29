/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/logical/escape.h"

/* What the server's lexer makes of a string in single quotes; the inverse of what is tested. */
static size_t unescape(const char *in, size_t n, char *out)
{
	char *start = out;
	for (const char *end = in + n; in < end; in++) {
		assert_true(*in != '\'' && *in != '\n' && *in != '\r' && *in != '\0' && *in != 26);
		if (*in != '\\') {
			*out++ = *in;
			continue;
		}
		in++;
		*out++ = *in == 'n' ? '\n' : *in == 'r' ? '\r' : *in == '0' ? '\0' : *in == 'Z' ? 26 : *in;
	}
	return (size_t)(out - start);
}

static void round_trip(const char *in, size_t n)
{
	char *text = malloc(2 * n + ESCAPE_SLACK + 1), *back = malloc(2 * n + 1);
	assert_non_null(text);
	assert_non_null(back);
	text[2 * n + ESCAPE_SLACK] = 'x';
	char *end = escape_string(text, in, n);
	assert_int_equal(text[2 * n + ESCAPE_SLACK], 'x');
	assert_true((size_t)(end - text) <= 2 * n);
	assert_int_equal(unescape(text, (size_t)(end - text), back), n);
	assert_memory_equal(back, in, n);
	free(text);
	free(back);
}

static void every_byte_at_every_place(void **state)
{
	(void)state;
	char in[70];
	for (int byte = 0; byte < 256; byte++) {
		for (size_t at = 0; at < 40; at++) {
			memset(in, 'a', sizeof in);
			in[at] = (char)byte;
			round_trip(in, 40);
			round_trip(in + 1, 39);
		}
	}
}

static void all_lengths_of_all_bytes(void **state)
{
	(void)state;
	char in[1024];
	for (size_t i = 0; i < sizeof in; i++)
		in[i] = (char)(i * 7 + i / 256);
	for (size_t n = 0; n < sizeof in; n++)
		round_trip(in, n);
	memset(in, '\'', sizeof in);
	round_trip(in, sizeof in);
	memset(in, '\\', sizeof in);
	round_trip(in, 17);
}

static void exact_text(void **state)
{
	(void)state;
	static const char in[] = "a'b\\c\nd\re\0f\032g\"h;";
	char out[2 * sizeof in + ESCAPE_SLACK];
	char *end = escape_string(out, in, sizeof in - 1);
	static const char want[] = "a\\'b\\\\c\\nd\\re\\0f\\Zg\"h;";
	assert_int_equal(end - out, sizeof want - 1);
	assert_memory_equal(out, want, sizeof want - 1);
}

static void hexadecimal(void **state)
{
	(void)state;
	char out[8];
	char *end = escape_hex(out, "\x00\xff\x5a\x0f", 4);
	assert_int_equal(end - out, 8);
	assert_memory_equal(out, "00FF5A0F", 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_at_every_place),
		cmocka_unit_test(all_lengths_of_all_bytes),
		cmocka_unit_test(exact_text),
		cmocka_unit_test(hexadecimal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
