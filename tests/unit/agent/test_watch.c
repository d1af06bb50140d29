/* SPDX-License-Identifier: Apache-2.0 */
/* A screen that is drawn over the one before leaves nothing of it, and never scrolls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "watch.h"

static void drawn(const char *text, unsigned columns, unsigned rows, const char *expected)
{
	struct buf out = BUF_INIT(1 << 16);
	watch_screen(text, columns, rows, &out);
	assert_string_equal(buf_str(&out), expected);
	buf_free(&out);
}

static void each_line_is_erased_to_its_end(void **state)
{
	(void)state;
	drawn("", 80, 24, "\033[J");
	drawn("a\nb\n", 80, 24, "a\033[K\nb\033[K\n\033[J");
	drawn("a\n\nb", 80, 24, "a\033[K\n\033[K\nb\033[K\n\033[J");
}

static void what_does_not_fit_is_cut(void **state)
{
	(void)state;
	drawn("abcdef\nx\n", 4, 24, "abcd\033[K\nx\033[K\n\033[J");
	drawn("gr\xc3\xb6\xc3\x9f" "er\n", 4, 24, "gr\xc3\xb6\xc3\x9f\033[K\n\033[J"); /* characters, not bytes */
	drawn("1\n2\n3\n4\n", 80, 3, "1\033[K\n2\033[K\n3\033[K\033[J"); /* a newline at the bottom would scroll */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_is_erased_to_its_end),
		cmocka_unit_test(what_does_not_fit_is_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
