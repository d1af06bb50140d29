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

#include "schedule/schedule.h"

/* "2026-03-29T01:00", UTC */
static int64_t utc(const char *text)
{
	struct tm tm = { .tm_mday = 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M", &tm);
	assert_true(end && !*end);
	return timegm(&tm);
}

static struct zone *zone(const char *name)
{
	struct zone *z;
	struct error err = ERROR_INIT;
	if (zone_load(name, &z, &err))
		fail_msg("%s: %s", name, err.message);
	return z;
}

static struct schedule schedule(const char *text)
{
	struct schedule s;
	struct error err = ERROR_INIT;
	if (schedule_parse(text, &s, &err))
		fail_msg("%s: %s", text, err.message);
	return s;
}

/* A run of due times: n of them `step` seconds apart, on so many days. */
struct stretch { const char *first; int n, step, days; };

static void check(const char *text, const char *zone_name, const struct stretch *stretch, size_t n)
{
	struct zone *z = zone(zone_name);
	struct schedule s = schedule(text);
	int64_t at = utc(stretch[0].first) - 1;
	for (size_t i = 0; i < n; i++)
		for (int day = 0; day < stretch[i].days; day++)
			for (int k = 0; k < stretch[i].n; k++) {
				int64_t expected = utc(stretch[i].first) + day * 86400 + k * stretch[i].step, next = schedule_next(&s, z, at);
				if (next != expected)
					fail_msg("\"%s\" in %s: %ld after %ld, expected %ld (%s, day %d, %d)", text, zone_name, (long)next, (long)at,
					         (long)expected, stretch[i].first, day, k);
				/* whatever moment since the last one is asked about, the answer is the same */
				assert_int_equal(schedule_next(&s, z, at + (expected - at) / 2), expected);
				assert_int_equal(schedule_next(&s, z, expected - 1), expected);
				at = expected;
			}
	zone_free(z);
}
#define CHECK(text, zone_name, ...) \
	check(text, zone_name, (const struct stretch[]){ __VA_ARGS__ }, sizeof (struct stretch[]){ __VA_ARGS__ } / sizeof(struct stretch))

/* 2026: CET +1 until 29 March 01:00 UTC, CEST +2 until 25 October 01:00 UTC. */
static void a_year_in_berlin(void **state)
{
	(void)state;
	CHECK("30 2 * * *", "Europe/Berlin",
	      { "2026-01-01T01:30", 1, 0, 87 }, { "2026-03-29T01:00", 1, 0, 1 }, /* 02:30 is skipped: 03:00 CEST */
	      { "2026-03-30T00:30", 1, 0, 210 },                                 /* 25 October: the first 02:30 only */
	      { "2026-10-26T01:30", 1, 0, 67 }, { "2027-01-01T01:30", 1, 0, 1 });
	CHECK("0,30 2,3 * * *", "Europe/Berlin",
	      { "2026-03-28T01:00", 4, 1800, 1 }, { "2026-03-29T01:00", 2, 1800, 1 }, /* 02:00, 02:30 and 03:00 are one moment */
	      { "2026-03-30T00:00", 4, 1800, 209 }, { "2026-10-25T00:00", 2, 1800, 1 }, { "2026-10-25T02:00", 2, 1800, 1 },
	      { "2026-10-26T01:00", 4, 1800, 3 });
	CHECK("*/20 * * * *", "Europe/Berlin", { "2026-01-01T00:00", 72, 1200, 365 });
	CHECK("30 * * * *", "Europe/Berlin", { "2026-01-01T00:30", 24, 3600, 365 });
	CHECK("0 */2 * * *", "Europe/Berlin", { "2026-03-28T23:00", 2, 7200, 1 }, /* 00:00, then 02:00, which is 03:00 */
	      { "2026-03-29T02:00", 12, 7200, 210 });
	CHECK("0 0 * * mon-fri", "Europe/Berlin", { "2026-03-24T23:00", 1, 0, 3 }, { "2026-03-29T22:00", 1, 0, 5 },
	      { "2026-04-05T22:00", 1, 0, 5 });
}

/* 2026: EST -5 until 8 March 07:00 UTC, EDT -4 until 1 November 06:00 UTC. */
static void a_year_in_new_york(void **state)
{
	(void)state;
	CHECK("*/30 1-2 * * *", "America/New_York",
	      { "2026-01-01T06:00", 4, 1800, 66 }, { "2026-03-08T06:00", 3, 1800, 1 }, /* 02:00 and 02:30 are skipped: 03:00, once */
	      { "2026-03-09T05:00", 4, 1800, 237 }, { "2026-11-01T05:00", 6, 1800, 1 }, /* 01:00 and 01:30 twice */
	      { "2026-11-02T06:00", 4, 1800, 60 }, { "2027-01-01T06:00", 4, 1800, 1 });
	CHECK("15 1 * * sun", "America/New_York",
	      { "2026-03-01T06:15", 1, 0, 1 }, { "2026-03-08T06:15", 1, 0, 1 }, { "2026-03-15T05:15", 1, 0, 1 },
	      { "2026-03-22T05:15", 1, 0, 1 }, { "2026-03-29T05:15", 1, 0, 1 });
	CHECK("15 1 * * 7", "America/New_York", { "2026-10-25T05:15", 1, 0, 1 }, { "2026-11-01T05:15", 1, 0, 1 },
	      { "2026-11-08T06:15", 1, 0, 1 });
	CHECK("@hourly", "America/New_York", { "2026-01-01T05:00", 24, 3600, 365 });
	CHECK("@monthly", "America/New_York",
	      { "2026-01-01T05:00", 1, 0, 1 }, { "2026-02-01T05:00", 1, 0, 1 }, { "2026-03-01T05:00", 1, 0, 1 },
	      { "2026-04-01T04:00", 1, 0, 1 }, { "2026-05-01T04:00", 1, 0, 1 }, { "2026-06-01T04:00", 1, 0, 1 },
	      { "2026-07-01T04:00", 1, 0, 1 }, { "2026-08-01T04:00", 1, 0, 1 }, { "2026-09-01T04:00", 1, 0, 1 },
	      { "2026-10-01T04:00", 1, 0, 1 }, { "2026-11-01T04:00", 1, 0, 1 }, { "2026-12-01T05:00", 1, 0, 1 });
}

/* Half an hour of summer time: +11 until 4 April 15:00 UTC, +10:30 until 3 October 15:30 UTC. */
static void a_year_on_lord_howe(void **state)
{
	(void)state;
	CHECK("45 1 * * *", "Australia/Lord_Howe",
	      { "2025-12-31T14:45", 1, 0, 95 }, /* 5 April: the first 01:45 only */
	      { "2026-04-05T15:15", 1, 0, 182 }, { "2026-10-04T14:45", 1, 0, 88 });
	CHECK("15 2 * * *", "Australia/Lord_Howe",
	      { "2025-12-31T15:15", 1, 0, 94 }, { "2026-04-04T15:45", 1, 0, 182 }, { "2026-10-03T15:30", 1, 0, 1 }, /* 02:30 +11 */
	      { "2026-10-04T15:15", 1, 0, 88 });
	CHECK("*/15 * * * *", "Australia/Lord_Howe", { "2025-12-31T13:00", 96, 900, 365 });
}

static void a_year_in_kathmandu(void **state)
{
	(void)state;
	CHECK("@daily", "Asia/Kathmandu", { "2025-12-31T18:15", 1, 0, 365 });
	CHECK("0 4 * * *", "UTC", { "2026-01-01T04:00", 1, 0, 365 });
	CHECK("0 4 * * *", "", { "2026-01-01T04:00", 1, 0, 365 });
}

/* Beirut changes at midnight: 29 March 2026 has no 00:00. Havana's 00:00 to 00:59 were repeated on 3 November 2024. */
static void changes_at_midnight(void **state)
{
	(void)state;
	CHECK("0 0 * * *", "Asia/Beirut", { "2026-03-27T22:00", 1, 0, 2 }, { "2026-03-29T21:00", 1, 0, 3 });
	CHECK("30 0 29 3 *", "Asia/Beirut", { "2026-03-28T22:00", 1, 0, 1 });
	CHECK("45 23 * * *", "Asia/Beirut", { "2026-10-23T20:45", 1, 0, 2 }, { "2026-10-25T21:45", 1, 0, 2 }); /* 24 October: twice 23:45 */
	CHECK("*/15 23 * * *", "Asia/Beirut", { "2026-10-23T20:00", 4, 900, 1 }, { "2026-10-24T20:00", 8, 900, 1 },
	      { "2026-10-25T21:00", 4, 900, 1 });
	CHECK("30 0 * * *", "America/Havana", { "2024-11-02T04:30", 1, 0, 2 }, { "2024-11-04T05:30", 1, 0, 2 });
	CHECK("0 12 30 12 *", "Pacific/Apia", { "2010-12-30T22:00", 1, 0, 1 }, { "2011-12-30T10:00", 1, 0, 1 }); /* a day that never was */
}

static void days(void **state)
{
	(void)state;
	CHECK("0 12 29 2 *", "UTC", { "2028-02-29T12:00", 1, 0, 1 }, { "2032-02-29T12:00", 1, 0, 1 });
	CHECK("0 12 29 feb *", "UTC", { "2096-02-29T12:00", 1, 0, 1 }, { "2104-02-29T12:00", 1, 0, 1 });
	CHECK("0 12 31 * *", "UTC", { "2026-01-31T12:00", 1, 0, 1 }, { "2026-03-31T12:00", 1, 0, 1 }, { "2026-05-31T12:00", 1, 0, 1 });
	/* both restricted: either suffices. 2026-03-13 is a Friday */
	CHECK("0 0 13 * fri", "UTC", { "2026-03-06T00:00", 1, 0, 1 }, { "2026-03-13T00:00", 1, 0, 1 }, { "2026-03-20T00:00", 1, 0, 1 },
	      { "2026-03-27T00:00", 1, 0, 1 }, { "2026-04-03T00:00", 1, 0, 1 }, { "2026-04-10T00:00", 1, 0, 1 },
	      { "2026-04-13T00:00", 1, 0, 1 });
	/* a field that begins with * restricts nothing by itself, and both must hold: Sundays that are odd days */
	CHECK("0 0 */2 * sun", "UTC", { "2026-03-01T00:00", 1, 0, 1 }, { "2026-03-15T00:00", 1, 0, 1 }, { "2026-03-29T00:00", 1, 0, 1 },
	      { "2026-04-05T00:00", 1, 0, 1 });
	CHECK("5 0 1 jan,jul *", "UTC", { "2026-01-01T00:05", 1, 0, 1 }, { "2026-07-01T00:05", 1, 0, 1 }, { "2027-01-01T00:05", 1, 0, 1 });
	CHECK("0 6 * * fri-sun", "UTC", { "2026-03-06T06:00", 1, 0, 3 }, { "2026-03-13T06:00", 1, 0, 3 });
	struct zone *z = zone("UTC");
	struct schedule never = schedule("0 0 30 2 *"), nor = schedule("0 0 31 4,6,9,11 *");
	assert_int_equal(schedule_next(&never, z, utc("2026-01-01T00:00")), -1);
	assert_int_equal(schedule_next(&nor, z, utc("2026-01-01T00:00")), -1);
	assert_int_equal(schedule_last(&never, z, 0, utc("2026-01-01T00:00")), -1);
	zone_free(z);
}

static void the_last_one_is_found(void **state)
{
	(void)state;
	static const char *const texts[] = { "30 2 * * *", "*/7 * * * *", "0 0 29 2 *", "0 3 * * sun", "* 2 * * *", "0 12 1 * *" };
	struct zone *z = zone("Europe/Berlin");
	int64_t from = utc("2026-03-01T00:00");
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct schedule s = schedule(texts[i]);
		/* every moment asked about lies at, right before or behind a due time, or anywhere */
		int64_t previous = -1, at = from;
		for (int k = 0; k < 300; k++) {
			int64_t next = schedule_next(&s, z, at);
			assert_int_equal(schedule_last(&s, z, from, next - 1), previous);
			assert_int_equal(schedule_last(&s, z, from, next), next);
			assert_int_equal(schedule_last(&s, z, next, next), -1);
			previous = at = next;
			if (at > utc("2040-01-01T00:00"))
				break;
		}
	}
	zone_free(z);
}

