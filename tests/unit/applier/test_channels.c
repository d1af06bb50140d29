/* SPDX-License-Identifier: Apache-2.0 */
/* Status rows as servers of each generation print them (5.6.24, 9.7.4 and MariaDB 10.11.19 as seen; 5.7 and 8.x by their manuals). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "applier/channels.h"
#include "fake_conn.h"
#include "scratch.h"
#include "slackwater/slot.h"

static const char row_97[] =
	"*************************** 1. row ***************************\n"
	"             Replica_IO_State: Waiting for source to send event\n"
	"                  Source_Host: 127.0.0.1\n"
	"                  Source_User: repl\n"
	"                  Source_Port: 23097\n"
	"                Connect_Retry: 60\n"
	"              Source_Log_File: binlog.000001\n"
	"          Read_Source_Log_Pos: 5114\n"
	"               Relay_Log_File: relay.000002\n"
	"                Relay_Log_Pos: 5325\n"
	"        Relay_Source_Log_File: binlog.000001\n"
	"           Replica_IO_Running: Yes\n"
	"          Replica_SQL_Running: Yes\n"
	"              Replicate_Do_DB: app1,app2\n"
	"          Replicate_Ignore_DB: \n"
	"           Replicate_Do_Table: \n"
	"       Replicate_Ignore_Table: \n"
	"      Replicate_Wild_Do_Table: \n"
	"  Replicate_Wild_Ignore_Table: \n"
	"                   Last_Errno: 0\n"
	"                   Last_Error: \n"
	"                 Skip_Counter: 0\n"
	"          Exec_Source_Log_Pos: 5000\n"
	"              Relay_Log_Space: 5526\n"
	"              Until_Condition: None\n"
	"               Until_Log_File: \n"
	"                Until_Log_Pos: 0\n"
	"           Source_SSL_Allowed: Yes\n"
	"        Seconds_Behind_Source: 0\n"
	"                Last_IO_Errno: 0\n"
	"                Last_IO_Error: \n"
	"               Last_SQL_Errno: 0\n"
	"               Last_SQL_Error: \n"
	"  Replicate_Ignore_Server_Ids: \n"
	"             Source_Server_Id: 971\n"
	"                  Source_UUID: 9159968e-e4e8-11f1-9f75-02fc00000001\n"
	"             Source_Info_File: mysql.slave_master_info\n"
	"                    SQL_Delay: 0\n"
	"          SQL_Remaining_Delay: NULL\n"
	"    Replica_SQL_Running_State: Replica has read all relay log; waiting for more updates\n"
	"           Retrieved_Gtid_Set: 9159968e-e4e8-11f1-9f75-02fc00000001:1-20\n"
	"            Executed_Gtid_Set: 11111111-1111-1111-1111-111111111111:5,\\n9159968e-e4e8-11f1-9f75-02fc00000001:1-19\n"
	"                Auto_Position: 1\n"
	"         Replicate_Rewrite_DB: \n"
	"                 Channel_Name: odd'n\"me\n";

static const char row_56[] =
	"*************************** 1. row ***************************\n"
	"               Slave_IO_State: Waiting for master to send event\n"
	"                  Master_Host: 127.0.0.1\n"
	"                  Master_User: repl\n"
	"                  Master_Port: 23056\n"
	"                Connect_Retry: 60\n"
	"              Master_Log_File: binlog.000001\n"
	"          Read_Master_Log_Pos: 3272\n"
	"               Relay_Log_File: relay.000002\n"
	"                Relay_Log_Pos: 3432\n"
	"        Relay_Master_Log_File: binlog.000001\n"
	"             Slave_IO_Running: Yes\n"
	"            Slave_SQL_Running: No\n"
	"              Replicate_Do_DB: \n"
	"          Replicate_Ignore_DB: \n"
	"           Replicate_Do_Table: \n"
	"       Replicate_Ignore_Table: \n"
	"      Replicate_Wild_Do_Table: \n"
	"  Replicate_Wild_Ignore_Table: \n"
	"                   Last_Errno: 1317\n"
	"                   Last_Error: Worker 3 failed executing transaction '' at master log binlog.000001, end_log_pos 6174366\n"
	"                 Skip_Counter: 0\n"
	"          Exec_Master_Log_Pos: 3271\n"
	"              Relay_Log_Space: 3595\n"
	"              Until_Condition: SQL_AFTER_MTS_GAPS\n"
	"               Until_Log_File: \n"
	"                Until_Log_Pos: 0\n"
	"        Seconds_Behind_Master: NULL\n"
	"                Last_IO_Errno: 0\n"
	"                Last_IO_Error: \n"
	"               Last_SQL_Errno: 1317\n"
	"               Last_SQL_Error: Worker 3 failed executing transaction '' at master log binlog.000001, end_log_pos 6174366\n"
	"  Replicate_Ignore_Server_Ids: \n"
	"             Master_Server_Id: 561\n"
	"                  Master_UUID: c6a6c461-e4e8-11f1-a233-02fc00000001\n"
	"             Master_Info_File: mysql.slave_master_info\n"
	"                    SQL_Delay: 3600\n"
	"          SQL_Remaining_Delay: NULL\n"
	"      Slave_SQL_Running_State: \n"
	"           Master_Retry_Count: 86400\n"
	"           Retrieved_Gtid_Set: \n"
	"            Executed_Gtid_Set: \n"
	"                Auto_Position: 0\n";

static const char row_57[] =
	"*************************** 1. row ***************************\n"
	"               Slave_IO_State: Waiting for master to send event\n"
	"                  Master_Host: db1\n"
	"                  Master_User: repl\n"
	"                  Master_Port: 3306\n"
	"              Master_Log_File: mysql-bin.000012\n"
	"          Read_Master_Log_Pos: 1073\n"
	"               Relay_Log_File: relay-ch1.000007\n"
	"                Relay_Log_Pos: 320\n"
	"        Relay_Master_Log_File: mysql-bin.000011\n"
	"             Slave_IO_Running: Connecting\n"
	"            Slave_SQL_Running: Yes\n"
	"              Replicate_Do_DB: \n"
	"  Replicate_Wild_Ignore_Table: mysql.%\n"
	"          Exec_Master_Log_Pos: 900\n"
	"              Until_Condition: None\n"
	"                Last_IO_Errno: 2003\n"
	"                Last_IO_Error: error connecting to master\n"
	"               Last_SQL_Errno: 0\n"
	"               Last_SQL_Error: \n"
	"             Master_Server_Id: 11\n"
	"                  Master_UUID: 3e11fa47-71ca-11e1-9e33-c80aa9429562\n"
	"                    SQL_Delay: 0\n"
	"      Slave_SQL_Running_State: Slave has read all relay log; waiting for more updates\n"
	"           Retrieved_Gtid_Set: 3e11fa47-71ca-11e1-9e33-c80aa9429562:5-9\n"
	"            Executed_Gtid_Set: 3e11fa47-71ca-11e1-9e33-c80aa9429562:1-8\n"
	"                Auto_Position: 0\n"
	"         Replicate_Rewrite_DB: (a,b)\n"
	"                 Channel_Name: ch1\n"
	"           Master_TLS_Version: \n";

static const char rows_80[] =
	"*************************** 1. row ***************************\n"
	"             Replica_IO_State: Waiting for source to send event\n"
	"                  Source_Host: db1\n"
	"                  Source_Port: 3306\n"
	"              Source_Log_File: binlog.000012\n"
	"          Read_Source_Log_Pos: 1073\n"
	"               Relay_Log_File: relay.000007\n"
	"                Relay_Log_Pos: 320\n"
	"        Relay_Source_Log_File: binlog.000012\n"
	"           Replica_IO_Running: No\n"
	"          Replica_SQL_Running: No\n"
	"          Exec_Source_Log_Pos: 900\n"
	"              Until_Condition: None\n"
	"                Last_IO_Errno: 0\n"
	"               Last_SQL_Errno: 0\n"
	"               Last_SQL_Error: \n"
	"             Source_Server_Id: 11\n"
	"                  Source_UUID: 3e11fa47-71ca-11e1-9e33-c80aa9429562\n"
	"                    SQL_Delay: 0\n"
	"    Replica_SQL_Running_State: \n"
	"           Retrieved_Gtid_Set: \n"
	"            Executed_Gtid_Set: 3e11fa47-71ca-11e1-9e33-c80aa9429562:1-8\n"
	"                Auto_Position: 1\n"
	"                 Channel_Name: \n"
	"*************************** 2. row ***************************\n"
	"             Replica_IO_State: \n"
	"                  Source_Host: NULL\n"
	"                  Source_Port: 0\n"
	"              Source_Log_File: \n"
	"          Read_Source_Log_Pos: \n"
	"               Relay_Log_File: \n"
	"                Relay_Log_Pos: \n"
	"        Relay_Source_Log_File: \n"
	"           Replica_IO_Running: No\n"
	"          Replica_SQL_Running: No\n"
	"          Exec_Source_Log_Pos: \n"
	"              Until_Condition: \n"
	"                Last_IO_Errno: \n"
	"               Last_SQL_Errno: \n"
	"               Last_SQL_Error: \n"
	"             Source_Server_Id: \n"
	"                  Source_UUID: \n"
	"                    SQL_Delay: \n"
	"    Replica_SQL_Running_State: \n"
	"           Retrieved_Gtid_Set: \n"
	"            Executed_Gtid_Set: \n"
	"                Auto_Position: \n"
	"                 Channel_Name: group_replication_applier\n";

static const char row_mariadb[] =
	"*************************** 1. row ***************************\n"
	"               Connection_name: eu'west\n"
	"               Slave_SQL_State: Slave has read all relay log; waiting for more updates\n"
	"                Slave_IO_State: Waiting for master to send event\n"
	"                   Master_Host: 127.0.0.1\n"
	"                   Master_User: repl\n"
	"                   Master_Port: 23010\n"
	"                 Connect_Retry: 60\n"
	"               Master_Log_File: binlog.000001\n"
	"           Read_Master_Log_Pos: 4489\n"
	"                Relay_Log_File: relay.000002\n"
	"                 Relay_Log_Pos: 4785\n"
	"         Relay_Master_Log_File: binlog.000001\n"
	"              Slave_IO_Running: Yes\n"
	"             Slave_SQL_Running: Yes\n"
	"               Replicate_Do_DB: \n"
	"                    Last_Errno: 0\n"
	"                  Skip_Counter: 0\n"
	"           Exec_Master_Log_Pos: 4489\n"
	"               Relay_Log_Space: 5084\n"
	"               Until_Condition: None\n"
	"         Seconds_Behind_Master: 0\n"
	"                 Last_IO_Errno: 0\n"
	"                Last_SQL_Errno: 0\n"
	"                Last_SQL_Error: \n"
	"              Master_Server_Id: 101\n"
	"                    Using_Gtid: Slave_Pos\n"
	"                   Gtid_IO_Pos: 0-101-20,7-101-3\n"
	"       Replicate_Do_Domain_Ids: 0,7\n"
	"   Replicate_Ignore_Domain_Ids: \n"
	"                 Parallel_Mode: optimistic\n"
	"                     SQL_Delay: 0\n"
	"           SQL_Remaining_Delay: NULL\n"
	"       Slave_SQL_Running_State: Slave has read all relay log; waiting for more updates\n"
	"        Slave_heartbeat_period: 30.000\n"
	"                Gtid_Slave_Pos: 0-101-20\n";

static void read_rows(struct scratch *s, enum flavor flavor, unsigned version, const char *statement, const char *rows,
                      struct channels *ret)
{
	struct error err = ERROR_INIT;
	struct conn *c = fake_conn_new(&s->run, flavor, version);
	fake_conn_expect(c, statement);
	fake_conn_rows_vertical(c, rows);
	OK(channels_read(c, ret, &err));
	fake_conn_check(c);
	conn_free(c);
}

static enum applier_mode mode(const struct channels *ch, enum flavor flavor, const char *gtid_mode)
{
	struct instance in = { .server.flavor = flavor };
	struct error err = ERROR_INIT;
	OK(slot_set(&in.gtid_mode, gtid_mode, &err));
	enum applier_mode m = channels_mode(&in, &ch->item[0].cp);
	instance_free(&in);
	return m;
}

static void test_97(void **state)
{
	struct channels ch = { 0 };
	char label[160];
	read_rows(*state, FLAVOR_MYSQL, 90704, "SHOW REPLICA STATUS", row_97, &ch);
	assert_int_equal(ch.n, 1);
	const struct channel *one = &ch.item[0];
	assert_string_equal(one->cp.name, "odd'n\"me");
	assert_string_equal(channels_label(&one->cp, label), "channel 'odd'n\"me'");
	assert_true(one->sql_running && one->cp.io_running && one->cp.auto_position);
	assert_int_equal(one->sql_errno, 0);
	assert_string_equal(one->cp.exec_file, "binlog.000001");
	assert_int_equal(one->cp.exec_pos, 5000);
	assert_string_equal(one->cp.read_file, "binlog.000001");
	assert_int_equal(one->cp.read_pos, 5114);
	assert_string_equal(one->cp.relay_file, "relay.000002");
	assert_int_equal(one->cp.relay_pos, 5325);
	assert_string_equal(one->cp.source_host, "127.0.0.1");
	assert_int_equal(one->cp.source_port, 23097);
	assert_int_equal(one->cp.source_server_id, 971);
	assert_string_equal(one->cp.source_uuid, "9159968e-e4e8-11f1-9f75-02fc00000001");
	assert_string_equal(one->cp.received_set, "9159968e-e4e8-11f1-9f75-02fc00000001:1-20");
	assert_non_null(strstr(ch.executed_set, "02fc00000001:1-19"));
	assert_string_equal(json_string_value(json_object_get(one->cp.filters, "Replicate_Do_DB")), "app1,app2");
	assert_int_equal(json_object_size(one->cp.filters), 1);
	assert_int_equal(mode(&ch, FLAVOR_MYSQL, "ON"), MODE_MYSQL_AUTO);
	assert_ptr_equal(channels_find(&ch, "odd'n\"me"), one);
	assert_null(channels_find(&ch, ""));
	channels_free(&ch);
}

static void test_56(void **state)
{
	struct channels ch = { 0 };
	char label[160];
	read_rows(*state, FLAVOR_MYSQL, 50624, "SHOW SLAVE STATUS", row_56, &ch);
	const struct channel *one = &ch.item[0];
	assert_string_equal(one->cp.name, "");
	assert_string_equal(channels_label(&one->cp, label), "the default channel");
	assert_false(one->sql_running);
	assert_true(one->cp.io_running);
	assert_int_equal(one->sql_errno, 1317);
	assert_non_null(strstr(one->sql_error, "Worker 3 failed"));
	assert_string_equal(one->until, "SQL_AFTER_MTS_GAPS");
	assert_int_equal(one->cp.exec_pos, 3271);
	assert_int_equal(one->cp.delay_s, 3600);
	assert_null(one->cp.filters);
	assert_int_equal(mode(&ch, FLAVOR_MYSQL, "OFF"), MODE_MYSQL_POSITION);
	channels_free(&ch);
}

static void test_57(void **state)
{
	struct channels ch = { 0 };
	read_rows(*state, FLAVOR_MYSQL, 50744, "SHOW SLAVE STATUS", row_57, &ch);
	const struct channel *one = &ch.item[0];
	assert_string_equal(one->cp.name, "ch1");
	assert_true(one->sql_running);
	assert_false(one->cp.io_running); /* Connecting is not running */
	assert_int_equal(one->io_errno, 2003);
	assert_string_equal(one->cp.exec_file, "mysql-bin.000011");
	assert_string_equal(one->cp.read_file, "mysql-bin.000012");
	assert_int_equal(json_object_size(one->cp.filters), 2);
	/* GTIDs, but asked for by file and position; in the permissive modes anonymous ones may come between. */
	assert_int_equal(mode(&ch, FLAVOR_MYSQL, "ON"), MODE_MYSQL_GTID);
	assert_int_equal(mode(&ch, FLAVOR_MYSQL, "ON_PERMISSIVE"), MODE_MYSQL_POSITION);
	struct error err = ERROR_INIT;
	OK(slot_set(&ch.item[0].cp.assign_gtids, "LOCAL", &err));
	assert_int_equal(mode(&ch, FLAVOR_MYSQL, "ON"), MODE_MYSQL_ASSIGNED);
	OK(slot_set(&ch.item[0].cp.assign_gtids, "OFF", &err));
	assert_int_equal(mode(&ch, FLAVOR_MYSQL, "ON"), MODE_MYSQL_GTID);
	channels_free(&ch);
}

