/* SPDX-License-Identifier: Apache-2.0 */
/* Bitmaps of mysql.slave_worker_info, as 5.6.24 and 9.7.4 wrote them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "applier/gaps.h"
#include "fake_conn.h"
#include "scratch.h"

#define COLUMNS                                                                                                            \
	"Id\tRelay_log_name\tRelay_log_pos\tMaster_log_name\tMaster_log_pos\tCheckpoint_master_log_name\t"                 \
	"Checkpoint_master_log_pos\tCheckpoint_seqno\tCheckpoint_group_size\tCheckpoint_group_bitmap\n"

enum { BITMAP = 64 };

static void parse(struct scratch *s, const char *rows, struct gaps_worker *w, size_t n)
{
	struct error err = ERROR_INIT;
	struct conn *c = fake_conn_new(&s->run, FLAVOR_MYSQL, 50624);
	struct rows *r = NULL;
	bool more = false;
	fake_conn_expect(c, "workers");
	fake_conn_rows(c, rows);
	OK(conn_query(c, "workers", &r, &err));
	for (size_t i = 0; i < n; i++) {
		OK(rows_next(r, &more, &err));
		assert_true(more);
		OK(gaps_worker_parse(r, &w[i], &err));
	}
	rows_free(r);
	conn_free(c);
}

static void clear(struct gaps_worker *w, size_t n)
{
	for (size_t i = 0; i < n; i++)
		gaps_worker_clear(&w[i]);
}

/* Seen on 5.6.24 after one worker was killed: A4.. | 5A.. = FE.., bit 0, the killed transaction, is missing. */
static void test_one_missing(void **state)
{
	struct error err = ERROR_INIT;
	struct gaps_worker w[2] = { 0 };
	struct gaps_at lwm = { .file = "binlog.000001", .pos = 1000 };
	unsigned char done[BITMAP] = { 0 };
	struct gaps_found found;
	parse(*state,
	      COLUMNS "1\t./relay.000002\t2160\tbinlog.000001\t2000\tbinlog.000001\t1000\t7\t64\t"
	              "A4000000000000000000000000000000\n"
	              "2\t./relay.000002\t1960\tbinlog.000001\t1800\tbinlog.000001\t1000\t6\t64\t"
	              "5A000000000000000000000000000000\n",
	      w, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(gaps_worker_ahead(&w[i], &lwm));
		assert_true(gaps_worker_in_frame(&w[i], &lwm));
		assert_int_equal(w[i].bitmap_len, 16);
		OK(gaps_worker_merge(&w[i], w[i].seqno + 1, done, sizeof done, &err));
	}
	assert_int_equal(done[0], 0xfe);
	gaps_bitmap_missing(done, sizeof done, &found);
	assert_int_equal(found.missing, 1);
	assert_int_equal(found.highest, 8);
	assert_string_equal(found.text, "group 1 of the 8 behind the low-water mark");
	clear(w, 2);
}

/* 5.6.24, four workers: 1 is left over from long ago, 4 stands exactly at the low-water mark: neither says anything. */
static void test_left_over_rows(void **state)
{
	struct gaps_worker w[4] = { 0 };
	struct gaps_at lwm = { .file = "binlog.000001", .pos = 6174185 };
	parse(*state,
	      COLUMNS "1\t./relay.000002\t5753203\tbinlog.000001\t5753043\tbinlog.000001\t5633008\t92\t64\t"
	              "50444444444444448288101100000000\n"
	              "2\t./relay.000002\t6206526\tbinlog.000001\t6206366\tbinlog.000001\t6174185\t68\t64\t"
	              "00048000000000001000000000000000\n"
	              "3\t\t0\t\t0\t\t0\t0\t64\t00000000000000000000000000000000\n"
	              "4\t./relay.000002\t6174345\tbinlog.000001\t6174185\tbinlog.000001\t6169673\t8\t64\t"
	              "FF010000000000000000000000000000\n",
	      w, 4);
	assert_false(gaps_worker_ahead(&w[0], &lwm));
	assert_true(gaps_worker_ahead(&w[1], &lwm));
	assert_false(gaps_worker_ahead(&w[2], &lwm));
	assert_false(gaps_worker_ahead(&w[3], &lwm));
	assert_false(gaps_worker_in_frame(&w[2], &lwm));
	clear(w, 4);
}

/* The low-water mark moved on after these workers were last given work: both frames start one group before it (5.6.24). */
static void test_frames_differ(void **state)
{
	struct error err = ERROR_INIT;
	struct gaps_worker w[2] = { 0 };
	struct gaps_at lwm = { .file = "binlog.000001", .pos = 13939639 };
	unsigned char done[BITMAP] = { 0 };
	struct gaps_found found;
	parse(*state,
	      COLUMNS "1\t./relay.000002\t13940945\tbinlog.000001\t13940785\tbinlog.000001\t13939443\t6\t64\t40000000\n"
	              "2\t./relay.000002\t13941135\tbinlog.000001\t13940975\tbinlog.000001\t13939443\t7\t64\tBC000000\n",
	      w, 2);
	assert_false(gaps_worker_in_frame(&w[0], &lwm));
	assert_true(gaps_worker_ahead(&w[0], &lwm));
	/* In the relay log there are 6 and 7 groups from the low-water mark to their last ones. */
	OK(gaps_worker_merge(&w[0], 6, done, sizeof done, &err));
	OK(gaps_worker_merge(&w[1], 7, done, sizeof done, &err));
	assert_int_equal(done[0], 0x7e);
	gaps_bitmap_missing(done, sizeof done, &found);
	assert_int_equal(found.missing, 1);
	assert_string_equal(found.text, "group 1 of the 7 behind the low-water mark");
	clear(w, 2);
}

