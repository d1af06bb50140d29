/* SPDX-License-Identifier: Apache-2.0 */
/* Reading JSON when memory runs out, at every allocation; and what memory is like when it is given back. A program of its own: jansson's allocator is the process's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "slackwater/jsonx.h"

static int left; /* allocations that succeed */

static void *scarce(size_t n)
{
	return left-- > 0 ? malloc(n) : NULL;
}

static unsigned given_back, dirty;

static void wiped(void *p)
{
	const unsigned char *at = p;
	bool clean = true;
	for (size_t i = 0; p && i < malloc_usable_size(p); i++)
		clean = clean && !at[i];
	given_back += p != NULL;
	dirty += !clean;
	free(p);
}

static void test_no_memory_is_no_damage(void **state)
{
	(void)state;
	static const char text[] = "{\"n\": 7, \"s\": \"a text\", \"l\": [\"one that is longer than any buffer it is read into at first\", 1.5, {\"x\": null}]}";
	struct error err;
	json_t *doc = NULL;
	json_set_alloc_funcs(scarce, wiped);
	int n = 0;
	for (;; n++) {
		left = n;
		enum status st = jsonx_parse(text, sizeof text - 1, "it", &doc, &err);
		if (!st)
			break;
		assert_int_equal(st, ST_FATAL);
		assert_int_equal(err.kind, ERR_UNEXPECTED);
		assert_non_null(strstr(err.message, "out of memory"));
		assert_true(n < 1000);
	}
	assert_true(n > 10);
	json_decref(doc);
	/* And a failure before does not excuse a text that is wrong. */
	left = 1000;
	assert_int_equal(jsonx_parse("{\"n\": ", 6, "it", &doc, &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_SNAPSHOT);
}

/* Of the document above, of what failed half-way, and of a secret that was never read but made. */
static void test_memory_is_zeroed(void **state)
{
	(void)state;
	unsigned before = given_back;
	assert_true(before > 10);
	left = 1000;
	json_t *secret = jsonx_secret("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
	assert_non_null(secret);
	json_decref(secret);
	assert_true(given_back > before);
	assert_int_equal(dirty, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_no_memory_is_no_damage), cmocka_unit_test(test_memory_is_zeroed) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
