/* SPDX-License-Identifier: Apache-2.0 */
/* What was stopped is started, seen running, or said to be stopped: against servers that do not do as they are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "applier/quiesce.h"
#include "fake_conn.h"
#include "scratch.h"
#include "stepping.h"

FAKE_CONN_DEFINE_OPEN

#define STATUS "SHOW REPLICA STATUS"
#define START "START REPLICA SQL_THREAD FOR CHANNEL 'x'"
#define ROWS(running, no, text)                                                                                            \
	"Channel_Name\tReplica_SQL_Running\tLast_SQL_Errno\tLast_SQL_Error\n" "x\t" running "\t" no "\t" text "\n"

struct bed {
	struct quiesce q;
	struct ours ours;
	struct conn *watch, *session;
};

static void begin(struct scratch *s, struct bed *b)
{
	struct error err = ERROR_INIT;
	*b = (struct bed){ .q = { .run = &s->run } };
	OK(quiesce_open(&b->q, &err));
	b->watch = fake_conn_new(&b->q.shield, FLAVOR_MYSQL, 90704);
	b->session = fake_conn_new(&b->q.shield, FLAVOR_MYSQL, 90704);
	b->q.watch = b->watch;
	b->q.in.server = b->watch->server;
	b->q.ours = calloc(1, sizeof *b->q.ours);
	b->q.nours = 1;
	b->q.ours[0].name = strdup("x");
	b->q.ours[0].job = (struct job){ .c = b->session, .sql = BUF_INIT(4096), .done_fd = -1 };
	b->q.still_ms = run_now_ms(&s->run);
}

/* Before the first START: has anybody else taken the channel over? */
static void looked(struct bed *b)
{
	fake_conn_expect(b->watch, STATUS);
	fake_conn_rows(b->watch, ROWS("No", "0", ""));
}

static void end(struct bed *b)
{
	fake_conn_check(b->watch);
	fake_conn_check(b->session);
	quiesce_close(&b->q);
}

static void test_started(void **state)
{
	struct bed b;
	struct error err = ERROR_INIT;
	begin(*state, &b);
	OK(quiesce_start_all(&b.q, &err)); /* nothing is owed: nothing is sent */
	b.q.ours[0].stopped = true;
	looked(&b);
	fake_conn_expect(b.session, START);
	fake_conn_expect(b.watch, STATUS);
	fake_conn_rows(b.watch, ROWS("Yes", "0", ""));
	OK(quiesce_start_all(&b.q, &err));
	assert_false(quiesce_owes_start(&b.q));
	assert_int_equal(b.q.still_ms, 0);
	end(&b);
}

/* A START's OK proves nothing: after a STOP that returned 1875 the applier may stop for good all the same (facts/servers 1). */
static void test_ok_but_not_running(void **state)
{
	struct bed b;
	struct error err = ERROR_INIT;
	begin(*state, &b);
	b.q.ours[0].stopped = true;
	looked(&b);
	for (int i = 0; i < 3; i++) {
		fake_conn_expect(b.session, START);
		fake_conn_expect(b.watch, STATUS);
		fake_conn_rows(b.watch, i < 2 ? ROWS("No", "0", "") : ROWS("Yes", "0", ""));
	}
	OK(quiesce_start_all(&b.q, &err));
	end(&b);
}

static void test_cannot_be_started(void **state)
{
	struct bed b;
	struct error err = ERROR_INIT;
	begin(*state, &b);
	b.q.ours[0].stopped = true;
	looked(&b);
	for (int i = 0; i < 3; i++) {
		fake_conn_expect(b.session, START);
		fake_conn_expect(b.watch, STATUS);
		fake_conn_rows(b.watch, ROWS("No", "1062", "Duplicate entry '5' for key 'PRIMARY'"));
	}
	FAILS(ERR_APPLIER, quiesce_start_all(&b.q, &err));
	assert_non_null(strstr(err.message, "channel 'x' could not be started again: 1062: Duplicate entry '5'"));
	assert_non_null(strstr(err.hint, "run by hand: " START));
	b.q.ours[0].stopped = false;
	end(&b);
}