/* 9.7.4, ASSIGN_GTIDS: what was killed was the very next transaction, so nothing is missing in the middle. */
static void test_no_gap(void **state)
{
	struct error err = ERROR_INIT;
	struct gaps_worker w[2] = { 0 };
	unsigned char done[BITMAP] = { 0 };
	struct gaps_found found;
	parse(*state,
	      COLUMNS "1\t./relay-anon.000002\t14674420\tbinlog.000002\t14674249\tbinlog.000002\t14668088\t9\t64\t7D03\n"
	              "2\t./relay-anon.000002\t14673190\tbinlog.000002\t14673019\tbinlog.000002\t14668088\t7\t64\t8200\n",
	      w, 2);
	OK(gaps_worker_merge(&w[0], 10, done, sizeof done, &err));
	OK(gaps_worker_merge(&w[1], 8, done, sizeof done, &err));
	gaps_bitmap_missing(done, sizeof done, &found);
	assert_int_equal(found.missing, 0);
	assert_int_equal(found.highest, 10);
	assert_string_equal(found.text, "");
	clear(w, 2);
}

static void test_contradictions(void **state)
{
	struct error err = ERROR_INIT;
	struct gaps_worker w = { 0 };
	unsigned char done[2] = { 0 };
	parse(*state, COLUMNS "1\tr.1\t9\tb.1\t9\tb.1\t4\t15\t64\tFFFF\n", &w, 1);
	FAILS(ERR_UNEXPECTED, gaps_worker_merge(&w, 0, done, sizeof done, &err));
	FAILS(ERR_UNEXPECTED, gaps_worker_merge(&w, 17, done, sizeof done, &err)); /* more groups than its frame has */
	OK(gaps_worker_merge(&w, 16, done, sizeof done, &err));
	w.seqno = 16;                                                              /* outside its own bitmap */
	FAILS(ERR_UNEXPECTED, gaps_worker_merge(&w, 16, done, sizeof done, &err));
	clear(&w, 1);
}

static void test_damaged_bitmap(void **state)
{
	struct scratch *s = *state;
	struct error err = ERROR_INIT;
	struct gaps_worker w = { 0 };
	struct conn *c = fake_conn_new(&s->run, FLAVOR_MYSQL, 50624);
	struct rows *r = NULL;
	bool more = false;
	fake_conn_expect(c, "workers");
	fake_conn_rows(c, COLUMNS "1\tr.1\t9\tb.1\t9\tb.1\t4\t15\t64\tFFxF\n");
	OK(conn_query(c, "workers", &r, &err));
	OK(rows_next(r, &more, &err));
	FAILS(ERR_UNEXPECTED, gaps_worker_parse(r, &w, &err));
	gaps_worker_clear(&w);
	rows_free(r);
	conn_free(c);
}

static void test_text(void **state)
{
	(void)state;
	unsigned char done[BITMAP];
	struct gaps_found found;
	memset(done, 0, sizeof done);
	gaps_bitmap_missing(done, sizeof done, &found);
	assert_int_equal(found.missing, 0);
	assert_int_equal(found.highest, 0);
	done[0] = 0x86; /* 2, 3, 8 */
	done[1] = 0x01; /* 9 */
	gaps_bitmap_missing(done, sizeof done, &found);
	assert_int_equal(found.missing, 5);
	assert_string_equal(found.text, "group 1, 4-7 of the 9 behind the low-water mark");
	memset(done, 0xaa, sizeof done); /* every other one: more than fits a line */
	gaps_bitmap_missing(done, sizeof done, &found);
	assert_int_equal(found.missing, 256);
	assert_non_null(strstr(found.text, ", ... of the 512 behind"));
	memset(done, 0xff, sizeof done);
	gaps_bitmap_missing(done, sizeof done, &found);
	assert_int_equal(found.missing, 0);
	assert_int_equal(found.highest, 512);
}

/* What a STOP must not fall into, as a killed worker of 5.6.24 left it: the mark on its way to the farthest worker's position. */
static void test_filling(void **state)
{
	struct gap was = { .workers_ahead = 2, .target = { .file = (char *)"binlog.000001", .pos = 8822566 } };
	struct channel ch = { .sql_running = true, .sql_state = (char *)"Reading event from the relay log" };
	(void)state;
	ch.cp.exec_file = (char *)"binlog.000001";
	ch.cp.exec_pos = 8701406;
	assert_true(gaps_filling(&was, &ch));
	ch.sql_running = false; /* it has stopped in the middle: for the proof to see */
	assert_false(gaps_filling(&was, &ch));
	ch.sql_running = true;
	ch.cp.exec_pos = 8822566;
	assert_false(gaps_filling(&was, &ch));
	ch.cp.exec_pos = 4;
	ch.cp.exec_file = (char *)"binlog.000002";
	assert_false(gaps_filling(&was, &ch));
	ch.cp.exec_file = (char *)"binlog.000001";
	ch.sql_state = (char *)"Slave has read all relay log; waiting for the slave I/O thread to update it";
	assert_false(gaps_filling(&was, &ch));
	ch.sql_state = (char *)"Waiting for Slave Worker to release partition"; /* 5.6.24, behind a worker that is held up */
	assert_false(gaps_filling(&was, &ch));
	ch.sql_state = NULL;
	assert_true(gaps_filling(&was, &ch));
	was.workers_ahead = 0;
	assert_false(gaps_filling(&was, &ch));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_missing, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_left_over_rows, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_frames_differ, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_no_gap, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_contradictions, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_damaged_bitmap, scratch_setup, scratch_teardown),
		cmocka_unit_test(test_filling),
		cmocka_unit_test(test_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
