/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "slackwater/dialect.h"

static void test_ident(void **state)
{
	(void)state;
	static const struct { const char *name, *sql; } cases[] = {
		{ "t", "`t`" },          { "", "``" },         { "a`b", "`a``b`" },       { "`", "````" },
		{ "``x``", "`````x`````" }, { "a b", "`a b`" }, { "d'q\"\\n", "`d'q\"\\n`" }, { "\xc3\xa4", "`\xc3\xa4`" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buf b = BUF_INIT(100);
		sql_ident(&b, cases[i].name);
		assert_string_equal(buf_str(&b), cases[i].sql);
		buf_free(&b);
	}
}

static void test_string(void **state)
{
	(void)state;
	static const struct { const char *text, *sql; } cases[] = {
		{ "", "''" },
		{ "plain", "'plain'" },
		{ "it's", "'it\\'s'" },
		{ "\\", "'\\\\'" },
		{ "a\\'; DROP", "'a\\\\\\'; DROP'" },
		{ "1\n2\r3", "'1\\n2\\r3'" },
		{ "\x1a", "'\\Z'" },
		{ "tab\tquote\"tick`percent%", "'tab\tquote\"tick`percent%'" },
		{ "\xe6\xbc\xa2\xe5\xad\x97", "'\xe6\xbc\xa2\xe5\xad\x97'" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buf b = BUF_INIT(100);
		sql_string(&b, cases[i].text);
		assert_string_equal(buf_str(&b), cases[i].sql);
		buf_free(&b);
	}
}

/* What a server's lexer makes of the literal, which must be the bytes again. */
static size_t unquote(const char *s, size_t len, unsigned char *out)
{
	size_t n = 0;
	assert_true(len >= 2 && s[0] == '\'' && s[len - 1] == '\'');
	for (size_t i = 1; i < len - 1; i++) {
		assert_int_not_equal(s[i], '\'');
		char c = s[i];
		if (c == '\\') {
			c = s[++i];
			assert_true(i < len - 1);
			c = c == '0' ? '\0' : c == 'n' ? '\n' : c == 'r' ? '\r' : c == 'Z' ? '\x1a' : c;
		}
		out[n++] = (unsigned char)c;
	}
	return n;
}

static void test_every_pair_of_bytes(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(64);
	for (unsigned i = 0; i < 65536; i++) {
		const char pair[2] = { (char)(i >> 8), (char)(i & 255) };
		unsigned char back[8];
		buf_clear(&b);
		sql_bytes(&b, pair, 2);
		assert_int_equal(unquote(b.data, b.len, back), 2);
		assert_memory_equal(back, pair, 2);
		assert_null(memchr(b.data, '\0', b.len));
		assert_null(memchr(b.data, '\n', b.len));
	}
	buf_free(&b);
}

static void test_maximum_is_kept(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(8);
	struct error err;
	sql_string(&b, "0123456789");
	assert_int_equal(buf_check(&b, "a literal", &err), ST_FAILED);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ident),
		cmocka_unit_test(test_string),
		cmocka_unit_test(test_every_pair_of_bytes),
		cmocka_unit_test(test_maximum_is_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