/* 1875: the stop is in effect still. A START sent now would be undone, so it is sent when the thread has been seen to stand. */
static void test_stop_still_going_on(void **state)
{
	struct bed b;
	struct error err = ERROR_INIT;
	begin(*state, &b);
	b.q.ours[0].stopping = true;
	b.q.ours[0].stop_error.my_errno = 1875;
	for (int i = 0; i < 3; i++) {
		fake_conn_expect(b.watch, STATUS);
		fake_conn_rows(b.watch, i < 2 ? ROWS("Yes", "0", "") : ROWS("No", "0", ""));
	}
	looked(&b);
	fake_conn_expect(b.session, START);
	fake_conn_expect(b.watch, STATUS);
	fake_conn_rows(b.watch, ROWS("Yes", "0", ""));
	OK(quiesce_start_all(&b.q, &err));
	end(&b);
}

#define NEW_THREAD "SELECT EXISTS (SELECT 1 FROM performance_schema.replication_applier_status_by_worker"

static void answer(struct bed *b, const char *running, const char *is_new)
{
	fake_conn_expect(b->watch, STATUS);
	fake_conn_rows(b->watch, *running == 'Y' ? ROWS("Yes", "0", "") : ROWS("No", "0", ""));
	if (is_new) {
		fake_conn_expect_prefix(b->watch, NEW_THREAD);
		fake_conn_rows(b->watch, *is_new == '1' ? "n\n1\n" : "n\n0\n");
	}
}

/* A person starts the channel in the instant in which it stops: it is never seen standing, but the thread that runs is a new one. */
static void test_stopped_and_started_by_a_person(void **state)
{
	struct bed b;
	struct error err = ERROR_INIT;
	begin(*state, &b);
	b.q.in.worker_stamps = true;
	b.q.newest = 100;
	b.q.ours[0].stopping = true;
	b.q.ours[0].stop_error.my_errno = 1875;
	answer(&b, "Yes", "0");
	answer(&b, "Yes", "1");
	answer(&b, "Yes", NULL);
	fake_conn_expect(b.session, START);
	answer(&b, "Yes", NULL);
	OK(quiesce_start_all(&b.q, &err));
	assert_false(quiesce_owes_start(&b.q));
	end(&b);
}

static void begin_stop(struct scratch *s, struct bed *b, unsigned timeout_s)
{
	begin(s, b);
	b->q.in.worker_stamps = true;
	b->q.in.stop_timeout_s = timeout_s;
	struct channels *both[] = { &b->q.described, &b->q.now };
	for (int i = 0; i < 2; i++) {
		both[i]->item = calloc(1, sizeof *both[i]->item);
		both[i]->item[0].cp.name = strdup("x");
		both[i]->n = 1;
	}
	if (timeout_s) {
		fake_conn_expect(b->watch, "SELECT MAX(ID) FROM information_schema.PROCESSLIST");
		fake_conn_rows(b->watch, "n\n100\n");
	}
	fake_conn_expect(b->session, "STOP REPLICA SQL_THREAD FOR CHANNEL 'x'");
	if (timeout_s)
		fake_conn_error(b->session, 1875, "STOP command execution is incomplete");
}

/* The same while the window stops: another moment is chosen. Without a switch nothing else would ever end it. */
static void test_stop_gives_up(void **state)
{
	struct bed b;
	begin_stop(*state, &b, 2);
	answer(&b, "Yes", "0");
	answer(&b, "Yes", "0");
	answer(&b, "Yes", "1");
	assert_int_equal(quiesce_stop(&b.q), E_AGAIN);
	assert_true(b.q.again);
	assert_string_equal(b.q.why, "the applier was started by somebody else while its stop was still in effect");
	assert_true(b.q.ours[0].stopped); /* a START does no harm to one that runs */
	b.q.ours[0].stopped = false;
	end(&b);

	begin_stop(*state, &b, 2);
	answer(&b, "Yes", "0");
	answer(&b, "No", NULL);
	assert_int_equal(quiesce_stop(&b.q), E_DONE);
	assert_true(b.q.ours[0].stopped);
	b.q.ours[0].stopped = false;
	end(&b);

	begin_stop(*state, &b, 0); /* a server whose STOP returns when it is done is asked nothing */
	assert_int_equal(quiesce_stop(&b.q), E_DONE);
	b.q.ours[0].stopped = false;
	end(&b);
}

