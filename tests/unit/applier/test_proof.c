/* SPDX-License-Identifier: Apache-2.0 */
/* What follows a position in the relay logs, and what that proves. Answers as 5.6.24, 9.7.4 and MariaDB 10.11.19 gave them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "applier/checkpoint_parts.h"
#include "applier/proof.h"
#include "applier/relaylog.h"
#include "fake_conn.h"
#include "scratch.h"
#include "slackwater/slot.h"

#define U "9159968e-e4e8-11f1-9f75-02fc00000001"
#define COLUMNS "Log_name\tPos\tEvent_type\tServer_id\tEnd_log_pos\tInfo\n"
#define NO_FILE "Error when executing command SHOW RELAYLOG EVENTS: Could not find target log"

enum { OWN_ID = 973, FROM_SOURCE = 971 };

static struct conn *server(struct scratch *s, enum flavor flavor, unsigned version)
{
	struct conn *c = fake_conn_new(&s->run, flavor, version);
	c->server.server_id = OWN_ID;
	return c;
}

static void answer(struct conn *c, const char *statement, const char *rows)
{
	fake_conn_expect_prefix(c, statement);
	fake_conn_rows(c, rows);
}

static void no_file(struct conn *c, const char *statement)
{
	fake_conn_expect_prefix(c, statement);
	fake_conn_error(c, 1220, NO_FILE);
}

static void kinds(const char *type, uint64_t id, enum relaylog_kind kind)
{
	struct relaylog_event e = { .type = type, .info = "", .server_id = id };
	assert_int_equal(relaylog_kind(&e, OWN_ID), kind);
}

static void test_kinds(void **state)
{
	(void)state;
	kinds("Format_desc", OWN_ID, RELAYLOG_LOCAL);
	kinds("Format_desc", FROM_SOURCE, RELAYLOG_HEAD);
	kinds("Previous_gtids", OWN_ID, RELAYLOG_LOCAL);
	kinds("Rotate", OWN_ID, RELAYLOG_LOCAL);
	kinds("Rotate", FROM_SOURCE, RELAYLOG_ROTATE);
	kinds("Rotate", 0, RELAYLOG_ROTATE);
	kinds("Gtid", FROM_SOURCE, RELAYLOG_GTID);
	kinds("Gtid_tagged", FROM_SOURCE, RELAYLOG_GTID);
	kinds("Anonymous_Gtid", FROM_SOURCE, RELAYLOG_GTID);
	kinds("Query", FROM_SOURCE, RELAYLOG_OTHER);
	kinds("Gtid_list", FROM_SOURCE, RELAYLOG_HEAD);
	kinds("Binlog_checkpoint", FROM_SOURCE, RELAYLOG_HEAD);
	kinds("Intvar", FROM_SOURCE, RELAYLOG_OTHER);
}

static void gtid_of(const char *info, const char *gtid)
{
	struct relaylog_event e = { .type = "Gtid", .info = info };
	struct buf b = BUF_INIT(256);
	relaylog_gtid(&e, &b);
	assert_string_equal(buf_str(&b), gtid);
	buf_free(&b);
}

static void test_gtid_texts(void **state)
{
	(void)state;
	gtid_of("SET @@SESSION.GTID_NEXT= '" U ":7802'", U ":7802");
	gtid_of("SET @@SESSION.GTID_NEXT= '" U ":blue:7'", U ":blue:7");
	gtid_of("SET @@SESSION.GTID_NEXT= 'ANONYMOUS'", "");
	gtid_of("GTID 0-101-1", "0-101-1");
	gtid_of("BEGIN GTID 7-101-55 cid=99", "7-101-55");
	gtid_of("something else", "");
	struct buf file = BUF_INIT(256);
	uint64_t pos = 0;
	assert_true(relaylog_rotate_to("binlog.000002;pos=4", &file, &pos));
	assert_string_equal(buf_str(&file), "binlog.000002");
	assert_int_equal(pos, 4);
	assert_false(relaylog_rotate_to("binlog.000002", &file, &pos));
	buf_free(&file);
}

static void place(struct checkpoint_channel *cp, enum applier_mode mode, const char *exec_file, uint64_t exec_pos, const char *relay,
                  uint64_t relay_pos, const char *read_file, uint64_t read_pos, const char *received)
{
	*cp = (struct checkpoint_channel){ .name = strdup(""), .mode = mode, .exec_file = strdup(exec_file), .exec_pos = exec_pos,
		                           .relay_file = strdup(relay), .relay_pos = relay_pos, .read_file = strdup(read_file),
		                           .read_pos = read_pos, .received_set = strdup(received) };
}

static bool in_tables;

static enum proof_verdict judge(struct conn *c, const char *gtids, const char *lwm, uint64_t lwm_pos,
                                struct checkpoint_channel *cp)
{
	struct error err = ERROR_INIT;
	struct instance in = { .server = c->server, .tables = in_tables };
	struct imprint f = { 0 };
	struct gap g = { .lwm = { lwm ? strdup(lwm) : NULL, lwm_pos } };
	enum proof_verdict v = PROOF_OPEN;
	OK(slot_set(c->server.flavor == FLAVOR_MARIADB ? &f.slave_pos : &f.gtids, gtids, &err));
	OK(proof_channel(c, &in, &f, &g, cp, &v, &err));
	fake_conn_check(c);
	imprint_free(&f);
	free(g.lwm.file);
	return v;
}

static bool says(const struct checkpoint_channel *cp, const char *what)
{
	for (size_t i = 0; i < cp->proof.n; i++) {
		if (strstr(cp->proof.item[i], what))
			return true;
	}
	return false;
}

#define ASK97(from) "SHOW RELAYLOG EVENTS IN 'relay.000002' FROM " from " LIMIT 32 FOR CHANNEL ''"

static void test_next_transaction(void **state)
{
	struct conn *c = server(*state, FLAVOR_MYSQL, 90704);
	struct checkpoint_channel cp;
	place(&cp, MODE_MYSQL_AUTO, "binlog.000001", 7155556, "relay.000002", 7155767, "binlog.000001", 9000000, U ":1-8122");
	answer(c, ASK97("7155767"),
	       COLUMNS "relay.000002\t7155767\tGtid\t971\t7155635\tSET @@SESSION.GTID_NEXT= '" U ":7642'\n"
	               "relay.000002\t7155846\tQuery\t971\t7155710\tBEGIN\n");
	assert_int_equal(judge(c, U ":1-7641", NULL, 0, &cp), PROOF_GOOD);
	assert_int_equal(cp.coordinates, COORDINATES_PROVEN);
	assert_true(says(&cp, "the default channel: relay log relay.000002 at 7155767: next transaction " U ":7642 is not in gtid_executed"));
	assert_true(says(&cp, "begins at binlog.000001:7155556; executed coordinates binlog.000001:7155556"));
	checkpoint_channel_clear(&cp);
	conn_free(c);
}

/* After UNTIL SQL_AFTER_GTIDS: what the position points at has been executed long since. */
static void test_stale(void **state)
{
	struct conn *c = server(*state, FLAVOR_MYSQL, 90704);
	struct checkpoint_channel cp;
	place(&cp, MODE_MYSQL_AUTO, "binlog.000001", 50327, "relay.000002", 50538, "binlog.000001", 73829, U ":1-252");
	answer(c, ASK97("50538"),
	       COLUMNS "relay.000002\t50538\tGtid\t971\t50406\tSET @@SESSION.GTID_NEXT= '" U ":172'\n"
	               "relay.000002\t50617\tQuery\t971\t50480\tBEGIN\n");
	assert_int_equal(judge(c, U ":1-252", NULL, 0, &cp), PROOF_STALE);
	assert_int_equal(cp.coordinates, COORDINATES_STALE);
	assert_non_null(strstr(cp.coordinates_why, "172 is in gtid_executed already"));
	checkpoint_channel_clear(&cp);
	conn_free(c);
}

