/* SPDX-License-Identifier: Apache-2.0 */
/* From status rows as 5.6.24, 9.7.4 and MariaDB 10.11.19 printed them in these states to what is said and what would be done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_conn.h"
#include "recover/classify.h"
#include "recover/diagnose.h"
#include "slackwater/slot.h"

#define UUID "593002f6-e9cd-11f1-99c3-02fc00000001"
#define COORDINATOR_1317                                                                                                   \
	"Coordinator stopped because there were error(s) in the worker(s). The most recent failure being: Worker 1 failed executing " \
	"transaction '" UUID ":214' at source log binlog.000001, end_log_pos 168829. See error log and/or "                     \
	"performance_schema.replication_applier_status_by_worker table for more details about this failure or others, if any."

/* What differs between the states; NULL = as on a healthy replica. */
struct state {
	const char *io, *sql, *until, *received, *executed, *exec_file, *using_gtid;
	unsigned io_errno, sql_errno;
	const char *io_error, *sql_error;
	unsigned delay;
};

static const char *or(const char *s, const char *fallback)
{
	return s ? s : fallback;
}

static void print_97(const struct state *s, char out[8192])
{
	snprintf(out, 8192,
	         "*************************** 1. row ***************************\n"
	         "             Replica_IO_State: \n"
	         "                  Source_Host: 127.0.0.1\n"
	         "                  Source_Port: 23097\n"
	         "              Source_Log_File: binlog.000001\n"
	         "          Read_Source_Log_Pos: 275731\n"
	         "               Relay_Log_File: relay.000002\n"
	         "                Relay_Log_Pos: 155506\n"
	         "        Relay_Source_Log_File: %s\n"
	         "           Replica_IO_Running: %s\n"
	         "          Replica_SQL_Running: %s\n"
	         "          Exec_Source_Log_Pos: 155295\n"
	         "              Until_Condition: %s\n"
	         "                Last_IO_Errno: %u\n"
	         "                Last_IO_Error: %s\n"
	         "               Last_SQL_Errno: %u\n"
	         "               Last_SQL_Error: %s\n"
	         "             Source_Server_Id: 971\n"
	         "                  Source_UUID: " UUID "\n"
	         "                    SQL_Delay: %u\n"
	         "           Retrieved_Gtid_Set: %s\n"
	         "            Executed_Gtid_Set: %s\n"
	         "                Auto_Position: 1\n"
	         "                 Channel_Name: \n",
	         or(s->exec_file, "binlog.000001"), or(s->io, "Yes"), or(s->sql, "Yes"), or(s->until, "None"), s->io_errno,
	         or(s->io_error, ""), s->sql_errno, or(s->sql_error, ""), s->delay, or(s->received, UUID ":1-299"),
	         or(s->executed, UUID ":1-299"));
}

static void print_56(const struct state *s, char out[8192])
{
	snprintf(out, 8192,
	         "*************************** 1. row ***************************\n"
	         "                  Master_Host: 127.0.0.1\n"
	         "                  Master_Port: 23056\n"
	         "              Master_Log_File: binlog.000001\n"
	         "          Read_Master_Log_Pos: 283424\n"
	         "               Relay_Log_File: relay.000002\n"
	         "                Relay_Log_Pos: 149427\n"
	         "        Relay_Master_Log_File: %s\n"
	         "             Slave_IO_Running: %s\n"
	         "            Slave_SQL_Running: %s\n"
	         "          Exec_Master_Log_Pos: 149267\n"
	         "              Until_Condition: %s\n"
	         "                Last_IO_Errno: %u\n"
	         "                Last_IO_Error: %s\n"
	         "               Last_SQL_Errno: %u\n"
	         "               Last_SQL_Error: %s\n"
	         "             Master_Server_Id: 561\n"
	         "                  Master_UUID: " UUID "\n"
	         "                    SQL_Delay: 0\n"
	         "           Retrieved_Gtid_Set: \n"
	         "            Executed_Gtid_Set: \n"
	         "                Auto_Position: 0\n",
	         or(s->exec_file, "binlog.000001"), or(s->io, "Yes"), or(s->sql, "Yes"), or(s->until, "None"), s->io_errno,
	         or(s->io_error, ""), s->sql_errno, or(s->sql_error, ""));
}

