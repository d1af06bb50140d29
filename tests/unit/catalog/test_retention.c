/* SPDX-License-Identifier: Apache-2.0 */
/* The policy alone: from dates to reasons, case by case as one would write them on paper. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "catalog/id.h"
#include "slackwater/retention.h"

enum { MAX = 64 };

/* One snapshot of a case: "2026-11-20 13:37", what is known of it, and the reasons that are expected, as their names with blanks between. */
struct one {
	const char *begun;
	const char *flags; /* p pinned, v proven, i partial (incomplete), d damaged */
	const char *keep;
	const char *instance;
};

static int64_t ms(const char *begun)
{
	char id[CATALOG_ID];
	int64_t t = 0;
	int y, mo, d, h, mi;
	assert_int_equal(sscanf(begun, "%d-%d-%d %d:%d", &y, &mo, &d, &h, &mi), 5);
	snprintf(id, sizeof id, "%04d%02d%02dT%02d%02d00Z-000000", y, mo, d, h, mi);
	assert_true(id_time_ms(id, &t));
	return t;
}

static void check(const char *file, int line, struct retention_rules rules, const char *now, const struct one *one, size_t n)
{
	struct retention_item item[MAX];
	assert_true(n <= MAX);
	for (size_t i = 0; i < n; i++)
		item[i] = (struct retention_item){
			.instance = one[i].instance ? one[i].instance : "db1", .time_ms = ms(one[i].begun), .pinned = strchr(one[i].flags, 'p'),
			.proven = strchr(one[i].flags, 'v'), .partial = strchr(one[i].flags, 'i'), .damaged = strchr(one[i].flags, 'd'),
			.keep = 0xffff, /* what was there before does not matter */
		};
	retention_apply(&rules, ms(now), item, n);
	for (size_t i = 0; i < n; i++) {
		char reasons[200] = "";
		for (unsigned r = 0; r < RETENTION_REASONS; r++)
			if (item[i].keep & 1u << r)
				snprintf(reasons + strlen(reasons), sizeof reasons - strlen(reasons), "%s%s", *reasons ? " " : "",
				         retention_reason_name(1u << r));
		if (strcmp(reasons, one[i].keep) != 0) {
			print_error("%s:%d: %s is kept because \"%s\", not \"%s\"\n", file, line, one[i].begun, reasons, one[i].keep);
			fail();
		}
	}
}

#define CASE(rules, now, ...)                                                                                          \
	check(__FILE__, __LINE__, rules, now, (const struct one[]){ __VA_ARGS__ }, sizeof((const struct one[]){ __VA_ARGS__ }) / sizeof(struct one))
#define RULES(...) ((struct retention_rules){ __VA_ARGS__ })
#define HOUR_MS (INT64_C(3600) * 1000)

static void test_last(void **state)
{
	(void)state;
	CASE(RULES(.last = 2), "2026-11-21 00:00",
	     { "2026-11-17 01:00", "", "", NULL }, { "2026-11-18 01:00", "", "", NULL }, { "2026-11-19 01:00", "", "last", NULL },
	     { "2026-11-20 01:00", "", "newest last", NULL });
	CASE(RULES(.last = 100), "2026-11-21 00:00", { "2026-11-17 01:00", "", "last", NULL }, { "2026-11-18 01:00", "", "newest last", NULL });
	CASE(RULES(.last = 1), "2026-11-21 00:00", { "2026-11-17 01:00", "", "newest last", NULL });
}

/* The newest of a day stands for it; a day without one costs nothing. */
static void test_daily_with_gaps(void **state)
{
	(void)state;
	CASE(RULES(.daily = 3), "2026-11-21 00:00",
	     { "2026-10-01 23:59", "", "", NULL },
	     { "2026-11-02 00:00", "", "", NULL },
	     { "2026-11-02 23:59", "", "daily", NULL },
	     { "2026-11-19 00:00", "", "", NULL },
	     { "2026-11-19 12:00", "", "daily", NULL },
	     { "2026-11-20 00:00", "", "", NULL },
	     { "2026-11-20 00:01", "", "newest daily", NULL });
}

static void test_leap_day(void **state)
{
	(void)state;
	CASE(RULES(.daily = 3), "2028-03-02 00:00",
	     { "2028-02-27 03:00", "", "", NULL }, { "2028-02-28 03:00", "", "daily", NULL }, { "2028-02-29 03:00", "", "", NULL },
	     { "2028-02-29 23:30", "", "daily", NULL }, { "2028-03-01 03:00", "", "newest daily", NULL });
}