/* 1182 comes after the thread was told to stop: whether anything is owed, the status has to tell. 3857 and 1192 are taken at their word. */
static void test_stop_fails(void **state)
{
	struct bed b;
	struct error err = ERROR_INIT;
	begin_stop(*state, &b, 0);
	fake_conn_error(b.session, 1182, "Got error 28 during FLUSH LOGS");
	assert_int_equal(quiesce_stop(&b.q), E_FAILED);
	assert_true(quiesce_owes_start(&b.q));
	looked(&b); /* it stands */
	looked(&b);
	fake_conn_expect(b.session, START);
	answer(&b, "Yes", NULL);
	OK(quiesce_start_all(&b.q, &err));
	assert_false(quiesce_owes_start(&b.q));
	end(&b);

	begin_stop(*state, &b, 0);
	fake_conn_error(b.session, 1182, "Got error 28 during FLUSH LOGS");
	assert_int_equal(quiesce_stop(&b.q), E_FAILED);
	answer(&b, "Yes", NULL); /* it runs */
	OK(quiesce_start_all(&b.q, &err));
	assert_false(quiesce_owes_start(&b.q));
	end(&b);

	static const struct { unsigned no; enum quiesce_event event; } refused[] = { { 3857, E_AGAIN }, { 1192, E_FAILED }, { 1227, E_FAILED } };
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		begin_stop(*state, &b, 0);
		fake_conn_error(b.session, refused[i].no, "refused");
		assert_int_equal(quiesce_stop(&b.q), refused[i].event);
		assert_false(quiesce_owes_start(&b.q));
		end(&b);
	}
}

/* Somebody's STOP was in progress and ours has waited behind it: the channel is theirs. Another note is about something else. */
static void test_stopped_by_somebody_else(void **state)
{
	static const struct { const char *note; bool theirs; } said[] = {
		{ "Note\t3084\tReplication thread(s) for channel 'x' are already stopped.", true },
		{ "Note\t1255\tSlave already has been stopped", true },
		{ "Warning\t3022\tThis operation may not be safe when the slave has temporary tables.", false },
	};
	for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
		struct bed b;
		char rows[160];
		begin_stop(*state, &b, 0);
		fake_conn_warnings(b.session, 1);
		fake_conn_expect(b.session, "SHOW WARNINGS");
		snprintf(rows, sizeof rows, "Level\tCode\tMessage\n%s\n", said[i].note);
		fake_conn_rows(b.session, rows);
		assert_int_equal(quiesce_stop(&b.q), said[i].theirs ? E_AGAIN : E_DONE);
		assert_int_equal(b.q.ours[0].dropped, said[i].theirs);
		assert_int_equal(quiesce_owes_start(&b.q), !said[i].theirs);
		b.q.ours[0].stopped = false;
		end(&b);
	}
}

/* Which thread belongs to which channel is not told: a new one of another channel is no sign. */
static void test_which_channel_is_not_known(void **state)
{
	struct bed b;
	struct error err = ERROR_INIT;
	bool restarted = false;
	begin(*state, &b);
	b.q.newest = 100;
	b.q.now.n = 1;
	fake_conn_expect_prefix(b.watch, "SELECT EXISTS (SELECT 1 FROM information_schema.PROCESSLIST WHERE USER = 'system user' AND ID > 100 AND "
	                                 "IFNULL(STATE, '') NOT LIKE '%master%' AND ");
	fake_conn_rows(b.watch, "n\n1\n");
	OK(quiesce_restarted(&b.q, &b.q.ours[0], &restarted, &err));
	assert_true(restarted);
	b.q.now.n = 2;
	OK(quiesce_restarted(&b.q, &b.q.ours[0], &restarted, &err));
	assert_false(restarted);
	b.q.now.n = 0;
	end(&b);
}

static void lost_in_the_stop(struct scratch *s, struct bed *b)
{
	begin(s, b);
	b->session->lost = true;
	b->q.ours[0].stopping = true;
	b->q.ours[0].stop_error.my_errno = 2013;
}

static void session_listed(struct bed *b, const char *n, const char *row)
{
	fake_conn_expect_prefix(b->watch, "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = ");
	fake_conn_rows(b->watch, n);
	fake_conn_expect(b->watch, STATUS);
	fake_conn_rows(b->watch, row);
}

static struct conn *started_anew(struct bed *b)
{
	struct conn *starter = fake_conn_new(&b->q.shield, FLAVOR_MYSQL, 90704);
	fake_conn_expect(starter, START);
	fake_conn_queue(starter);
	fake_conn_expect(b->watch, STATUS);
	fake_conn_rows(b->watch, ROWS("Yes", "0", ""));
	return starter;
}

/* The session of the STOP was lost, and the server knows nothing of it any more: the channel runs, nothing is owed. */
static void test_stop_never_arrived(void **state)
{
	struct bed b;
	struct error err = ERROR_INIT;
	lost_in_the_stop(*state, &b);
	session_listed(&b, "n\n0\n", ROWS("Yes", "0", ""));
	OK(quiesce_start_all(&b.q, &err));
	end(&b);
}