static void print_maria(const struct state *s, char out[8192])
{
	snprintf(out, 8192,
	         "*************************** 1. row ***************************\n"
	         "              Connection_name: main\n"
	         "                  Master_Host: 127.0.0.1\n"
	         "                  Master_Port: 23101\n"
	         "              Master_Log_File: binlog.000001\n"
	         "          Read_Master_Log_Pos: 87037\n"
	         "               Relay_Log_File: relay.000002\n"
	         "                Relay_Log_Pos: 664\n"
	         "        Relay_Master_Log_File: binlog.000001\n"
	         "             Slave_IO_Running: %s\n"
	         "            Slave_SQL_Running: %s\n"
	         "          Exec_Master_Log_Pos: 87037\n"
	         "              Until_Condition: %s\n"
	         "                Last_IO_Errno: %u\n"
	         "                Last_IO_Error: %s\n"
	         "               Last_SQL_Errno: %u\n"
	         "               Last_SQL_Error: %s\n"
	         "             Master_Server_Id: 102\n"
	         "                   Using_Gtid: %s\n"
	         "                  Gtid_IO_Pos: 0-102-7,1-102-9\n",
	         or(s->io, "Yes"), or(s->sql, "Yes"), or(s->until, "None"), s->io_errno, or(s->io_error, ""), s->sql_errno,
	         or(s->sql_error, ""), or(s->using_gtid, "Slave_Pos"));
}

/* One server in one state, read and diagnosed. */
struct seen {
	struct run run;
	struct instance in;
	struct channels ch;
	struct gaps gaps;
	struct strlist hit;
	struct recover_findings found;
};

static void read_state(struct seen *e, enum flavor flavor, unsigned version, const struct state *s)
{
	char row[8192];
	struct error err = ERROR_INIT;
	*e = (struct seen){ 0 };
	assert_int_equal(run_init(&e->run, NULL, NULL, NULL, &err), ST_OK);
	struct conn *c = fake_conn_new(&e->run, flavor, version);
	(flavor == FLAVOR_MARIADB ? print_maria : version < 50700 ? print_56 : print_97)(s, row);
	fake_conn_expect(c, flavor == FLAVOR_MARIADB ? "SHOW ALL SLAVES STATUS" : version < 80022 ? "SHOW SLAVE STATUS" : "SHOW REPLICA STATUS");
	fake_conn_rows_vertical(c, row);
	assert_int_equal(channels_read(c, &e->ch, &err), ST_OK);
	e->in.server = c->server;
	e->in.gtid_mode = flavor == FLAVOR_MYSQL ? strdup(version < 50700 ? "OFF" : "ON") : NULL;
	e->ch.item[0].cp.mode = channels_mode(&e->in, &e->ch.item[0].cp);
	e->gaps.n = 1;
	e->gaps.item = calloc(1, sizeof *e->gaps.item);
	assert_non_null(e->gaps.item);
	if (flavor == FLAVOR_MYSQL)
		assert_int_equal(gaps_by_gtid(&e->ch, &e->gaps, &err), ST_OK);
	conn_free(c);
}

static const struct recover_finding *diagnose(struct seen *e, size_t domains)
{
	struct error err = ERROR_INIT;
	const struct channel *fetcher = recover_fetcher(&e->ch, e->gaps.holes);
	struct recover_view v = { .in = &e->in, .ch = e->ch.item, .gap = e->gaps.item, .holes = fetcher ? e->gaps.holes : NULL,
		                  .domains = domains, .hit = &e->hit };
	recover_findings_free(&e->found);
	assert_int_equal(recover_diagnose(&v, &e->found, &err), ST_OK);
	for (size_t i = 0; i < e->found.n; i++) {
		const struct recover_finding *f = &e->found.item[i];
		assert_true(f->text && *f->text && f->next && *f->next && f->label[0] && f->channel);
		assert_int_equal(f->outcome, RECOVER_OPEN);
	}
	return e->found.item;
}

static const struct recover_finding *see(struct seen *e, enum flavor flavor, unsigned version, const struct state *s)
{
	read_state(e, flavor, version, s);
	return diagnose(e, 1);
}

