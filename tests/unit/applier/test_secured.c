/* SPDX-License-Identifier: Apache-2.0 */
/* What switch and journal are told of: the channels that are ours, and no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "applier/journal_parts.h"
#include "applier/quiesce.h"
#include "fake_conn.h"
#include "scratch.h"

FAKE_CONN_DEFINE_OPEN

#define COLUMNS "Channel_Name\tReplica_SQL_Running\tLast_SQL_Errno\tLast_SQL_Error\n"

struct bed {
	struct quiesce q;
	struct window_options w;
	struct conn *watch;
};

/* Two channels of ours, x and y, and a journal; no switch. */
static void begin(struct scratch *s, struct bed *b)
{
	static const char *const names[] = { "x", "y" };
	static const struct conn_options o = { .host = (char *)"db2" };
	struct error err = ERROR_INIT;
	*b = (struct bed){ .q = { .run = &s->run, .nours = 2 }, .w = window_defaults };
	OK(quiesce_open(&b->q, &err));
	b->w.refuse_prepared = false;
	b->q.w = &b->w;
	b->q.watch = b->watch = fake_conn_new(&b->q.shield, FLAVOR_MYSQL, 90704);
	b->q.in = (struct instance){ .server = b->watch->server, .worker_stamps = true };
	b->q.deadline_ms = run_now_ms(&s->run) + 60000;
	b->q.ours = calloc(2, sizeof *b->q.ours);
	b->q.which = calloc(2, sizeof *b->q.which);
	b->q.described = (struct channels){ .item = calloc(2, sizeof *b->q.described.item), .n = 2 };
	for (int i = 0; i < 2; i++) {
		b->q.ours[i].name = strdup(names[i]);
		b->q.ours[i].job = (struct job){ .sql = BUF_INIT(4096), .done_fd = -1 };
		b->q.described.item[i].cp.name = strdup(names[i]);
	}
	fake_conn_expect(b->watch, "SELECT UNIX_TIMESTAMP()");
	fake_conn_rows(b->watch, "n\n5000\n");
	fake_conn_expect(b->watch, "SHOW GLOBAL STATUS LIKE 'Uptime'");
	fake_conn_rows(b->watch, "Variable_name\tValue\nUptime\t4000\n");
	OK(journal_new(scratch_path(s, "state"), &o, b->watch, &b->q.journal, &err));
	OK(quiesce_secure(&b->q, &err));
}

static void end(struct bed *b)
{
	fake_conn_check(b->watch);
	quiesce_close(&b->q);
}

/* The journal that is there now. */
static void read_back(struct scratch *s, struct journal_record *ret)
{
	struct error err = ERROR_INIT;
	struct strlist paths = { 0 };
	OK(journal_list(scratch_path(s, "state"), &paths, &err));
	assert_int_equal(paths.n, 1);
	OK(journal_read(paths.item[0], ret, &err));
	strlist_free(&paths);
}

static void look(struct bed *b, const char *rows)
{
	fake_conn_expect_prefix(b->watch, "SELECT CHANNEL_NAME AS channel");
	fake_conn_expect(b->watch, "SHOW REPLICA STATUS");
	fake_conn_rows(b->watch, rows);
}

/* A person stops y while we watch: from then on nothing of ours may start it. */
static void test_stopped_by_a_person(void **state)
{
	struct bed b;
	struct journal_record r;
	begin(*state, &b);
	read_back(*state, &r);
	assert_int_equal(r.channels.n, 2);
	journal_record_free(&r);
	for (int i = 0; i < 2; i++) /* everything is set anew, so there is a look after it */
		look(&b, COLUMNS "x\tYes\t0\t\n" "y\tNo\t0\t\n");
	assert_int_equal(quiesce_watch(&b.q), E_DONE);
	assert_true(b.q.secured);
	assert_true(b.q.ours[1].dropped);
	read_back(*state, &r);
	assert_int_equal(r.channels.n, 1);
	assert_string_equal(r.channels.item[0], "x");
	journal_record_free(&r);
	end(&b);
}

#define MOVES "Channel_Name\tReplica_SQL_Running\tRelay_Source_Log_File\tExec_Source_Log_Pos\tReplica_SQL_Running_State\n"
#define AT(state) MOVES "x\tYes\tbinlog.000001\t100\t" state "\n" "y\tYes\t\t0\t\n"

