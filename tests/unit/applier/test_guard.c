/* SPDX-License-Identifier: Apache-2.0 */
/* What the dead-man's switch sends, for channel names of every kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "applier/guard.h"
#include "fake_conn.h"
#include "scratch.h"
#include "stepping.h"

FAKE_CONN_DEFINE_OPEN

#define RUN "slackwater.run.12bb97528c74dd44.e9c877f695562e33"
#define DONE "slackwater.done.12bb97528c74dd44.e9c877f695562e33"

static char *text_of(const struct instance *in, const struct guard_channel *ch)
{
	struct buf b = BUF_INIT(1u << 20);
	struct error err = ERROR_INIT;
	guard_statement(&b, in, ch, RUN, DONE, 60);
	assert_int_equal(buf_check(&b, "the statement", &err), ST_OK);
	return buf_take(&b);
}

static char *statement(enum flavor flavor, unsigned version, bool stamps, const char *channel, size_t channels)
{
	struct instance in = { .server = { .flavor = flavor, .version = version }, .worker_stamps = stamps };
	return text_of(&in, &(struct guard_channel){ .name = channel, .together = channels });
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;
	for (const char *p = strstr(text, what); p; p = strstr(p + 1, what))
		n++;
	return n;
}

/* The literal behind ", '', " of the first attempt, undone: what PREPARE will see. */
static char *prepared_text(const char *sql)
{
	const char *p = strstr(sql, ", '', '");
	assert_non_null(p);
	p += 7;
	char *out = calloc(1, strlen(p) + 1);
	size_t n = 0;
	for (; *p != '\''; p++) {
		assert_true(*p);
		if (*p == '\\')
			p++;
		out[n++] = *p;
	}
	assert_int_equal(strncmp(p, "'); PREPARE slackwater FROM @s", 30), 0);
	return out;
}

static void test_beginning(void **state)
{
	(void)state;
	char *sql = statement(FLAVOR_MYSQL, 90704, true, "", 1);
	static const char begin[] = "SET @w = (SELECT MAX(ID) FROM information_schema.PROCESSLIST); SET @r = GET_LOCK('" RUN "', 60); "
	                            "DO RELEASE_LOCK('" RUN "'); SET @s = IF(IS_USED_LOCK('" DONE "') IS NOT NULL, '', "
	                            "'START REPLICA SQL_THREAD FOR CHANNEL \\'\\''); PREPARE slackwater FROM @s; EXECUTE slackwater; "
	                            "DO SLEEP(0.020); ";
	assert_int_equal(strncmp(sql, begin, sizeof begin - 1), 0);
	/* Lock names: 64 characters at most. */
	assert_in_range(strlen(RUN), 1, 64);
	assert_in_range(strlen(DONE), 1, 64);
	free(sql);
}

/* Every attempt asks first; every one but the first asks whether it has been started already; about a minute of them. */
static void test_attempts(void **state)
{
	(void)state;
	char *sql = statement(FLAVOR_MYSQL, 90704, true, "x", 1);
	size_t n = count(sql, "EXECUTE slackwater");
	assert_in_range(n, 30, 150);
	assert_int_equal(count(sql, "IS_USED_LOCK('" DONE "') IS NOT NULL"), n);
	assert_int_equal(count(sql, "START REPLICA SQL_THREAD FOR CHANNEL"), n);
	assert_int_equal(count(sql, "w.CHANNEL_NAME = 'x'"), n - 1);
	assert_int_equal(count(sql, "DO SLEEP("), n - 1);
	assert_int_equal(count(sql, "GET_LOCK("), 1);
	assert_int_equal(count(sql, "STOP "), 0);
	free(sql);
	sql = statement(FLAVOR_MARIADB, 101119, false, "x", 3);
	assert_int_equal(count(sql, "COMMAND = 'Slave_SQL' AND ID > @w) >= 3"), n - 1);
	assert_int_equal(count(sql, "performance_schema"), 0);
	free(sql);
	sql = statement(FLAVOR_MYSQL, 50624, false, "", 1);
	assert_int_equal(count(sql, "USER = 'system user' AND ID > @w"), n - 1);
	free(sql);
}

