/* SPDX-License-Identifier: Apache-2.0 */
/* The writer fingerprint, and what XA RECOVER says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "applier/imprint.h"
#include "applier/prepared.h"
#include "fake_conn.h"
#include "scratch.h"

/* 5.6.24 */
static const char status_56[] =
	"------------\nTRANSACTIONS\n------------\nTrx id counter 28827\n"
	"Purge done for trx's n:o < 28524 undo n:o < 0 state: running but idle\nHistory list length 22\n"
	"LIST OF TRANSACTIONS FOR EACH SESSION:\n---TRANSACTION 0, not started\n"
	"MySQL thread id 13, OS thread handle 0x7f125f2316c0, query id 48 localhost root init\nshow engine innodb status\n"
	"---TRANSACTION 28804, not started\nMySQL thread id 37, query id 0 Slave has read all relay log\n"
	"---TRANSACTION 28826, ACTIVE 1 sec\n"
	"1 lock struct(s), heap size 360, 0 row lock(s), undo log entries 1\n"
	"MySQL thread id 94, OS thread handle 0x7f125efdf6c0, query id 652 localhost root User sleep\nselect sleep(3)\n"
	"---TRANSACTION 28825, ACTIVE 9 sec\n2 lock struct(s), heap size 360, 1 row lock(s)\n"
	"---TRANSACTION 28820, ACTIVE (PREPARED) 5 sec\n2 lock struct(s), heap size 360, 1 row lock(s), undo log entries 12\n"
	"--------\nFILE I/O\n--------\n";

static void test_counter(void **state)
{
	(void)state;
	char counter[32] = "";
	assert_true(imprint_trx_counter(status_56, counter));
	assert_string_equal(counter, "28827");
	assert_true(imprint_trx_counter("Trx id counter 0 1A2B\nPurge", counter)); /* 5.0 and its like */
	assert_string_equal(counter, "0 1A2B");
	assert_false(imprint_trx_counter("no such thing", counter));
	assert_false(imprint_trx_counter("Trx id counter \n", counter));
}

static void test_open_transactions(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(4096);
	imprint_open_transactions(status_56, &b);
	assert_string_equal(buf_str(&b), "28826:1,28820:12");
	buf_clear(&b);
	imprint_open_transactions("Trx id counter 5\n", &b);
	assert_string_equal(buf_str(&b), "");
	buf_free(&b);
}

static bool beyond_innodb;

static enum imprint_moved compare(const struct imprint *a, const struct imprint *b, const char *says)
{
	struct buf why = BUF_INIT(4096);
	enum imprint_moved m = imprint_compare(a, b, beyond_innodb, &why);
	if (!strstr(buf_str(&why), says))
		fail_msg("'%s' does not say '%s'", buf_str(&why), says);
	buf_free(&why);
	return m;
}

static void test_compare(void **state)
{
	(void)state;
	char one[] = "u:1-5", two[] = "u:1-6", file[] = "binlog.000001", file2[] = "binlog.000002", open[] = "9:1";
	struct imprint a = { .gtids = one, .file = file, .pos = 100, .counter = "17" }, b = a;
	assert_int_equal(compare(&a, &b, "are the same"), IMPRINT_SAME);
	b.gtids = two;
	assert_int_equal(compare(&a, &b, "GTIDs moved"), IMPRINT_WRITTEN);
	b = a;
	b.pos = 101;
	assert_int_equal(compare(&a, &b, "binlog.000001:100 to binlog.000001:101"), IMPRINT_WRITTEN);
	b = a;
	b.file = file2;
	assert_int_equal(compare(&a, &b, "binary log moved"), IMPRINT_WRITTEN);
	b = a;
	memcpy(b.counter, "18", 3); /* the server's own threads: no client has changed a row or begun a statement that does */
	assert_int_equal(compare(&a, &b, "are the same; the server's own threads"), IMPRINT_SAME);
	b.rows = 1;
	assert_int_equal(compare(&a, &b, "from 17 to 18, rows changed from 0 to 1"), IMPRINT_COUNTER);
	b.rows = 0;
	b.statements = 1; /* a DDL changes no rows */
	assert_int_equal(compare(&a, &b, "writing statements from 0 to 1"), IMPRINT_COUNTER);
	memcpy(b.counter, "17", 3); /* began to write, and has not: a temporary table, or a row that was not found */
	assert_int_equal(compare(&a, &b, "transaction counter 17 are the same"), IMPRINT_SAME);
	b = a;
	b.counter[0] = a.counter[0] = '\0'; /* 5.6: rows and statements stand alone */
	assert_int_equal(compare(&a, &b, "are the same"), IMPRINT_SAME);
	b.rows = 1;
	assert_int_equal(compare(&a, &b, "rows changed from 0 to 1"), IMPRINT_COUNTER);
	b = a;
	memcpy(a.counter, "17", 3);
	b = a;
	/* An INSERT begun before the first look and committed between the snapshots, under sql_log_bin=0: nothing else tells. */
	b = a;
	a.open = open;
	assert_int_equal(compare(&a, &b, "were (9:1) and are ()"), IMPRINT_COUNTER);
	b.open = open;
	assert_int_equal(compare(&a, &b, "are the same"), IMPRINT_SAME);
}

