/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "engine/logical/plan.h"
#include "tables.h"

#define CHUNK (16u << 20)

static const struct a_column one_int[] = { COL("id", "int") };

static struct table *sized(struct inventory *inv, const char *name, uint64_t bytes, bool key)
{
	struct table *t = a_table(inv, "s", name, one_int, 1);
	t->bytes = bytes;
	t->rows = bytes / 100;
	if (key)
		a_key(t, "PRIMARY", 0, 1);
	return t;
}

static void big_tables_are_shared_small_ones_spread(void **state)
{
	(void)state;
	struct inventory inv;
	struct plan p = { 0 };
	char name[16];
	inventory_init(&inv);
	sized(&inv, "huge", 1u << 30, true);
	sized(&inv, "huge_nokey", 1u << 29, false);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "t%d", i);
		sized(&inv, name, 1000000, true);
	}
	assert_int_equal(plan_build(&p, &inv, &inv, 4, CHUNK, NULL), ST_OK);
	assert_int_equal(p.n, 102);
	unsigned holds_nokey = 0;
	uint64_t small[4] = { 0 };
	for (unsigned s = 0; s < 4; s++) {
		size_t n = p.session[s].n;
		/* the shared one is read last, by all */
		assert_string_equal(p.session[s].item[n - 1]->name, "huge");
		assert_true(p.session[s].item[n - 1]->shared);
		for (size_t i = 0; i + 1 < n; i++) {
			struct task *k = p.session[s].item[i];
			assert_false(k->shared);
			assert_int_equal(k->owner, s);
			holds_nokey += !strcmp(k->name, "huge_nokey");
			small[s] += strcmp(k->name, "huge_nokey") != 0;
			if (i)
				assert_true(p.session[s].item[i - 1]->bytes >= k->bytes);
		}
	}
	assert_int_equal(holds_nokey, 1); /* without a key nobody can share it */
	/* whoever reads the big one alone gets no small ones besides; the others have a third each */
	unsigned none = 0;
	for (unsigned s = 0; s < 4; s++) {
		none += !small[s];
		assert_true(!small[s] || (small[s] >= 33 && small[s] <= 34));
	}
	assert_int_equal(none, 1);
	plan_free(&p);
	inventory_clear(&inv);
}

static void one_session_shares_with_nobody(void **state)
{
	(void)state;
	struct inventory inv;
	struct plan p = { 0 };
	inventory_init(&inv);
	sized(&inv, "huge", 1u << 30, true);
	assert_int_equal(plan_build(&p, &inv, &inv, 1, CHUNK, NULL), ST_OK);
	assert_false(p.task[0].shared);
	plan_free(&p);
	inventory_clear(&inv);
}

static void locks_for_definitions_alone_come_first(void **state)
{
	(void)state;
	struct inventory inv;
	struct plan p = { 0 };
	inventory_init(&inv);
	sized(&inv, "rows", 5000, true);
	sized(&inv, "myisam", 90000, true)->how = ROWS_COPIED;
	struct table *view = sized(&inv, "view", 0, false);
	view->view = true;
	assert_int_equal(plan_build(&p, &inv, &inv, 1, CHUNK, NULL), ST_OK);
	assert_int_equal(p.n, 2);
	assert_string_equal(p.session[0].item[0]->name, "myisam");
	assert_false(p.session[0].item[0]->rows);
	plan_free(&p);
	inventory_clear(&inv);
}

/* The groups of a session: how many, the most tables of one, and whether its last table ends one. */
static size_t groups(const struct plan *p, unsigned session, size_t *ret_most)
{
	size_t n = 0, here = 0;
	*ret_most = 0;
	for (size_t i = 0; i < p->session[session].n; i++) {
		here++;
		*ret_most = here > *ret_most ? here : *ret_most;
		if (p->session[session].ends[i]) {
			n++;
			here = 0;
		}
	}
	assert_int_equal(here, 0);
	return n;
}

