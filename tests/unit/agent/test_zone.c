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
#include "slackwater/fs.h"

static struct zone *zone(const char *name)
{
	struct zone *z;
	struct error err = ERROR_INIT;
	if (zone_load(name, &z, &err))
		fail_msg("%s: %s", name, err.message);
	return z;
}

/* Against the C library, which has the zone of the process only: every quarter of an hour round each change, and each day. */
static void offsets_are_those_of_the_c_library(void **state)
{
	(void)state;
	static const char *const names[] = {
		"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Europe/Dublin", "Africa/Casablanca",
		"America/Nuuk", "America/Scoresbysund", "Asia/Gaza", "Asia/Jerusalem", "Africa/Cairo", "Pacific/Chatham", "Pacific/Easter",
		"America/Sao_Paulo", "America/St_Johns", "Antarctica/Troll", "Pacific/Apia", "Pacific/Kiritimati", "Asia/Beirut",
		"America/Santiago", "Asia/Tehran", "Etc/GMT+12",
	};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct zone *z = zone(names[i]);
		assert_int_equal(setenv("TZ", names[i], 1), 0);
		tzset();
		int64_t before = 0;
		for (time_t t = 0; t < 4102444800 /* 2100 */; t += 6 * 3600 + 900) {
			struct tm tm;
			assert_non_null(localtime_r(&t, &tm));
			if (zone_offset(z, t) != tm.tm_gmtoff)
				fail_msg("%s at %ld: %ld, not %ld", names[i], (long)t, (long)zone_offset(z, t), tm.tm_gmtoff);
			for (time_t fine = t - 6 * 3600 - 900; before != tm.tm_gmtoff && fine < t; fine += 60) {
				struct tm at;
				assert_non_null(localtime_r(&fine, &at));
				assert_int_equal(zone_offset(z, fine), at.tm_gmtoff);
			}
			before = tm.tm_gmtoff;
		}
		zone_free(z);
	}
	unsetenv("TZ");
	tzset();
}

static void local_times_are_found(void **state)
{
	(void)state;
	enum { MARCH_29 = 1774742400, OCTOBER_25 = 1792886400, HOUR = 3600 }; /* of 2026, 00:00 as UTC would show it */
	struct zone *z = zone("Europe/Berlin");
	int64_t again;
	bool skipped;
	assert_int_equal(zone_utc(z, MARCH_29 + HOUR, &again, &skipped), MARCH_29);
	assert_true(!skipped && again == -1);
	assert_int_equal(zone_utc(z, MARCH_29 + 2 * HOUR, &again, &skipped), MARCH_29 + HOUR);
	assert_true(skipped && again == -1);
	assert_int_equal(zone_utc(z, MARCH_29 + 3 * HOUR - 1, &again, &skipped), MARCH_29 + HOUR);
	assert_true(skipped);
	assert_int_equal(zone_utc(z, MARCH_29 + 3 * HOUR, &again, &skipped), MARCH_29 + HOUR);
	assert_true(!skipped);
	assert_int_equal(zone_utc(z, OCTOBER_25 + 2 * HOUR, &again, &skipped), OCTOBER_25);
	assert_true(!skipped && again == OCTOBER_25 + HOUR);
	assert_int_equal(zone_utc(z, OCTOBER_25 + 3 * HOUR, &again, NULL), OCTOBER_25 + 2 * HOUR);
	assert_int_equal(again, -1);
	zone_free(z);
}

static void names_are_checked(void **state)
{
	(void)state;
	static const char *const bad[] = { "Europe/Berli", "Europe", "/etc/passwd", "../../../etc/localtime", "Europe/../Europe/Berlin",
		                           "posixrules/", "tzdata.zi", "Europe//Berlin", " UTC", "CET-1CEST", "zone.tab", "leapseconds",
		                           "A\nB", "utc " };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct zone *z = NULL;
		struct error err = ERROR_INIT;
		assert_int_equal(zone_load(bad[i], &z, &err), ST_FAILED);
		assert_int_equal(err.kind, ERR_USAGE);
		assert_true(*err.hint && !z);
	}
	struct zone *z = zone("UTC"), *local = zone("local");
	assert_int_equal(zone_offset(z, 0), 0);
	zone_free(z);
	zone_free(local);
	zone_free(NULL);
}