/* 8.0 and 8.4: new names; what a replication group left behind is none of ours. */
static void test_80(void **state)
{
	struct channels ch = { 0 };
	read_rows(*state, FLAVOR_MYSQL, 80036, "SHOW REPLICA STATUS", rows_80, &ch);
	assert_int_equal(ch.n, 1);
	assert_false(ch.item[0].sql_running || ch.item[0].cp.io_running);
	channels_free(&ch);
	read_rows(*state, FLAVOR_MYSQL, 80403, "SHOW REPLICA STATUS", rows_80, &ch);
	assert_int_equal(ch.n, 1);
	assert_string_equal(ch.item[0].cp.source_host, "db1");
	channels_free(&ch);
}

static void test_mariadb(void **state)
{
	struct channels ch = { 0 };
	read_rows(*state, FLAVOR_MARIADB, 101119, "SHOW ALL SLAVES STATUS", row_mariadb, &ch);
	const struct channel *one = &ch.item[0];
	assert_string_equal(one->cp.name, "eu'west");
	assert_true(one->sql_running && one->cp.io_running);
	assert_string_equal(one->cp.using_gtid, "Slave_Pos");
	assert_string_equal(one->cp.received_set, "0-101-20,7-101-3");
	assert_null(one->cp.source_uuid);
	assert_true(one->cp.heartbeat_s > 29.9 && one->cp.heartbeat_s < 30.1);
	assert_string_equal(json_string_value(json_object_get(one->cp.filters, "Replicate_Do_Domain_Ids")), "0,7");
	assert_int_equal(mode(&ch, FLAVOR_MARIADB, NULL), MODE_MARIADB_GTID);
	struct error err = ERROR_INIT;
	OK(slot_set(&ch.item[0].cp.using_gtid, "No", &err));
	assert_int_equal(mode(&ch, FLAVOR_MARIADB, NULL), MODE_MARIADB_POSITION);
	channels_free(&ch);
}

