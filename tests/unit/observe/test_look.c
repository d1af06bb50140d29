/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a look against scripted servers: those that no lab has, and accounts that may read little. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "fake_conn.h"
#include "observe/look.h"

enum { REFUSED = 1142, NO_TABLE = 1146 };

struct fixture {
	struct run run;
	struct instance in;
	struct inflight flight;
	struct observe_options opt;
	struct look l;
};

/* A look that has read its channels: two of them, the default one and 'east'. */
static struct look *make(struct fixture *f, enum flavor flavor, unsigned version)
{
	struct error err = ERROR_INIT;
	*f = (struct fixture){ .in = { .server = { .flavor = flavor, .version = version }, .workers = 4, .ps = true,
		                       .worker_stamps = flavor == FLAVOR_MYSQL && version >= 80000 } };
	assert_int_equal(run_init(&f->run, NULL, NULL, NULL, &err), ST_OK);
	f->l = (struct look){ .c = fake_conn_new(&f->run, flavor, version), .in = &f->in, .opt = &f->opt, .flight = &f->flight,
		              .o = calloc(1, sizeof *f->l.o) };
	assert_non_null(f->l.o);
	f->l.o->channel = calloc(2, sizeof *f->l.o->channel);
	assert_non_null(f->l.o->channel);
	f->l.o->nchannels = 2;
	f->l.o->settings.log_level = 3;
	for (size_t i = 0; i < 2; i++) {
		f->l.o->channel[i] = (struct observed_channel){ .name = strdup(i ? "east" : ""), .workers = 4, .lag_ms = OBSERVE_UNKNOWN };
		assert_non_null(f->l.o->channel[i].name);
	}
	return &f->l;
}

static void end(struct fixture *f)
{
	observation_free(f->l.o);
	inflight_free(&f->flight);
	conn_free(f->l.c);
	run_destroy(&f->run);
}

static void noted(const struct look *l, const char *words)
{
	size_t n = 0;
	for (size_t i = 0; i < l->o->notes.n; i++)
		n += strstr(l->o->notes.item[i], words) != NULL;
	if (n != 1)
		fail_msg("\"%s\" is noted %zu times", words, n);
}

#define LINE(channel, events, memory, clock)                                                                               \
	"Multi-threaded replica statistics for channel '" channel "': seconds elapsed = 120; events assigned = " events         \
	"; worker queues filled over overrun level = 0; waited due a Worker queue full = 0; waited due the total size = "       \
	memory "; waited at clock conflicts = " clock " waited (count) when Workers occupied = 9 waited when Workers occupied = 0\n"

/* 8.0.22 and later, and 8.4. */
static void test_error_log_table(void **state)
{
	(void)state;
	struct fixture f;
	struct error err = ERROR_INIT;
	struct look *l = make(&f, FLAVOR_MYSQL, 80403);
	fake_conn_expect_prefix(l->c, "SELECT CONCAT(DATE_FORMAT(LOGGED");
	fake_conn_rows(l->c, "line\n"
	                     "2026-11-26T19:00:00Z " LINE("", "1000", "5", "1000000")
	                     "2026-11-26T19:00:01Z " LINE("east", "50", "2", "0")
	                     "2026-11-26T19:02:00Z " LINE("", "4000", "8", "30001000000")
	                     "2026-11-26T19:02:01Z " LINE("gone", "4000", "8", "30001000000"));
	assert_int_equal(look_waits(l, &err), ST_OK);
	const struct observed_waits *w = &l->o->channel[0].waits, *east = &l->o->channel[1].waits;
	assert_int_equal(w->from, OBSERVED_SERVER_LOG);
	assert_false(w->since_start); /* the difference of two lines */
	assert_string_equal(w->logged_at, "2026-11-26T19:02:00Z");
	assert_int_equal(w->span_ms, 120000);
	assert_int_equal(w->events, 3000);
	assert_int_equal(w->queue_memory.count, 3);
	assert_int_equal(w->dependency.ms, 30000);
	assert_int_equal(w->no_worker.count, 0);
	assert_int_equal(w->commit_order.count, OBSERVE_UNKNOWN);
	assert_true(east->since_start);
	assert_int_equal(east->events, 50);
	assert_int_equal(east->queue_memory.count, 2);
	assert_int_equal(l->o->notes.n, 0);
	end(&f);
}

