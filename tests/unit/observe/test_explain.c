/* SPDX-License-Identifier: Apache-2.0 */
/* What a figure points at: the right variable, under the name that this version has for it, and nothing where all is well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "slackwater/observe.h"

enum { WORKERS = 4 };

struct fixture {
	struct server_info server;
	struct observed_settings settings;
	struct observed_channel ch;
	struct observed_worker worker[WORKERS];
};

static struct strlist told; /* by the explanation before */

static struct observed_waits waits(enum observed_from from, int64_t span_ms)
{
	const struct observed_wait unknown = { OBSERVE_UNKNOWN, OBSERVE_UNKNOWN };
	return (struct observed_waits){ .from = from, .span_ms = span_ms, .transactions = OBSERVE_UNKNOWN, .events = OBSERVE_UNKNOWN,
		                        .overruns = OBSERVE_UNKNOWN, .queue_full = unknown, .queue_memory = unknown,
		                        .dependency = unknown, .no_worker = unknown, .commit_order = unknown, .no_work = unknown };
}

/* A channel that is well: running, everything applied, four idle workers. */
static void make(struct fixture *f, enum flavor flavor, unsigned version)
{
	*f = (struct fixture){ .server = { .flavor = flavor, .version = version },
		               .settings = { .workers = WORKERS, .pending_bytes = 128 << 20, .log_level = 3 } };
	f->ch = (struct observed_channel){ .name = (char *)"", .receiver_running = true, .applier_running = true, .workers = WORKERS,
		                           .worker = f->worker, .nworkers = WORKERS, .lag_ms = OBSERVE_UNKNOWN,
		                           .waits = waits(OBSERVED_NOWHERE, OBSERVE_UNKNOWN) };
	for (int i = 0; i < WORKERS; i++)
		f->worker[i] = (struct observed_worker){ .id = i + 1, .thread = (uint64_t)i + 10, .running = true, .age_ms = OBSERVE_UNKNOWN,
			                                 .age_max_ms = OBSERVE_UNKNOWN, .size_bytes = OBSERVE_UNKNOWN };
}

static void busy(struct observed_worker *w, int64_t age_ms, const char *does)
{
	w->busy = true;
	w->age_ms = w->age_max_ms = age_ms;
	w->state = (char *)does; /* only read */
}

static size_t explain(struct fixture *f, const struct observed_channel *before)
{
	struct error err = ERROR_INIT;
	strlist_free(&told);
	assert_int_equal(observe_explain(&f->server, &f->settings, &f->ch, before, &told, &err), ST_OK);
	return told.n;
}

/* Exactly one of the lines has it. */
static void said(const char *words)
{
	size_t n = 0;
	for (size_t i = 0; i < told.n; i++)
		n += strstr(told.item[i], words) != NULL;
	if (n != 1) {
		for (size_t i = 0; i < told.n; i++)
			print_error("said: %s\n", told.item[i]);
		fail_msg("\"%s\" was said %zu times", words, n);
	}
}

static void test_well(void **state)
{
	(void)state;
	struct fixture f;
	make(&f, FLAVOR_MYSQL, 90704);
	f.ch.waits = waits(OBSERVED_COMPONENT, 60000);
	f.ch.waits.dependency = (struct observed_wait){ 10, 500 }; /* below one percent */
	f.ch.waits.no_work = (struct observed_wait){ 100, 55000 };
	assert_int_equal(explain(&f, NULL), 0);
	busy(&f.worker[0], 5, "Applying batch of row changes (update)");
	assert_int_equal(explain(&f, NULL), 0);
}