static void test_none(void **state)
{
	struct scratch *s = *state;
	struct channels ch = { 0 };
	struct error err = ERROR_INIT;
	struct conn *c = fake_conn_new(&s->run, FLAVOR_MYSQL, 90704);
	fake_conn_expect(c, "SHOW REPLICA STATUS");
	OK(channels_read(c, &ch, &err));
	assert_int_equal(ch.n, 0);
	fake_conn_expect(c, "SHOW REPLICA STATUS");
	fake_conn_error(c, 2013, "Lost connection");
	FAILS(ERR_SERVER, channels_read(c, &ch, &err));
	conn_free(c);
	channels_free(&ch);
}

/* What was read before anything was touched is laid over a later reading. */
static void test_inherit(void **state)
{
	struct channels was = { 0 }, now = { 0 };
	struct instance in = { .server.flavor = FLAVOR_MYSQL, .workers = 9 };
	struct error err = ERROR_INIT;
	read_rows(*state, FLAVOR_MYSQL, 90704, "SHOW REPLICA STATUS", row_97, &was);
	read_rows(*state, FLAVOR_MYSQL, 90704, "SHOW REPLICA STATUS", row_97, &now);
	was.item[0].cp.workers = 4;
	was.item[0].cp.gtid_only = was.item[0].cp.require_row_format = true;
	was.item[0].cp.heartbeat_s = 15;
	OK(slot_set(&was.item[0].cp.privilege_checks_user, "'u'@'%'", &err));
	OK(channels_inherit(&now, &was, &in, &err));
	assert_int_equal(now.item[0].cp.workers, 4);
	assert_true(now.item[0].cp.gtid_only && now.item[0].cp.require_row_format);
	assert_string_equal(now.item[0].cp.privilege_checks_user, "'u'@'%'");
	OK(slot_set(&was.item[0].cp.name, "another", &err));
	OK(channels_inherit(&now, &was, &in, &err));
	assert_int_equal(now.item[0].cp.workers, 9);
	channels_free(&was);
	channels_free(&now);
}

