/* SPDX-License-Identifier: Apache-2.0 */
/* What the window makes of others: a channel that somebody stops and starts again, one that is none of ours, a clock that is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "applier/preflight.h"
#include "applier/quiesce.h"
#include "fake_conn.h"
#include "scratch.h"

#define STATUS "SHOW REPLICA STATUS"
#define ROWS(running) "Channel_Name\tReplica_SQL_Running\tLast_SQL_Errno\nx\t" running "\t0\n"

static const struct window_options options = { .pause_budget_ms = 500, .deadline_ms = 600000, .max_pause_ms = 60000, .no_guard = true };

struct bed {
	struct quiesce q;
	struct conn *watch;
};

static void begin(struct scratch *s, struct bed *b, size_t ours)
{
	struct error err = ERROR_INIT;
	*b = (struct bed){ .q = { .run = &s->run, .w = &options } };
	OK(quiesce_open(&b->q, &err));
	b->watch = fake_conn_new(&b->q.shield, FLAVOR_MYSQL, 90704);
	b->q.watch = b->watch;
	b->q.in.server = b->watch->server;
	b->q.in.worker_stamps = true;
	b->q.deadline_ms = run_now_ms(&s->run) + 60000;
	b->q.described.item = calloc(1, sizeof *b->q.described.item);
	b->q.described.n = 1;
	b->q.described.item[0].cp.name = strdup("x");
	b->q.ours = calloc(1, sizeof *b->q.ours);
	b->q.which = calloc(1, sizeof *b->q.which);
	b->q.nours = ours;
	if (ours)
		b->q.ours[0].name = strdup("x");
}

static void end(struct bed *b)
{
	fake_conn_check(b->watch);
	quiesce_close(&b->q);
}

static void look(struct bed *b, const char *rows)
{
	fake_conn_expect_prefix(b->watch, "SELECT CHANNEL_NAME AS channel");
	fake_conn_expect(b->watch, STATUS);
	fake_conn_rows(b->watch, rows);
}

/* Stopped by somebody, then started again: it runs as when we came, and is stopped under a switch that was set anew. */
static void test_started_again(void **state)
{
	struct bed b;
	begin(*state, &b, 1);
	b.q.ours[0].dropped = true;
	b.q.secured = true; /* without it */
	look(&b, ROWS("Yes"));
	look(&b, ROWS("Yes"));
	assert_int_equal(quiesce_watch(&b.q), E_DONE);
	assert_false(b.q.ours[0].dropped);
	assert_true(b.q.which[0]);
	end(&b);
}

static void test_left_stopped(void **state)
{
	struct bed b;
	begin(*state, &b, 1);
	look(&b, ROWS("No"));
	assert_int_equal(quiesce_watch(&b.q), E_IDLE);
	assert_true(b.q.ours[0].dropped);
	end(&b);
}

/* A channel that was stopped when we came and was started since makes every proof of no use: not for longer than the deadline. */
static void test_deadline_without_channels_of_ours(void **state)
{
	struct bed b;
	begin(*state, &b, 0);
	snprintf(b.q.why, sizeof b.q.why, "channel 'x' was started by somebody else");
	assert_int_equal(quiesce_watch(&b.q), E_IDLE);
	b.q.deadline_ms = run_now_ms(b.q.run) - 1;
	assert_int_equal(quiesce_watch(&b.q), E_FAILED);
	assert_int_equal(b.q.error.kind, ERR_NO_QUIET);
	assert_non_null(strstr(b.q.error.message, "was started by somebody else"));
	end(&b);
}

static void clock_at(struct scratch *s, int64_t server_s, const char *expected)
{
	struct error err = ERROR_INIT;
	struct strlist warnings = { 0 };
	char rows[64];
	struct conn *c = fake_conn_new(&s->run, FLAVOR_MARIADB, 101119);
	snprintf(rows, sizeof rows, "t\n%lld\n", (long long)server_s);
	fake_conn_expect(c, "SELECT UNIX_TIMESTAMP(SYSDATE())");
	fake_conn_rows(c, rows);
	OK(preflight_warn_clock(c, &s->run, &warnings, &err));
	assert_int_equal(warnings.n, expected ? 1 : 0);
	if (expected)
		assert_non_null(strstr(warnings.item[0], expected));
	strlist_free(&warnings);
	conn_free(c);
}

static void test_clocks(void **state)
{
	struct scratch *s = *state;
	int64_t now = run_wall_ms(&s->run) / 1000;
	clock_at(s, now, NULL);
	clock_at(s, now + 50, NULL);
	clock_at(s, now - 50, NULL);
	clock_at(s, now + 120, "s behind the server's");
	clock_at(s, now - 120, "s ahead of the server's");
	clock_at(s, now + 86400, "s behind the server's");
	clock_at(s, now - 3600, "s ahead of the server's");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_started_again, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_left_stopped, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_deadline_without_channels_of_ours, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_clocks, scratch_setup, scratch_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