static void forget(struct seen *e)
{
	recover_findings_free(&e->found);
	channels_free(&e->ch);
	gaps_free(&e->gaps);
	instance_free(&e->in);
	strlist_free(&e->hit);
	run_destroy(&e->run);
}

static bool has_detail(const struct recover_finding *f, const char *part)
{
	for (size_t i = 0; i < f->details.n; i++)
		if (strstr(f->details.item[i], part))
			return true;
	return false;
}

static void healthy(void **state)
{
	(void)state;
	struct seen e;
	assert_null(see(&e, FLAVOR_MYSQL, 90704, &(struct state){ 0 }));
	forget(&e);
	/* Workers apply out of order while they run: a gap of the moment is no finding. */
	assert_null(see(&e, FLAVOR_MYSQL, 90704, &(struct state){ .executed = UUID ":1-213:215-218" }));
	assert_int_equal(e.gaps.item[0].known, 1);
	forget(&e);
	/* A receiver that is about to connect is not stopped. */
	assert_null(see(&e, FLAVOR_MYSQL, 90704, &(struct state){ .io = "Connecting" }));
	forget(&e);
	assert_null(see(&e, FLAVOR_MYSQL, 50624, &(struct state){ 0 }));
	forget(&e);
	assert_null(see(&e, FLAVOR_MARIADB, 101119, &(struct state){ .io = "Preparing" }));
	forget(&e);
}

static void interrupted_97(void **state)
{
	(void)state;
	struct seen e;
	read_state(&e, FLAVOR_MYSQL, 90704,
	           &(struct state){ .sql = "No", .sql_errno = 1317, .sql_error = COORDINATOR_1317, .executed = UUID ":1-213:215-218" });
	assert_int_equal(strlist_add(&e.hit, "worker 1 in transaction " UUID ":214: error 1317", NULL), ST_OK);
	const struct recover_finding *f = diagnose(&e, 1);
	assert_int_equal(e.found.n, 1);
	assert_int_equal(f->class, RECOVER_INTERRUPTED);
	assert_int_equal(f->step, RECOVER_START);
	assert_false(f->consent);
	assert_int_equal(f->my_errno, 1317);
	assert_string_equal(f->error, COORDINATOR_1317);
	assert_int_equal(f->gap, 1);
	assert_false(f->gap_unknown);
	assert_true(has_detail(f, "hit: worker 1 in transaction " UUID ":214"));
	assert_true(has_detail(f, "gap: 1 transaction, received and not applied: " UUID ":214"));
	assert_true(strncmp(f->next, "START REPLICA SQL_THREAD FOR CHANNEL ''", 39) == 0);
	forget(&e);
}

static void interrupted_56(void **state)
{
	(void)state;
	struct seen e;
	struct error err = ERROR_INIT;
	read_state(&e, FLAVOR_MYSQL, 50624,
	           &(struct state){ .sql = "No",
	                            .sql_errno = 1756,
	                            .sql_error = "The slave coordinator and worker threads are stopped, possibly leaving data in inconsistent state." });
	e.gaps.item[0].known = 2;
	e.gaps.item[0].lwm.pos = 149267;
	e.gaps.item[0].target.pos = 150000;
	assert_int_equal(slot_set(&e.gaps.item[0].text, "group 1, 4 of 9 behind the low-water mark", &err), ST_OK);
	assert_int_equal(slot_set(&e.gaps.item[0].lwm.file, "binlog.000001", &err), ST_OK);
	assert_int_equal(slot_set(&e.gaps.item[0].target.file, "binlog.000001", &err), ST_OK);
	const struct recover_finding *f = diagnose(&e, 1);
	assert_int_equal(f->class, RECOVER_INTERRUPTED);
	assert_int_equal(f->step, RECOVER_START);
	assert_int_equal(f->gap, 2);
	assert_true(has_detail(f, "gap: 2 transactions, group 1, 4 of 9"));
	assert_true(has_detail(f, "low-water mark binlog.000001:149267, closed at binlog.000001:150000"));
	assert_true(strncmp(f->next, "START SLAVE SQL_THREAD", 22) == 0);
	forget(&e);
}