/* Cut off anywhere, and changed anywhere: refused or taken, read within its bounds (the sanitizer looks on). */
static void damaged_files(void **state)
{
	(void)state;
	struct buf file = BUF_INIT(1 << 20);
	struct error err = ERROR_INIT;
	assert_int_equal(fs_read_file("/usr/share/zoneinfo/Europe/Berlin", &file, &err), ST_OK);
	struct zone *z = NULL;
	for (size_t len = 0; len < file.len; len++) {
		char *cut = malloc(len + 1);
		memcpy(cut, file.data, len);
		assert_int_equal(zone_parse(cut, len, "cut", &z, &err), ST_FAILED);
		assert_int_equal(err.kind, ERR_USAGE);
		free(cut);
	}
	unsigned seed = 7, taken = 0;
	for (int i = 0; i < 20000; i++) {
		char *copy = malloc(file.len);
		memcpy(copy, file.data, file.len);
		size_t at = (size_t)rand_r(&seed) % (i % 2 ? file.len : 44);
		copy[at] = (char)rand_r(&seed);
		if (!zone_parse(copy, file.len, "changed", &z, &err)) {
			taken++;
			for (int64_t t = -4000000000; t < 8000000000; t += 100000007)
				assert_in_range(zone_offset(z, t) + 100000, 0, 200000);
			zone_free(z);
		}
		free(copy);
	}
	assert_true(taken > 0);
	buf_free(&file);
}

/* A file of version 2 with no transition and one type of offset 0, whose footer is given. */
static enum status with_footer(const char *rule, struct zone **ret)
{
	char file[300] = "TZif2";
	size_t len = 44;
	struct error err = ERROR_INIT;
	for (int block = 0; block < 2; block++) {
		char *header = file + (block ? 44 + 7 : 0);
		memcpy(header, "TZif2", 5);
		header[39] = 1; /* types */
		header[43] = 1; /* characters */
	}
	len = 2 * (44 + 7);
	len += (size_t)snprintf(file + len, sizeof file - len, "\n%s\n", rule);
	return zone_parse(file, len, rule, ret, &err);
}

static void rules(void **state)
{
	(void)state;
	enum { JANUARY_1 = 1767225600, DAY = 86400 };
	static const struct { const char *rule; int day; int64_t offset; } good[] = {
		{ "", 0, 0 },
		{ "UTC0", 0, 0 },
		{ "<+0545>-5:45", 100, 20700 },
		{ "NST3:30NDT,M3.2.0,M11.1.0", 200, -9000 },
		{ "QQQ-1:02:03", 0, 3723 },
		{ "XXX3EDT4,0/0,J365/23", 0, -14400 },  /* summer time all year, as RFC 8536 has it */
		{ "XXX3EDT4,0/0,J365/23", 364, -14400 },
		{ "AAA0BBB,J60/0,J61/0", 59, 3600 },    /* the first of March */
		{ "AAA0BBB,59/0,60/0", 59, 3600 },
		{ "AAA0BBB-2,J10/0,J20/0", 15, 7200 },
		{ "AAA0BBB,M1.1.4/-24,M1.1.4/-22", 0, 0 }, /* the whole of it lies in the year before */
	};
	static const char *const bad[] = { "U0", "UTC", "UTC0X", "UTC25", "CET-1CEST,M3.5.0", "CET-1CEST", "CET-1CEST,M13.5.0,M10.5.0",
		                           "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,J0,J9", "CET-1CEST,366,9",
		                           "CET-1CEST,M3.5.0/168,M10.5.0", "CET-1CEST,M3.5.0,M10.5.0,", "<>0", "<+1>", "CET1:60" };
	struct zone *z;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		if (with_footer(good[i].rule, &z))
			fail_msg("%s was refused", good[i].rule);
		if (zone_offset(z, JANUARY_1 + good[i].day * DAY + DAY / 4) != good[i].offset)
			fail_msg("%s, day %d: %ld", good[i].rule, good[i].day, (long)zone_offset(z, JANUARY_1 + good[i].day * DAY + DAY / 4));
		zone_free(z);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (!with_footer(bad[i], &z))
			fail_msg("%s was taken", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offsets_are_those_of_the_c_library),
		cmocka_unit_test(local_times_are_found),
		cmocka_unit_test(names_are_checked),
		cmocka_unit_test(damaged_files),
		cmocka_unit_test(rules),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
