/* SPDX-License-Identifier: Apache-2.0 */
/* What a snapshot that is being read costs its server: seen, borne up to a bound, and ended past it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdatomic.h>
#include <string.h>

#include "engine/logical/watch.h"
#include "fake_conn.h"
#include "scratch.h"

#define DDL "SELECT ID, LEFT(INFO, 200), STATE LIKE 'Waiting for backup lock%' FROM information_schema.PROCESSLIST"
#define HISTORY "SELECT `COUNT` FROM information_schema.INNODB_METRICS WHERE NAME = 'trx_rseg_history_len'"
#define WAITS "id\tinfo\tby_backup_lock\n"

enum { PATIENCE_MS = 20000 };

struct bed {
	struct watch w;
	struct run *run;
	atomic_bool looked;
};

static void note(void *arg)
{
	atomic_store((atomic_bool *)arg, true);
}

static void begin(struct scratch *s, struct bed *b, enum flavor flavor, unsigned version)
{
	*b = (struct bed){ .run = &s->run, .w = { .run = &s->run, .c = fake_conn_new(&s->run, flavor, version) } };
}

static void end(struct bed *b)
{
	conn_free(b->w.c);
}

static void look(struct bed *b, const char *rows)
{
	fake_conn_expect_prefix(b->w.c, DDL);
	fake_conn_rows(b->w.c, rows);
}

static void history(struct bed *b, const char *rows)
{
	fake_conn_expect(b->w.c, HISTORY);
	fake_conn_rows(b->w.c, rows);
}

/* All that is expected so far has come when this one has; it comes again and again. */
static void last_look(struct bed *b, const char *rows)
{
	look(b, rows);
	fake_conn_any_times(b->w.c);
	fake_conn_when(b->w.c, note, &b->looked);
}

/* Let it look until it has given up, or until the last look has come. */
static enum status watch(struct bed *b, struct error *err)
{
	assert_int_equal(watch_start(&b->w, err), ST_OK);
	for (int64_t over = scratch_now_ms() + PATIENCE_MS; !run_cancelled(b->run) && !atomic_load(&b->looked);) {
		assert_true(scratch_now_ms() < over);
		clock_system.wait(NULL, -1, 1);
	}
	watch_stop(&b->w);
	*err = ERROR_INIT;
	return watch_verdict(&b->w, err);
}

static void test_a_history_up_to_the_bound(void **state)
{
	struct bed b;
	struct error err = ERROR_INIT;
	begin(*state, &b, FLAVOR_MYSQL, 90704);
	b.w.max_history = 5000;
	look(&b, WAITS);
	history(&b, "COUNT\n5000\n");
	last_look(&b, WAITS);
	OK(watch(&b, &err));
	assert_false(run_cancelled(b.run));
	assert_int_equal(b.w.history_max, 5000);
	end(&b);
}

static void test_a_history_beyond_the_bound(void **state)
{
	struct bed b;
	struct error err = ERROR_INIT;
	begin(*state, &b, FLAVOR_MYSQL, 90704);
	b.w.max_history = 5000;
	look(&b, WAITS);
	history(&b, "COUNT\n5001\n");
	FAILS(ERR_SERVER, watch(&b, &err));
	assert_int_equal(err.status, ST_FAILED); /* started over it would be as long again */
	assert_non_null(strstr(err.message, "5001 long, more than --max-history 5000"));
	assert_true(run_cancelled(b.run));
	end(&b);
}

/* Without a bound it is only told of. */
static void test_a_history_without_a_bound(void **state)
{
	struct bed b;
	struct error err = ERROR_INIT;
	begin(*state, &b, FLAVOR_MARIADB, 101119);
	look(&b, WAITS);
	history(&b, "COUNT\n70000000\n");
	last_look(&b, WAITS);
	OK(watch(&b, &err));
	assert_int_equal(b.w.history_max, 70000000);
	end(&b);
}