static void fields_are_read(void **state)
{
	(void)state;
	struct schedule s = schedule("\t0,15-20/5,59  0-23/6 1,31 JAN,mar-may MON,wed-Fri,7 ");
	assert_true(s.minutes == (1ull | 1ull << 15 | 1ull << 20 | 1ull << 59));
	assert_int_equal(s.hours, 1 | 1 << 6 | 1 << 12 | 1 << 18);
	assert_int_equal(s.days, 1 << 1 | 1u << 31);
	assert_int_equal(s.months, 1 << 1 | 1 << 3 | 1 << 4 | 1 << 5);
	assert_int_equal(s.weekdays, 1 << 0 | 1 << 1 | 1 << 3 | 1 << 4 | 1 << 5);
	assert_true(!s.any_day && !s.any_weekday && s.elapsed);
	s = schedule("5 4 * * *");
	assert_true(s.any_day && s.any_weekday && !s.elapsed);
	s = schedule("* * * * *");
	assert_true(s.minutes == (1ull << 60) - 1 && s.hours == 0xFFFFFF && s.days == 0xFFFFFFFE && s.months == 0x1FFE && s.weekdays == 0x7F);
	s = schedule("0 0 * * 5-7");
	assert_int_equal(s.weekdays, 1 << 5 | 1 << 6 | 1);
	s = schedule("@Weekly");
	assert_true(s.minutes == 1 && s.hours == 1 && s.weekdays == 1 && s.any_day);
}

