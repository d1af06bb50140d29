/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "slackwater/array.h"
#include "slackwater/digest.h"
#include "slackwater/fs.h"
#include "slackwater/hex.h"
#include "slackwater/jsonx.h"
#include "slackwater/run.h"

static void test_buf_maximum(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(5);
	struct error err;
	buf_adds(&b, "12345");
	assert_int_equal(buf_check(&b, "b", &err), ST_OK);
	buf_addc(&b, '6');
	assert_int_equal(buf_check(&b, "the text", &err), ST_FAILED);
	assert_string_equal(err.message, "the text is larger than 5 bytes");
	assert_null(buf_take(&b));
	buf_clear(&b);
	buf_addf(&b, "%d", 42);
	assert_string_equal(buf_str(&b), "42");
	char *s = buf_take(&b);
	assert_string_equal(s, "42");
	free(s);
	assert_string_equal(buf_str(&b), "");
}

static void test_buf_secret_is_zeroed(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(4096);
	b.secret = 1;
	buf_adds(&b, "password");
	buf_clear(&b);
	for (size_t i = 0; i < b.cap; i++)
		assert_int_equal(b.data[i], 0);
	buf_free(&b);
	assert_int_equal(b.secret, 1);
}

static void test_array_room(void **state)
{
	(void)state;
	int *list = NULL;
	size_t cap = 0;
	for (int n = 0; n < 100; n++) {
		int *more = array_room(list, (size_t)n, &cap, sizeof *list);
		assert_non_null(more);
		assert_true((size_t)n < cap);
		list = more;
		list[n] = n;
	}
	for (int n = 0; n < 100; n++)
		assert_int_equal(list[n], n);
	assert_ptr_equal(array_room(list, 50, &cap, sizeof *list), list);
	free(list);
}

static void test_error_one_line(void **state)
{
	(void)state;
	struct error err;
	assert_int_equal(error_sys(&err, ST_FAILED, ERR_STORE, ENOSPC, "cannot write %s", "a\nb"), ST_FAILED);
	assert_string_equal(err.message, "cannot write a b: No space left on device");
	assert_int_equal(err.sys_errno, ENOSPC);
	assert_string_not_equal(err.hint, "");
	assert_int_equal(error_prefix(&err, "shard %d", 3), ST_FAILED);
	assert_string_equal(err.message, "shard 3: cannot write a b: No space left on device");
	assert_int_equal(err.kind, ERR_STORE);
	error_set(&err, ST_FAILED, ERR_STORE, "again: %s", err.message);
	assert_string_equal(err.message, "again: shard 3: cannot write a b: No space left on device");
}

struct counted { int calls; };
static void count_call(void *arg)
{
	((struct counted *)arg)->calls++;
}

static void test_run_child(void **state)
{
	(void)state;
	struct run run, first, second, late;
	struct error err;
	assert_int_equal(run_init(&run, NULL, NULL, NULL, &err), ST_OK);
	assert_int_equal(run_child(&first, &run, &err), ST_OK);
	assert_int_equal(run_child(&second, &run, &err), ST_OK);
	run_cancel(&first, 10);
	assert_int_equal(run_check(&run, &err), ST_OK);
	run_destroy(&first);
	run_cancel(&run, 15);
	assert_int_equal(run_check(&second, &err), ST_FAILED);
	assert_string_equal(err.message, "interrupted by signal 15");
	assert_int_equal(run_child(&late, &run, &err), ST_OK);
	assert_true(run_cancelled(&late));
	run_destroy(&late);
	run_destroy(&second);
	run_destroy(&run);
}