/* It was lost, and the STOP ends between two looks: what counts is the status after the server has let the session go. */
static void test_stop_ends_between_looks(void **state)
{
	struct bed b;
	struct error err = ERROR_INIT;
	lost_in_the_stop(*state, &b);
	session_listed(&b, "n\n1\n", ROWS("Yes", "0", ""));
	session_listed(&b, "n\n0\n", ROWS("No", "0", ""));
	looked(&b);
	struct conn *starter = started_anew(&b);
	OK(quiesce_start_all(&b.q, &err));
	assert_false(quiesce_owes_start(&b.q));
	fake_conn_check_queue();
	b.session = starter;
	end(&b);
}

/* After 1875 the server was restarted: no STOP outlives it, and a channel that runs is not waited for. */
static void test_server_restarted_after_1875(void **state)
{
	struct bed b;
	struct error err = ERROR_INIT;
	begin(*state, &b);
	b.q.in.worker_stamps = true;
	b.q.still_ms -= 60000;
	b.q.ours[0].stopping = true;
	b.q.ours[0].stop_error.my_errno = 1875;
	b.watch->lost = true;
	struct conn *back = fake_conn_new(&b.q.shield, FLAVOR_MYSQL, 90704);
	fake_conn_expect(back, "SHOW GLOBAL STATUS LIKE 'Uptime'");
	fake_conn_rows(back, "Variable_name\tValue\nUptime\t5\n");
	fake_conn_expect(back, STATUS);
	fake_conn_rows(back, ROWS("Yes", "0", ""));
	fake_conn_queue(back);
	OK(quiesce_start_all(&b.q, &err));
	assert_false(quiesce_owes_start(&b.q));
	fake_conn_check_queue();
	b.watch = back;
	end(&b);
}

/* The server does not come back: all of RESUMING together waits for it once. */
static void test_server_stays_away(void **state)
{
	struct scratch *s = *state;
	struct bed b;
	struct error err = ERROR_INIT;
	s->run.clock = &stepping;
	begin(s, &b);
	b.q.ours[0].stopped = true;
	b.watch->lost = true;
	for (int i = 0; i < 122; i++) /* every quarter of a second, for 30 s and the one after */
		fake_conn_queue_error(2003, "Can't connect");
	int64_t began = stepping_ms;
	FAILS(ERR_APPLIER, quiesce_start_all(&b.q, &err));
	assert_in_range(stepping_ms - began, 30000, 31000);
	assert_non_null(strstr(err.message, "THE APPLIER IS STOPPED: channel 'x' could not be started again"));
	assert_non_null(strstr(err.message, "Can't connect"));
	fake_conn_check_queue();
	fake_conn_check(b.session);
	quiesce_close(&b.q);
	s->run.clock = &clock_system;
}

/* Cancelled: what is owed is paid all the same. */
static void test_cancelled(void **state)
{
	struct scratch *s = *state;
	struct bed b;
	begin(s, &b);
	b.q.ours[0].stopped = true;
	run_cancel(&s->run, 2);
	looked(&b);
	fake_conn_expect(b.session, START);
	for (int i = 0; i < 2; i++) { /* seen running, and looked back at */
		fake_conn_expect(b.watch, STATUS);
		fake_conn_rows(b.watch, ROWS("Yes", "0", ""));
	}
	error_set(&b.q.error, ST_FAILED, ERR_INTERRUPTED, "interrupted by signal 2");
	assert_int_equal(quiesce_resume(&b.q), E_DONE);
	assert_int_equal(b.q.error.kind, ERR_INTERRUPTED);
	end(&b);
}

/* Started, seen running, and stopped again by an error of its own. */
static void test_look_back(void **state)
{
	struct bed b;
	begin(*state, &b);
	b.q.ours[0].stopped = true;
	looked(&b);
	fake_conn_expect(b.session, START);
	fake_conn_expect(b.watch, STATUS);
	fake_conn_rows(b.watch, ROWS("Yes", "0", ""));
	fake_conn_expect(b.watch, STATUS);
	fake_conn_rows(b.watch, ROWS("No", "1032", "Can't find record"));
	error_set(&b.q.error, ST_FAILED, ERR_INCONSISTENT, "something else before");
	assert_int_equal(quiesce_resume(&b.q), E_FAILED);
	assert_int_equal(b.q.error.kind, ERR_APPLIER); /* outweighs what was before */
	assert_non_null(strstr(b.q.error.message, "1032"));
	end(&b);
}