static void mistakes_are_told(void **state)
{
	(void)state;
	static const struct { const char *text, *message; } bad[] = {
		{ "", "five fields, this has 0" },
		{ "0 2 * *", "five fields, this has 4" },
		{ "0 0 2 * * *", "five fields, this has 6" },
		{ "60 2 * * *", "minute \"60\"" },
		{ "0 24 * * *", "hour \"24\"" },
		{ "0 2 0 * *", "day of month \"0\"" },
		{ "0 2 32 * *", "day of month" },
		{ "0 2 * 13 *", "month \"13\"" },
		{ "0 2 * foo *", "month \"foo\"" },
		{ "0 2 * janu *", "month \"janu\"" },
		{ "0 2 * * 8", "day of week \"8\"" },
		{ "0 2 * * sunday", "day of week" },
		{ "-1 2 * * *", "minute" },
		{ "5-1 2 * * *", "ends before it begins" },
		{ "*/0 2 * * *", "a step" },
		{ "*/60 2 * * *", "a step" },
		{ "5/10 2 * * *", "a step is of" },
		{ "1,,2 2 * * *", "minute" },
		{ "1, 2 * * *", "minute" },
		{ "1- 2 * * *", "range" },
		{ "**  2 * * *", "minute" },
		{ "1;2 2 * * *", "minute" },
		{ "99999999999999999999 2 * * *", "minute" },
		{ "@dayly", "no schedule \"@dayly\"" },
		{ "@reboot", "no schedule" },
		{ "@daily @daily", "no schedule" },
		{ "@every", "no schedule" },
		{ "@every 10", "whole seconds" },
		{ "@every 1500ms", "whole seconds" },
		{ "@every 0", "whole seconds" },
		{ "0 2 * * L", "day of week" },
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct schedule s = { .minutes = 77 };
		struct error err = ERROR_INIT;
		assert_int_equal(schedule_parse(bad[i].text, &s, &err), ST_FAILED);
		assert_int_equal(err.kind, ERR_USAGE);
		if (!strstr(err.message, bad[i].message) || !*err.hint)
			fail_msg("\"%s\": %s (%s)", bad[i].text, err.message, err.hint);
		assert_int_equal(s.minutes, 77);
	}
	struct error err = ERROR_INIT;
	struct schedule s;
	assert_int_equal(schedule_parse("@dayly", &s, &err), ST_FAILED);
	assert_string_equal(err.hint, "did you mean @daily?");
}