static void test_error_log_file(void **state)
{
	(void)state;
	struct fixture f;
	struct error err = ERROR_INIT;
	char path[] = "/tmp/slackwater-log-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	static const char text[] = "2026-11-26T18:58:00Z 5 [Note] something else\n"
	                           "2026-11-26T19:00:00Z 5 [Note] " LINE("", "1000", "5", "1000000")
	                           "2026-11-26T19:02:00Z 5 [Note] " LINE("", "900", "1", "7000000");
	assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
	close(fd);
	struct look *l = make(&f, FLAVOR_MYSQL, 50744);
	f.opt.error_log = path;
	assert_int_equal(look_waits(l, &err), ST_OK);
	const struct observed_waits *w = &l->o->channel[0].waits;
	assert_int_equal(w->from, OBSERVED_LOG_FILE);
	assert_true(w->since_start); /* fewer events than before: the applier was started anew */
	assert_int_equal(w->events, 900);
	assert_int_equal(w->dependency.ms, 7);
	unlink(path);
	end(&f);
	l = make(&f, FLAVOR_MYSQL, 50744);
	f.opt.error_log = path;
	assert_int_equal(look_waits(l, &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.message, path));
	end(&f);
}

/* Why there are none, by version. */
static void test_no_waits(void **state)
{
	(void)state;
	struct fixture f;
	struct error err = ERROR_INIT;
	struct look *l = make(&f, FLAVOR_MYSQL, 90704);
	fake_conn_expect_prefix(l->c, "SELECT * FROM performance_schema.replication_applier_metrics");
	fake_conn_error(l->c, NO_TABLE, "Table 'performance_schema.replication_applier_metrics' doesn't exist");
	fake_conn_expect_prefix(l->c, "SELECT CONCAT(DATE_FORMAT(LOGGED");
	assert_int_equal(look_waits(l, &err), ST_OK);
	assert_false(l->component);
	noted(l, "INSTALL COMPONENT 'file://component_replication_applier_metrics'");
	end(&f);
	l = make(&f, FLAVOR_MYSQL, 50744);
	assert_int_equal(look_waits(l, &err), ST_OK);
	noted(l, "--error-log");
	end(&f);
	l = make(&f, FLAVOR_MYSQL, 80036);
	l->o->settings.log_level = 2;
	fake_conn_expect_prefix(l->c, "SELECT CONCAT(DATE_FORMAT(LOGGED");
	assert_int_equal(look_waits(l, &err), ST_OK);
	noted(l, "log_error_verbosity=3");
	end(&f);
	l = make(&f, FLAVOR_MYSQL, 80036);
	fake_conn_expect_prefix(l->c, "SELECT CONCAT(DATE_FORMAT(LOGGED");
	fake_conn_error(l->c, REFUSED, "SELECT command denied to user 'x'@'y' for table 'error_log'");
	assert_int_equal(look_waits(l, &err), ST_OK);
	noted(l, "the account lacks SELECT on performance_schema.error_log");
	end(&f);
	l = make(&f, FLAVOR_MARIADB, 101119);
	assert_int_equal(look_waits(l, &err), ST_OK);
	assert_int_equal(l->o->notes.n, 0);
	end(&f);
}

