/* SPDX-License-Identifier: Apache-2.0 */
/* The stillness that comes to nothing: when another one is tried, and when not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "applier/quiesce.h"
#include "fake_conn.h"
#include "scratch.h"
#include "stepping.h"

FAKE_CONN_DEFINE_OPEN

/* What is captured, and how long it takes. */
struct engine {
	int64_t takes_ms;
	const char *asks; /* to be called again, and why; NULL: does not */
};

static enum status capture(void *arg, const struct checkpoint *cp, struct run *run, struct error *err)
{
	const struct engine *e = arg;
	(void)cp;
	(void)run;
	stepping_ms += e->takes_ms;
	return e->asks ? error_set(err, ST_RETRY, ERR_SERVER, "%s", e->asks) : ST_OK;
}

static bool beyond_innodb(void *arg)
{
	(void)arg;
	return false;
}

static void drop(void *arg)
{
	(void)arg;
}

struct bed {
	struct quiesce q;
	struct window_options w;
	struct window_capture capture;
	struct engine e;
	struct conn *watch, *holder, *waiter;
};

/* One channel stands still; its switch has gone off already. max_pause 2 s. */
static void begin(struct scratch *s, struct bed *b, bool guarded)
{
	static const char *const names[] = { "x" };
	static const struct conn_options o = { 0 };
	struct error err = ERROR_INIT;
	s->run.clock = &stepping;
	*b = (struct bed){ .q = { .run = &s->run, .still_ms = stepping_ms }, .w = window_defaults, .capture = { capture, beyond_innodb, drop, NULL } };
	OK(quiesce_open(&b->q, &err));
	b->w.max_pause_ms = 2000;
	b->w.refuse_prepared = false;
	b->capture.arg = &b->e;
	b->q.w = &b->w;
	b->q.capture = &b->capture;
	b->q.watch = b->watch = fake_conn_new(&b->q.shield, FLAVOR_MYSQL, 90704);
	b->q.in.server = b->watch->server;
	b->q.in.server.identity[0] = 'A';
	b->q.cp = calloc(1, sizeof *b->q.cp);
	if (!guarded)
		return;
	b->holder = fake_conn_new(&b->q.shield, FLAVOR_MYSQL, 90704);
	b->waiter = fake_conn_new(&b->q.shield, FLAVOR_MYSQL, 90704);
	fake_conn_queue(b->holder);
	fake_conn_queue(b->waiter);
	OK(guard_new(&o, &b->q.in, names, 1, 2000, &b->q.shield, &b->q.guard, &err));
	fake_conn_expect_prefix(b->holder, "SELECT IFNULL(GET_LOCK(");
	fake_conn_rows(b->holder, "n\n1\n");
	fake_conn_expect_prefix(b->waiter, "SET @w = ");
	fake_conn_error(b->waiter, 1065, "Query was empty");
	fake_conn_expect_prefix(b->watch, "SELECT COUNT(*) FROM information_schema.PROCESSLIST");
	fake_conn_rows(b->watch, "n\n1\n");
	OK(guard_arm(b->q.guard, b->watch, (const bool[]){ true }, &err));
	while (!guard_fired(b->q.guard)) /* a thread has to get its turn */
		clock_system.wait(NULL, -1, 1);
}

static void end(struct scratch *s, struct bed *b)
{
	fake_conn_check(b->watch);
	quiesce_close(&b->q);
	fake_conn_check_queue();
	s->run.clock = &clock_system;
}

/* The second look of the fingerprint. */
static void looked(struct bed *b)
{
	fake_conn_expect_prefix(b->watch, "SHOW GLOBAL STATUS WHERE Variable_name IN ('Innodb_rows_inserted'");
	fake_conn_rows(b->watch, "Variable_name\tValue\nInnodb_rows_inserted\t5\n");
	fake_conn_expect(b->watch, "SHOW ENGINE INNODB STATUS");
	fake_conn_rows(b->watch, "Type\tName\tStatus\nInnoDB\t\tTrx id counter 17\n");
}

/* Longer than --max-pause by itself: another window would end in the same way. */
static void test_capture_too_long(void **state)
{
	struct bed b;
	begin(*state, &b, true);
	b.e.takes_ms = 3000;
	looked(&b);
	assert_int_equal(quiesce_capture(&b.q), E_FAILED);
	assert_int_equal(b.q.error.kind, ERR_NO_QUIET);
	assert_non_null(strstr(b.q.error.message, "the capture took 3.0 s, longer than --max-pause"));
	assert_non_null(strstr(b.q.error.hint, "raise --max-pause"));
	assert_non_null(strstr(b.q.error.hint, "--nontransactional"));
	end(*state, &b);
}

/* The switch went off while something else took its time: another window, but not for ever. What it started is no other writer. */
static void test_switch_went_off(void **state)
{
	struct bed b;
	begin(*state, &b, true);
	b.q.before.rows = 1;
	for (int i = 1; i <= 3; i++) {
		looked(&b);
		assert_int_equal(quiesce_capture(&b.q), i < 3 ? E_AGAIN : E_FAILED);
		assert_non_null(strstr(b.q.why, "the dead-man's switch went off"));
	}
	assert_int_equal(b.q.error.kind, ERR_NO_QUIET);
	end(*state, &b);
}

/* The engine asks to be called again until nobody will: its own reason is what is told. */
static void test_engine_asks(void **state)
{
	struct bed b;
	begin(*state, &b, false);
	b.w.pause_budget_ms = 0;
	b.e.asks = "table a.b was altered";
	b.e.takes_ms = 1;
	for (int i = 1; i <= 3; i++)
		assert_int_equal(quiesce_capture(&b.q), i < 3 ? E_AGAIN : E_FAILED);
	assert_int_equal(b.q.error.kind, ERR_SERVER);
	assert_int_equal(b.q.error.status, ST_FAILED);
	assert_non_null(strstr(b.q.error.message, "table a.b was altered"));
	end(*state, &b);
}

/* As long as the pause is short it is captured again in the same stillness, a few times; then in another one. */
static void test_captured_again_while_still(void **state)
{
	struct bed b;
	begin(*state, &b, false);
	b.w.pause_budget_ms = 500;
	b.e.asks = "table a.b was altered";
	b.e.takes_ms = 1;
	for (int i = 1; i <= 4; i++)
		assert_int_equal(quiesce_capture(&b.q), E_MOVED);
	assert_int_equal(quiesce_capture(&b.q), E_AGAIN);
	b.q.moves = 0;
	b.e.takes_ms = 1000; /* twice the budget has passed */
	assert_int_equal(quiesce_capture(&b.q), E_AGAIN);
	end(*state, &b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { T(test_capture_too_long), T(test_switch_went_off), T(test_engine_asks), T(test_captured_again_while_still) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