static void test_queue_memory(void **state)
{
	(void)state;
	struct fixture f;
	make(&f, FLAVOR_MYSQL, 50744);
	f.ch.waits = waits(OBSERVED_LOG_FILE, 120000);
	f.ch.waits.queue_memory.count = 7;
	f.ch.waits.queue_full.count = 0;
	assert_int_equal(explain(&f, NULL), 1);
	said("raise slave_pending_jobs_size_max (128.0 MiB)");
	said("7 times");
	make(&f, FLAVOR_MYSQL, 80403);
	f.ch.coordinator = (char *)"Waiting for Replica Workers to free pending events";
	assert_int_equal(explain(&f, NULL), 1);
	said("raise replica_pending_jobs_size_max");
	make(&f, FLAVOR_MARIADB, 101119);
	f.ch.coordinator = (char *)"Waiting for room in worker thread event queue";
	assert_int_equal(explain(&f, NULL), 1);
	said("slave_parallel_max_queued");
}

static void test_full_queue_is_no_variable(void **state)
{
	(void)state;
	struct fixture f;
	make(&f, FLAVOR_MYSQL, 80403);
	f.ch.waits = waits(OBSERVED_SERVER_LOG, 120000);
	f.ch.waits.queue_full.count = 238;
	f.ch.waits.overruns = 500;
	assert_int_equal(explain(&f, NULL), 1);
	said("238 times");
	said("16384 events, which no variable changes");
	f.ch.waits.queue_full.count = 0;
	assert_int_equal(explain(&f, NULL), 1);
	said("500 times");
}

static void test_dependencies(void **state)
{
	(void)state;
	struct fixture f;
	make(&f, FLAVOR_MYSQL, 80031);
	f.ch.waits = waits(OBSERVED_SERVER_LOG, 120000);
	f.ch.waits.dependency.ms = 30000;
	assert_int_equal(explain(&f, NULL), 1);
	said("30.0 s in all (25 % of the time)");
	said("binlog_transaction_dependency_tracking=WRITESET");
	said("replica_parallel_type=LOGICAL_CLOCK");
	make(&f, FLAVOR_MYSQL, 50624);
	f.ch.coordinator = (char *)"Waiting for Slave Worker to release partition";
	assert_int_equal(explain(&f, NULL), 1);
	said("by database only");
	/* Both say it now and in the counters: the advice comes once. */
	make(&f, FLAVOR_MYSQL, 90704);
	f.ch.coordinator = (char *)"Waiting for dependent transaction to commit";
	f.ch.waits = waits(OBSERVED_COMPONENT, 1000);
	f.ch.waits.dependency = (struct observed_wait){ 20, 900 };
	assert_int_equal(explain(&f, NULL), 2);
	said("WRITESET");
	said("20 times, 900 ms in all (90 % of the time)");
}

static void test_a_held_worker(void **state)
{
	(void)state;
	struct fixture f;
	make(&f, FLAVOR_MYSQL, 90704);
	busy(&f.worker[2], 5200, "Applying batch of row changes (update)");
	f.worker[2].waits_for_row = true;
	f.ch.coordinator = (char *)"Waiting for dependent transaction to commit";
	assert_int_equal(explain(&f, NULL), 2);
	said("worker 3 waits for a row");
	said("for 5.2 s: sys.innodb_lock_waits");
	said("on the one named above"); /* no advice about dependencies: they are not the cause */
	f.worker[2].age_ms = 0; /* by InnoDB's whole seconds */
	f.worker[2].age_max_ms = 2000;
	f.ch.coordinator = (char *)"Waiting for workers to exit";
	assert_int_equal(explain(&f, NULL), 2);
	said("in this transaction for less than 2.0 s: ");
	said("a STOP is in progress");
	f.worker[2].waits_for_row = false;
	f.worker[2].state = (char *)"Waiting for table metadata lock";
	explain(&f, NULL);
	said("worker 3: a replicated DDL");
}

