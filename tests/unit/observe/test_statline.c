/* SPDX-License-Identifier: Apache-2.0 */
/* The statistics line in each wording that servers have had. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "observe/statline.h"

static struct statline parse(const char *line)
{
	struct statline s;
	assert_true(statline_parse(line, strlen(line), &s));
	return s;
}

static bool is_one(const char *line)
{
	struct statline s;
	return statline_parse(line, strlen(line), &s);
}

/* As 5.6.24 wrote it, but for the figures of waiting, which were 0. */
#define LINE_56                                                                                                            \
	"2026-11-26 19:15:55 17119 [Note] Multi-threaded slave statistics: seconds elapsed = 121; events assigned = 135169; "   \
	"worker queues filled over overrun level = 3; waited due a Worker queue full = 4; waited due the total size = 5; "      \
	"slept when Workers occupied = 6"

static void test_56(void **state)
{
	(void)state;
	struct statline s = parse(LINE_56);
	assert_string_equal(s.channel, "");
	assert_string_equal(s.logged_at, "2026-11-26 19:15:55");
	assert_int_equal(s.elapsed_s, 121);
	assert_int_equal(s.events, 135169);
	assert_int_equal(s.overruns, 3);
	assert_int_equal(s.queue_full, 4);
	assert_int_equal(s.queue_memory, 5);
	assert_int_equal(s.no_worker_count, 6);
	assert_int_equal(s.dependency_ns, -1); /* 5.6 has no clock */
	assert_int_equal(s.no_worker_ns, -1);
}

static void test_57_with_a_channel(void **state)
{
	(void)state;
	struct statline s = parse("2024-01-31T14:07:50.172007+08:00 6806 [Note] Multi-threaded slave statistics for channel 'cluster': "
	                          "seconds elapsed = 120; events assigned = 3318582273; worker queues filled over overrun level = 207029; "
	                          "waited due a Worker queue full = 238; waited due the total size = 0; waited at clock conflicts = "
	                          "348754579743300 waited (count) when Workers occupied = 34529247 waited when Workers occupied = 76847369713200");
	assert_string_equal(s.channel, "cluster");
	assert_string_equal(s.logged_at, "2024-01-31T14:07:50.172007+08:00");
	assert_int_equal(s.events, 3318582273);
	assert_int_equal(s.overruns, 207029);
	assert_int_equal(s.queue_full, 238);
	assert_int_equal(s.queue_memory, 0);
	assert_true(s.dependency_ns == 348754579743300);
	assert_int_equal(s.no_worker_count, 34529247);
	assert_true(s.no_worker_ns == 76847369713200);
}

#define TAIL_80                                                                                                            \
	"seconds elapsed = 601; events assigned = 728065; worker queues filled over overrun level = 0; waited due a Worker "    \
	"queue full = 0; waited due the total size = 0; waited at clock conflicts = 1448054900 waited (count) when Workers "    \
	"occupied = 178054 waited when Workers occupied = 7"

/* 8.0.26 and 8.4; the file has code and subsystem, performance_schema.error_log only the text. */
static void test_80_and_84(void **state)
{
	(void)state;
	struct statline s = parse("2023-11-03T16:37:04.467006+08:00 6 [Note] [MY-010559] [Repl] Multi-threaded replica statistics for "
	                          "channel '': " TAIL_80 "\r");
	assert_string_equal(s.channel, "");
	assert_int_equal(s.elapsed_s, 601);
	assert_int_equal(s.dependency_ns, 1448054900);
	assert_int_equal(s.no_worker_count, 178054);
	assert_int_equal(s.no_worker_ns, 7);
	s = parse("Multi-threaded replica statistics for channel 'a''b': c': " TAIL_80);
	assert_string_equal(s.channel, "a''b': c");
	assert_string_equal(s.logged_at, "");
}

static void test_other_lines(void **state)
{
	(void)state;
	assert_false(is_one(""));
	assert_false(is_one("2026-11-26 19:13:53 17119 [Note] Worker 3 statistics: events processed = 1289 hungry waits = 0 priv queue overfills = 0"));
	assert_false(is_one("2026-11-26 19:13:53 17119 [Note] Total MTS session statistics: events processed = 3479; worker queues filled over "
	                    "overrun level = 0; waited due a Worker queue full = 0"));
	assert_false(is_one("Multi-threaded slave statistics: seconds elapsed = ; events assigned = 3"));
	assert_false(is_one("Multi-threaded slave statistics for channel 'x: seconds elapsed = 3; events assigned = 3"));
	assert_false(is_one("Multi-threaded slave: Coordinator has waited 181 times hitting slave_pending_jobs_size_max"));
	struct statline s;
	assert_false(statline_parse(LINE_56, 60, &s)); /* half of a line that is being written */
}

static void test_difference(void **state)
{
	(void)state;
	struct statline a = parse(LINE_56), b = a, c = a;
	b.events += 1000;
	b.queue_memory += 2;
	assert_true(statline_subtract(&b, &a));
	assert_int_equal(b.events, 1000);
	assert_int_equal(b.queue_memory, 2);
	assert_int_equal(b.queue_full, 0);
	assert_int_equal(b.dependency_ns, -1);
	assert_int_equal(b.elapsed_s, 121);
	c.events -= 1; /* started anew: the figures stand as they are */
	assert_false(statline_subtract(&c, &a));
	assert_int_equal(c.events, a.events - 1);
	assert_int_equal(c.queue_full, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_56),          cmocka_unit_test(test_57_with_a_channel), cmocka_unit_test(test_80_and_84),
		cmocka_unit_test(test_other_lines), cmocka_unit_test(test_difference),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