static void test_year_end(void **state)
{
	(void)state;
	CASE(RULES(.daily = 2, .monthly = 2), "2027-01-02 00:00",
	     { "2026-11-30 23:59", "", "", NULL }, { "2026-12-30 22:00", "", "", NULL }, { "2026-12-31 23:59", "", "daily monthly", NULL },
	     { "2027-01-01 00:00", "", "newest daily monthly", NULL });
}

/* 2020-12-28 (Monday) to 2021-01-03 are one week, 2020-W53; 2024-12-30 and 2025-01-05 are both of 2025-W01. */
static void test_iso_weeks(void **state)
{
	(void)state;
	CASE(RULES(.weekly = 2), "2021-01-05 00:00",
	     { "2020-12-27 23:59", "", "", NULL }, { "2020-12-28 00:00", "", "", NULL }, { "2020-12-31 12:00", "", "", NULL },
	     { "2021-01-03 23:59", "", "weekly", NULL }, { "2021-01-04 00:00", "", "newest weekly", NULL });
	CASE(RULES(.weekly = 2), "2025-01-06 00:00",
	     { "2024-12-22 23:59", "", "", NULL }, { "2024-12-29 23:59", "", "weekly", NULL }, { "2024-12-30 00:00", "", "", NULL },
	     { "2025-01-05 23:59", "", "newest weekly", NULL });
}

static void test_months(void **state)
{
	(void)state;
	CASE(RULES(.monthly = 3), "2028-03-31 12:00",
	     { "2027-12-31 23:59", "", "", NULL }, { "2028-01-31 23:59", "", "monthly", NULL }, { "2028-02-01 00:00", "", "", NULL },
	     { "2028-02-29 23:59", "", "monthly", NULL }, { "2028-03-01 00:00", "", "newest monthly", NULL });
	/* The same month of another year is another month. */
	CASE(RULES(.monthly = 2), "2028-03-31 12:00", { "2027-03-01 00:00", "", "monthly", NULL }, { "2028-03-01 00:00", "", "newest monthly", NULL });
}

/* Reckoned from the newest, not from now: where backups have stopped coming the old ones stay. */
static void test_within(void **state)
{
	(void)state;
	CASE(RULES(.within_ms = 24 * HOUR_MS), "2030-01-01 00:00",
	     { "2026-11-19 12:59", "", "", NULL }, { "2026-11-19 13:00", "", "within", NULL }, { "2026-11-20 12:00", "", "within", NULL },
	     { "2026-11-20 13:00", "", "newest within", NULL });
}

static void test_rules_add_up(void **state)
{
	(void)state;
	CASE(RULES(.last = 1, .daily = 2, .weekly = 2, .monthly = 2, .within_ms = HOUR_MS), "2026-11-24 00:00",
	     { "2026-09-30 01:00", "", "", NULL }, { "2026-10-31 01:00", "", "monthly", NULL }, { "2026-11-20 01:00", "", "", NULL },
	     { "2026-11-22 01:00", "", "daily weekly", NULL }, { "2026-11-23 01:00", "", "within", NULL },
	     { "2026-11-23 02:00", "", "newest last within daily weekly monthly", NULL });
}

static void test_always_kept(void **state)
{
	(void)state;
	CASE(RULES(.last = 1), "2026-11-24 00:00",
	     { "2026-01-01 01:00", "p", "pinned", NULL }, { "2026-01-02 01:00", "v", "", NULL }, { "2026-01-03 01:00", "v", "proven", NULL },
	     { "2026-01-04 01:00", "", "", NULL }, { "2026-01-05 01:00", "", "newest last", NULL });
	CASE(RULES(.daily = 1), "2026-11-24 00:00", { "2026-01-03 01:00", "v", "", NULL }, { "2026-01-05 01:00", "vp", "newest proven pinned daily", NULL });
}

/* Three that nobody can read must not push the last good one out. */
static void test_damaged_ones_stand_for_nothing(void **state)
{
	(void)state;
	CASE(RULES(.last = 1, .daily = 1), "2026-11-24 00:00",
	     { "2026-01-01 01:00", "", "", NULL }, { "2026-01-02 01:00", "", "newest last daily", NULL }, { "2026-01-03 01:00", "d", "damaged", NULL },
	     { "2026-01-04 01:00", "dv", "damaged", NULL }, { "2026-01-04 02:00", "dp", "pinned damaged", NULL });
	CASE(RULES(.last = 1), "2026-11-24 00:00", { "2026-01-01 01:00", "d", "damaged", NULL }, { "2026-01-02 01:00", "d", "damaged", NULL });
}