/* The session that sends STOP is gone: one more START, and no other; unless a STOP may be in effect that nothing shows any more (1875). */
static void test_last_attempt(void **state)
{
	(void)state;
	static const char gone[] = "; SET @gone = NOT EXISTS (SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = 77); PREPARE";
	struct instance in = { .server = { .flavor = FLAVOR_MYSQL, .version = 90704 }, .worker_stamps = true, .stop_timeout_s = 31536000 };
	struct guard_channel ch = { .name = "x", .together = 1, .stopper = 77 };
	char *sql = text_of(&in, &ch);
	size_t n = count(sql, "EXECUTE slackwater");
	assert_int_equal(count(sql, gone), n);
	assert_int_equal(count(sql, " OR @gone OR EXISTS ("), n - 1);
	assert_true(strstr(sql, gone) < strstr(sql, " OR @gone"));
	free(sql);
	in.stop_timeout_s = 2;
	sql = text_of(&in, &ch);
	assert_int_equal(count(sql, "@gone"), 0);
	assert_int_equal(count(sql, "EXECUTE slackwater"), n);
	free(sql);
	in = (struct instance){ .server = { .flavor = FLAVOR_MARIADB, .version = 101119 } };
	sql = text_of(&in, &ch);
	assert_int_equal(count(sql, gone), n);
	free(sql);
}

/* What waits for longer than the minute, and only where the server counts its STOPs: one prepared text that asks, and what follows from it. */
static void test_patience(void **state)
{
	(void)state;
	static const char ask[] = "; SET @old = (SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'COM_SLAVE_STOP') >= 9; "
	                          "PREPARE slackwater_ask FROM 'SET @s = IF(NOT @old OR IS_USED_LOCK(\\'" DONE "\\') IS NOT NULL OR EXISTS (";
	static const char again[] = "; DO SLEEP(1.5); EXECUTE slackwater_ask; PREPARE slackwater FROM @s; EXECUTE slackwater";
	struct instance in = { .server = { .flavor = FLAVOR_MYSQL, .version = 50624 }, .stop_timeout_s = 2 };
	struct guard_channel ch = { .name = "", .together = 1, .stopper = 77 };
	char *sql = text_of(&in, &ch);
	assert_null(strstr(sql, "slackwater_ask"));
	free(sql);
	ch.stops = 9;
	sql = text_of(&in, &ch);
	assert_int_equal(count(sql, ask), 1);
	assert_int_equal(count(sql, again), 2400);
	assert_true(strstr(sql, ask) < strstr(sql, again));
	assert_int_equal(count(sql, "AND ID <= @w"), 1);
	assert_true(strlen(sql) < 512u << 10); /* far below any max_allowed_packet */
	free(sql);
	in = (struct instance){ .server = { .flavor = FLAVOR_MYSQL, .version = 90704 }, .ps = true, .worker_stamps = true, .stop_timeout_s = 2 };
	ch.name = "o'x";
	sql = text_of(&in, &ch);
	assert_int_equal(count(sql, "SUM(COUNT_STAR)"), 1);
	assert_int_equal(count(sql, "t.PROCESSLIST_ID <= @w AND w.CHANNEL_NAME = \\'o\\\\\\'x\\')'; DO SLEEP(1.5)"), 1);
	free(sql);
}

static void check_name(enum flavor flavor, unsigned version, const char *name, const char *start)
{
	char *sql = statement(flavor, version, flavor == FLAVOR_MYSQL && version >= 80000, name, 1);
	char *text = prepared_text(sql);
	assert_string_equal(text, start);
	free(text);
	free(sql);
}

