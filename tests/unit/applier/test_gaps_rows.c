/* SPDX-License-Identifier: Apache-2.0 */
/* Gaps where there are only positions: the two tables, and the relay log where the workers' frames do not begin at the low-water mark. */
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

#define MARK "Relay_log_name\tRelay_log_pos\tMaster_log_name\tMaster_log_pos\n"
#define AT_1000 MARK "./relay.000002\t1160\tbinlog.000001\t1000\n"
#define WORKERS                                                                                                            \
	"Id\tMaster_log_name\tMaster_log_pos\tCheckpoint_master_log_name\tCheckpoint_master_log_pos\tCheckpoint_seqno\t"   \
	"Checkpoint_group_bitmap\n"
#define EVENTS "Log_name\tPos\tEvent_type\tServer_id\tEnd_log_pos\tInfo\n"
#define RELAY_LOG "SHOW RELAYLOG EVENTS IN 'relay.000002' FROM 1160 LIMIT 2000"

enum { OWN_ID = 973 };

struct bed {
	struct conn *c;
	struct instance in;
	struct channels ch;
	struct gaps g;
};

static void add_channel(struct bed *b, const char *name)
{
	b->ch.item = realloc(b->ch.item, (b->ch.n + 1) * sizeof *b->ch.item);
	b->ch.item[b->ch.n++] = (struct channel){ .cp = { .name = strdup(name), .mode = MODE_MYSQL_POSITION, .workers = 4 } };
}

static void begin(struct scratch *s, struct bed *b, unsigned version)
{
	*b = (struct bed){ .c = fake_conn_new(&s->run, FLAVOR_MYSQL, version) };
	b->c->server.server_id = OWN_ID;
	b->in = (struct instance){ .server = b->c->server, .tables = true };
}

static void tables(struct bed *b, const char *mark, const char *workers)
{
	fake_conn_expect(b->c, "SELECT * FROM mysql.slave_relay_log_info");
	fake_conn_rows(b->c, mark);
	fake_conn_expect_prefix(b->c, "SELECT Id, Relay_log_name");
	fake_conn_rows(b->c, workers);
}

static void events(struct bed *b, const char *rows)
{
	fake_conn_expect(b->c, RELAY_LOG);
	fake_conn_rows(b->c, rows);
}

static void look(struct bed *b)
{
	struct error err = ERROR_INIT;
	OK(gaps_read(b->c, &b->in, &b->ch, &b->g, &err));
	fake_conn_check(b->c);
}

static void end(struct bed *b)
{
	gaps_free(&b->g);
	channels_free(&b->ch);
	conn_free(b->c);
}

/* Both frames begin at the mark: the bitmaps say it all. */
static void test_in_frame(void **state)
{
	struct bed b;
	begin(*state, &b, 50624);
	add_channel(&b, "");
	tables(&b, AT_1000, WORKERS "1\tbinlog.000001\t2000\tbinlog.000001\t1000\t7\tA400\n2\tbinlog.000001\t1800\tbinlog.000001\t1000\t6\t5A00\n"
	                            "3\tbinlog.000001\t1000\tbinlog.000001\t900\t0\t0100\n4\t\t0\t\t0\t0\t0000\n");
	look(&b);
	const struct gap *g = &b.g.item[0];
	assert_int_equal(b.g.known, 1);
	assert_false(b.g.unknown);
	assert_int_equal(g->workers_ahead, 2);
	assert_string_equal(g->text, "group 1 of the 8 behind the low-water mark");
	assert_string_equal(g->target.file, "binlog.000001");
	assert_int_equal(g->target.pos, 2000);
	assert_string_equal(b.ch.item[0].cp.lwm_file, "binlog.000001");
	assert_int_equal(b.ch.item[0].cp.lwm_pos, 1000);
	assert_int_equal(json_array_size(b.ch.item[0].cp.worker_rows), 4);
	end(&b);
}

/*
 * The mark has moved on by one group since: what stands behind it is counted. One worker has applied the first, the other the third; the second is
 * missing. Transactions, a prepared one and a DDL count as one group each, whatever number of events they have.
 */
