/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold of the table whatever is written in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "applier/quiesce.h"

static const struct quiesce_row *row(enum quiesce_state s, enum quiesce_event e)
{
	const struct quiesce_row *found = NULL;
	for (size_t i = 0; i < quiesce_rows; i++) {
		if (quiesce_table[i].state == s && quiesce_table[i].event == e) {
			assert_null(found); /* one answer only */
			found = &quiesce_table[i];
		}
	}
	return found;
}

static void test_failure_resumes(void **state)
{
	(void)state;
	for (int s = Q_PREFLIGHT; s <= Q_CAPTURED; s++) {
		const struct quiesce_row *r = row((enum quiesce_state)s, E_FAILED);
		assert_non_null(r);
		assert_int_equal(r->next, Q_RESUMING);
		assert_ptr_equal(r->function, quiesce_resume);
	}
}

/* From every state RESUMING is reached, and from there the end, without going by way of another window. */
static void test_every_state_reaches_resuming(void **state)
{
	(void)state;
	bool reaches[Q_END + 1] = { [Q_RESUMING] = true };
	for (int again = 0; again <= Q_END; again++) {
		for (size_t i = 0; i < quiesce_rows; i++) {
			if (reaches[quiesce_table[i].next])
				reaches[quiesce_table[i].state] = true;
		}
	}
	for (int s = Q_BEGIN; s < Q_RUNNING; s++)
		assert_true(reaches[s]);
	assert_int_equal(row(Q_RESUMING, E_DONE)->next, Q_RUNNING);
	assert_int_equal(row(Q_RESUMING, E_FAILED)->next, Q_RUNNING);
	assert_int_equal(row(Q_RUNNING, E_DONE)->next, Q_END);
}

/* Nothing is captured that was not proven, nothing is proven that was not stopped (or had nothing to stop), nothing is stopped unguarded. */
static void test_no_way_round(void **state)
{
	(void)state;
	for (size_t i = 0; i < quiesce_rows; i++) {
		const struct quiesce_row *r = &quiesce_table[i];
		if (r->next == Q_CAPTURED)
			assert_int_equal(r->state, Q_STILL);
		if (r->next == Q_STILL)
			assert_true(r->state == Q_STOPPING || r->state == Q_CAPTURED || r->event == E_IDLE);
		if (r->next == Q_STOPPING)
			assert_int_equal(r->state, Q_WATCHING);
		if (r->next == Q_WATCHING)
			assert_true(r->state == Q_ARMED || r->state == Q_CLOSING);
		if (r->next == Q_RUNNING)
			assert_int_equal(r->state, Q_RESUMING);
	}
}

static void test_rows_are_complete(void **state)
{
	(void)state;
	for (size_t i = 0; i < quiesce_rows; i++) {
		const struct quiesce_row *r = &quiesce_table[i];
		assert_ptr_equal(row(r->state, r->event), r);
		assert_true((r->next == Q_END) == !r->function);
		assert_true((r->next == Q_END) == !r->comment);
		if (r->comment) {
			assert_in_range(strlen(r->comment), 10, 120);
			assert_null(strchr(r->comment, '\n'));
		}
		if (r->state != Q_BEGIN)
			assert_true(strlen(quiesce_state_name(r->next)) > 0);
	}
	assert_string_equal(quiesce_state_name(Q_PREFLIGHT), "PREFLIGHT");
	assert_string_equal(quiesce_state_name(Q_RUNNING), "RUNNING");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failure_resumes),
		cmocka_unit_test(test_every_state_reaches_resuming),
		cmocka_unit_test(test_no_way_round),
		cmocka_unit_test(test_rows_are_complete),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