static void stopped(void **state)
{
	(void)state;
	struct seen e;
	const struct recover_finding *f = see(&e, FLAVOR_MYSQL, 90704, &(struct state){ .sql = "No" });
	assert_int_equal(e.found.n, 1);
	assert_int_equal(f->class, RECOVER_STOPPED);
	assert_int_equal(f->step, RECOVER_START);
	assert_true(f->consent);
	assert_true(has_detail(f, "gap: none"));
	forget(&e);
	/* Both threads: the receiver is not ours to start. */
	f = see(&e, FLAVOR_MYSQL, 50624, &(struct state){ .sql = "No", .io = "No" });
	assert_int_equal(e.found.n, 2);
	assert_int_equal(f[1].class, RECOVER_RECEIVER_STOPPED);
	assert_int_equal(f[1].step, RECOVER_EXPLAIN);
	forget(&e);
	f = see(&e, FLAVOR_MYSQL, 90704, &(struct state){ .sql = "No", .delay = 3600 });
	assert_non_null(strstr(f->text, "delayed by 3600 s"));
	forget(&e);
}

static void until_is_left_alone(void **state)
{
	(void)state;
	struct seen e;
	const struct recover_finding *f = see(&e, FLAVOR_MYSQL, 90704, &(struct state){ .sql = "No", .until = "SQL_BEFORE_GTIDS" });
	assert_int_equal(f->class, RECOVER_UNTIL);
	assert_int_equal(f->step, RECOVER_EXPLAIN);
	forget(&e);
	f = see(&e, FLAVOR_MARIADB, 101119, &(struct state){ .sql = "No", .until = "Gtid" });
	assert_int_equal(f->class, RECOVER_UNTIL);
	forget(&e);
	/* That of the gaps is no place that somebody chose. */
	f = see(&e, FLAVOR_MYSQL, 50624, &(struct state){ .sql = "No", .until = "SQL_AFTER_MTS_GAPS" });
	assert_int_equal(f->class, RECOVER_STOPPED);
	forget(&e);
	f = see(&e, FLAVOR_MYSQL, 90704, &(struct state){ .sql = "No", .until = "DONE" });
	assert_int_equal(f->class, RECOVER_STOPPED);
	forget(&e);
}

/* relay_log_recovery after a worker was hit: nothing received, the hole real [run 9.7.4]. */
static void holes(void **state)
{
	(void)state;
	struct seen e;
	const struct state both = { .io = "No", .sql = "No", .received = "", .executed = UUID ":1-213:215-218" };
	const struct recover_finding *f = see(&e, FLAVOR_MYSQL, 90704, &both);
	assert_int_equal(e.found.n, 1); /* the step starts the receiver too */
	assert_int_equal(f->class, RECOVER_STOPPED);
	assert_int_equal(f->step, RECOVER_FETCH);
	assert_true(f->gap_unknown);
	assert_true(has_detail(f, "fetched by no receiver: " UUID ":214"));
	assert_non_null(strstr(f->next, "START REPLICA FOR CHANNEL ''")); /* as it will be sent: what is stopped need not be stopped */
	assert_null(strstr(f->next, "STOP"));
	forget(&e);
	f = see(&e, FLAVOR_MYSQL, 90704, &(struct state){ .sql = "No", .received = "", .executed = UUID ":1-213:215-218" });
	assert_int_equal(f->step, RECOVER_FETCH);
	assert_non_null(strstr(f->next, "STOP REPLICA IO_THREAD FOR CHANNEL ''; START REPLICA FOR CHANNEL ''"));
	forget(&e);
	f = see(&e, FLAVOR_MYSQL, 90704, &(struct state){ .io = "No", .received = "", .executed = UUID ":1-213:215-218" });
	assert_int_equal(f->class, RECOVER_HOLE);
	assert_int_equal(f->step, RECOVER_FETCH);
	assert_false(f->consent);
	forget(&e);
	/* A receiver that cannot work cannot fetch. */
	f = see(&e, FLAVOR_MYSQL, 90704,
	        &(struct state){ .io = "No", .io_errno = 13114, .io_error = "Got fatal error 1236 from source: purged binary logs",
	                         .received = "", .executed = UUID ":1-213:215-218" });
	assert_int_equal(e.found.n, 2);
	assert_int_equal(f[0].step, RECOVER_EXPLAIN);
	assert_int_equal(f[1].class, RECOVER_PURGED);
	forget(&e);
	/* By file and position a receiver that goes on does not ask for what lies behind it. */
	read_state(&e, FLAVOR_MYSQL, 90704, &(struct state){ .io = "No", .received = "", .executed = UUID ":1-213:215-218" });
	e.ch.item[0].cp.mode = MODE_MYSQL_GTID;
	assert_int_equal(diagnose(&e, 1)->step, RECOVER_FETCH);
	e.ch.item[0].io_stopped = false;
	f = diagnose(&e, 1);
	assert_int_equal(f->step, RECOVER_EXPLAIN);
	assert_non_null(strstr(f->next, "auto-position"));
	forget(&e);
}