/* 8.0.11 and 8.0.12 count no retries of a worker's own. */
static void test_stamped_workers_without_retries(void **state)
{
	(void)state;
	struct fixture f;
	struct error err = ERROR_INIT;
	struct look *l = make(&f, FLAVOR_MYSQL, 80012);
	fake_conn_expect_prefix(l->c,
	                        "SELECT w.CHANNEL_NAME, w.WORKER_ID, w.SERVICE_STATE, w.LAST_ERROR_NUMBER, w.LAST_ERROR_MESSAGE, "
	                        "w.LAST_APPLIED_TRANSACTION AS last_applied, w.APPLYING_TRANSACTION AS applying, "
	                        "TIMESTAMPDIFF(MICROSECOND, w.APPLYING_TRANSACTION_START_APPLY_TIMESTAMP, SYSDATE(6)) DIV 1000 AS age_ms, "
	                        "TIMESTAMPDIFF(MICROSECOND, w.APPLYING_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP, SYSDATE(6)) DIV 1000 AS lag_ms, "
	                        "t.PROCESSLIST_ID AS thread, t.PROCESSLIST_STATE AS state, IFNULL(t.PROCESSLIST_INFO, s.SQL_TEXT) AS statement "
	                        "FROM performance_schema.replication_applier_status_by_worker w ");
	fake_conn_rows(l->c,
	               "CHANNEL_NAME\tWORKER_ID\tSERVICE_STATE\tLAST_ERROR_NUMBER\tLAST_ERROR_MESSAGE\tlast_applied\tapplying\tage_ms\tlag_ms\t"
	               "thread\tstate\tstatement\n"
	               "\t1\tON\t0\t\tu:5\tu:6\t1500\t2500\t31\tAltering table\tALTER TABLE t ADD c INT\n");
	assert_int_equal(look_workers(l, &err), ST_OK);
	assert_int_equal(l->o->channel[0].nworkers, 1);
	assert_int_equal(l->o->channel[0].worker[0].retries, OBSERVE_UNKNOWN);
	assert_int_equal(l->o->channel[0].worker[0].age_ms, 1500);
	end(&f);
}

static void test_stamped_workers(void **state)
{
	(void)state;
	struct fixture f;
	struct error err = ERROR_INIT;
	struct look *l = make(&f, FLAVOR_MYSQL, 80036);
	fake_conn_expect_prefix(l->c, "SELECT w.CHANNEL_NAME, w.WORKER_ID");
	fake_conn_rows(l->c,
	               "CHANNEL_NAME\tWORKER_ID\tSERVICE_STATE\tLAST_ERROR_NUMBER\tLAST_ERROR_MESSAGE\tlast_applied\tapplying\tretries\t"
	               "age_ms\tlag_ms\tthread\tstate\tstatement\n"
	               "\t1\tON\t0\t\tu:5\tu:6\t2\t1500\t2500\t31\tAltering table\tALTER TABLE t ADD c INT\n"
	               "\t2\tON\t0\t\tu:4\t\t0\t\\N\t\\N\t32\tWaiting for an event from Coordinator\t\\N\n"
	               "east\t1\tOFF\t1317\tQuery execution was interrupted\tu:9\tu:10\t0\t8\t9\t\\N\t\\N\t\\N\n"
	               "group_replication_applier\t1\tON\t0\t\t\t\t0\t\\N\t\\N\t33\t\t\\N\n");
	assert_int_equal(look_workers(l, &err), ST_OK);
	const struct observed_channel *ch = l->o->channel;
	assert_int_equal(ch[0].nworkers, 2);
	const struct observed_worker *w = ch[0].worker;
	assert_true(w[0].busy);
	assert_string_equal(w[0].applying, "u:6");
	assert_string_equal(w[0].last_applied, "u:5");
	assert_string_equal(w[0].statement, "ALTER TABLE t ADD c INT");
	assert_int_equal(w[0].age_ms, 1500);
	assert_int_equal(w[0].age_max_ms, 1500);
	assert_int_equal(w[0].retries, 2);
	assert_int_equal(w[0].size_bytes, OBSERVE_UNKNOWN);
	assert_int_equal(w[0].thread, 31);
	assert_int_equal(ch[0].lag_ms, 2500);
	assert_true(w[1].running);
	assert_false(w[1].busy);
	assert_int_equal(w[1].age_ms, OBSERVE_UNKNOWN);
	assert_int_equal(ch[1].nworkers, 1);
	assert_false(ch[1].worker[0].running);
	assert_false(ch[1].worker[0].busy); /* its row is left from when it ran */
	assert_null(ch[1].worker[0].applying);
	assert_int_equal(ch[1].worker[0].error_no, 1317);
	assert_int_equal(ch[1].lag_ms, OBSERVE_UNKNOWN);
	end(&f);
}

