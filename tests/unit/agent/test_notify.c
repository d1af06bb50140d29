/* SPDX-License-Identifier: Apache-2.0 */
/* What a service manager is told, by a socket of the test's in its place; and lines of events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/notify.h"
#include "feed.h"
#include "scratch.h"

static int manager(const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	memcpy(at.sun_path, name, strlen(name) + (*name != '@'));
	if (*name == '@')
		at.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name) + (*name != '@'))), 0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void told(int fd, const char *expected)
{
	char text[4096] = "";
	assert_true(recv(fd, text, sizeof text - 1, 0) > 0);
	if (strncmp(text, expected, strlen(expected)) != 0)
		fail_msg("told \"%s\", wanted \"%s\"", text, expected);
}

static void a_life(int fd)
{
	struct notify n;
	struct error err = ERROR_INIT;
	char text[100];
	OK(notify_open(&n, &err));
	notify_ready(&n, "next is nightly");
	told(fd, "READY=1\nSTATUS=next is nightly\n");
	notify_reloading(&n);
	told(fd, "RELOADING=1\nMONOTONIC_USEC=");
	notify_ready(&n, NULL);
	told(fd, "READY=1");
	notify_status(&n, "running backup-1");
	told(fd, "STATUS=running backup-1\n");
	notify_watchdog(&n);
	told(fd, "WATCHDOG=1");
	notify_stopping(&n, "ending");
	told(fd, "STOPPING=1\nSTATUS=ending\n");
	notify_extend(&n, 900000);
	told(fd, "EXTEND_TIMEOUT_USEC=900000000");
	assert_true(recv(fd, text, sizeof text, 0) < 0);
	notify_close(&n);
	notify_watchdog(&n);
	close(fd);
	unsetenv("NOTIFY_SOCKET");
}

static void by_a_path(void **state)
{
	a_life(manager(scratch_path(*state, "notify")));
}

static void by_an_abstract_name(void **state)
{
	(void)state;
	char name[64];
	snprintf(name, sizeof name, "@slackwater-test-%ld", (long)getpid());
	a_life(manager(name));
}

static int64_t watchdog(const char *usec, const char *pid)
{
	struct notify n;
	struct error err = ERROR_INIT;
	setenv("WATCHDOG_USEC", usec, 1);
	if (pid)
		setenv("WATCHDOG_PID", pid, 1);
	OK(notify_open(&n, &err));
	int64_t ms = n.watchdog_ms;
	notify_close(&n);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return ms;
}

static void the_watchdog_is_fed_in_half_its_time(void **state)
{
	char own[32];
	int fd = manager(scratch_path(*state, "notify"));
	snprintf(own, sizeof own, "%ld", (long)getpid());
	assert_int_equal(watchdog("30000000", NULL), 15000);
	assert_int_equal(watchdog("30000000", own), 15000);
	assert_int_equal(watchdog("30000000", "1"), 0); /* somebody else is watched */
	assert_int_equal(watchdog("soon", NULL), 0);
	assert_int_equal(watchdog("0", NULL), 0);
	close(fd);
	unsetenv("NOTIFY_SOCKET");
}

static void a_socket_that_is_none(void **state)
{
	(void)state;
	struct notify n;
	struct error err = ERROR_INIT;
	setenv("NOTIFY_SOCKET", "relative", 1);
	FAILS(ERR_USAGE, notify_open(&n, &err));
	setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
	FAILS(ERR_USAGE, notify_open(&n, &err));
	unsetenv("NOTIFY_SOCKET");
	OK(notify_open(&n, &err));
	assert_int_equal(n.fd, -1);
	notify_ready(&n, "nobody hears it");
}

/* ---- events ---- */

static void events_are_lines(void **state)
{
	(void)state;
	struct buf out = BUF_INIT(1 << 16);
	const struct event entered = { .kind = EVENT_STATE, .area = "window", .name = "STOPPING", .text = "the applier is told to stop" };
	const struct event done = { .kind = EVENT_PROGRESS, .area = "dump", .bytes_done = 5, .rows_total = UINT64_MAX };
	const struct event said = { .kind = EVENT_INFO, .area = "dump", .text = "not for a feed" };
	feed_format(&entered, &out);
	assert_string_equal(buf_str(&out), "{\"area\":\"window\",\"kind\":\"state\",\"name\":\"STOPPING\",\"text\":\"the applier is told to stop\"}\n");
	buf_clear(&out);
	feed_format(&done, &out);
	assert_string_equal(buf_str(&out), "{\"area\":\"dump\",\"bytes_done\":5,\"bytes_total\":0,\"kind\":\"progress\",\"rows_done\":0,"
	                                   "\"rows_total\":9223372036854775807}\n");
	buf_clear(&out);
	feed_format(&said, &out);
	assert_int_equal(out.len, 0);
	buf_free(&out);
}

/* Nobody reads: nothing blocks, and what is in the pipe is whole lines. */
static void a_reader_that_sleeps_holds_up_nothing(void **state)
{
	(void)state;
	struct feed f;
	struct error err = ERROR_INIT;
	int ends[2];
	char text[4096];
	const struct event ev = { .kind = EVENT_WARNING, .area = "window", .text = "again" };
	assert_int_equal(pipe(ends), 0);
	OK(feed_open(&f, (unsigned)ends[1], &err));
	for (int i = 0; i < 10000; i++)
		feed_send(&f, &ev, i);
	feed_close(&f);
	size_t total = 0, len = strlen("{\"area\":\"window\",\"kind\":\"warning\",\"text\":\"again\"}\n");
	for (ssize_t n; (n = read(ends[0], text, sizeof text)) > 0;)
		total += (size_t)n;
	assert_true(total > 1000);
	assert_int_equal(total % len, 0);
	close(ends[0]);
}

static void progress_is_not_told_too_often(void **state)
{
	(void)state;
	struct feed f;
	struct error err = ERROR_INIT;
	int ends[2], lines = 0;
	char text[65536];
	const struct event ev = { .kind = EVENT_PROGRESS, .area = "dump", .bytes_done = 1 };
	assert_int_equal(pipe(ends), 0);
	OK(feed_open(&f, (unsigned)ends[1], &err));
	for (int64_t ms = 1000; ms < 3000; ms += 10)
		feed_send(&f, &ev, ms);
	feed_close(&f);
	ssize_t n = read(ends[0], text, sizeof text);
	for (ssize_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	assert_int_equal(lines, 4);
	close(ends[0]);
}

static void a_descriptor_that_is_not_open(void **state)
{
	(void)state;
	struct feed f;
	struct error err = ERROR_INIT;
	FAILS(ERR_USAGE, feed_open(&f, 999, &err));
	int fd = open("/dev/null", O_RDONLY);
	FAILS(ERR_USAGE, feed_open(&f, (unsigned)fd, &err));
	close(fd);
	OK(feed_open(&f, 0, &err));
	feed_send(&f, &(struct event){ .kind = EVENT_WARNING }, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(by_a_path, scratch_setup, scratch_teardown),
		cmocka_unit_test(by_an_abstract_name),
		cmocka_unit_test_setup_teardown(the_watchdog_is_fed_in_half_its_time, scratch_setup, scratch_teardown),
		cmocka_unit_test(a_socket_that_is_none),
		cmocka_unit_test(events_are_lines),
		cmocka_unit_test(a_reader_that_sleeps_holds_up_nothing),
		cmocka_unit_test(progress_is_not_told_too_often),
		cmocka_unit_test(a_descriptor_that_is_not_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