static void conflicts_are_only_explained(void **state)
{
	(void)state;
	static const unsigned no[] = { 1032, 1062 };
	struct seen e;
	for (size_t i = 0; i < 2; i++) {
		const struct recover_finding *f =
			see(&e, FLAVOR_MYSQL, 90704, &(struct state){ .sql = "No", .sql_errno = no[i], .sql_error = "Worker 1 failed" });
		assert_int_equal(f->class, RECOVER_CONFLICT);
		assert_int_equal(f->step, RECOVER_EXPLAIN);
		assert_non_null(strstr(f->next, "slackwater seed"));
		forget(&e);
	}
	const struct recover_finding *f = see(&e, FLAVOR_MYSQL, 50624, &(struct state){ .sql = "No", .sql_errno = 1146, .sql_error = "no such table" });
	assert_int_equal(f->class, RECOVER_APPLIER);
	assert_int_equal(f->step, RECOVER_EXPLAIN);
	forget(&e);
}

static void metadata(void **state)
{
	(void)state;
	struct seen e;
	const struct state s = { .io = "No", .sql = "No", .sql_errno = 13124, .received = "",
		                 .sql_error = "Replica failed to initialize applier metadata structure from the repository" };
	const struct recover_finding *f = see(&e, FLAVOR_MYSQL, 90704, &s);
	assert_int_equal(e.found.n, 1);
	assert_int_equal(f->class, RECOVER_METADATA);
	assert_int_equal(f->step, RECOVER_RESET);
	assert_non_null(strstr(f->next, "RESET REPLICA FOR CHANNEL ''; START REPLICA FOR CHANNEL ''"));
	assert_null(strstr(f->next, "RESET REPLICA ALL"));
	/* RESET forgets the delay; and before 8.0.19 a restart in the wrong moment loses the connection. */
	e.ch.item[0].cp.delay_s = 60;
	assert_int_equal(diagnose(&e, 1)->step, RECOVER_EXPLAIN);
	e.ch.item[0].cp.delay_s = 0;
	e.in.server.version = 80018;
	assert_int_equal(diagnose(&e, 1)->step, RECOVER_EXPLAIN);
	forget(&e);
	f = see(&e, FLAVOR_MYSQL, 50624, &(struct state){ .io = "No", .sql = "No", .sql_errno = 1872, .sql_error = "Slave failed" });
	assert_int_equal(f->class, RECOVER_METADATA);
	assert_int_equal(f->step, RECOVER_EXPLAIN);
	assert_non_null(strstr(f->next, "RESET SLAVE; CHANGE MASTER TO MASTER_AUTO_POSITION = 0, MASTER_LOG_FILE = 'binlog.000001', MASTER_LOG_POS = 149267; START SLAVE"));
	/* Over a gap that position is none to go on from. */
	e.gaps.item[0].unknown = true;
	f = diagnose(&e, 1);
	assert_null(strstr(f->next, "149267"));
	assert_non_null(strstr(f->next, "stands over a gap"));
	forget(&e);
	/* MariaDB: a START is refused with 1201; by GTID RESET is enough, by position it has to be told so again. */
	f = see(&e, FLAVOR_MARIADB, 101119, &(struct state){ .io = "No", .sql = "No", .sql_errno = 1201, .sql_error = "Could not initialize" });
	assert_int_equal(f->class, RECOVER_METADATA);
	assert_int_equal(f->step, RECOVER_EXPLAIN);
	assert_non_null(strstr(f->next, "STOP SLAVE 'main'; RESET SLAVE 'main'; START SLAVE 'main'"));
	forget(&e);
	f = see(&e, FLAVOR_MARIADB, 101119,
	        &(struct state){ .io = "No", .sql = "No", .sql_errno = 1201, .sql_error = "Could not initialize", .using_gtid = "No" });
	assert_non_null(strstr(f->next, "MASTER_USE_GTID = no, MASTER_LOG_FILE = 'binlog.000001', MASTER_LOG_POS = 87037"));
	forget(&e);
}