/* Seen on 9.7.4 while a STOP waited for a worker: the service is OFF for all, the applier still runs. */
static void test_workers_that_a_stop_waits_for(void **state)
{
	(void)state;
	struct fixture f;
	struct error err = ERROR_INIT;
	struct look *l = make(&f, FLAVOR_MYSQL, 90704);
	l->o->channel[0].applier_running = true;
	fake_conn_expect_prefix(l->c, "SELECT w.CHANNEL_NAME, w.WORKER_ID");
	fake_conn_rows(l->c, "CHANNEL_NAME\tWORKER_ID\tSERVICE_STATE\tapplying\tage_ms\tlag_ms\tthread\n"
	                     "\t1\tOFF\tu:6\t7000\t7100\t\\N\n"
	                     "\t2\tOFF\t\t\\N\t\\N\t\\N\n");
	assert_int_equal(look_workers(l, &err), ST_OK);
	const struct observed_worker *w = l->o->channel[0].worker;
	assert_true(w[0].running && w[0].busy);
	assert_int_equal(w[0].age_ms, 7000);
	assert_false(w[1].running || w[1].busy);
	end(&f);
}

/* 5.7 has no times: what the worker says it does tells whether it is busy, InnoDB since when. */
static void test_workers_of_57(void **state)
{
	(void)state;
	struct fixture f;
	struct error err = ERROR_INIT;
	struct look *l = make(&f, FLAVOR_MYSQL, 50744);
	const struct inflight_seen seen = { "trx/31/7", "thread 31", 4000, 2000, 31 };
	assert_int_equal(inflight_take(&f.flight, &seen, 1, 1000, &err), ST_OK);
	fake_conn_expect_prefix(l->c, "SELECT w.CHANNEL_NAME, w.WORKER_ID");
	fake_conn_rows(l->c, "CHANNEL_NAME\tWORKER_ID\tSERVICE_STATE\tLAST_ERROR_NUMBER\tLAST_ERROR_MESSAGE\tlast_seen\tthread\tstate\tstatement\n"
	                     "\t1\tON\t0\t\tu:6\t31\tSystem lock\t\\N\n"
	                     "\t2\tON\t0\t\tu:4\t32\tWaiting for an event from Coordinator\t\\N\n");
	assert_int_equal(look_workers(l, &err), ST_OK);
	const struct observed_worker *w = l->o->channel[0].worker;
	assert_true(w[0].busy);
	assert_string_equal(w[0].applying, "u:6");
	assert_int_equal(w[0].age_ms, 4000);
	assert_int_equal(w[0].age_max_ms, 6000);
	assert_false(w[1].busy);
	assert_null(w[1].applying);
	assert_string_equal(w[1].last_applied, "u:4");
	end(&f);
}

static void test_rights_for_less(void **state)
{
	(void)state;
	struct fixture f;
	struct error err = ERROR_INIT;
	struct look *l = make(&f, FLAVOR_MYSQL, 80036);
	fake_conn_expect_prefix(l->c, "SELECT w.CHANNEL_NAME, w.WORKER_ID");
	fake_conn_error(l->c, REFUSED, "SELECT command denied to user 'x'@'y' for table 'threads'");
	fake_conn_expect_prefix(l->c, "SELECT w.CHANNEL_NAME, w.WORKER_ID");
	fake_conn_rows(l->c, "CHANNEL_NAME\tWORKER_ID\tSERVICE_STATE\tapplying\tage_ms\neast\t1\tON\tu:6\t5\n");
	assert_int_equal(look_workers(l, &err), ST_OK);
	assert_int_equal(l->o->channel[1].worker[0].age_ms, 5);
	assert_int_equal(l->o->channel[1].worker[0].thread, 0);
	noted(l, "SELECT on performance_schema.threads");
	end(&f);
	l = make(&f, FLAVOR_MYSQL, 80036);
	fake_conn_expect_prefix(l->c, "SELECT w.CHANNEL_NAME, w.WORKER_ID");
	fake_conn_error(l->c, REFUSED, "denied");
	fake_conn_expect_prefix(l->c, "SELECT w.CHANNEL_NAME, w.WORKER_ID");
	fake_conn_error(l->c, REFUSED, "denied");
	assert_int_equal(look_workers(l, &err), ST_OK);
	noted(l, "workers: not shown");
	end(&f);
	l = make(&f, FLAVOR_MYSQL, 80036);
	fake_conn_expect_prefix(l->c, "SELECT w.CHANNEL_NAME, w.WORKER_ID");
	fake_conn_error(l->c, 2013, "Lost connection to MySQL server during query");
	assert_int_not_equal(look_workers(l, &err), ST_OK); /* anything but a refusal is an error */
	assert_int_equal(err.kind, ERR_SERVER);
	end(&f);
}