/* The same statement of the same thread at two looks: it has waited all the time between. */
static void test_a_ddl_that_waits_too_long(void **state)
{
	struct bed b;
	struct error err = ERROR_INIT;
	begin(*state, &b, FLAVOR_MYSQL, 50624);
	b.w.ddl_max_wait_ms = 100; /* looks are 200 ms apart */
	look(&b, WAITS "7\tALTER TABLE a.b ADD c INT\t0\n");
	history(&b, "COUNT\n1\n");
	look(&b, WAITS "7\tALTER TABLE a.b ADD c INT\t0\n");
	FAILS(ERR_INCONSISTENT, watch(&b, &err));
	assert_int_equal(err.status, ST_RETRY);
	assert_true(run_cancelled(b.run));
	assert_true(b.w.ddl_wait_ms >= 100);
	end(&b);
}

/* One after the other, each for a moment; or for ever, where it may. */
static void test_ddl_that_is_borne(void **state)
{
	for (int bounded = 0; bounded < 2; bounded++) {
		struct bed b;
		struct error err = ERROR_INIT;
		begin(*state, &b, FLAVOR_MYSQL, 50624);
		b.w.ddl_max_wait_ms = bounded ? 100 : 0;
		look(&b, WAITS "7\tALTER TABLE a.b ADD c INT\t0\n");
		history(&b, "COUNT\n1\n");
		look(&b, bounded ? WAITS "7\tALTER TABLE a.b DROP c\t0\n" : WAITS "7\tALTER TABLE a.b ADD c INT\t0\n");
		last_look(&b, WAITS);
		OK(watch(&b, &err));
		assert_false(run_cancelled(b.run));
		assert_true(b.w.ddl_wait_ms >= 200);
		end(&b);
	}
}

/* MySQL 8.0 and later: it is ours, LOCK INSTANCE FOR BACKUP. Elsewhere it is not, and letting our snapshot go would not help. */
static void test_a_backup_lock(void **state)
{
	static const struct { enum flavor flavor; unsigned version; bool foreign; } of[] = {
		{ FLAVOR_MARIADB, 101119, true }, { FLAVOR_MYSQL, 50744, true }, { FLAVOR_MYSQL, 80040, false },
	};
	for (size_t i = 0; i < sizeof of / sizeof of[0]; i++) {
		struct bed b;
		struct error err = ERROR_INIT;
		begin(*state, &b, of[i].flavor, of[i].version);
		b.w.ddl_max_wait_ms = of[i].foreign ? 100 : 0;
		look(&b, WAITS "7\tINSERT INTO a.b VALUES (1)\t1\n");
		history(&b, "COUNT\n1\n");
		look(&b, WAITS "7\tINSERT INTO a.b VALUES (1)\t1\n");
		last_look(&b, WAITS);
		OK(watch(&b, &err));
		assert_int_equal(b.w.foreign, of[i].foreign);
		assert_true(of[i].foreign ? b.w.ddl_wait_ms == 0 : b.w.ddl_wait_ms > 0);
		assert_false(run_cancelled(b.run));
		end(&b);
	}
}

/* Blind, no locks may be held that stop the applier. */
static void test_blind(void **state)
{
	struct bed b;
	struct error err = ERROR_INIT;
	begin(*state, &b, FLAVOR_MYSQL, 90704);
	fake_conn_expect_prefix(b.w.c, DDL);
	fake_conn_error(b.w.c, 2013, "Lost connection to server during query");
	FAILS(ERR_SERVER, watch(&b, &err));
	assert_int_equal(err.status, ST_FAILED);
	assert_non_null(strstr(err.message, "watching for replicated DDL"));
	assert_true(run_cancelled(b.run));
	end(&b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_a_history_up_to_the_bound), T(test_a_history_beyond_the_bound), T(test_a_history_without_a_bound),
		T(test_a_ddl_that_waits_too_long), T(test_ddl_that_is_borne), T(test_a_backup_lock), T(test_blind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