static void receiver_errors(void **state)
{
	(void)state;
	static const struct {
		enum flavor flavor;
		unsigned version, no;
		const char *text;
		enum recover_class class;
		const char *next;
	} cases[] = {
		{ FLAVOR_MYSQL, 90704, 13114,
		  "Got fatal error 1236 from source when reading data from binary log: 'Cannot replicate because the source purged required binary "
		  "logs. Replicate the missing transactions from elsewhere, or provision a new replica from backup.'",
		  RECOVER_PURGED, "seed" },
		{ FLAVOR_MYSQL, 50624, 1236,
		  "Got fatal error 1236 from master when reading data from binary log: 'Could not find first log file name in binary log index file'",
		  RECOVER_PURGED, "seed" },
		{ FLAVOR_MARIADB, 101119, 1236,
		  "Got fatal error 1236 from master when reading data from binary log: 'Error: connecting slave requested to start from GTID 0-1-5, "
		  "which is not in the master's binlog. ... it probably means that the slave has diverged'",
		  RECOVER_PURGED, "GTID_SUBTRACT" },
		{ FLAVOR_MYSQL, 50624, 1236, "Got fatal error 1236: 'log event entry exceeded max_allowed_packet; Increase max_allowed_packet on master'",
		  RECOVER_RECEIVER, "slave_max_allowed_packet" },
		{ FLAVOR_MYSQL, 50624, 1593,
		  "Fatal error: The slave I/O thread stops because master and slave have equal MySQL server UUIDs; these UUIDs must be different for "
		  "replication to work.",
		  RECOVER_SAME_SERVER, "auto.cnf" },
		{ FLAVOR_MYSQL, 90704, 13117,
		  "Fatal error: The replica I/O thread stops because source and replica have equal MySQL server UUIDs; these UUIDs must be different "
		  "for replication to work.",
		  RECOVER_SAME_SERVER, "auto.cnf" },
		{ FLAVOR_MARIADB, 101119, 1593,
		  "Fatal error: The slave I/O thread stops because master and slave have equal MariaDB server ids; these ids must be different", RECOVER_SAME_SERVER,
		  "server_id" },
		{ FLAVOR_MYSQL, 90704, 1045, "error connecting to source", RECOVER_RECEIVER, "password" },
		{ FLAVOR_MYSQL, 50624, 2013, "error reconnecting to master 'repl@db1:3306' - retry-time: 60  retries: 1", RECOVER_RECEIVER, "source is up" },
		{ FLAVOR_MYSQL, 50624, 2013, "something else was lost", RECOVER_RECEIVER, "error log" },
		{ FLAVOR_MYSQL, 90704, 13117, "Fatal error: something else", RECOVER_RECEIVER, "error log" },
	};
	struct seen e;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct recover_finding *f = see(&e, cases[i].flavor, cases[i].version,
		                                      &(struct state){ .io = "No", .io_errno = cases[i].no, .io_error = cases[i].text });
		assert_int_equal(e.found.n, 1);
		assert_int_equal(f->class, cases[i].class);
		assert_int_equal(f->step, RECOVER_EXPLAIN);
		assert_int_equal(f->my_errno, cases[i].no);
		assert_non_null(strstr(f->next, cases[i].next));
		forget(&e);
	}
	/* It tries again by itself and says why it has to. */
	const struct recover_finding *f =
		see(&e, FLAVOR_MYSQL, 90704, &(struct state){ .io = "Connecting", .io_errno = 2003, .io_error = "error connecting to source" });
	assert_int_equal(f->class, RECOVER_RECEIVER);
	forget(&e);
	/* What an error said before the receiver ran again is no error now. */
	assert_null(see(&e, FLAVOR_MYSQL, 90704, &(struct state){ .io_errno = 2003, .io_error = "error connecting to source" }));
	forget(&e);
}