/* MariaDB with several connections has one pool of workers for all of them. */
static void test_pool(void **state)
{
	(void)state;
	static const char rows[] = "ID\tCOMMAND\tSTATE\tINFO\n"
	                           "8\tSlave_SQL\tReading event from the relay log\t\\N\n"
	                           "9\tSlave_worker\tWaiting for prior transaction to commit\t\\N\n"
	                           "10\tSlave_worker\tUpdate_rows_log_event::find_row()\tUPDATE hot SET n=n+1\n"
	                           "11\tSlave_worker\tWaiting for work from SQL thread\t\\N\n"
	                           "7\tSlave_IO\tWaiting for master to send event\t\\N\n";
	struct fixture f;
	struct error err = ERROR_INIT;
	struct look *l = make(&f, FLAVOR_MARIADB, 101119);
	fake_conn_expect_prefix(l->c, "SELECT ID, COMMAND, STATE, INFO");
	fake_conn_rows(l->c, rows);
	fake_conn_expect_prefix(l->c, "SELECT trx_mysql_thread_id");
	fake_conn_rows(l->c, "thread\n10\n77\n");
	assert_int_equal(look_workers(l, &err), ST_OK);
	assert_int_equal(look_row_locks(l, &err), ST_OK);
	assert_int_equal(l->o->npool, 3);
	assert_int_equal(l->o->channel[0].nworkers, 0);
	assert_true(l->o->pool[1].busy);
	assert_true(l->o->pool[1].waits_for_row);
	assert_string_equal(l->o->pool[1].statement, "UPDATE hot SET n=n+1");
	assert_true(l->o->pool[0].busy);
	assert_false(l->o->pool[0].waits_for_row);
	assert_false(l->o->pool[2].busy);
	end(&f);
}

/* 5.6 calls none of them a worker. */
static void test_threads_of_56(void **state)
{
	(void)state;
	struct fixture f;
	struct error err = ERROR_INIT;
	struct look *l = make(&f, FLAVOR_MYSQL, 50624);
	f.in.ps = false;
	free(l->o->channel[1].name);
	l->o->nchannels = 1;
	fake_conn_expect_prefix(l->c, "SELECT ID, COMMAND, STATE, INFO");
	fake_conn_rows(l->c, "ID\tCOMMAND\tSTATE\tINFO\n"
	                     "4\tConnect\tWaiting for master to send event\t\\N\n"
	                     "5\tConnect\tSlave has read all relay log; waiting for the slave I/O thread t\t\\N\n"
	                     "6\tConnect\tWaiting for an event from Coordinator\t\\N\n"
	                     "9\tConnect\tSystem lock\t\\N\n");
	assert_int_equal(look_workers(l, &err), ST_OK);
	assert_int_equal(l->o->channel[0].nworkers, 2);
	assert_int_equal(l->o->channel[0].worker[1].thread, 9);
	assert_true(l->o->channel[0].worker[1].busy);
	assert_false(l->o->channel[0].worker[0].busy);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_error_log_table), cmocka_unit_test(test_error_log_file), cmocka_unit_test(test_no_waits),
		cmocka_unit_test(test_stamped_workers_without_retries), cmocka_unit_test(test_stamped_workers), cmocka_unit_test(test_workers_of_57),  cmocka_unit_test(test_workers_that_a_stop_waits_for),
		cmocka_unit_test(test_rights_for_less),
		cmocka_unit_test(test_pool),            cmocka_unit_test(test_threads_of_56),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