/* Workers are ahead of the low-water mark when we come. The relay log was read to its end once: then it was no gap, a worker is held up. */
static void test_held_up_is_no_gap(void **state)
{
	struct bed b;
	begin(*state, &b);
	b.q.gaps = (struct gaps){ .item = calloc(1, sizeof *b.q.gaps.item), .n = 1 };
	b.q.gaps.item[0] = (struct gap){ .channel = strdup("x"), .workers_ahead = 1, .target = { strdup("binlog.000001"), 500 } };
	look(&b, AT("Reading event from the relay log")); /* it may be filling */
	look(&b, AT("Slave has read all relay log; waiting for more updates"));
	look(&b, AT("Reading event from the relay log")); /* switch and journal are set, and it is looked at again */
	b.q.secured = false;
	assert_int_equal(quiesce_watch(&b.q), E_DONE);
	end(&b);
}

static void look_56(struct bed *b, const char *workers_at_work)
{
	fake_conn_expect_prefix(b->watch, "SELECT t.trx_id");
	fake_conn_expect_prefix(b->watch, "SELECT ");
	fake_conn_expect(b->watch, "SHOW REPLICA STATUS");
	fake_conn_rows(b->watch, MOVES "x\tYes\tbinlog.000001\t100\tReading event from the relay log\n");
	if (!workers_at_work)
		return;
	fake_conn_expect_prefix(b->watch, "SELECT COUNT(*) FROM information_schema.innodb_trx t JOIN information_schema.PROCESSLIST w");
	fake_conn_rows(b->watch, workers_at_work);
}

/* Held up for so long that the coordinator can hand out nothing more, and says no more than when it fills: but a worker is at work. */
static void test_held_up_for_long(void **state)
{
	struct bed b;
	begin(*state, &b);
	b.q.in.worker_stamps = false;
	free(b.q.ours[--b.q.nours].name);
	free(b.q.described.item[--b.q.described.n].cp.name);
	b.q.gaps = (struct gaps){ .item = calloc(1, sizeof *b.q.gaps.item), .n = 1 };
	b.q.gaps.item[0] = (struct gap){ .channel = strdup("x"), .workers_ahead = 1, .target = { strdup("binlog.000001"), 500 } };
	look_56(&b, "n\n0\n");
	look_56(&b, "n\n1\n");
	look_56(&b, NULL);
	assert_int_equal(quiesce_watch(&b.q), E_DONE);
	end(&b);
}

static void look_prepared(struct bed *b, const char *xids, const char *temp_tables)
{
	fake_conn_expect_prefix(b->watch, "SELECT CHANNEL_NAME AS channel");
	fake_conn_expect(b->watch, "XA RECOVER");
	fake_conn_rows(b->watch, xids);
	fake_conn_expect_prefix(b->watch, "SHOW GLOBAL STATUS WHERE Variable_name IN ('Slave_open_temp_tables'");
	fake_conn_rows(b->watch, temp_tables);
	fake_conn_expect(b->watch, "SHOW REPLICA STATUS");
	fake_conn_rows(b->watch, COLUMNS "x\tYes\t0\t\n" "y\tYes\t0\t\n");
}

/* What is prepared cannot be in a snapshot: a stop at the deadline would be a pause for nothing. */
static void test_no_stop_over_what_is_prepared(void **state)
{
	static const struct { const char *xids, *temp_tables, *says; } given[] = {
		{ "formatID\tgtrid_length\tbqual_length\tdata\n1\t8\t0\torder-77\n", "Variable_name\tValue\nSlave_open_temp_tables\t0\n", "'order-77','',1" },
		{ "formatID\tgtrid_length\tbqual_length\tdata\n", "Variable_name\tValue\nSlave_open_temp_tables\t2\n", "2 temporary tables of replicated" },
	};
	for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
		struct bed b;
		begin(*state, &b);
		b.w.refuse_prepared = true;
		b.w.on_deadline = ON_DEADLINE_STOP;
		b.q.deadline_ms = run_now_ms(b.q.run) - 1;
		look_prepared(&b, given[i].xids, given[i].temp_tables);
		assert_int_equal(quiesce_watch(&b.q), E_FAILED);
		assert_int_equal(b.q.error.kind, ERR_NO_QUIET);
		assert_non_null(strstr(b.q.error.message, given[i].says));
		end(&b);
	}
}

/* y cannot be started, and the server is there: whoever comes next must not take it for started by the switch. */
static void test_left_to_the_journal(void **state)
{
	struct bed b;
	struct error err = ERROR_INIT;
	struct journal_record r;
	begin(*state, &b);
	b.q.ours[1].stopped = true;
	OK(quiesce_leave_to_journal(&b.q, &err));
	read_back(*state, &r);
	assert_int_equal(r.channels.n, 1);
	assert_string_equal(r.channels.item[0], "y");
	assert_false(r.guarded);
	journal_record_free(&r);
	end(&b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { T(test_stopped_by_a_person), T(test_held_up_is_no_gap), T(test_held_up_for_long), T(test_no_stop_over_what_is_prepared), T(test_left_to_the_journal) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