/* A writer of MyISAM or Aria leaves InnoDB's counter alone: with such tables copied, rows and statements are to be the same as well. */
static void test_other_engines(void **state)
{
	(void)state;
	struct imprint a = { .counter = "17", .rows = 5, .statements = 7 }, b = a;
	b.statements = 8;
	assert_int_equal(compare(&a, &b, "transaction counter 17 are the same"), IMPRINT_SAME);
	beyond_innodb = true;
	assert_int_equal(compare(&a, &b, "writing statements from 7 to 8"), IMPRINT_COUNTER);
	b = a;
	b.rows = 6; /* MariaDB's handler calls */
	assert_int_equal(compare(&a, &b, "rows changed from 5 to 6"), IMPRINT_COUNTER);
	b = a;
	assert_int_equal(compare(&a, &b, "counter 17, and the counts of changed rows (5) and of writing statements (7) are the same"), IMPRINT_SAME);
	memcpy(b.counter, "18", 3);
	assert_int_equal(compare(&a, &b, "are the same; the server's own threads"), IMPRINT_SAME);
	beyond_innodb = false;
}

static void take(struct scratch *s, enum flavor flavor, unsigned version, bool spend, bool receiver,
                 struct imprint *ret)
{
	struct error err = ERROR_INIT;
	struct instance in = { .server = { .flavor = flavor, .version = version }, .log_bin = true, .reads_spend_ids = spend,
		               .receiver_updates = receiver };
	struct conn *c = fake_conn_new(&s->run, flavor, version);
	char on[] = "ON";
	in.gtid_mode = flavor == FLAVOR_MYSQL ? on : NULL;
	if (flavor == FLAVOR_MARIADB) {
		fake_conn_expect(c, "SELECT @@GLOBAL.gtid_slave_pos, @@GLOBAL.gtid_binlog_pos, @@GLOBAL.gtid_current_pos");
		fake_conn_rows(c, "a\tb\tc\n0-1-5\t0-1-6\t0-1-7\n");
		fake_conn_expect(c, "SHOW MASTER STATUS");
		fake_conn_rows(c, "File\tPosition\nbin.000009\t77\n");
	} else {
		fake_conn_expect(c, "SELECT @@GLOBAL.gtid_executed, @@GLOBAL.gtid_purged");
		fake_conn_rows(c, "a\tb\nu:1-5\tu:1\n");
		fake_conn_expect(c, spend ? "SHOW MASTER STATUS" : "SHOW BINARY LOG STATUS");
		fake_conn_rows(c, "File\tPosition\nbin.000009\t77\n");
	}
	bool maria = flavor == FLAVOR_MARIADB;
	fake_conn_expect_prefix(c, maria ? "SHOW GLOBAL STATUS WHERE Variable_name IN ('Handler_write'"
	                                 : "SHOW GLOBAL STATUS WHERE Variable_name IN ('Innodb_rows_inserted'");
	fake_conn_rows(c, maria ? "Variable_name\tValue\nCom_insert\t23\nHandler_delete\t1\nHandler_update\t74\n"
	                        : "Variable_name\tValue\nCom_alter_table\t3\nCom_create_temporary_table\t1000\nCom_insert\t20\nCom_select\t99\n"
	                          "Innodb_rows_deleted\t1\nInnodb_rows_inserted\t48\nInnodb_rows_updated\t26\n");
	fake_conn_expect(c, "SHOW ENGINE INNODB STATUS");
	fake_conn_rows(c, "Type\tName\tStatus\nInnoDB\t\tTrx id counter 1691\\n---TRANSACTION 5, ACTIVE 1 sec\\nundo log entries 3\\n\n");
	OK(imprint_take(c, &in, ret, &err));
	conn_free(c);
}

