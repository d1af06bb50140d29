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
	struct buf b = BUF_INIT(100);
	sql_qualified(&b, "a.`b", "c.d");
	assert_string_equal(buf_str(&b), "`a.``b`.`c.d`");
	buf_free(&b);
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

/* Short and long texts go different ways, and so does a short one where the worst case would not fit. */
static void test_lengths_and_maxima(void **state)
{
	(void)state;
	enum { LONGEST = 9000 };
	static char in[LONGEST];
	static unsigned char back[LONGEST];
	for (size_t i = 0; i < LONGEST; i++)
		in[i] = (char)(i % 97 ? i * 31 : '\'');
	for (size_t len = 0; len <= LONGEST; len = len < 10 ? len + 1 : len * 2 - 3) {
		struct buf roomy = BUF_INIT(1 << 20);
		sql_bytes(&roomy, in, len);
		assert_int_equal(unquote(roomy.data, roomy.len, back), len);
		assert_memory_equal(back, in, len);
		struct buf exact = BUF_INIT(roomy.len), small = BUF_INIT(roomy.len - 1);
		struct error err;
		sql_bytes(&exact, in, len);
		assert_int_equal(buf_check(&exact, "a literal", &err), ST_OK);
		assert_int_equal(exact.len, roomy.len);
		assert_memory_equal(exact.data, roomy.data, roomy.len + 1);
		sql_bytes(&small, in, len);
		assert_int_equal(buf_check(&small, "a literal", &err), ST_FAILED);
		buf_free(&roomy);
		buf_free(&exact);
		buf_free(&small);
	}
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
		cmocka_unit_test(test_lengths_and_maxima),
		cmocka_unit_test(test_maximum_is_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