static void test_counted_in_the_relay_log(void **state)
{
	struct bed b;
	begin(*state, &b, 50624);
	add_channel(&b, "");
	tables(&b, AT_1000, WORKERS "1\tbinlog.000001\t1300\tbinlog.000001\t900\t3\t0900\n2\tbinlog.000001\t1100\tbinlog.000001\t900\t1\t0200\n");
	events(&b, EVENTS "relay.000002\t1160\tQuery\t971\t1020\tBEGIN\n"
	                  "relay.000002\t1180\tTable_map\t971\t1040\ttable_id: 70 (a.t)\n"
	                  "relay.000002\t1200\tWrite_rows\t971\t1080\ttable_id: 70 flags: STMT_END_F\n"
	                  "relay.000002\t1240\tXid\t971\t1100\tCOMMIT /* xid=7 */\n"
	                  "relay.000002\t1260\tQuery\t971\t1120\tXA START X'31',X'',1\n"
	                  "relay.000002\t1280\tWrite_rows\t971\t1160\ttable_id: 70 flags: STMT_END_F\n"
	                  "relay.000002\t1320\tQuery\t971\t1180\tXA END X'31',X'',1\n"
	                  "relay.000002\t1340\tXA_prepare\t971\t1200\tXA PREPARE X'31',X'',1\n"
	                  "relay.000002\t1360\tQuery\t971\t1300\tuse `a`; create table u (i int)\n");
	look(&b);
	assert_int_equal(b.g.known, 1);
	assert_false(b.g.unknown);
	assert_string_equal(b.g.item[0].text, "group 2 of the 3 behind the low-water mark");
	end(&b);
}

/* The source has begun another file meanwhile, where the same position means another group; what the replica wrote itself is none. */
static void test_counted_across_files_of_the_source(void **state)
{
	struct bed b;
	begin(*state, &b, 50624);
	add_channel(&b, "");
	tables(&b, AT_1000, WORKERS "1\tbinlog.000002\t1100\tbinlog.000001\t900\t2\t0400\n");
	events(&b, EVENTS "relay.000002\t1160\tQuery\t971\t1020\tuse `a`; BEGIN\n"
	                  "relay.000002\t1200\tQuery\t971\t1080\tuse `a`; insert into m values (1)\n"
	                  "relay.000002\t1260\tQuery\t971\t1100\tuse `a`; COMMIT\n"
	                  "relay.000002\t1280\tRotate\t971\t1147\tbinlog.000002;pos=4\n"
	                  "relay.000002\t1327\tRotate\t973\t1370\trelay.000003;pos=4\n"
	                  "relay.000002\t1370\tFormat_desc\t971\t120\tServer ver\n"
	                  "relay.000002\t1490\tAnonymous_Gtid\t971\t185\tSET @@SESSION.GTID_NEXT= 'ANONYMOUS'\n"
	                  "relay.000002\t1555\tQuery\t971\t1100\tuse `a`; drop table u\n");
	look(&b);
	assert_int_equal(b.g.known, 1);
	assert_string_equal(b.g.item[0].text, "group 1 of the 2 behind the low-water mark");
	assert_string_equal(b.g.item[0].target.file, "binlog.000002");
	end(&b);
}

/* A worker's last group that is not in the relay logs: there is something, and nobody can say how much. Never "no gap". */
static void test_what_cannot_be_counted(void **state)
{
	struct bed b;
	begin(*state, &b, 50624);
	add_channel(&b, "");
	tables(&b, AT_1000, WORKERS "1\tbinlog.000001\t1300\tbinlog.000001\t900\t3\t0900\n");
	events(&b, EVENTS "relay.000002\t1160\tQuery\t971\t1100\tcreate database a\n");
	fake_conn_expect_prefix(b.c, "SHOW RELAYLOG EVENTS IN 'relay.000003'");
	fake_conn_error(b.c, 1220, "Error when executing command SHOW RELAYLOG EVENTS: Could not find target log");
	look(&b);
	assert_true(b.g.unknown);
	assert_int_equal(b.g.known, 0);
	assert_non_null(strstr(b.g.item[0].text, "was not found in the relay logs"));
	end(&b);
}