static void mariadb_domains(void **state)
{
	(void)state;
	struct seen e;
	const struct state s = { .sql = "No", .sql_errno = 1927, .sql_error = "Connection was killed" };
	read_state(&e, FLAVOR_MARIADB, 101119, &s);
	const struct recover_finding *f = diagnose(&e, 2);
	assert_int_equal(f->class, RECOVER_INTERRUPTED);
	assert_int_equal(f->step, RECOVER_START);
	assert_true(has_detail(f, "most advanced of 2 GTID domains"));
	assert_false(has_detail(f, "MDEV-6589"));
	assert_true(strncmp(f->next, "START SLAVE 'main' SQL_THREAD", 29) == 0);
	f = diagnose(&e, 1);
	assert_false(has_detail(f, "GTID domains"));
	forget(&e);
}

static void mdev_6589(void **state)
{
	(void)state;
	static const struct { unsigned version; bool affected; } versions[] = { { 100004, true },  { 100017, true },  { 100018, false },
		                                                                { 100099, false }, { 100100, true },  { 100103, true },
		                                                                { 100104, false }, { 101119, false } };
	struct seen e;
	for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
		const struct recover_finding *f =
			see(&e, FLAVOR_MARIADB, versions[i].version, &(struct state){ .sql = "No", .sql_errno = 1317, .sql_error = "interrupted" });
		assert_int_equal(f->step, versions[i].affected ? RECOVER_FETCH : RECOVER_START);
		assert_int_equal(has_detail(f, "MDEV-6589"), versions[i].affected);
		forget(&e);
	}
	/* By position all domains are applied in one order; and whoever repairs an error by hand is told, too. */
	const struct recover_finding *f =
		see(&e, FLAVOR_MARIADB, 100004, &(struct state){ .sql = "No", .sql_errno = 1317, .sql_error = "interrupted", .using_gtid = "No" });
	assert_int_equal(f->step, RECOVER_START);
	forget(&e);
	f = see(&e, FLAVOR_MARIADB, 100004, &(struct state){ .sql = "No", .sql_errno = 1062, .sql_error = "Duplicate entry" });
	assert_int_equal(f->step, RECOVER_EXPLAIN);
	assert_non_null(strstr(f->next, "MDEV-6589"));
	forget(&e);
}

static void fetcher_is_the_one_whose_source_wrote_it(void **state)
{
	(void)state;
	struct channel two[2] = { { .cp = { .name = (char *)"a", .mode = MODE_MYSQL_AUTO, .source_uuid = (char *)"aaaaaaaa-0000-0000-0000-000000000001" } },
		                  { .cp = { .name = (char *)"b", .mode = MODE_MYSQL_AUTO, .source_uuid = (char *)"bbbbbbbb-0000-0000-0000-000000000001" } } };
	struct channels ch = { .item = two, .n = 2 };
	assert_ptr_equal(recover_fetcher(&ch, "bbbbbbbb-0000-0000-0000-000000000001:7"), &two[1]);
	assert_ptr_equal(recover_fetcher(&ch, "cccccccc-0000-0000-0000-000000000001:7"), &two[0]);
	assert_null(recover_fetcher(&ch, NULL));
	two[0].cp.mode = two[1].cp.mode = MODE_MYSQL_GTID;
	two[1].io_stopped = true;
	assert_ptr_equal(recover_fetcher(&ch, "cccccccc-0000-0000-0000-000000000001:7"), &two[1]);
	two[0].cp.mode = two[1].cp.mode = MODE_MYSQL_POSITION;
	assert_null(recover_fetcher(&ch, "aaaaaaaa-0000-0000-0000-000000000001:7"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(healthy),
		cmocka_unit_test(interrupted_97),
		cmocka_unit_test(interrupted_56),
		cmocka_unit_test(stopped),
		cmocka_unit_test(until_is_left_alone),
		cmocka_unit_test(holes),
		cmocka_unit_test(conflicts_are_only_explained),
		cmocka_unit_test(metadata),
		cmocka_unit_test(receiver_errors),
		cmocka_unit_test(mariadb_domains),
		cmocka_unit_test(mdev_6589),
		cmocka_unit_test(fetcher_is_the_one_whose_source_wrote_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