/* The first answer holds a Rotate only: the transaction is in the next file, whose name is longer and sorts before this one as text. */
static void test_files_followed(void **state)
{
	struct conn *c = server(*state, FLAVOR_MYSQL, 90704);
	struct checkpoint_channel cp;
	place(&cp, MODE_MYSQL_AUTO, "binlog.000001", 158, "relay.999999", 500, "binlog.000001", 900, U ":1-3");
	answer(c, "SHOW RELAYLOG EVENTS IN 'relay.999999' FROM 500 LIMIT 32",
	       COLUMNS "relay.999999\t500\tRotate\t973\t543\trelay.1000000;pos=4\n");
	answer(c, "SHOW RELAYLOG EVENTS IN 'relay.1000000' FROM 4 LIMIT 1", COLUMNS "relay.1000000\t4\tFormat_desc\t973\t127\tServer ver\n");
	answer(c, "SHOW RELAYLOG EVENTS IN 'relay.1000000' FROM 4 LIMIT 32",
	       COLUMNS "relay.1000000\t4\tFormat_desc\t973\t127\tServer ver\n"
	               "relay.1000000\t127\tPrevious_gtids\t973\t198\t\n"
	               "relay.1000000\t198\tFormat_desc\t971\t127\tServer ver\n"
	               "relay.1000000\t321\tGtid\t971\t235\tSET @@SESSION.GTID_NEXT= '" U ":3'\n"
	               "relay.1000000\t398\tQuery\t971\t337\tcreate database d1\n");
	assert_int_equal(judge(c, U ":1-2", NULL, 0, &cp), PROOF_GOOD);
	assert_int_equal(cp.coordinates, COORDINATES_PROVEN);
	assert_true(says(&cp, "relay log relay.1000000 at 321: next transaction " U ":3"));
	checkpoint_channel_clear(&cp);
	conn_free(c);
}