static void locks_are_given_up_one_by_one_or_in_groups_of_little(void **state)
{
	(void)state;
	struct inventory inv;
	struct plan p = { 0 };
	char name[16];
	size_t most = 0;
	inventory_init(&inv);
	for (int i = 0; i < PLAN_GROUPS; i++) {
		snprintf(name, sizeof name, "s%d", i);
		sized(&inv, name, 16384, true);
	}
	assert_int_equal(plan_build(&p, &inv, &inv, 1, CHUNK, NULL), ST_OK);
	assert_int_equal(groups(&p, 0, &most), PLAN_GROUPS);
	assert_int_equal(most, 1);
	for (int i = 0; i < 10000; i++) {
		snprintf(name, sizeof name, "t%d", i);
		sized(&inv, name, 16384, true);
	}
	sized(&inv, "big", 10u << 20, true);
	sized(&inv, "bigger", 20u << 20, true);
	sized(&inv, "shared", 1u << 30, true);
	assert_int_equal(plan_build(&p, &inv, &inv, 2, CHUNK, NULL), ST_OK);
	for (unsigned s = 0; s < 2; s++) {
		size_t n = groups(&p, s, &most);
		assert_in_range(n, PLAN_GROUPS / 4, PLAN_GROUPS);
		assert_in_range(most, 2, 2 * p.session[s].n / PLAN_GROUPS * 2);
		assert_true(p.session[s].ends[p.session[s].n - 2]); /* what is read long waits for nothing else */
	}
	plan_free(&p);
	inventory_clear(&inv);
}

static void binding(void **state)
{
	(void)state;
	struct inventory window, now;
	struct plan p = { 0 };
	struct error err = ERROR_INIT;
	inventory_init(&window);
	inventory_init(&now);
	sized(&window, "a", 1u << 30, false); /* names only: sizes and keys come from what was read before */
	sized(&window, "b", 0, false);
	sized(&now, "b", 1000, true);
	sized(&now, "a", 1u << 30, true);
	sized(&now, "later", 1000, true);
	assert_int_equal(plan_build(&p, &window, &now, 2, CHUNK, NULL), ST_OK);
	assert_int_equal(plan_bind(&p, &now, CHUNK, &err), ST_OK);
	for (size_t i = 0; i < p.n; i++) {
		assert_ptr_equal(p.task[i].table, inventory_find(&now, "s", p.task[i].name));
		assert_false(p.task[i].table->gone);
		assert_int_equal(p.task[i].shared, !strcmp(p.task[i].name, "a"));
		assert_true(p.task[i].shared || p.task[i].table->reader == p.task[i].owner);
	}
	assert_true(inventory_find(&now, "s", "later")->gone); /* created behind the window */
	plan_free(&p);

	/* gone, or of another engine: the attempt is void */
	assert_int_equal(plan_build(&p, &window, &now, 2, CHUNK, NULL), ST_OK);
	inventory_find(&now, "s", "b")->how = ROWS_COPIED;
	assert_int_equal(plan_bind(&p, &now, CHUNK, &err), ST_RETRY);
	plan_free(&p);
	inventory_clear(&now);
	sized(&now, "a", 10, true);
	assert_int_equal(plan_build(&p, &window, &window, 2, CHUNK, NULL), ST_OK);
	assert_int_equal(plan_bind(&p, &now, CHUNK, &err), ST_RETRY);
	assert_int_equal(err.kind, ERR_INCONSISTENT);
	plan_free(&p);
	inventory_clear(&window);
	inventory_clear(&now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(big_tables_are_shared_small_ones_spread),
		cmocka_unit_test(one_session_shares_with_nobody),
		cmocka_unit_test(locks_for_definitions_alone_come_first),
		cmocka_unit_test(locks_are_given_up_one_by_one_or_in_groups_of_little),
		cmocka_unit_test(binding),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
