/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "progress.h"
#include "sink.h"
#include "slackwater/fs.h"
#include "table.h"
#include "text.h"

static void assert_text(const struct progress *p, unsigned width, const char *expected)
{
	struct buf out = BUF_INIT(1024);
	progress_text(p, width, &out);
	assert_string_equal(buf_str(&out), expected);
	buf_free(&out);
}

static void update(struct progress *p, int64_t now_ms, uint64_t bytes, uint64_t total, uint64_t rows)
{
	progress_update(p, &(struct event){ .kind = EVENT_PROGRESS, .area = "dump", .bytes_done = bytes, .bytes_total = total,
	                                    .rows_done = rows }, now_ms);
}

static void figures_become_a_line(void **state)
{
	(void)state;
	struct progress p = { .terminal = false };
	progress_state(&p, "window", "WATCHING");
	assert_text(&p, 80, "window WATCHING");
	update(&p, 1000, 0, 100 << 20, 0);
	assert_text(&p, 80, "dump    0%  0 B of 100.0 MiB");
	update(&p, 2000, 10 << 20, 100 << 20, 1000);
	assert_text(&p, 80, "dump   10%  10.0 MiB of 100.0 MiB  1,000 rows  10.0 MiB/s  10 s left");
	update(&p, 2500, 20 << 20, 100 << 20, 2000); /* too soon for another sample of the rate */
	assert_text(&p, 80, "dump   20%  20.0 MiB of 100.0 MiB  2,000 rows  10.0 MiB/s  9 s left");
	assert_text(&p, 20, "dump   20%  20.0 MiB");
	update(&p, 9000, 130 << 20, 100 << 20, 2000); /* the total was an estimate */
	assert_text(&p, 30, "dump  130.0 MiB  2,000 rows  1");
	progress_state(&p, "window", "STOPPING");
	assert_text(&p, 80, "window STOPPING");
}

static void starting_over_resets_the_rate(void **state)
{
	(void)state;
	struct progress p = { .terminal = false };
	update(&p, 0, 0, 0, 0);
	update(&p, 1000, 50 << 20, 0, 500);
	assert_text(&p, 80, "dump  50.0 MiB  500 rows  50.0 MiB/s");
	update(&p, 1500, 1 << 20, 0, 10); /* the dump starts over */
	assert_text(&p, 80, "dump  1.0 MiB  10 rows");
	update(&p, 2500, 3 << 20, 0, 20);
	assert_text(&p, 80, "dump  3.0 MiB  20 rows  2.0 MiB/s");
}

/* Events of any kind end up in the log with their fields; figures only now and then. */
static void events_become_log_lines(void **state)
{
	(void)state;
	char dir[] = "/tmp/slackwater-sink-XXXXXX", path[64];
	struct log log;
	struct sink sink;
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT(8192);
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/log", dir);
	assert_int_equal(log_open(&log, path, LOG_LEVEL_INFO, &err), ST_OK);
	sink_init(&sink, &log, NULL);
	event_state(&sink.base, "window", "STOPPING", "stop the applier");
	event_warning(&sink.base, "dump", "odd\nthing");
	event_debug(&sink.base, "dump", "unseen");
	for (int i = 0; i < 100; i++)
		event_progress(&sink.base, "dump", 5, 10, 7, 0);
	sink_destroy(&sink);
	assert_int_equal(fs_read_file(path, &text, &err), ST_OK);
	assert_non_null(strstr(buf_str(&text), " level=info area=window state=STOPPING msg=\"stop the applier\"\n"));
	assert_non_null(strstr(buf_str(&text), " level=warning area=dump msg=\"odd\\nthing\"\n"));
	assert_null(strstr(buf_str(&text), "unseen"));
	assert_null(strstr(buf_str(&text), "progress"));
	buf_free(&text);
	unlink(path);
	rmdir(dir);
}

static void tables_are_aligned(void **state)
{
	(void)state;
	static const char *const header[] = { "NAME", ">ROWS", "X", NULL };
	static const char *const first[] = { "größe", "1,000", "a" }, *const second[] = { "\033b", NULL, "" };
	struct table t;
	struct error err = ERROR_INIT;
	struct buf out = BUF_INIT(1024);
	assert_int_equal(table_init(&t, header, &err), ST_OK);
	assert_int_equal(table_row(&t, first, &err), ST_OK);
	assert_int_equal(table_row(&t, second, &err), ST_OK);
	table_print(&t, "  ", &out);
	assert_string_equal(buf_str(&out), "  NAME    ROWS  X\n"
	                                   "  größe  1,000  a\n"
	                                   "  ?b         -  -\n");
	table_free(&t);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures_become_a_line),
		cmocka_unit_test(starting_over_resets_the_rate),
		cmocka_unit_test(events_become_log_lines),
		cmocka_unit_test(tables_are_aligned),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
