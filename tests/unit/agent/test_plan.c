/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "schedule/plan.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

static int64_t at(const char *text)
{
	struct tm tm = { .tm_mday = 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M", &tm);
	assert_true(end && !*end);
	return (int64_t)timegm(&tm) * 1000;
}

struct job {
	struct schedule schedule;
	struct zone *zone;
	struct plan_rules rules;
	struct plan_memory memory;
	struct plan_situation now;
};

static void job_init(struct job *j, const char *schedule, const char *zone, const char *since)
{
	struct error err = ERROR_INIT;
	*j = (struct job){ .rules = { .not_before = PLAN_UNKNOWN, .not_after = PLAN_UNKNOWN, .catch_up = true } };
	assert_int_equal(schedule_parse(schedule, &j->schedule, &err), ST_OK);
	assert_int_equal(zone_load(zone, &j->zone, &err), ST_OK);
	j->rules.schedule = &j->schedule;
	j->rules.zone = j->zone;
	j->memory.since_ms = at(since);
	j->now.up_since_ms = at(since);
	j->now.lag_ms = PLAN_UNKNOWN;
}

static struct plan_decision decide(struct job *j, const char *now)
{
	j->now.now_ms = at(now);
	return plan_decide(&j->rules, &j->memory, &j->now);
}

static void waits(struct job *j, const char *now, const char *look, const char *why)
{
	struct plan_decision d = decide(j, now);
	if (d.act != PLAN_WAIT || !strstr(d.why, why) || d.look_ms != (look ? at(look) : 0) || d.due_ms)
		fail_msg("%s: act %d, look %ld (%s), due %ld: %s", now, d.act, (long)(d.look_ms / 1000), look ? look : "never",
		         (long)(d.due_ms / 1000), d.why);
}

static void starts(struct job *j, const char *now, enum plan_trigger trigger, const char *due)
{
	struct plan_decision d = decide(j, now);
	if (d.act != PLAN_START || d.trigger != trigger || d.due_ms != (due ? at(due) : 0))
		fail_msg("%s: act %d, %s, due %ld: %s", now, d.act, plan_trigger_name(d.trigger), (long)(d.due_ms / 1000), d.why);
	plan_took(&j->memory, &d, j->now.now_ms);
}

static void drops(struct job *j, const char *now, unsigned n, const char *due, const char *why)
{
	struct plan_decision d = decide(j, now);
	if (d.act != PLAN_DROP || d.dropped != n || d.due_ms != at(due) || !strstr(d.why, why))
		fail_msg("%s: act %d, %u, due %ld: %s", now, d.act, d.dropped, (long)(d.due_ms / 1000), d.why);
	plan_took(&j->memory, &d, j->now.now_ms);
}

static void ends(struct job *j, const char *now, enum plan_end end)
{
	plan_ended(&j->memory, end, at(now));
}

static void a_due_time_is_run_once(void **state)
{
	(void)state;
	struct job j;
	job_init(&j, "0 2 * * *", "Europe/Berlin", "2026-01-05T12:00");
	waits(&j, "2026-01-05T12:00", "2026-01-06T01:00", "next 2026-01-06 02:00");
	waits(&j, "2026-01-06T00:59", "2026-01-06T01:00", "next");
	starts(&j, "2026-01-06T01:00", PLAN_BY_SCHEDULE, "2026-01-06T01:00");
	j.now.busy = true;
	waits(&j, "2026-01-06T01:01", "2026-01-07T01:00", "next");
	j.now.busy = false;
	ends(&j, "2026-01-06T01:10", PLAN_SUCCEEDED);
	assert_int_equal(j.memory.succeeded_ms, at("2026-01-06T01:00"));
	waits(&j, "2026-01-06T01:10", "2026-01-07T01:00", "next");
	assert_int_equal(plan_next_ms(&j.rules, &j.memory, at("2026-01-06T01:10")), at("2026-01-07T01:00"));
	zone_free(j.zone);
}

static void downtime_is_caught_up_once(void **state)
{
	(void)state;
	struct job j;
	job_init(&j, "0 2 * * *", "UTC", "2026-01-05T12:00");
	j.now.up_since_ms = at("2026-01-09T09:00");
	drops(&j, "2026-01-09T09:00", 3, "2026-01-08T02:00", "missed while the agent was down");
	assert_int_equal(j.memory.dropped, 3);
	starts(&j, "2026-01-09T09:00", PLAN_BY_CATCH_UP, "2026-01-09T02:00");
	assert_int_equal(j.memory.dropped, 0);
	ends(&j, "2026-01-09T09:20", PLAN_SUCCEEDED);
	waits(&j, "2026-01-09T09:20", "2026-01-10T02:00", "next");
	zone_free(j.zone);

	job_init(&j, "0 2 * * *", "UTC", "2026-01-05T12:00");
	j.rules.catch_up = false;
	j.now.up_since_ms = at("2026-01-06T09:00");
	drops(&j, "2026-01-06T09:00", 1, "2026-01-06T02:00", "catch-up is off");
	waits(&j, "2026-01-06T09:00", "2026-01-07T02:00", "next");
	zone_free(j.zone);

	/* a thousand missed minutes are counted as "100 or more", in one step */
	job_init(&j, "* * * * *", "UTC", "2025-01-05T12:00");
	j.now.up_since_ms = at("2026-01-06T09:00");
	drops(&j, "2026-01-06T09:00", PLAN_COUNTED, "2026-01-06T08:59", "missed");
	starts(&j, "2026-01-06T09:00", PLAN_BY_SCHEDULE, "2026-01-06T09:00");
	zone_free(j.zone);
}

static void nothing_was_missed_before_it_was_known(void **state)
{
	(void)state;
	struct job j;
	job_init(&j, "0 2 * * *", "UTC", "2026-01-05T12:00");
	j.memory.since_ms = at("2026-01-05T02:00"); /* in the very minute: the next one is the first */
	waits(&j, "2026-01-05T12:00", "2026-01-06T02:00", "next");
	zone_free(j.zone);
}

static void jitter(void **state)
{
	(void)state;
	struct job j;
	job_init(&j, "0 2 * * *", "UTC", "2026-01-05T12:00");
	j.rules.jitter_ms = HOUR;
	int64_t lowest = HOUR, highest = 0;
	for (int day = 0; day < 365; day++) {
		int64_t due = at("2026-01-06T02:00") + (int64_t)day * DAY;
		j.now.now_ms = due - MINUTE;
		int64_t start = plan_decide(&j.rules, &j.memory, &j.now).look_ms;
		assert_true(start >= due && start < due + HOUR);
		lowest = start - due < lowest ? start - due : lowest;
		highest = start - due > highest ? start - due : highest;
		/* the same when it is asked again, between due time and start, and of a process that knows nothing of the first */
		j.now.now_ms = start - 1;
		struct plan_decision d = plan_decide(&j.rules, &j.memory, &j.now);
		assert_true(start == due || (d.act == PLAN_WAIT && d.look_ms == start));
		assert_int_equal(plan_next_ms(&j.rules, &j.memory, start - 1), start);
		j.now.now_ms = start;
		d = plan_decide(&j.rules, &j.memory, &j.now);
		assert_true(d.act == PLAN_START && d.trigger == PLAN_BY_SCHEDULE && d.due_ms == due);
		plan_took(&j.memory, &d, start);
		plan_ended(&j.memory, PLAN_SUCCEEDED, start + MINUTE);
	}
	assert_true(lowest < 3 * MINUTE && highest > 57 * MINUTE);
	zone_free(j.zone);
}

/* More jitter than there is between two due times: each is run, in order. */
static void jitter_beyond_the_next_due_time(void **state)
{
	(void)state;
	struct job j;
	job_init(&j, "*/5 * * * *", "UTC", "2026-01-05T12:00");
	j.rules.jitter_ms = DAY;
	int64_t last_due = j.memory.since_ms;
	for (j.now.now_ms = j.memory.since_ms; j.now.now_ms < at("2026-01-06T12:00"); j.now.now_ms += 10 * SECOND) {
		struct plan_decision d = plan_decide(&j.rules, &j.memory, &j.now);
		assert_true(plan_next_ms(&j.rules, &j.memory, j.now.now_ms) < j.now.now_ms + 10 * MINUTE); /* not beyond the next due time */
		if (d.act == PLAN_WAIT)
			continue;
		assert_int_equal(d.act, PLAN_START);
		assert_int_equal(d.due_ms, last_due + 5 * MINUTE);
		assert_true(j.now.now_ms >= d.due_ms && j.now.now_ms < d.due_ms + 5 * MINUTE + 10 * SECOND);
		last_due = d.due_ms;
		plan_took(&j.memory, &d, j.now.now_ms);
		plan_ended(&j.memory, PLAN_SUCCEEDED, j.now.now_ms);
	}
	assert_true(last_due >= at("2026-01-06T11:50"));
	zone_free(j.zone);
}

static void no_overlap(void **state)
{
	(void)state;
	struct job j;
	job_init(&j, "0 * * * *", "UTC", "2026-01-05T12:00");
	j.now.busy = true;
	waits(&j, "2026-01-05T13:00", "2026-01-05T14:00", "another job of this instance");
	j.now.busy = false;
	starts(&j, "2026-01-05T13:20", PLAN_BY_SCHEDULE, "2026-01-05T13:00");
	j.now.busy = true; /* by itself, for more than two hours */
	drops(&j, "2026-01-05T15:00", 1, "2026-01-05T14:00", "it could not start, and the next due time has come");
	waits(&j, "2026-01-05T15:00", "2026-01-05T16:00", "another job of this instance");
	ends(&j, "2026-01-05T15:40", PLAN_SUCCEEDED);
	j.now.busy = false;
	starts(&j, "2026-01-05T15:40", PLAN_BY_SCHEDULE, "2026-01-05T15:00");
	zone_free(j.zone);
}

static void its_turn(void **state)
{
	(void)state;
	struct job j;
	job_init(&j, "0 * * * *", "UTC", "2026-01-05T12:00");
	j.now.full = true;
	waits(&j, "2026-01-05T13:00", "2026-01-05T14:00", "for its turn: max-runs");
	drops(&j, "2026-01-05T14:00", 1, "2026-01-05T13:00", "it could not start, and the next due time has come");
	waits(&j, "2026-01-05T14:00", "2026-01-05T15:00", "for its turn: max-runs");
	j.now.full = false;
	starts(&j, "2026-01-05T14:20", PLAN_BY_SCHEDULE, "2026-01-05T14:00");
	ends(&j, "2026-01-05T14:30", PLAN_SUCCEEDED);
	j.now.full = j.now.asked = true; /* whom a person asks does not wait for it */
	starts(&j, "2026-01-05T14:40", PLAN_BY_REQUEST, NULL);
	zone_free(j.zone);
}

static void lag_gate(void **state)
{
	(void)state;
	struct job j;
	job_init(&j, "0 2 * * *", "UTC", "2026-01-05T12:00");
	j.rules.max_lag_ms = 5 * MINUTE;
	j.now.lag_ms = 5 * MINUTE + 1;
	waits(&j, "2026-01-06T02:00", "2026-01-07T00:00", "the replica is 5 min 00 s behind, max-lag is 5 min 00 s");
	j.now.lag_ms = 5 * MINUTE;
	starts(&j, "2026-01-06T03:00", PLAN_BY_SCHEDULE, "2026-01-06T02:00");
	ends(&j, "2026-01-06T03:10", PLAN_SUCCEEDED);
	j.now.lag_ms = HOUR;
	waits(&j, "2026-01-08T01:59", "2026-01-08T02:00", "behind");
	drops(&j, "2026-01-08T02:00", 1, "2026-01-07T02:00", "the next due time has come");
	waits(&j, "2026-01-08T02:00", "2026-01-09T00:00", "behind");
	j.now.lag_ms = PLAN_UNKNOWN;
	struct plan_decision d = decide(&j, "2026-01-08T02:01");
	assert_int_equal(d.act, PLAN_START);
	assert_non_null(strstr(d.why, "not known"));
	/* only until its hours are over */
	j.rules.not_before = 60;
	j.rules.not_after = 5 * 60;
	j.now.lag_ms = HOUR;
	waits(&j, "2026-01-08T02:01", "2026-01-08T05:00", "behind");
	drops(&j, "2026-01-08T05:00", 1, "2026-01-08T02:00", "from 01:00 to 05:00 only");
	zone_free(j.zone);
}

/* After a start and after a reload: nothing is known of the replica yet, which is not the same as that it cannot be known. */
static void lag_gate_before_the_first_look(void **state)
{
	(void)state;
	struct job j;
	job_init(&j, "0 2 * * *", "UTC", "2026-01-05T12:00");
	j.rules.max_lag_ms = 5 * MINUTE;
	j.now.lag_by_ms = at("2026-01-06T02:03");
	waits(&j, "2026-01-06T02:00", "2026-01-06T02:03", "not been looked at yet");
	struct plan_decision d = decide(&j, "2026-01-06T02:03");
	assert_int_equal(d.act, PLAN_START);
	assert_non_null(strstr(d.why, "not known"));
	j.now.lag_ms = HOUR; /* the one of before a reload */
	waits(&j, "2026-01-06T02:00", "2026-01-07T00:00", "behind");
	j.now.lag_ms = 0;
	starts(&j, "2026-01-06T02:00", PLAN_BY_SCHEDULE, "2026-01-06T02:00");
	ends(&j, "2026-01-06T02:10", PLAN_SUCCEEDED);
	/* who minds no lag does not wait for it */
	j.rules.max_lag_ms = 0;
	j.now.lag_ms = PLAN_UNKNOWN;
	j.now.lag_by_ms = at("2026-01-07T02:03");
	starts(&j, "2026-01-07T02:00", PLAN_BY_SCHEDULE, "2026-01-07T02:00");
	zone_free(j.zone);
}

static void hours(void **state)
{
	(void)state;
	struct job j;
	job_init(&j, "0 20 * * *", "Europe/Berlin", "2026-01-05T12:00");
	j.rules.not_before = 22 * 60;
	j.rules.not_after = 4 * 60; /* over midnight */
	waits(&j, "2026-01-05T19:00", "2026-01-05T21:00", "until 2026-01-05 22:00");
	starts(&j, "2026-01-05T21:00", PLAN_BY_SCHEDULE, "2026-01-05T19:00");
	ends(&j, "2026-01-05T21:05", PLAN_SUCCEEDED);
	/* down until after the hours: the next night has a due time of its own before them */
	j.now.up_since_ms = at("2026-01-07T08:00");
	drops(&j, "2026-01-07T08:00", 1, "2026-01-06T19:00", "from 22:00 to 04:00 only");
	/* down, but back within the hours; 04:00 itself is none of them */
	j.now.up_since_ms = at("2026-01-08T01:00");
	assert_int_equal(decide(&j, "2026-01-08T03:00").act, PLAN_DROP);
	starts(&j, "2026-01-08T02:59", PLAN_BY_CATCH_UP, "2026-01-07T19:00");
	zone_free(j.zone);

	/* once a week: made up for in the next night, not a week later */
	job_init(&j, "0 2 * * sun", "UTC", "2026-01-05T12:00");
	j.rules.not_before = 60;
	j.rules.not_after = 5 * 60;
	j.now.up_since_ms = at("2026-01-11T09:00");
	waits(&j, "2026-01-11T09:00", "2026-01-12T01:00", "until 2026-01-12 01:00");
	starts(&j, "2026-01-12T01:00", PLAN_BY_CATCH_UP, "2026-01-11T02:00");
	zone_free(j.zone);

	/* one border alone is from or to midnight; 02:30 does not exist that night */
	job_init(&j, "0 0 * * *", "Europe/Berlin", "2026-03-28T12:00");
	j.rules.not_before = 150;
	waits(&j, "2026-03-28T23:00", "2026-03-29T01:00", "until 2026-03-29 03:00");
	starts(&j, "2026-03-29T01:00", PLAN_BY_SCHEDULE, "2026-03-28T23:00");
	zone_free(j.zone);
	job_init(&j, "0 4 * * *", "UTC", "2026-01-05T12:00");
	j.rules.not_after = 6 * 60;
	j.now.lag_ms = 0;
	starts(&j, "2026-01-06T05:59", PLAN_BY_SCHEDULE, "2026-01-06T04:00");
	drops(&j, "2026-01-07T06:00", 1, "2026-01-07T04:00", "from 00:00 to 06:00 only");
	zone_free(j.zone);
}

static void retries_double(void **state)
{
	(void)state;
	struct job j;
	job_init(&j, "0 2 * * *", "UTC", "2026-01-05T12:00");
	j.rules.retries = 4;
	j.rules.retry_ms = 5 * MINUTE;
	j.rules.retry_max_ms = 15 * MINUTE;
	starts(&j, "2026-01-06T02:00", PLAN_BY_SCHEDULE, "2026-01-06T02:00");
	ends(&j, "2026-01-06T02:10", PLAN_FAILED);
	waits(&j, "2026-01-06T02:10", "2026-01-06T02:15", "failed 1 time, tried again");
	assert_int_equal(plan_next_ms(&j.rules, &j.memory, at("2026-01-06T02:10")), at("2026-01-06T02:15"));
	starts(&j, "2026-01-06T02:15", PLAN_BY_RETRY, NULL);
	ends(&j, "2026-01-06T02:16", PLAN_FAILED);
	waits(&j, "2026-01-06T02:16", "2026-01-06T02:26", "failed 2 times");
	starts(&j, "2026-01-06T02:26", PLAN_BY_RETRY, NULL);
	ends(&j, "2026-01-06T02:27", PLAN_FAILED);
	waits(&j, "2026-01-06T02:27", "2026-01-06T02:42", "failed 3 times"); /* 20 minutes are more than the most */
	starts(&j, "2026-01-06T02:42", PLAN_BY_RETRY, NULL);
	ends(&j, "2026-01-06T02:43", PLAN_FAILED);
	starts(&j, "2026-01-06T02:58", PLAN_BY_RETRY, NULL);
	ends(&j, "2026-01-06T02:59", PLAN_FAILED);
	assert_int_equal(j.memory.failures, 5);
	waits(&j, "2026-01-06T04:00", "2026-01-07T02:00", "next");
	/* the next due time has retries of its own */
	starts(&j, "2026-01-07T02:00", PLAN_BY_SCHEDULE, "2026-01-07T02:00");
	ends(&j, "2026-01-07T02:01", PLAN_FAILED);
	assert_int_equal(j.memory.failures, 6);
	waits(&j, "2026-01-07T02:01", "2026-01-07T02:06", "failed 1 time");
	/* the gates hold for a retry as well */
	j.rules.max_lag_ms = MINUTE;
	j.now.lag_ms = HOUR;
	waits(&j, "2026-01-07T02:06", "2026-01-08T00:00", "behind");
	j.now.lag_ms = 0;
	starts(&j, "2026-01-07T02:07", PLAN_BY_RETRY, NULL);
	ends(&j, "2026-01-07T02:08", PLAN_SUCCEEDED);
	assert_int_equal(j.memory.failures, 0);
	waits(&j, "2026-01-07T02:30", "2026-01-08T02:00", "next");
	zone_free(j.zone);
}

static void a_retry_gives_way_to_the_next_due_time(void **state)
{
	(void)state;
	struct job j;
	job_init(&j, "0 * * * *", "UTC", "2026-01-05T12:00");
	j.rules.retries = 3;
	j.rules.retry_ms = 30 * MINUTE;
	j.rules.retry_max_ms = HOUR;
	starts(&j, "2026-01-05T13:00", PLAN_BY_SCHEDULE, "2026-01-05T13:00");
	ends(&j, "2026-01-05T13:40", PLAN_FAILED);
	waits(&j, "2026-01-05T13:40", "2026-01-05T14:00", "next 2026-01-05 14:00");
	starts(&j, "2026-01-05T14:10", PLAN_BY_SCHEDULE, "2026-01-05T14:00");
	ends(&j, "2026-01-05T14:11", PLAN_CANCELLED); /* by a person: not tried again */
	waits(&j, "2026-01-05T14:59", "2026-01-05T15:00", "next");
	starts(&j, "2026-01-05T15:00", PLAN_BY_SCHEDULE, "2026-01-05T15:00");
	ends(&j, "2026-01-05T15:01", PLAN_FAILED);
	waits(&j, "2026-01-05T15:01", "2026-01-05T15:31", "failed 1 time");
	zone_free(j.zone);
}

static void min_interval(void **state)
{
	(void)state;
	struct job j;
	job_init(&j, "0 2 * * *", "UTC", "2026-01-05T12:00");
	j.rules.min_interval_ms = 12 * HOUR;
	j.now.up_since_ms = at("2026-01-06T20:00");
	starts(&j, "2026-01-06T20:00", PLAN_BY_CATCH_UP, "2026-01-06T02:00");
	ends(&j, "2026-01-06T20:30", PLAN_SUCCEEDED);
	waits(&j, "2026-01-07T02:00", "2026-01-07T08:00", "until 2026-01-07 08:00");
	starts(&j, "2026-01-07T08:00", PLAN_BY_SCHEDULE, "2026-01-07T02:00");
	ends(&j, "2026-01-07T08:01", PLAN_FAILED); /* a failure delays nothing */
	zone_free(j.zone);

	job_init(&j, "0 * * * *", "UTC", "2026-01-05T12:00");
	j.rules.min_interval_ms = 3 * HOUR;
	starts(&j, "2026-01-05T13:00", PLAN_BY_SCHEDULE, "2026-01-05T13:00");
	ends(&j, "2026-01-05T13:10", PLAN_SUCCEEDED);
	drops(&j, "2026-01-05T14:00", 1, "2026-01-05T14:00", "more recent than min-interval");
	drops(&j, "2026-01-05T15:00", 1, "2026-01-05T15:00", "more recent than min-interval");
	starts(&j, "2026-01-05T16:00", PLAN_BY_SCHEDULE, "2026-01-05T16:00");
	zone_free(j.zone);
}

static void paused(void **state)
{
	(void)state;
	struct job j;
	job_init(&j, "0 2 * * *", "UTC", "2026-01-05T12:00");
	j.now.paused = true;
	waits(&j, "2026-01-06T02:00", "2026-01-07T02:00", "paused");
	assert_true(decide(&j, "2026-01-06T02:00").held_up);
	assert_true(decide(&j, "2026-01-07T02:00").excused);
	drops(&j, "2026-01-07T02:00", 1, "2026-01-06T02:00", "paused");
	j.now.paused = false;
	starts(&j, "2026-01-07T11:00", PLAN_BY_SCHEDULE, "2026-01-07T02:00");
	ends(&j, "2026-01-07T11:01", PLAN_SUCCEEDED);
	j.now.paused = true;
	j.rules.catch_up = false;
	assert_true(decide(&j, "2026-01-08T02:00").excused);
	drops(&j, "2026-01-08T02:00", 1, "2026-01-08T02:00", "paused");
	j.now.paused = false;
	waits(&j, "2026-01-08T02:01", "2026-01-09T02:00", "next");
	assert_false(decide(&j, "2026-01-08T02:01").held_up);
	zone_free(j.zone);
}

static void asked(void **state)
{
	(void)state;
	struct job j;
	job_init(&j, "0 2 * * *", "UTC", "2026-01-05T12:00");
	/* nothing but busy holds it up */
	j.rules.max_lag_ms = MINUTE;
	j.rules.min_interval_ms = DAY;
	j.rules.retries = 3;
	j.rules.retry_ms = j.rules.retry_max_ms = MINUTE;
	j.now.asked = j.now.paused = j.now.busy = true;
	j.now.lag_ms = HOUR;
	waits(&j, "2026-01-05T13:00", NULL, "asked for: another job");
	j.now.busy = false;
	starts(&j, "2026-01-05T13:00", PLAN_BY_REQUEST, NULL);
	ends(&j, "2026-01-05T13:01", PLAN_FAILED);
	j.now.asked = j.now.paused = false;
	waits(&j, "2026-01-05T15:00", "2026-01-06T02:00", "next"); /* who asked sees it */
	/* it stands for what is waiting */
	waits(&j, "2026-01-06T02:00", "2026-01-07T00:00", "behind");
	j.now.asked = true;
	starts(&j, "2026-01-06T02:30", PLAN_BY_REQUEST, "2026-01-06T02:00");
	ends(&j, "2026-01-06T02:40", PLAN_SUCCEEDED);
	j.now.asked = false;
	waits(&j, "2026-01-06T02:40", "2026-01-07T02:00", "next");
	zone_free(j.zone);

	struct plan_rules only_asked = { .not_before = PLAN_UNKNOWN, .not_after = PLAN_UNKNOWN };
	struct plan_memory memory = { .since_ms = 1 };
	struct plan_situation now = { .now_ms = at("2026-01-06T02:00"), .lag_ms = PLAN_UNKNOWN };
	assert_int_equal(plan_decide(&only_asked, &memory, &now).act, PLAN_WAIT);
	assert_int_equal(plan_next_ms(&only_asked, &memory, now.now_ms), 0);
	now.asked = true;
	assert_int_equal(plan_decide(&only_asked, &memory, &now).act, PLAN_START);
}

static void the_clock_jumps(void **state)
{
	(void)state;
	struct job j;
	job_init(&j, "0 * * * *", "UTC", "2026-01-05T12:00");
	j.rules.min_interval_ms = 10 * MINUTE;
	starts(&j, "2026-01-05T13:00", PLAN_BY_SCHEDULE, "2026-01-05T13:00");
	ends(&j, "2026-01-05T13:01", PLAN_SUCCEEDED);
	starts(&j, "2026-01-05T14:00", PLAN_BY_SCHEDULE, "2026-01-05T14:00");
	ends(&j, "2026-01-05T14:01", PLAN_SUCCEEDED);
	/* two hours back: nothing is repeated */
	waits(&j, "2026-01-05T12:10", "2026-01-05T15:00", "next");
	waits(&j, "2026-01-05T13:00", "2026-01-05T15:00", "next");
	waits(&j, "2026-01-05T14:30", "2026-01-05T15:00", "next");
	assert_int_equal(plan_next_ms(&j.rules, &j.memory, at("2026-01-05T12:10")), at("2026-01-05T15:00"));
	/* five hours ahead while we were up: one run, the rest with a reason */
	drops(&j, "2026-01-05T20:10", 5, "2026-01-05T19:00", "it could not start");
	starts(&j, "2026-01-05T20:10", PLAN_BY_SCHEDULE, "2026-01-05T20:00");
	zone_free(j.zone);
}

static void a_clock_that_was_a_year_ahead(void **state)
{
	(void)state;
	struct job j;
	job_init(&j, "0 2 * * *", "UTC", "2027-01-05T12:00");
	j.rules.min_interval_ms = HOUR;
	starts(&j, "2027-01-06T02:00", PLAN_BY_SCHEDULE, "2027-01-06T02:00");
	ends(&j, "2027-01-06T02:01", PLAN_SUCCEEDED);
	assert_int_equal(plan_next_ms(&j.rules, &j.memory, at("2026-01-05T12:00")), at("2026-01-06T02:00"));
	/* set right: it goes on with the next night, not in a year */
	drops(&j, "2026-01-05T12:00", 0, "2026-01-05T12:00", "the clock has been set back");
	j.rules.catch_up = false; /* what the daemon's start was noted as is of that clock, too */
	waits(&j, "2026-01-05T12:00", "2026-01-06T02:00", "next 2026-01-06 02:00");
	starts(&j, "2026-01-06T02:01", PLAN_BY_SCHEDULE, "2026-01-06T02:00");
	zone_free(j.zone);
}

/* Three zones, a year, three minutes at a time, with everything switched on: each due time is run or dropped, in order, none twice. */
static void a_year_by_the_clock(void **state)
{
	(void)state;
	static const struct { const char *zone, *schedule; int due; } year[] = {
		{ "Europe/Berlin", "30 2 * * *", 365 },
		{ "America/New_York", "*/30 1-2 * * *", 1461 }, /* 4 a day; one less, then two more, when the clocks change */
		{ "Australia/Lord_Howe", "45 1,13 * * *", 730 },
	};
	for (size_t i = 0; i < sizeof year / sizeof year[0]; i++) {
		struct job j;
		unsigned seed = 1, started = 0, dropped = 0;
		int64_t busy_until = 0, end = at("2027-01-01T12:00"), last = 0;
		enum plan_end how = PLAN_SUCCEEDED;
		job_init(&j, year[i].schedule, year[i].zone, "2026-01-01T12:00");
		j.rules.retries = 2;
		j.rules.retry_ms = j.rules.retry_max_ms = 10 * MINUTE;
		j.rules.max_lag_ms = MINUTE;
		j.rules.jitter_ms = 7 * MINUTE;
		j.now.lag_ms = 0;
		for (int64_t now = j.memory.since_ms; now < end; now += 3 * MINUTE) {
			if (busy_until && now >= busy_until) {
				plan_ended(&j.memory, how, now);
				busy_until = 0;
			}
			if (rand_r(&seed) % 2000 == 0) /* the host is off for up to three days */
				j.now.up_since_ms = now += (int64_t)(rand_r(&seed) % 4320) * MINUTE;
			now = now < end ? now : end - MINUTE;
			if (rand_r(&seed) % 60 == 0)
				j.now.lag_ms = j.now.lag_ms ? 0 : HOUR;
			j.now.now_ms = now;
			j.now.busy = busy_until > now;
			struct plan_decision d = plan_decide(&j.rules, &j.memory, &j.now);
			for (; d.act == PLAN_DROP; d = plan_decide(&j.rules, &j.memory, &j.now)) {
				assert_true(d.due_ms > last && *d.why);
				last = d.due_ms;
				dropped += d.dropped;
				plan_took(&j.memory, &d, now);
			}
			assert_true(d.act == PLAN_START || !d.look_ms || d.look_ms > now);
			if (d.act != PLAN_START)
				continue;
			assert_false(j.now.busy);
			assert_true(j.now.lag_ms == 0);
			assert_true(d.trigger == PLAN_BY_RETRY ? !d.due_ms : d.due_ms > last && d.due_ms <= now);
			last = d.due_ms ? d.due_ms : last;
			started += d.due_ms != 0;
			plan_took(&j.memory, &d, now);
			busy_until = now + (1 + rand_r(&seed) % 90) * MINUTE;
			how = rand_r(&seed) % 4 ? PLAN_SUCCEEDED : PLAN_FAILED;
		}
		/* the last one may still be waiting at the end */
		int total = (int)(started + dropped);
		if (total < year[i].due - 1 || total > year[i].due || !dropped || started < 100)
			fail_msg("%s: %u started, %u dropped, expected %d", year[i].zone, started, dropped, year[i].due);
		zone_free(j.zone);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_due_time_is_run_once),
		cmocka_unit_test(downtime_is_caught_up_once),
		cmocka_unit_test(nothing_was_missed_before_it_was_known),
		cmocka_unit_test(jitter),
		cmocka_unit_test(jitter_beyond_the_next_due_time),
		cmocka_unit_test(no_overlap),
		cmocka_unit_test(its_turn),
		cmocka_unit_test(lag_gate),
		cmocka_unit_test(lag_gate_before_the_first_look),
		cmocka_unit_test(hours),
		cmocka_unit_test(retries_double),
		cmocka_unit_test(a_retry_gives_way_to_the_next_due_time),
		cmocka_unit_test(min_interval),
		cmocka_unit_test(paused),
		cmocka_unit_test(asked),
		cmocka_unit_test(the_clock_jumps),
		cmocka_unit_test(a_clock_that_was_a_year_ahead),
		cmocka_unit_test(a_year_by_the_clock),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