static void at_multiples(void **state)
{
	(void)state;
	struct schedule s;
	struct error err = ERROR_INIT;
	assert_int_equal(schedule_parse("@every 10s", &s, &err), ST_OK);
	assert_int_equal(schedule_next(&s, NULL, 1795181820), 1795181830);
	assert_int_equal(schedule_next(&s, NULL, 1795181829), 1795181830);
	assert_int_equal(schedule_last(&s, NULL, 1795181820, 1795181849), 1795181840);
	assert_int_equal(schedule_last(&s, NULL, 1795181820, 1795181829), -1);
	assert_int_equal(schedule_parse(" @EVERY  6h ", &s, &err), ST_OK);
	assert_int_equal(schedule_next(&s, NULL, 1795181821) % 21600, 0);
}

/* Whatever is written: no crash, and what is taken has bits within the fields. */
static void random_texts(void **state)
{
	(void)state;
	static const char letters[] = "0123456789*/-,, @ abcdefjmnprstuwy  **//\t\x01\xff";
	unsigned taken = 0, seed = 20261126;
	for (int i = 0; i < 300000; i++) {
		char text[40];
		size_t len = (size_t)rand_r(&seed) % (sizeof text - 1);
		for (size_t k = 0; k < len; k++)
			text[k] = letters[(size_t)rand_r(&seed) % (sizeof letters - 1)];
		/* every other begins well, so that more than the first field is reached */
		if (i % 2 && len > 8)
			memcpy(text, "* 1 2 * ", 8);
		text[len] = '\0';
		struct schedule s;
		struct error err = ERROR_INIT;
		if (schedule_parse(text, &s, &err))
			continue;
		taken++;
		assert_true(s.minutes && !(s.minutes >> 60) && s.hours && !(s.hours >> 24) && s.days && !(s.days & 1));
		assert_true(s.months && !(s.months & ~0x1FFEu) && s.weekdays && !(s.weekdays >> 7));
	}
	assert_true(taken > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_year_in_berlin),
		cmocka_unit_test(a_year_in_new_york),
		cmocka_unit_test(a_year_on_lord_howe),
		cmocka_unit_test(a_year_in_kathmandu),
		cmocka_unit_test(changes_at_midnight),
		cmocka_unit_test(days),
		cmocka_unit_test(the_last_one_is_found),
		cmocka_unit_test(at_multiples),
		cmocka_unit_test(fields_are_read),
		cmocka_unit_test(mistakes_are_told),
		cmocka_unit_test(random_texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