static void test_long_transaction(void **state)
{
	(void)state;
	struct fixture f;
	make(&f, FLAVOR_MYSQL, 90704);
	busy(&f.worker[0], 45000, "Applying batch of row changes (delete)");
	f.worker[0].size_bytes = 80 << 20;
	f.worker[0].done_bytes = 20 << 20;
	busy(&f.worker[1], 300, "Waiting for preceding transaction to commit");
	busy(&f.worker[2], 200, "Waiting for preceding transaction to commit");
	assert_int_equal(explain(&f, NULL), 2);
	said("worker 1 has been in one transaction for 45.0 s, with 20.0 MiB of 80.0 MiB applied");
	said("2 of 4 workers have applied their transactions and wait to commit in order, behind worker 1: replica_preserve_commit_order");
	make(&f, FLAVOR_MARIADB, 101119);
	f.worker[0].id = OBSERVE_UNKNOWN;
	busy(&f.worker[0], 45000, "Update_rows_log_event::find_row()");
	busy(&f.worker[1], 300, "Waiting for prior transaction to commit");
	assert_int_equal(explain(&f, NULL), 2);
	said("the worker of thread 10 has been");
	said("gtid_domain_id");
}

static void test_too_few_workers(void **state)
{
	(void)state;
	struct fixture f;
	make(&f, FLAVOR_MYSQL, 80403);
	for (int i = 0; i < WORKERS; i++)
		busy(&f.worker[i], 20, "Applying batch of row changes (write)");
	f.ch.lag_s = 1;
	f.ch.behind_transactions = 3;
	assert_int_equal(explain(&f, NULL), 0); /* busy, and in time */
	f.ch.behind_transactions = 3000;
	assert_int_equal(explain(&f, NULL), 1);
	said("all 4 workers are busy and more is waiting: raise replica_parallel_workers");
	f.ch.workers = 0;
	f.ch.nworkers = 1;
	assert_int_equal(explain(&f, NULL), 1);
	said("one thread applies everything");
}

/* With a look before, only what came since counts; counters that were set back count whole. */
static void test_since_the_look_before(void **state)
{
	(void)state;
	struct fixture f;
	make(&f, FLAVOR_MYSQL, 90704);
	f.ch.waits = waits(OBSERVED_COMPONENT, 100000);
	f.ch.waits.commit_order = (struct observed_wait){ 900, 90000 };
	assert_int_equal(explain(&f, NULL), 1);
	said("commit 900 times, 90.0 s in all");
	struct observed_channel before = f.ch;
	f.ch.waits.span_ms += 1000;
	f.ch.waits.commit_order.count += 2;
	assert_int_equal(explain(&f, &before), 0);
	f.ch.waits.commit_order.ms += 800;
	assert_int_equal(explain(&f, &before), 1);
	said("commit 2 times, 800 ms in all (80 % of the time)");
	f.ch.waits.commit_order = (struct observed_wait){ 1, 50000 };
	assert_int_equal(explain(&f, &before), 1);
	said("commit 1 times, 50.0 s in all");
}

static void test_stopped(void **state)
{
	(void)state;
	struct fixture f;
	make(&f, FLAVOR_MYSQL, 90704);
	f.ch.applier_running = false;
	f.ch.delay_s = 3600;
	assert_int_equal(explain(&f, NULL), 1);
	said("stopped, without an error");
	f.ch.applier_errno = 1317;
	f.ch.gap = (char *)"1 transaction received and not applied: u:5";
	f.ch.receiver_running = false;
	assert_int_equal(explain(&f, NULL), 3);
	said("stopped with error 1317");
	said("stands over a gap");
	said("the receiver is not connected");
	f.ch.applier_running = f.ch.receiver_running = true;
	assert_int_equal(explain(&f, NULL), 1); /* a gap of a running applier is no news */
	said("delayed on purpose by 3600 s (SOURCE_DELAY)");
}

static int end(void **state)
{
	(void)state;
	strlist_free(&told);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_well),
		cmocka_unit_test(test_queue_memory),
		cmocka_unit_test(test_full_queue_is_no_variable),
		cmocka_unit_test(test_dependencies),
		cmocka_unit_test(test_a_held_worker),
		cmocka_unit_test(test_long_transaction),
		cmocka_unit_test(test_too_few_workers),
		cmocka_unit_test(test_since_the_look_before),
		cmocka_unit_test(test_stopped),
	};
	return cmocka_run_group_tests(tests, NULL, end);
}