static void test_empty_backlog(void **state)
{
	struct conn *c = server(*state, FLAVOR_MYSQL, 90704);
	struct checkpoint_channel cp;
	place(&cp, MODE_MYSQL_AUTO, "binlog.000001", 5114, "relay.000002", 5325, "binlog.000001", 5114, U ":1-20");
	answer(c, ASK97("5325"), COLUMNS);
	no_file(c, "SHOW RELAYLOG EVENTS IN 'relay.000003' FROM 4 LIMIT 1");
	assert_int_equal(judge(c, U ":1-20", NULL, 0, &cp), PROOF_GOOD);
	assert_int_equal(cp.coordinates, COORDINATES_PROVEN);
	/* Nothing in the relay logs, but something was received that is not executed: no proof. */
	answer(c, ASK97("5325"), COLUMNS);
	no_file(c, "SHOW RELAYLOG EVENTS IN 'relay.000003' FROM 4 LIMIT 1");
	assert_int_equal(judge(c, U ":1-19", NULL, 0, &cp), PROOF_OPEN);
	checkpoint_channel_clear(&cp);
	conn_free(c);
}

/* With auto-position the coordinates are an extra: not available is said, and is no failure. */
static void test_unavailable_is_no_failure(void **state)
{
	struct conn *c = server(*state, FLAVOR_MYSQL, 90704);
	struct checkpoint_channel cp;
	place(&cp, MODE_MYSQL_AUTO, "binlog.000001", 400, "relay.000002", 611, "binlog.000001", 900, U ":1-3");
	answer(c, ASK97("611"),
	       COLUMNS "relay.000002\t611\tGtid\t971\t535\tSET @@SESSION.GTID_NEXT= '" U ":3'\n"
	               "relay.000002\t688\tQuery\t971\t600\tBEGIN\n");
	assert_int_equal(judge(c, U ":1-2", NULL, 0, &cp), PROOF_GOOD);
	assert_int_equal(cp.coordinates, COORDINATES_UNAVAILABLE);
	assert_non_null(strstr(cp.coordinates_why, "begins at binlog.000001:458, but what is before it ended at 400"));
	no_file(c, ASK97("611")); /* the relay log is gone: tried a few times */
	fake_conn_any_times(c);
	assert_int_equal(judge(c, U ":1-2", NULL, 0, &cp), PROOF_GOOD);
	assert_non_null(strstr(cp.coordinates_why, "cannot be read"));
	cp.gtid_only = true; /* nothing is asked at all */
	assert_int_equal(judge(c, U ":1-2", NULL, 0, &cp), PROOF_GOOD);
	assert_non_null(strstr(cp.coordinates_why, "GTID_ONLY"));
	checkpoint_channel_clear(&cp);
	conn_free(c);
}

