/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gtid: two texts, divided by a bar, as sets and as MariaDB's positions. What can be read is written and read again to the same, and the laws of
 * sets hold between the two.
 */
#include "fuzz.h"
#include "slackwater/gtid.h"

enum { FUZZ_MAX = 1 << 20 };

static struct error err;

static struct gtid_set *fuzz_copy(const struct gtid_set *s)
{
	struct gtid_set *c = NULL;
	fuzz_require(gtid_set_copy(s, &c, &err) == ST_OK && gtid_set_equal(s, c));
	return c;
}

static void fuzz_one(const struct gtid_set *s)
{
	struct buf text = BUF_INIT(FUZZ_MAX), again = BUF_INIT(FUZZ_MAX);
	struct gtid_set *read = NULL, *holes = NULL;
	gtid_set_format(s, &text);
	fuzz_require(!text.bad && gtid_set_parse(buf_str(&text), &read, &err) == ST_OK && gtid_set_equal(s, read));
	gtid_set_format(read, &again);
	fuzz_require(text.len == again.len && memcmp(buf_str(&text), buf_str(&again), text.len) == 0);
	fuzz_require(gtid_set_empty(s) == !gtid_set_count(s) && gtid_set_empty(s) == !text.len);
	/* What is missing below the highest is not there, and with it nothing is missing. */
	fuzz_require(gtid_set_holes(s, &holes, &err) == ST_OK);
	fuzz_require(gtid_set_intersect(read, holes, &err) == ST_OK && gtid_set_empty(read));
	fuzz_require(gtid_set_add_set(read, s, &err) == ST_OK && gtid_set_add_set(read, holes, &err) == ST_OK);
	gtid_set_free(holes);
	fuzz_require(gtid_set_holes(read, &holes, &err) == ST_OK && gtid_set_empty(holes));
	gtid_set_free(holes);
	gtid_set_free(read);
	buf_free(&text);
	buf_free(&again);
}

static void fuzz_two(const struct gtid_set *a, const struct gtid_set *b)
{
	struct gtid_set *both = fuzz_copy(a), *either = fuzz_copy(a), *rest = fuzz_copy(a);
	fuzz_require(gtid_set_intersect(both, b, &err) == ST_OK && gtid_set_add_set(either, b, &err) == ST_OK &&
	             gtid_set_subtract(rest, b, &err) == ST_OK);
	fuzz_require(gtid_set_contains(either, a) && gtid_set_contains(either, b) && gtid_set_contains(a, both) && gtid_set_contains(b, both));
	fuzz_require(gtid_set_contains(b, a) == gtid_set_empty(rest));
	uint64_t n = gtid_set_count(either);
	fuzz_require(n == UINT64_MAX || n == gtid_set_count(b) + gtid_set_count(rest));
	fuzz_one(both);
	fuzz_one(either);
	fuzz_one(rest);
	fuzz_require(gtid_set_add_set(both, rest, &err) == ST_OK && gtid_set_equal(both, a));
	fuzz_require(gtid_set_intersect(rest, b, &err) == ST_OK && gtid_set_empty(rest));
	gtid_set_free(both);
	gtid_set_free(either);
	gtid_set_free(rest);
}

static void fuzz_positions(const char *x, const char *y)
{
	struct gtid_pos a = { 0 }, b = { 0 }, again = { 0 };
	struct buf text = BUF_INIT(FUZZ_MAX);
	if (gtid_pos_parse(x, &a, &err) == ST_OK) {
		gtid_pos_format(&a, &text);
		fuzz_require(!text.bad && gtid_pos_parse(buf_str(&text), &again, &err) == ST_OK);
		fuzz_require(gtid_pos_equal(&a, &again) && gtid_pos_reached(&a, &again));
		for (size_t i = 0; i < a.n; i++)
			fuzz_require(gtid_pos_domain(&a, a.item[i].domain) != NULL);
		if (gtid_pos_parse(y, &b, &err) == ST_OK && gtid_pos_equal(&a, &b))
			fuzz_require(gtid_pos_reached(&a, &b) && gtid_pos_reached(&b, &a));
	}
	gtid_pos_free(&a);
	gtid_pos_free(&b);
	gtid_pos_free(&again);
	buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *bar = memchr(data, '|', size);
	size_t first = bar ? (size_t)(bar - data) : size;
	char *x = fuzz_text(data, first), *y = bar ? fuzz_text(bar + 1, size - first - 1) : fuzz_text(data, 0);
	struct gtid_set *a = NULL, *b = NULL;
	if (gtid_set_parse(x, &a, &err) == ST_OK)
		fuzz_one(a);
	if (a && gtid_set_parse(y, &b, &err) == ST_OK)
		fuzz_two(a, b);
	fuzz_positions(x, y);
	gtid_set_free(a);
	gtid_set_free(b);
	free(x);
	free(y);
	return 0;
}
