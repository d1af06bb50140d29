/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "scratch.h"
#include "slackwater/fs.h"
#include "slackwater/stream.h"

extern char **environ;

static void text_of(size_t len, struct buf *out)
{
	uint32_t x = (uint32_t)len + 1;
	while (out->len < len) {
		x = x * 1664525 + 1013904223;
		buf_addf(out, "(%u,'row %u'),", x >> 16, x >> 28);
	}
	out->len = len;
	if (len)
		out->data[len] = '\0';
}

static void test_there_and_back(void **state)
{
	(void)state;
	static const size_t sizes[] = { 0, 1, 100, 131071, 131072, 131073, 5000000 };
	for (int level = -1; level <= 19; level += 5) {
		struct stream_zstd *z;
		struct error err;
		OK(stream_zstd_new(level, &z, &err));
		/* one compressor, several frames; the high levels are slow */
		for (size_t i = 0; i < sizeof sizes / sizeof sizes[0] - (level > 5); i++) {
			struct buf text = BUF_INIT(8 << 20), packed = BUF_INIT(8 << 20), back = BUF_INIT(sizes[i]);
			text_of(sizes[i], &text);
			for (size_t at = 0; at < text.len; at += 70001)
				OK(stream_zstd_add(z, text.data + at, text.len - at < 70001 ? text.len - at : 70001, &packed, &err));
			OK(stream_zstd_end(z, &packed, &err));
			assert_true(packed.len < sizes[i] / 2 + 100);
			OK(stream_unzstd(packed.data, packed.len, &back, &err)); /* just enough room */
			assert_int_equal(back.len, sizes[i]);
			assert_memory_equal(buf_str(&back), buf_str(&text), sizes[i]);
			if (sizes[i]) {
				struct buf small = BUF_INIT(sizes[i] - 1);
				FAILS(ERR_SNAPSHOT, stream_unzstd(packed.data, packed.len, &small, &err));
				buf_free(&small);
			}
			buf_free(&text);
			buf_free(&packed);
			buf_free(&back);
		}
		stream_zstd_free(z);
	}
	stream_zstd_free(NULL);
}

static void test_damaged(void **state)
{
	(void)state;
	struct stream_zstd *z;
	struct error err;
	struct buf text = BUF_INIT(1 << 20), packed = BUF_INIT(1 << 20), back = BUF_INIT(1 << 20);
	text_of(30000, &text);
	OK(stream_zstd_new(1, &z, &err));
	OK(stream_zstd_add(z, text.data, text.len, &packed, &err));
	OK(stream_zstd_end(z, &packed, &err));
	stream_zstd_free(z);
	for (size_t len = 0; len < packed.len; len += 97) {
		buf_clear(&back);
		FAILS(ERR_SNAPSHOT, stream_unzstd(packed.data, len, &back, &err));
	}
	for (size_t at = 0; at < packed.len; at += 53) { /* the frame carries a checksum of its content */
		packed.data[at] ^= 4;
		buf_clear(&back);
		if (stream_unzstd(packed.data, packed.len, &back, &err) == ST_OK)
			assert_memory_equal(back.data, text.data, text.len); /* an idle bit of the header */
		else
			assert_int_equal(err.kind, ERR_SNAPSHOT);
		packed.data[at] ^= 4;
	}
	buf_addc(&packed, 'x');
	buf_clear(&back);
	FAILS(ERR_SNAPSHOT, stream_unzstd(packed.data, packed.len, &back, &err));
	buf_free(&text);
	buf_free(&packed);
	buf_free(&back);
}

static void test_two_frames_are_one_text(void **state)
{
	(void)state;
	struct stream_zstd *z;
	struct error err;
	struct buf packed = BUF_INIT(1000), back = BUF_INIT(1000);
	OK(stream_zstd_new(3, &z, &err));
	OK(stream_zstd_add(z, "one ", 4, &packed, &err));
	OK(stream_zstd_end(z, &packed, &err));
	OK(stream_zstd_add(z, "two", 3, &packed, &err));
	OK(stream_zstd_end(z, &packed, &err));
	OK(stream_unzstd(packed.data, packed.len, &back, &err));
	assert_string_equal(buf_str(&back), "one two");
	stream_zstd_free(z);
	buf_free(&packed);
	buf_free(&back);
}

static void test_output_is_bounded(void **state)
{
	(void)state;
	struct stream_zstd *z;
	struct error err;
	struct buf text = BUF_INIT(1 << 20), packed = BUF_INIT(100);
	text_of(1 << 19, &text);
	OK(stream_zstd_new(1, &z, &err));
	enum status st = stream_zstd_add(z, text.data, text.len, &packed, &err);
	if (!st)
		st = stream_zstd_end(z, &packed, &err);
	scratch_fails(st, &err, ERR_UNEXPECTED, __FILE__, __LINE__);
	assert_true(packed.len <= 100);
	stream_zstd_free(z);
	buf_free(&text);
	buf_free(&packed);
}

static void test_the_zstd_tool_reads_it(void **state)
{
	struct scratch *t = *state;
	struct stream_zstd *z;
	struct error err;
	struct buf text = BUF_INIT(1 << 20), packed = BUF_INIT(1 << 20), back = BUF_INIT(1 << 20);
	text_of(300000, &text);
	OK(stream_zstd_new(1, &z, &err));
	OK(stream_zstd_add(z, text.data, text.len, &packed, &err));
	OK(stream_zstd_end(z, &packed, &err));
	stream_zstd_free(z);
	scratch_write(scratch_path(t, "x.zst"), packed.data, packed.len);
	char *argv[] = { (char *)"zstd", (char *)"-dq", (char *)scratch_path(t, "x.zst"), NULL };
	pid_t pid;
	int status = -1;
	if (posix_spawnp(&pid, "zstd", NULL, NULL, argv, environ) == 0) {
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		OK(fs_read_file(scratch_path(t, "x"), &back, &err));
		assert_int_equal(back.len, text.len);
		assert_memory_equal(back.data, text.data, text.len);
	}
	buf_free(&text);
	buf_free(&packed);
	buf_free(&back);
	if (status == -1)
		skip(); /* the tool is not there */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_damaged), cmocka_unit_test(test_two_frames_are_one_text),
		cmocka_unit_test(test_output_is_bounded),
		cmocka_unit_test_setup_teardown(test_the_zstd_tool_reads_it, scratch_setup, scratch_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