/* A place that is none is neither looked at nor taken for one: unavailable where GTIDs decide, no proof where nothing else does. */
static void test_no_coordinates(void **state)
{
	static const struct { const char *exec_file; uint64_t exec_pos; const char *relay; } given[] = {
		{ "", 120, "relay.000002" }, { "INVALID", 120, "relay.000002" }, { "binlog.000001", 0, "relay.000002" }, { "binlog.000001", 120, "" },
	};
	for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
		struct conn *c = server(*state, FLAVOR_MYSQL, 90704);
		struct checkpoint_channel cp;
		place(&cp, MODE_MYSQL_AUTO, given[i].exec_file, given[i].exec_pos, given[i].relay, 280, "binlog.000001", 900, U ":1-3");
		assert_int_equal(judge(c, U ":1-2", NULL, 0, &cp), PROOF_GOOD);
		assert_int_equal(cp.coordinates, COORDINATES_UNAVAILABLE);
		cp.mode = MODE_MYSQL_POSITION;
		assert_int_equal(judge(c, "", NULL, 0, &cp), PROOF_OPEN);
		assert_int_equal(cp.coordinates, COORDINATES_UNAVAILABLE);
		checkpoint_channel_clear(&cp);
		conn_free(c);
	}
}

/* 5.6, positions only: the arithmetic has to come out, and the low-water mark has to be the executed position. */
static void test_position(void **state)
{
	struct conn *c = server(*state, FLAVOR_MYSQL, 50624);
	struct checkpoint_channel cp;
	static const char ask[] = "SHOW RELAYLOG EVENTS IN 'relay.000002' FROM 280 LIMIT 32";
	static const char rows[] = COLUMNS "relay.000002\t280\tQuery\t971\t208\tcreate database d1\n"
	                                   "relay.000002\t368\tQuery\t971\t390\tcreate table\n";
	place(&cp, MODE_MYSQL_POSITION, "binlog.000001", 120, "relay.000002", 280, "binlog.000001", 3272, "");
	answer(c, ask, rows);
	assert_int_equal(judge(c, "", "binlog.000001", 120, &cp), PROOF_GOOD);
	assert_int_equal(cp.coordinates, COORDINATES_PROVEN);
	assert_true(says(&cp, "no gap: no worker row lies behind the low-water mark binlog.000001:120"));
	cp.exec_pos = 121;
	answer(c, ask, rows);
	assert_int_equal(judge(c, "", "binlog.000001", 121, &cp), PROOF_OPEN);
	answer(c, ask, rows);
	assert_int_equal(judge(c, "", "binlog.000001", 120, &cp), PROOF_OPEN); /* table and status differ */
	assert_non_null(strstr(cp.coordinates_why, "slave_relay_log_info has binlog.000001:120"));
	in_tables = true; /* workers, and no row that tells of them */
	cp.workers = 4;
	answer(c, ask, rows);
	assert_int_equal(judge(c, "", NULL, 0, &cp), PROOF_OPEN);
	assert_string_equal(cp.coordinates_why, "mysql.slave_relay_log_info has no row for this channel");
	in_tables = false;
	checkpoint_channel_clear(&cp);
	conn_free(c);
}

