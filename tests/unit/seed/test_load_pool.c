/* SPDX-License-Identifier: Apache-2.0 */
/* The threads that load: every task once, and the first failure is the one that is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/logical/load_pool.h"
#include "fake_conn.h"

FAKE_CONN_DEFINE_OPEN

static const struct conn_options nowhere;

struct work {
	struct run *run;
	size_t done, fails_at, cancels_at;
};

static enum status one(void *arg, unsigned worker, struct conn *c, size_t i, struct error *err)
{
	struct work *w = arg;
	assert_int_equal(worker, 0);
	assert_int_equal(i, w->done++); /* in their order */
	if (w->done == w->cancels_at)
		run_cancel(w->run, 15);
	return w->done == w->fails_at ? conn_exec(c, "DO 1", err) : ST_OK;
}

static void expect_session(struct run *run, bool fails)
{
	struct conn *c = fake_conn_new(run, FLAVOR_MARIADB, 100100);
	fake_conn_expect_prefix(c, "SET SESSION sql_log_bin = 0, foreign_key_checks = 0");
	fake_conn_expect(c, "SET SESSION explicit_defaults_for_timestamp = ON");
	if (fails) {
		fake_conn_expect(c, "DO 1");
		fake_conn_error(c, 1366, "Incorrect value");
	}
	fake_conn_queue(c);
}

static enum status run_pool(struct work *w, struct run *run, size_t n, unsigned rounds, struct error *err)
{
	struct load_pool *p = NULL;
	w->run = run;
	enum status st = load_pool_new(&nowhere, 1, run, &p, err);
	for (unsigned i = 0; !st && i < rounds; i++) {
		w->done = 0;
		st = load_pool_run(p, n, one, w, err);
	}
	load_pool_free(p);
	fake_conn_check_queue();
	return st;
}

static void every_task_is_done_by_a_session_that_stays(void **state)
{
	(void)state;
	struct run run;
	struct error err = ERROR_INIT;
	struct work w = { 0 };
	assert_int_equal(run_init(&run, NULL, NULL, NULL, NULL), ST_OK);
	assert_int_equal(run_pool(&w, &run, 0, 1, &err), ST_OK); /* nothing to do: nobody logs in */
	expect_session(&run, false);
	assert_int_equal(run_pool(&w, &run, 5, 2, &err), ST_OK);
	assert_int_equal(w.done, 5);
	run_destroy(&run);
}

static void the_first_failure_ends_it(void **state)
{
	(void)state;
	struct run run;
	struct error err = ERROR_INIT;
	struct work w = { .fails_at = 3 };
	assert_int_equal(run_init(&run, NULL, NULL, NULL, NULL), ST_OK);
	expect_session(&run, true);
	assert_int_equal(run_pool(&w, &run, 5, 1, &err), ST_FAILED);
	assert_int_equal(err.my_errno, 1366);
	assert_int_equal(w.done, 3);
	assert_false(run_cancelled(&run));
	run_destroy(&run);
}

static void a_cancel_is_told_as_one(void **state)
{
	(void)state;
	struct run run;
	struct error err = ERROR_INIT;
	struct work w = { .cancels_at = 2 };
	assert_int_equal(run_init(&run, NULL, NULL, NULL, NULL), ST_OK);
	expect_session(&run, false);
	assert_int_equal(run_pool(&w, &run, 5, 1, &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_INTERRUPTED);
	assert_int_equal(w.done, 2);
	run_destroy(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_task_is_done_by_a_session_that_stays),
		cmocka_unit_test(the_first_failure_ends_it),
		cmocka_unit_test(a_cancel_is_told_as_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