/* Nor where a row contradicts itself. */
static void test_a_row_that_contradicts_itself(void **state)
{
	struct bed b;
	begin(*state, &b, 50624);
	add_channel(&b, "");
	tables(&b, AT_1000, WORKERS "1\tbinlog.000001\t1300\tbinlog.000001\t1000\t30\t0900\n"); /* its group is beyond its bitmap */
	look(&b);
	assert_true(b.g.unknown);
	assert_non_null(strstr(b.g.item[0].text, "does not fit its bitmap"));
	end(&b);
}

/* Workers of a running applier are ahead by design: how far is told, and nothing is judged or counted. */
static void test_a_running_applier(void **state)
{
	struct bed b;
	begin(*state, &b, 50624);
	add_channel(&b, "");
	b.ch.item[0].sql_running = true;
	tables(&b, AT_1000, WORKERS "1\tbinlog.000001\t1300\tbinlog.000001\t900\t3\t0900\n2\tbinlog.000001\t1100\tbinlog.000001\t900\t1\t0200\n");
	look(&b);
	assert_false(gaps_any(&b.g));
	assert_int_equal(b.g.item[0].workers_ahead, 2);
	assert_int_equal(b.g.item[0].target.pos, 1300);
	end(&b);
}

static void test_nobody_is_ahead(void **state)
{
	struct bed b;
	begin(*state, &b, 50624);
	add_channel(&b, "");
	tables(&b, AT_1000, WORKERS "1\tbinlog.000001\t1000\tbinlog.000001\t900\t0\t0100\n2\tbinlog.000001\t400\tbinlog.000001\t300\t9\tFF03\n");
	look(&b);
	assert_false(gaps_any(&b.g));
	assert_int_equal(b.g.item[0].workers_ahead, 0);
	assert_null(b.g.item[0].text);
	end(&b);
}

/* Each channel by its own rows; one of a single thread has none that count. */
static void test_channels(void **state)
{
	struct bed b;
	begin(*state, &b, 90704);
	add_channel(&b, "east");
	add_channel(&b, "west");
	add_channel(&b, "single");
	b.ch.item[2].cp.workers = 0;
	fake_conn_expect(b.c, "SELECT * FROM mysql.slave_relay_log_info");
	fake_conn_rows(b.c, "Relay_log_name\tRelay_log_pos\tMaster_log_name\tMaster_log_pos\tChannel_name\n"
	                    "./relay-single.000002\t600\tbinlog.000001\t400\tsingle\n./relay-west.000002\t900\tbinlog.000001\t700\twest\n"
	                    "./relay-east.000002\t1160\tbinlog.000001\t1000\teast\n");
	fake_conn_expect_prefix(b.c, "SELECT Id, Relay_log_name");
	fake_conn_rows(b.c, "Id\tMaster_log_name\tMaster_log_pos\tCheckpoint_master_log_name\tCheckpoint_master_log_pos\tCheckpoint_seqno\t"
	                    "Checkpoint_group_bitmap\tChannel_name\n"
	                    "1\tbinlog.000001\t800\tbinlog.000001\t700\t2\t05\twest\n1\tbinlog.000001\t1000\tbinlog.000001\t900\t0\t01\teast\n"
	                    "1\tbinlog.000001\t9000\tbinlog.000001\t400\t2\t04\tsingle\n");
	look(&b);
	assert_int_equal(b.g.known, 1);
	assert_null(b.g.item[0].text);
	assert_string_equal(b.g.item[1].text, "group 2 of the 3 behind the low-water mark");
	assert_string_equal(gaps_find(&b.g, "west")->text, b.g.item[1].text);
	assert_null(b.g.item[2].lwm.file);
	assert_int_equal(b.g.item[0].lwm.pos, 1000);
	assert_int_equal(b.g.item[1].lwm.pos, 700);
	end(&b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_in_frame), T(test_counted_in_the_relay_log), T(test_counted_across_files_of_the_source), T(test_what_cannot_be_counted),
		T(test_a_row_that_contradicts_itself), T(test_a_running_applier), T(test_nobody_is_ahead), T(test_channels),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
