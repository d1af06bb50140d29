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

#include "log.h"
#include "slackwater/fs.h"
#include "text.h"

static void assert_line(const char *value, const char *expected)
{
	struct buf line = BUF_INIT(4096);
	const struct log_field field[] = { { "msg", value } };
	log_format(&line, 1795181821123, LOG_LEVEL_INFO, field, 1);
	static const char head[] = "time=2026-11-20T13:37:01.123Z level=info";
	assert_memory_equal(buf_str(&line), head, strlen(head));
	assert_string_equal(buf_str(&line) + strlen(head), expected);
	buf_free(&line);
}

static void values_are_quoted_where_needed(void **state)
{
	(void)state;
	assert_line("plain", " msg=plain\n");
	assert_line("binlog.000003:73829", " msg=binlog.000003:73829\n");
	assert_line("two words", " msg=\"two words\"\n");
	assert_line("", " msg=\"\"\n");
	assert_line("a=b", " msg=\"a=b\"\n");
	assert_line("say \"hi\" \\", " msg=\"say \\\"hi\\\" \\\\\"\n");
	assert_line("one\ntwo\tthree\rfour", " msg=\"one\\ntwo\\tthree\\x0dfour\"\n");
	assert_line("grün", " msg=grün\n");
	assert_line(NULL, "\n");
}

/* Text from a server must neither forge a line nor move the cursor. */
static void control_sequences_do_not_get_through(void **state)
{
	(void)state;
	assert_line("\033[2Jx", " msg=\"\\x1b[2Jx\"\n");
	assert_line("\302\233" "2J", " msg=\"\\xc2\\x9b2J\"\n"); /* C1 CSI as UTF-8 */
	assert_line("\377\376", " msg=\"\\xff\\xfe\"\n");
	assert_line("\300\257", " msg=\"\\xc0\\xaf\"\n"); /* overlong */
	assert_line("\355\240\200", " msg=\"\\xed\\xa0\\x80\"\n"); /* surrogate */
	assert_line("cut \342\202", " msg=\"cut \\xe2\\x82\"\n");
	assert_line("\177", " msg=\"\\x7f\"\n");
	struct buf out = BUF_INIT(100);
	text_add(&out, "a\033b\302\233c\303\274");
	assert_string_equal(buf_str(&out), "a?b??c\303\274");
	buf_free(&out);
}

static void levels_and_files(void **state)
{
	(void)state;
	char dir[] = "/tmp/slackwater-log-XXXXXX", path[64];
	struct log l;
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT(4096);
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/log", dir);
	const struct log_field field[] = { { "msg", "seen" } }, hidden[] = { { "msg", "hidden" } };
	for (int i = 0; i < 2; i++) { /* the second time it is appended to */
		assert_int_equal(log_open(&l, path, LOG_LEVEL_WARNING, &err), ST_OK);
		log_write(&l, 0, LOG_LEVEL_INFO, hidden, 1);
		log_write(&l, 0, LOG_LEVEL_WARNING, field, 1);
		log_close(&l);
	}
	assert_int_equal(fs_read_file(path, &text, &err), ST_OK);
	assert_string_equal(buf_str(&text), "time=1970-01-01T00:00:00.000Z level=warning msg=seen\n"
	                                    "time=1970-01-01T00:00:00.000Z level=warning msg=seen\n");
	buf_free(&text);
	unlink(path);
	assert_int_equal(log_open(&l, "/nowhere/at/all", LOG_LEVEL_INFO, &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_STORE); /* it may be a disk that is not mounted yet */
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_quoted_where_needed),
		cmocka_unit_test(control_sequences_do_not_get_through),
		cmocka_unit_test(levels_and_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