static void test_names(void **state)
{
	(void)state;
	check_name(FLAVOR_MYSQL, 90704, "odd'n\"me", "START REPLICA SQL_THREAD FOR CHANNEL 'odd\\'n\"me'");
	check_name(FLAVOR_MYSQL, 90704, "\\", "START REPLICA SQL_THREAD FOR CHANNEL '\\\\'");
	check_name(FLAVOR_MYSQL, 90704, "'); DROP TABLE t; --", "START REPLICA SQL_THREAD FOR CHANNEL '\\'); DROP TABLE t; --'");
	check_name(FLAVOR_MYSQL, 50744, "a b`c", "START SLAVE SQL_THREAD FOR CHANNEL 'a b`c'");
	check_name(FLAVOR_MYSQL, 50624, "", "START SLAVE SQL_THREAD");
	check_name(FLAVOR_MARIADB, 101119, "", "START SLAVE '' SQL_THREAD");
	check_name(FLAVOR_MARIADB, 101119, "eu'west\\1", "START SLAVE 'eu\\'west\\\\1' SQL_THREAD");
	check_name(FLAVOR_MARIADB, 101119, "\xc3\xa4\xe2\x82\xac", "START SLAVE '\xc3\xa4\xe2\x82\xac' SQL_THREAD");
}

static void answer(struct conn *c, const char *begins, const char *rows)
{
	fake_conn_expect_prefix(c, begins);
	if (rows)
		fake_conn_rows(c, rows);
}

/* KILL QUERY on the waiting session: it is alive, and will start nothing. */
static void test_interrupted(void **state)
{
	struct scratch *s = *state;
	struct error err = ERROR_INIT;
	struct instance in = { .server = { .flavor = FLAVOR_MYSQL, .version = 90704, .identity = "A" } };
	const char *const names[] = { "x" };
	const struct conn_options o = { 0 };
	struct guard *g = NULL;
	struct conn *watch = fake_conn_new(&s->run, FLAVOR_MYSQL, 90704), *holder = fake_conn_new(&s->run, FLAVOR_MYSQL, 90704),
		    *waiter = fake_conn_new(&s->run, FLAVOR_MYSQL, 90704);
	fake_conn_queue(holder);
	fake_conn_queue(waiter);
	OK(guard_new(&o, &in, names, 1, 60000, &s->run, &g, &err));
	answer(holder, "SELECT IFNULL(GET_LOCK('slackwater.run.", "n\n1\n");
	answer(waiter, "SET @w = ", NULL);
	fake_conn_error(waiter, 1317, "Query execution was interrupted");
	answer(watch, "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE = 'User lock'", "n\n1\n");
	OK(guard_arm(g, watch, (const bool[]){ true }, &err));
	while (!guard_fired(g))
		OK(run_sleep_ms(&s->run, 1, &err));
	assert_false(guard_restarted(g, 0));
	answer(holder, "DO 0", NULL);
	answer(waiter, "SET @w = ", NULL);
	fake_conn_error(waiter, 1065, "Query was empty");
	guard_repair(g);
	answer(watch, "SELECT IFNULL(GET_LOCK('slackwater.done.", "n\n1\n");
	answer(holder, "DO RELEASE_LOCK('slackwater.run.", NULL);
	answer(watch, "DO RELEASE_LOCK('slackwater.done.", NULL);
	OK(guard_disarm(g, watch, &err));
	fake_conn_check(waiter);
	guard_free(g);
	conn_free(watch);
	fake_conn_check_queue();
}

static void hold(void *arg)
{
	sem_wait(arg);
}

/* The time is over and the session is at its STARTs, which may wait for a STOP: it has not ended, and what stands still is about to run. */
static void test_fires_by_time(void **state)
{
	struct scratch *s = *state;
	struct error err = ERROR_INIT;
	struct instance in = { .server = { .flavor = FLAVOR_MYSQL, .version = 90704, .identity = "A" } };
	const char *const names[] = { "x" };
	const struct conn_options o = { 0 };
	struct guard *g = NULL;
	sem_t let_go;
	struct conn *watch = fake_conn_new(&s->run, FLAVOR_MYSQL, 90704), *holder = fake_conn_new(&s->run, FLAVOR_MYSQL, 90704),
		    *waiter = fake_conn_new(&s->run, FLAVOR_MYSQL, 90704);
	assert_int_equal(sem_init(&let_go, 0, 0), 0);
	s->run.clock = &stepping;
	fake_conn_queue(holder);
	fake_conn_queue(waiter);
	OK(guard_new(&o, &in, names, 1, 60000, &s->run, &g, &err));
	assert_false(guard_fired(g));
	answer(holder, "SELECT IFNULL(GET_LOCK('slackwater.run.", "n\n1\n");
	answer(waiter, "SET @w = ", NULL);
	fake_conn_when(waiter, hold, &let_go);
	answer(watch, "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE = 'User lock'", "n\n1\n");
	OK(guard_arm(g, watch, (const bool[]){ true }, &err));
	stepping_ms += 59999;
	assert_false(guard_fired(g));
	stepping_ms += 1;
	assert_true(guard_fired(g));
	assert_false(guard_restarted(g, 0));
	sem_post(&let_go);
	answer(watch, "SELECT IFNULL(GET_LOCK('slackwater.done.", "n\n1\n");
	answer(holder, "DO RELEASE_LOCK('slackwater.run.", NULL);
	answer(watch, "DO RELEASE_LOCK('slackwater.done.", NULL);
	OK(guard_disarm(g, watch, &err));
	assert_false(guard_fired(g));
	guard_free(g);
	conn_free(watch);
	fake_conn_check_queue();
	s->run.clock = &clock_system;
	sem_destroy(&let_go);
}

