/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "slackwater/units.h"

static void sizes_are_read(void **state)
{
	(void)state;
	static const struct { const char *text; uint64_t bytes; } good[] = {
		{ "0", 0 },          { "4096", 4096 },        { "16M", 16u << 20 },   { "16m", 16u << 20 }, { "16MiB", 16u << 20 },
		{ "16MB", 16u << 20 }, { "512K", 512u << 10 }, { "1.5G", 1610612736 }, { "2T", 2199023255552 }, { "0.5k", 512 },
	};
	static const char *const bad[] = { "", "M", "-1", "1X", "1 M", "16 ", "16 b", "1MM", "1e3", "1MiBs", "99999999999G", "0x10", ".", "1,5M" };
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		uint64_t v = 77;
		assert_true(units_parse_size(good[i].text, &v));
		assert_int_equal(v, good[i].bytes);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		uint64_t v = 77;
		assert_false(units_parse_size(bad[i], &v));
		assert_int_equal(v, 77);
	}
}

static void durations_are_read(void **state)
{
	(void)state;
	static const struct { const char *text; int64_t ms; } good[] = {
		{ "0", 0 },        { "500ms", 500 },      { "30s", 30000 },      { "10m", 600000 },   { "1h", 3600000 },
		{ "2d", 172800000 }, { "1h30m", 5400000 }, { "1.5s", 1500 },      { "1m500ms", 60500 }, { "0.1ms", 0 },
	};
	/* a number without its unit is refused: milliseconds or seconds is not ours to guess */
	static const char *const bad[] = { "", "500", "10 s", "s", "-1s", "1x", "1sm", "10min", "1h30", "999999999999d", "ms", "1H" };
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		int64_t v = 77;
		assert_true(units_parse_duration(good[i].text, &v));
		assert_int_equal(v, good[i].ms);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		int64_t v = 77;
		assert_false(units_parse_duration(bad[i], &v));
		assert_int_equal(v, 77);
	}
}

static void figures_are_written(void **state)
{
	(void)state;
	char out[UNITS_TEXT];
	static const struct { uint64_t n; const char *size, *count; } number[] = {
		{ 0, "0 B", "0" },
		{ 999, "999 B", "999" },
		{ 1023, "1023 B", "1,023" },
		{ 1024, "1.0 KiB", "1,024" },
		{ 1048575, "1.0 MiB", "1,048,575" },
		{ 991116492, "945.2 MiB", "991,116,492" },
		{ UINT64_MAX, "16.0 EiB", "18,446,744,073,709,551,615" },
	};
	for (size_t i = 0; i < sizeof number / sizeof number[0]; i++) {
		units_size(number[i].n, out);
		assert_string_equal(out, number[i].size);
		units_count(number[i].n, out);
		assert_string_equal(out, number[i].count);
	}
	static const struct { int64_t ms; const char *text; } time[] = {
		{ 0, "0 ms" },           { 14, "14 ms" },          { 999, "999 ms" },           { 1000, "1.0 s" },
		{ 21449, "21.4 s" },     { 200000, "3 min 20 s" }, { 119999, "2 min 00 s" },    { 3599600, "1 h 00 min" },
		{ 3900000, "1 h 05 min" },
	};
	for (size_t i = 0; i < sizeof time / sizeof time[0]; i++) {
		units_duration(time[i].ms, out);
		assert_string_equal(out, time[i].text);
	}
	units_time(1795181821123, out);
	assert_string_equal(out, "2026-11-20 13:37:01");
	units_time(0, out);
	assert_string_equal(out, "-");
	units_rate(89234432.5, out);
	assert_string_equal(out, "85.1 MiB/s");
	units_rate(-1, out);
	assert_string_equal(out, "0 B/s");
}

/* What --help shows as a default must be readable again and mean the same. */
static void option_texts_read_back(void **state)
{
	(void)state;
	static const uint64_t size[] = { 1, 4096, 16 << 20, 1 << 30, 1000, (3u << 20) + 1 };
	static const int64_t ms[] = { 1, 500, 1500, 30000, 60000, 600000, 3600000, 86400000, 5400000 };
	char out[UNITS_TEXT];
	for (size_t i = 0; i < sizeof size / sizeof size[0]; i++) {
		uint64_t back = 0;
		units_size_option(size[i], out);
		assert_true(units_parse_size(out, &back));
		assert_int_equal(back, size[i]);
	}
	for (size_t i = 0; i < sizeof ms / sizeof ms[0]; i++) {
		int64_t back = 0;
		units_duration_option(ms[i], out);
		assert_true(units_parse_duration(out, &back));
		assert_int_equal(back, ms[i]);
	}
	units_duration_option(60000, out);
	assert_string_equal(out, "60s");
	units_duration_option(600000, out);
	assert_string_equal(out, "10m");
	units_size_option(16 << 20, out);
	assert_string_equal(out, "16M");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_read),
		cmocka_unit_test(durations_are_read),
		cmocka_unit_test(figures_are_written),
		cmocka_unit_test(option_texts_read_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