static void test_take(void **state)
{
	struct imprint f = { 0 };
	take(*state, FLAVOR_MYSQL, 90704, false, false, &f);
	assert_string_equal(f.gtids, "u:1-5");
	assert_string_equal(f.purged, "u:1");
	assert_string_equal(f.file, "bin.000009");
	assert_int_equal(f.pos, 77);
	assert_string_equal(f.counter, "1691");
	assert_string_equal(f.open, "5:3");
	assert_int_equal(f.rows, 75);
	assert_int_equal(f.statements, 23);
	take(*state, FLAVOR_MYSQL, 50624, true, false, &f);
	assert_string_equal(f.counter, ""); /* reads move it */
	assert_int_equal(f.rows, 75);
	take(*state, FLAVOR_MYSQL, 50624, true, true, &f);
	assert_int_equal(f.rows, 49); /* the 26 updated ones are, or may be, the receiver's */
	assert_int_equal(f.statements, 23);
	take(*state, FLAVOR_MARIADB, 101119, false, false, &f);
	assert_string_equal(f.slave_pos, "0-1-5");
	assert_string_equal(f.binlog_gtids, "0-1-6");
	assert_string_equal(f.current_pos, "0-1-7");
	assert_int_equal(f.rows, 75);
	assert_int_equal(f.statements, 23);
	assert_null(f.gtids);
	imprint_free(&f);
}

static void test_xids(void **state)
{
	struct scratch *s = *state;
	struct error err = ERROR_INIT;
	struct prepared p = { 0 };
	bool no_right = false;
	struct conn *c = fake_conn_new(&s->run, FLAVOR_MYSQL, 90704);
	fake_conn_expect(c, "XA RECOVER");
	fake_conn_rows(c, "formatID\tgtrid_length\tbqual_length\tdata\n7\t3\t1\ta'bq\n1\t2\t0\tgt\n");
	fake_conn_expect_prefix(c, "SHOW GLOBAL STATUS");
	fake_conn_rows(c, "Variable_name\tValue\nReplica_open_temp_tables\t2\nSlave_open_temp_tables\t2\n");
	OK(prepared_look(c, &no_right, &p, &err));
	assert_true(prepared_any(&p));
	assert_string_equal(buf_str(&p.text), "2 prepared XA transactions: X'612762','q',7; 'gt','',1; 2 temporary tables of replicated sessions");
	/* Without the right: InnoDB's own list, once and for all. */
	fake_conn_expect(c, "XA RECOVER");
	fake_conn_error(c, 1227, "Access denied; you need (at least one of) the XA_RECOVER_ADMIN privilege(s)");
	fake_conn_expect_prefix(c, "SELECT COUNT(*) FROM information_schema.innodb_trx");
	fake_conn_rows(c, "n\n1\n");
	fake_conn_expect_prefix(c, "SHOW GLOBAL STATUS");
	fake_conn_rows(c, "Variable_name\tValue\nReplica_open_temp_tables\t0\n");
	OK(prepared_look(c, &no_right, &p, &err));
	assert_true(no_right);
	assert_int_equal(p.xids, 1);
	assert_non_null(strstr(buf_str(&p.text), "XA_RECOVER_ADMIN"));
	fake_conn_expect_prefix(c, "SELECT COUNT(*) FROM information_schema.innodb_trx");
	fake_conn_rows(c, "n\n0\n");
	fake_conn_expect_prefix(c, "SHOW GLOBAL STATUS");
	fake_conn_rows(c, "Variable_name\tValue\nReplica_open_temp_tables\t0\n");
	OK(prepared_look(c, &no_right, &p, &err));
	assert_false(prepared_any(&p));
	/* A lost session is no answer to the question of rights. */
	no_right = false;
	fake_conn_expect(c, "XA RECOVER");
	fake_conn_error(c, 2013, "Lost connection");
	FAILS(ERR_SERVER, prepared_look(c, &no_right, &p, &err));
	assert_false(no_right);
	prepared_free(&p);
	conn_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counter),
		cmocka_unit_test(test_open_transactions),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_other_engines),
		cmocka_unit_test_setup_teardown(test_take, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_xids, scratch_setup, scratch_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