static void test_run_cancel(void **state)
{
	(void)state;
	struct run run, shield;
	struct error err;
	struct counted a = { 0 }, b = { 0 }, late = { 0 };
	struct run_hook ha = { .fn = count_call, .arg = &a }, hb = { .fn = count_call, .arg = &b };
	struct run_hook hl = { .fn = count_call, .arg = &late };
	assert_int_equal(run_init(&run, NULL, NULL, NULL, &err), ST_OK);
	assert_int_equal(run_shield(&shield, &run, &err), ST_OK);
	run_hook_add(&run, &ha);
	run_hook_add(&run, &hb);
	run_hook_del(&run, &ha);
	assert_int_equal(run_check(&run, &err), ST_OK);
	run_cancel(&run, 15);
	run_cancel(&run, 2); /* the first signal counts */
	assert_int_equal(a.calls, 0);
	assert_int_equal(b.calls, 1);
	assert_int_equal(run_check(&run, &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_INTERRUPTED);
	assert_string_equal(err.message, "interrupted by signal 15");
	int64_t before = run_now_ms(&run);
	assert_int_equal(run_sleep_ms(&run, 60000, &err), ST_FAILED);
	assert_true(run_now_ms(&run) - before < 10000);
	run_hook_add(&run, &hl);
	assert_int_equal(late.calls, 1);
	assert_int_equal(run_check(&shield, &err), ST_OK);
	run_hook_del(&run, &hb);
	run_hook_del(&run, &hl);
	run_destroy(&shield);
	run_destroy(&run);
}

static void test_format_time(void **state)
{
	(void)state;
	char text[32];
	run_format_time(1795181821123, text);
	assert_string_equal(text, "2026-11-20T13:37:01.123Z");
}

static void test_recorder(void **state)
{
	(void)state;
	struct event_recorder inner, outer;
	event_recorder_init(&inner, NULL);
	event_recorder_init(&outer, &inner.base);
	event_warning(&outer.base, "dump", "table %s", "a");
	event_warning(&outer.base, "dump", "table %s", "a");
	event_info(&outer.base, "dump", "not a warning");
	event_note(&outer.base, "dump", "a note");
	assert_int_equal(outer.warnings.n, 1);
	assert_string_equal(inner.warnings.item[0], "table a");
	assert_int_equal(outer.notes.n, 1);
	assert_string_equal(inner.notes.item[0], "a note");
	event_recorder_free(&outer);
	event_recorder_free(&inner);
}

static void test_fs_atomic(void **state)
{
	(void)state;
	char dir[] = "/tmp/slackwater-unit-XXXXXX";
	assert_non_null(mkdtemp(dir));
	struct buf path = BUF_INIT(4096), text = BUF_INIT(100);
	struct error err;
	buf_addf(&path, "%s/a/b/c", dir);
	assert_int_equal(fs_mkdirs(buf_str(&path), 0700, &err), ST_OK);
	assert_int_equal(fs_mkdirs(buf_str(&path), 0700, &err), ST_OK);
	buf_adds(&path, "/file");
	assert_int_equal(fs_write_file_atomic(buf_str(&path), "one", 3, 0600, &err), ST_OK);
	assert_int_equal(fs_write_file_atomic(buf_str(&path), "three", 5, 0600, &err), ST_OK);
	assert_int_equal(fs_read_file(buf_str(&path), &text, &err), ST_OK);
	assert_string_equal(buf_str(&text), "three");
	struct stat sb;
	assert_int_equal(stat(buf_str(&path), &sb), 0);
	assert_int_equal(sb.st_mode & 0777, 0600);
	assert_int_equal(fs_mkdirs("", 0700, &err), ST_FAILED);
	buf_adds(&path, "/below"); /* a file is not a directory */
	assert_int_equal(fs_mkdirs(buf_str(&path), 0700, &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_STORE);
	assert_int_equal(fs_remove_tree(dir, &err), ST_OK);
	assert_int_equal(access(dir, F_OK), -1);
	assert_int_equal(fs_remove_tree(dir, &err), ST_OK);
	buf_free(&path);
	buf_free(&text);
}

static void test_json(void **state)
{
	(void)state;
	static const char text[] = "{\"n\": 7, \"neg\": -1, \"s\": \"x\", \"l\": [\"a\", \"b\"], \"mixed\": [\"a\", 1]}";
	struct error err;
	json_t *doc;
	uint64_t n;
	struct strlist l = { 0 };
	assert_int_equal(jsonx_parse(text, sizeof text - 1, "it", &doc, &err), ST_OK);
	assert_int_equal(jsonx_u64(doc, "n", &n, &err), ST_OK);
	assert_int_equal(n, 7);
	assert_int_equal(jsonx_u64(doc, "neg", &n, &err), ST_FAILED);
	assert_int_equal(jsonx_u64(doc, "s", &n, &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_SNAPSHOT);
	assert_int_equal(jsonx_strlist(doc, "mixed", &l, &err), ST_FAILED);
	assert_int_equal(jsonx_strlist(doc, "l", &l, &err), ST_OK);
	assert_true(l.n == 2 && strlist_has(&l, "b") && !strlist_has(&l, "c"));
	strlist_free(&l);
	json_decref(doc);
	assert_int_equal(jsonx_parse("[1]", 3, "it", &doc, &err), ST_FAILED);
	assert_int_equal(jsonx_parse("{\"a\":1,\"a\":2}", 13, "it", &doc, &err), ST_FAILED);
	json_t *v = jsonx_text("caf\xe9 \xe2\x82\xac \xed\xa0\x80");
	assert_string_equal(json_string_value(v), "caf\xef\xbf\xbd \xe2\x82\xac \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	json_decref(v);
}

static void test_hex(void **state)
{
	(void)state;
	char text[9];
	hex_encode("\x00\x9a\xff\x0f", 4, text);
	assert_string_equal(text, "009aff0f");
	assert_int_equal(hex_digit('f'), 15);
	assert_int_equal(hex_digit('F'), 15);
	assert_int_equal(hex_digit('g'), -1);
	assert_int_equal(hex_digit('/'), -1);
	assert_int_equal(hex_digit('\0'), -1);
	assert_int_equal(hex_percent("%2Fx"), '/');
	assert_int_equal(hex_percent("%00"), 0);
	static const char *const bad[] = { "", "%", "%2", "%2g", "%g2", "2F", "% 2F" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(hex_percent(bad[i]), -1);
}

static void test_digest(void **state)
{
	(void)state;
	char hex[DIGEST_HEX]; /* FIPS 180-2 */
	assert_int_equal(digest_of("abc", 3, hex, NULL), ST_OK);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buf_maximum),   cmocka_unit_test(test_buf_secret_is_zeroed),
		cmocka_unit_test(test_array_room),
		cmocka_unit_test(test_error_one_line), cmocka_unit_test(test_run_cancel), cmocka_unit_test(test_run_child),
		cmocka_unit_test(test_format_time),   cmocka_unit_test(test_recorder),
		cmocka_unit_test(test_fs_atomic),     cmocka_unit_test(test_json),
		cmocka_unit_test(test_digest), cmocka_unit_test(test_hex),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