/* The source went on to its next file: the Rotate has its own place, the transaction is counted from the new file's head. */
static void test_position_across_a_rotate(void **state)
{
	struct conn *c = server(*state, FLAVOR_MYSQL, 50624);
	struct checkpoint_channel cp;
	static const char good[] = COLUMNS "relay.000002\t280\tRotate\t971\t167\tbinlog.000002;pos=4\n"
	                                   "relay.000002\t327\tRotate\t971\t0\tbinlog.000002;pos=4\n"
	                                   "relay.000002\t371\tFormat_desc\t971\t120\tServer ver\n"
	                                   "relay.000002\t487\tQuery\t971\t208\tBEGIN\n"
	                                   "relay.000002\t575\tTable_map\t971\t251\tt\n";
	place(&cp, MODE_MYSQL_POSITION, "binlog.000001", 120, "relay.000002", 280, "binlog.000002", 3272, "");
	answer(c, "SHOW RELAYLOG", good);
	assert_int_equal(judge(c, "", "binlog.000001", 120, &cp), PROOF_GOOD);
	assert_true(says(&cp, "begins at binlog.000002:120; executed coordinates binlog.000001:120"));
	cp.exec_pos = 119; /* then the Rotate does not follow */
	answer(c, "SHOW RELAYLOG", good);
	assert_int_equal(judge(c, "", "binlog.000001", 119, &cp), PROOF_OPEN);
	assert_non_null(strstr(cp.coordinates_why, "Rotate at relay.000002:280"));
	checkpoint_channel_clear(&cp);
	conn_free(c);
}

/* The receiver left out what nobody applies, and says so by a Rotate without a place of its own: then the executed position may lie before the end. */
static void test_position_behind_a_jump(void **state)
{
	static const struct { const char *rows; enum proof_verdict verdict; } given[] = {
		{ COLUMNS "relay.000002\t280\tRotate\t0\t0\tbinlog.000003;pos=4\n", PROOF_GOOD },
		{ COLUMNS "relay.000002\t280\tRotate\t0\t0\tbinlog.000001;pos=700\n", PROOF_GOOD },
		{ COLUMNS "relay.000002\t280\tRotate\t0\t0\tbinlog.000001;pos=120\n", PROOF_OPEN }, /* no jump at all */
		{ COLUMNS, PROOF_OPEN },
	};
	for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
		struct conn *c = server(*state, FLAVOR_MYSQL, 50624);
		struct checkpoint_channel cp;
		place(&cp, MODE_MYSQL_POSITION, "binlog.000001", 120, "relay.000002", 280, "binlog.000003", 900, "");
		answer(c, "SHOW RELAYLOG EVENTS IN 'relay.000002' FROM 280 LIMIT 32", given[i].rows);
		fake_conn_any_times(c);
		no_file(c, "SHOW RELAYLOG EVENTS IN 'relay.000003' FROM 4 LIMIT 1");
		assert_int_equal(judge(c, "", "binlog.000001", 120, &cp), given[i].verdict);
		assert_int_equal(cp.coordinates, given[i].verdict == PROOF_GOOD ? COORDINATES_PROVEN : COORDINATES_UNAVAILABLE);
		checkpoint_channel_clear(&cp);
		conn_free(c);
	}
}