#define TAKEN_OVER "Channel_Name\tReplica_SQL_Running\tReplica_IO_Running\tLast_IO_Errno\tSource_Host\tSource_Port\n"

static void described_as(struct bed *b, const char *host, unsigned port)
{
	b->q.described.item = calloc(1, sizeof *b->q.described.item);
	b->q.described.n = 1;
	b->q.described.item[0].cp.name = strdup("x");
	b->q.described.item[0].cp.source_host = strdup(host);
	b->q.described.item[0].cp.source_port = port;
}

static void left_alone(struct scratch *s, const char *row, bool io_ran, int looks, bool expected)
{
	struct bed b;
	struct error err = ERROR_INIT;
	begin(s, &b);
	described_as(&b, "db1", 3306);
	b.q.ours[0].stopped = true;
	b.q.ours[0].io_ran = io_ran;
	for (int i = 0; i < looks; i++) { /* one more, a while later, before it is left to somebody who stopped all of it */
		fake_conn_expect(b.watch, STATUS);
		fake_conn_rows(b.watch, row);
	}
	if (!expected) {
		fake_conn_expect(b.session, START);
		fake_conn_expect(b.watch, STATUS);
		fake_conn_rows(b.watch, ROWS("Yes", "0", ""));
	}
	OK(quiesce_start_all(&b.q, &err));
	assert_int_equal(b.q.ours[0].dropped, expected);
	assert_false(quiesce_owes_start(&b.q));
	end(&b);
}

/* A person who takes the channel over while it stands still is left to start it; a receiver that is down by itself is no person. */
static void test_taken_over(void **state)
{
	left_alone(*state, TAKEN_OVER "x\tNo\tYes\t0\tdb2\t3306\n", true, 1, true);
	left_alone(*state, TAKEN_OVER "x\tNo\tYes\t0\tdb1\t3307\n", true, 1, true);
	left_alone(*state, TAKEN_OVER "x\tNo\tNo\t0\tdb1\t3306\n", true, 2, true);
	left_alone(*state, TAKEN_OVER "y\tNo\tNo\t0\tdb1\t3306\n", true, 1, true);
	left_alone(*state, TAKEN_OVER "x\tNo\tNo\t0\tdb1\t3306\n", false, 1, false);
	left_alone(*state, TAKEN_OVER "x\tNo\tNo\t2003\tdb1\t3306\n", true, 1, false);
	left_alone(*state, TAKEN_OVER "x\tNo\tConnecting\t0\tdb1\t3306\n", true, 1, false);
	left_alone(*state, TAKEN_OVER "x\tNo\tYes\t0\tdb1\t3306\n", true, 1, false);
}

/* A server that goes down stops the receivers first and then loses us: the channel stays ours, and is started when it is back. */
static void test_going_down(void **state)
{
	struct bed b;
	struct error err = ERROR_INIT;
	struct scratch *s = *state;
	begin(s, &b);
	described_as(&b, "db1", 3306);
	b.q.ours[0].stopped = true;
	b.q.ours[0].io_ran = true;
	fake_conn_expect(b.watch, STATUS);
	fake_conn_rows(b.watch, TAKEN_OVER "x\tNo\tNo\t0\tdb1\t3306\n");
	fake_conn_expect(b.watch, STATUS);
	fake_conn_error(b.watch, 2013, "Lost connection");
	fake_conn_expect(b.session, START);
	struct conn *back = fake_conn_new(&b.q.shield, FLAVOR_MYSQL, 90704);
	fake_conn_expect(back, "SET SESSION time_zone = 'SYSTEM'"); /* the next window's ages are told in it */
	fake_conn_expect(back, STATUS);
	fake_conn_rows(back, ROWS("Yes", "0", ""));
	fake_conn_queue(back);
	OK(quiesce_start_all(&b.q, &err));
	assert_false(b.q.ours[0].dropped);
	b.watch = back;
	end(&b);
	fake_conn_check_queue();
}

#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { T(test_started), T(test_ok_but_not_running), T(test_cannot_be_started),
		                            T(test_stop_still_going_on), T(test_stopped_and_started_by_a_person),
		                            T(test_stop_gives_up), T(test_which_channel_is_not_known), T(test_stop_never_arrived), T(test_cancelled),
		                            T(test_stop_fails), T(test_stopped_by_somebody_else), T(test_stop_ends_between_looks),
		                            T(test_server_restarted_after_1875), T(test_server_stays_away),
		                            T(test_look_back), T(test_taken_over), T(test_going_down) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