/* 5.6 after its number of workers was raised, or with a row that was never written again: what it does not deny may be. */
static void test_workers(void **state)
{
	static const struct { const char *table; unsigned setting, expected; } given[] = { { "0", 4, 4 }, { "8", 4, 8 }, { "0", 0, 0 } };
	for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
		struct scratch *s = *state;
		struct error err = ERROR_INIT;
		struct channels ch = { .item = calloc(1, sizeof *ch.item), .n = 1 };
		struct conn *c = fake_conn_new(&s->run, FLAVOR_MYSQL, 50624);
		struct instance in = { .server = c->server, .tables = true, .workers = given[i].setting };
		char rows[64];
		ch.item[0].cp.name = strdup("");
		fake_conn_expect(c, "SHOW GLOBAL STATUS LIKE 'Slave_heartbeat_period'");
		fake_conn_expect(c, "SELECT * FROM mysql.slave_relay_log_info");
		snprintf(rows, sizeof rows, "Number_of_workers\n%s\n", given[i].table);
		fake_conn_rows(c, rows);
		OK(channels_describe(c, &in, &ch, &err));
		assert_int_equal(ch.item[0].cp.workers, given[i].expected);
		channels_free(&ch);
		conn_free(c);
	}
}

/* Where a channel commits in order no worker's row is asked for: with several workers that is the setting's to say. */
static void test_commit_order(void **state)
{
	static const struct { unsigned workers; bool setting, expected; } given[] = { { 4, false, false }, { 4, true, true }, { 1, false, true }, { 0, false, true } };
	for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
		struct scratch *s = *state;
		struct error err = ERROR_INIT;
		struct channels ch = { .item = calloc(1, sizeof *ch.item), .n = 1 };
		struct conn *c = fake_conn_new(&s->run, FLAVOR_MYSQL, 90704);
		struct instance in = { .server = c->server, .workers = given[i].workers, .commit_order = given[i].setting };
		ch.item[0].cp.name = strdup("");
		OK(channels_describe(c, &in, &ch, &err)); /* without performance_schema and tables nothing is asked */
		assert_int_equal(ch.item[0].cp.commit_order, given[i].expected);
		channels_free(&ch);
		conn_free(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_97, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_workers, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_56, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_57, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_80, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_mariadb, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_none, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_inherit, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_commit_order, scratch_setup, scratch_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
