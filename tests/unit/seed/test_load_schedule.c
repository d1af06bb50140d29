/* SPDX-License-Identifier: Apache-2.0 */
/* Which chunk a loading thread takes next: every chunk once, threads apart where they can be, all of them on a giant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/logical/load_schedule.h"

enum { TABLES = 4, CHUNKS = 32 };

struct world {
	struct load_plan plan;
	struct load_table table[TABLES];
	struct load_chunk chunk[CHUNKS];
	struct stream_index_entry entry[CHUNKS];
	int taken[CHUNKS];
};

/* chunks[i] = how many of 10 bytes table i has */
static void make(struct world *w, const int *chunks)
{
	*w = (struct world){ .plan.chunk = w->chunk };
	for (int t = 0; t < TABLES; t++)
		for (int i = 0; i < chunks[t]; i++) {
			size_t n = w->plan.nchunks++;
			w->entry[n].raw_bytes = 10;
			w->chunk[n] = (struct load_chunk){ .table = &w->table[t], .entry = &w->entry[n] };
		}
}

static int take(struct world *w, struct load_schedule *s, unsigned who)
{
	const struct load_chunk *c = load_schedule_take(s, who);
	if (!c)
		return -1;
	w->taken[c - w->chunk]++;
	return (int)(c->table - w->table);
}

static struct load_schedule *schedule(struct world *w, unsigned threads)
{
	struct load_schedule *s = NULL;
	struct error err = ERROR_INIT;
	assert_int_equal(load_schedule_new(&w->plan, threads, &s, &err), ST_OK);
	return s;
}

static void all_once(const struct world *w)
{
	for (size_t i = 0; i < w->plan.nchunks; i++)
		assert_int_equal(w->taken[i], 1);
}

static void test_equal_tables_are_not_shared(void **state)
{
	(void)state;
	struct world w;
	make(&w, (const int[]){ 4, 4, 4, 4 });
	struct load_schedule *s = schedule(&w, 2);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 4; i++) {
			assert_int_equal(take(&w, s, 0), round * 2);
			assert_int_equal(take(&w, s, 1), round * 2 + 1);
		}
	assert_int_equal(take(&w, s, 0), -1);
	all_once(&w);
	load_schedule_free(s);
}

static void test_a_giant_is_taken_by_all(void **state)
{
	(void)state;
	struct world w;
	make(&w, (const int[]){ 12, 1, 1, 1 });
	struct load_schedule *s = schedule(&w, 2);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(take(&w, s, 0), 0);
		assert_int_equal(take(&w, s, 1), 0);
	}
	while (take(&w, s, 0) >= 0)
		;
	assert_int_equal(take(&w, s, 1), -1);
	all_once(&w);
	load_schedule_free(s);
}

static void test_the_last_table_is_shared(void **state)
{
	(void)state;
	struct world w;
	make(&w, (const int[]){ 6, 2, 0, 0 });
	struct load_schedule *s = schedule(&w, 2);
	assert_int_equal(take(&w, s, 0), 0);
	assert_int_equal(take(&w, s, 1), 0); /* 50 left for two is more than 20 for one */
	assert_int_equal(take(&w, s, 2), 0); /* a thread more than was spoken of shares a place and loses nothing */
	while (take(&w, s, 1) >= 0)
		;
	all_once(&w);
	load_schedule_free(s);
}

static void test_nothing(void **state)
{
	(void)state;
	struct world w;
	make(&w, (const int[]){ 0, 0, 0, 0 });
	struct load_schedule *s = schedule(&w, 4);
	assert_int_equal(take(&w, s, 0), -1);
	load_schedule_free(s);
	load_schedule_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_tables_are_not_shared),
		cmocka_unit_test(test_a_giant_is_taken_by_all),
		cmocka_unit_test(test_the_last_table_is_shared),
		cmocka_unit_test(test_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