/* The last event in the file does not tell its length until another follows: asked again. */
static void test_length_comes_later(void **state)
{
	struct conn *c = server(*state, FLAVOR_MYSQL, 50624);
	struct checkpoint_channel cp;
	place(&cp, MODE_MYSQL_POSITION, "binlog.000001", 120, "relay.000002", 280, "binlog.000001", 3272, "");
	answer(c, "SHOW RELAYLOG EVENTS IN 'relay.000002'", COLUMNS "relay.000002\t280\tQuery\t971\t208\tBEGIN\n");
	answer(c, "SHOW RELAYLOG EVENTS IN 'relay.000002'",
	       COLUMNS "relay.000002\t280\tQuery\t971\t208\tBEGIN\nrelay.000002\t368\tTable_map\t971\t251\tt\n");
	assert_int_equal(judge(c, "", "binlog.000001", 120, &cp), PROOF_GOOD);
	checkpoint_channel_clear(&cp);
	conn_free(c);
}

/* A long answer: the last event of a full one is asked for again, none is lost and none seen twice. */
static enum status collect(void *arg, const struct relaylog_event *e, bool *stop, struct error *err)
{
	struct buf *b = arg;
	(void)stop;
	(void)err;
	buf_addf(b, "%s:%d+%d ", e->file, (int)e->pos, (int)e->length);
	return ST_OK;
}

static void test_batches(void **state)
{
	struct conn *c = server(*state, FLAVOR_MYSQL, 50624);
	struct buf seen = BUF_INIT(4096);
	struct error err = ERROR_INIT;
	bool ended = false;
	answer(c, "SHOW RELAYLOG EVENTS IN 'r.000001' FROM 10 LIMIT 2", COLUMNS "r\t10\tQuery\t1\t1\ta\nr\t20\tQuery\t1\t2\tb\n");
	answer(c, "SHOW RELAYLOG EVENTS IN 'r.000001' FROM 20 LIMIT 2", COLUMNS "r\t20\tQuery\t1\t2\tb\nr\t35\tQuery\t1\t3\tc\n");
	answer(c, "SHOW RELAYLOG EVENTS IN 'r.000001' FROM 35 LIMIT 2", COLUMNS "r\t35\tQuery\t1\t3\tc\n");
	answer(c, "SHOW RELAYLOG EVENTS IN 'r.000002' FROM 4 LIMIT 1", COLUMNS "r\t4\tQuery\t1\t1\td\n");
	answer(c, "SHOW RELAYLOG EVENTS IN 'r.000002' FROM 4 LIMIT 2", COLUMNS "r\t4\tQuery\t1\t1\td\n");
	no_file(c, "SHOW RELAYLOG EVENTS IN 'r.000003' FROM 4 LIMIT 1");
	OK(relaylog_walk(c, "", "./r.000001", 10, 1, collect, &seen, &ended, &err));
	assert_true(ended);
	assert_string_equal(buf_str(&seen), "r.000001:10+10 r.000001:20+15 r.000001:35+0 r.000002:4+0 ");
	buf_free(&seen);
	conn_free(c);
}

static void tables(struct conn *c, const char *rows)
{
	answer(c, "SELECT domain_id, server_id, seq_no FROM (SELECT * FROM mysql.`gtid_slave_pos`", rows);
}

static enum proof_verdict judge_mariadb(struct conn *c, const char *slave_pos, struct checkpoint_channel *cp)
{
	struct error err = ERROR_INIT;
	struct instance in = { .server = c->server, .tables = in_tables };
	struct imprint f = { 0 };
	struct gap g = { 0 };
	enum proof_verdict v = PROOF_OPEN;
	OK(slot_set(&f.slave_pos, slave_pos, &err));
	OK(strlist_add(&in.gtid_tables, "gtid_slave_pos", &err));
	OK(proof_channel(c, &in, &f, &g, cp, &v, &err));
	fake_conn_check(c);
	imprint_free(&f);
	strlist_free(&in.gtid_tables);
	return v;
}