/* One backup of a host whose clock was wrong must neither be "the newest" nor, by --keep-within, remove all others. */
static void test_future(void **state)
{
	(void)state;
	CASE(RULES(.last = 1, .within_ms = 24 * HOUR_MS), "2026-11-24 00:00",
	     { "2026-11-22 23:00", "", "", NULL }, { "2026-11-23 23:59", "", "within", NULL },
	     { "2026-11-24 23:59", "", "newest last within", NULL } /* clocks differ a little */, { "2026-11-25 00:01", "v", "future", NULL },
	     { "2040-01-01 00:00", "p", "pinned future", NULL });
	/* A clock of our own that is years late removes nothing. */
	CASE(RULES(.last = 1), "1971-01-01 00:00", { "2026-11-22 23:00", "", "future", NULL }, { "2026-11-23 23:00", "", "future", NULL });
}

static void test_partial_ones_are_a_series_of_their_own(void **state)
{
	(void)state;
	CASE(RULES(.daily = 1), "2026-11-24 00:00",
	     { "2026-11-22 01:00", "", "", NULL }, { "2026-11-23 01:00", "v", "newest proven daily", NULL }, { "2026-11-23 02:00", "i", "", NULL },
	     { "2026-11-23 03:00", "iv", "proven", NULL }, { "2026-11-23 04:00", "i", "newest daily", NULL });
}

static void test_each_instance_by_itself(void **state)
{
	(void)state;
	CASE(RULES(.last = 1), "2026-11-24 00:00",
	     { "2026-11-22 01:00", "", "", "a" }, { "2026-11-23 01:00", "", "newest last", "a" }, { "2026-01-01 01:00", "", "newest last", "b" },
	     { "2026-11-23 01:00", "v", "", "c" }, { "2026-11-23 01:00", "v", "newest proven last", "c" });
	retention_apply(&RULES(.last = 1), 0, NULL, 0);
}

static void test_before_1970(void **state)
{
	(void)state;
	CASE(RULES(.daily = 2, .weekly = 1), "2026-11-24 00:00",
	     { "1969-12-30 12:00", "", "", NULL }, { "1969-12-31 12:00", "", "", NULL }, { "1969-12-31 23:59", "", "daily", NULL },
	     { "1970-01-01 00:01", "", "newest daily weekly", NULL });
}

static void test_rules_and_ids(void **state)
{
	(void)state;
	int64_t t;
	assert_false(retention_any(&RULES(0)));
	assert_true(retention_any(&RULES(.last = 1)) && retention_any(&RULES(.daily = 1)) && retention_any(&RULES(.weekly = 1)) &&
	            retention_any(&RULES(.monthly = 1)) && retention_any(&RULES(.within_ms = 1)));
	assert_true(id_time_ms("20261120T133701Z-9f3a1c", &t));
	assert_int_equal(t, INT64_C(1795181821000));
	assert_true(id_time_ms("20280229T000000Z-000000", &t));
	static const char *const never[] = { "20270229T000000Z-000000", "20261301T000000Z-000000", "20260001T000000Z-000000", "20260100T000000Z-000000",
		                             "20260101T240000Z-000000", "20260101T006000Z-000000", "20260101T000060Z-000000" };
	for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
		if (id_time_ms(never[i], &t))
			fail_msg("%s was a moment", never[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_last), cmocka_unit_test(test_daily_with_gaps), cmocka_unit_test(test_leap_day),
		cmocka_unit_test(test_year_end), cmocka_unit_test(test_iso_weeks), cmocka_unit_test(test_months), cmocka_unit_test(test_within),
		cmocka_unit_test(test_rules_add_up), cmocka_unit_test(test_always_kept), cmocka_unit_test(test_damaged_ones_stand_for_nothing),
		cmocka_unit_test(test_future), cmocka_unit_test(test_partial_ones_are_a_series_of_their_own),
		cmocka_unit_test(test_each_instance_by_itself), cmocka_unit_test(test_before_1970), cmocka_unit_test(test_rules_and_ids),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