/* The account may read what the backup needs, and not that: the switch is set all the same. A session that is lost is another matter. */
static void test_stops_that_are_not_told(void **state)
{
	struct scratch *s = *state;
	static const struct { const char *rows; unsigned my_errno; enum status st; size_t notes; } cases[] = {
		{ "n\n9\n", 0, ST_OK, 0 }, { NULL, 1142, ST_OK, 1 }, { NULL, 2013, ST_FAILED, 0 },
	};
	struct instance in = { .server = { .flavor = FLAVOR_MYSQL, .version = 50744, .identity = "A" }, .ps = true, .stop_timeout_s = 2 };
	const char *const names[] = { "x" };
	const struct conn_options o = { 0 };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct error err = ERROR_INIT;
		struct event_recorder told;
		struct guard *g = NULL;
		struct conn *watch = fake_conn_new(&s->run, FLAVOR_MYSQL, 50744), *holder = fake_conn_new(&s->run, FLAVOR_MYSQL, 50744),
			    *waiter = fake_conn_new(&s->run, FLAVOR_MYSQL, 50744);
		event_recorder_init(&told, s->run.events);
		struct event_sink *was = s->run.events;
		s->run.events = &told.base;
		fake_conn_queue(holder);
		fake_conn_queue(waiter);
		OK(guard_new(&o, &in, names, 1, 60000, &s->run, &g, &err));
		answer(holder, "SELECT IFNULL(GET_LOCK('slackwater.run.", "n\n1\n");
		answer(watch, "SELECT IFNULL((SELECT SUM(COUNT_STAR) FROM performance_schema.", cases[i].rows);
		if (cases[i].my_errno)
			fake_conn_error(watch, cases[i].my_errno, "SELECT command denied");
		if (!cases[i].st) {
			answer(waiter, "SET @w = ", NULL);
			fake_conn_error(waiter, 1065, "Query was empty");
			answer(watch, "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE = 'User lock'", "n\n1\n");
			answer(watch, "SELECT IFNULL(GET_LOCK('slackwater.done.", "n\n1\n");
		}
		answer(holder, "DO RELEASE_LOCK('slackwater.run.", NULL);
		assert_int_equal(guard_arm(g, watch, (const bool[]){ true }, &err), cases[i].st);
		assert_int_equal(told.notes.n, cases[i].notes);
		if (!cases[i].st) {
			answer(watch, "DO RELEASE_LOCK('slackwater.done.", NULL);
			OK(guard_disarm(g, watch, &err));
		}
		fake_conn_check(waiter);
		guard_free(g);
		conn_free(watch);
		s->run.events = was;
		event_recorder_free(&told);
		fake_conn_check_queue();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(test_interrupted, scratch_setup, scratch_teardown),
		                            cmocka_unit_test_setup_teardown(test_fires_by_time, scratch_setup, scratch_teardown),
		                            cmocka_unit_test_setup_teardown(test_stops_that_are_not_told, scratch_setup, scratch_teardown),
		                            cmocka_unit_test(test_beginning), cmocka_unit_test(test_attempts),
		                            cmocka_unit_test(test_last_attempt), cmocka_unit_test(test_patience),
		                            cmocka_unit_test(test_names) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