static void test_mariadb_gtid(void **state)
{
	struct conn *c = server(*state, FLAVOR_MARIADB, 101119);
	struct checkpoint_channel cp;
	place(&cp, MODE_MARIADB_GTID, "binlog.000001", 325, "relay.000002", 621, "binlog.000001", 4489, "0-101-20");
	answer(c, "SHOW RELAYLOG '' EVENTS IN 'relay.000002' FROM 621 LIMIT 32",
	       COLUMNS "relay.000002\t621\tGtid\t101\t367\tGTID 0-101-21\nrelay.000002\t663\tQuery\t101\t450\tcreate database d1\n");
	tables(c, "domain_id\tserver_id\tseq_no\n0\t101\t19\n0\t101\t20\n");
	assert_int_equal(judge_mariadb(c, "0-101-20", &cp), PROOF_GOOD);
	assert_int_equal(cp.coordinates, COORDINATES_PROVEN);
	assert_true(says(&cp, "next transaction 0-101-21 is not in gtid_slave_pos (0-101-20)"));
	assert_true(says(&cp, "gtid_slave_pos (0-101-20) is what the newest rows of mysql.gtid_slave_pos say (0-101-20)"));
	/* Several domains: file and position are not used, and not looked at. */
	tables(c, "domain_id\tserver_id\tseq_no\n0\t101\t20\n7\t101\t2\n7\t101\t3\n");
	assert_int_equal(judge_mariadb(c, "0-101-20,7-101-3", &cp), PROOF_GOOD);
	assert_int_equal(cp.coordinates, COORDINATES_UNAVAILABLE);
	/* Variable and table disagree: no proof. */
	tables(c, "domain_id\tserver_id\tseq_no\n0\t101\t20\n7\t101\t2\n");
	assert_int_equal(judge_mariadb(c, "0-101-20,7-101-3", &cp), PROOF_OPEN);
	checkpoint_channel_clear(&cp);
	conn_free(c);
}

/* Positions and two domains: good only if nothing behind the position has been executed. */
static void test_mariadb_position(void **state)
{
	struct conn *c = server(*state, FLAVOR_MARIADB, 101119);
	struct checkpoint_channel cp;
	static const char rows[] = COLUMNS "relay.000002\t621\tGtid\t101\t367\tGTID 0-101-21\n"
	                                   "relay.000002\t663\tQuery\t101\t450\tcreate database d1\n"
	                                   "relay.000002\t746\tGtid\t101\t492\tGTID 7-101-3\n"
	                                   "relay.000002\t788\tQuery\t101\t678\tcreate table t\n";
	place(&cp, MODE_MARIADB_POSITION, "binlog.000001", 325, "relay.000002", 621, "binlog.000001", 678, "");
	for (int executed = 0; executed < 2; executed++) {
		answer(c, "SHOW RELAYLOG '' EVENTS IN 'relay.000002' FROM 621 LIMIT 1000", rows);
		if (!executed)
			no_file(c, "SHOW RELAYLOG '' EVENTS IN 'relay.000003' FROM 4 LIMIT 1");
		assert_int_equal(judge(c, executed ? "0-101-20,7-101-3" : "0-101-20,7-101-2", NULL, 0, &cp),
		                 executed ? PROOF_OPEN : PROOF_GOOD);
		assert_int_equal(cp.coordinates, executed ? COORDINATES_UNAVAILABLE : COORDINATES_PROVEN);
	}
	assert_non_null(strstr(cp.coordinates_why, "7-101-3, behind relay.000002:621 in the relay log, is executed already"));
	checkpoint_channel_clear(&cp);
	conn_free(c);
}

#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_gtid_texts),
		T(test_next_transaction),
		T(test_stale),
		T(test_files_followed),
		T(test_empty_backlog),
		T(test_unavailable_is_no_failure),
		T(test_no_coordinates),
		T(test_position),
		T(test_position_across_a_rotate),
		T(test_position_behind_a_jump),
		T(test_length_comes_later),
		T(test_batches),
		T(test_mariadb_gtid),
		T(test_mariadb_position),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
