/* SPDX-License-Identifier: Apache-2.0 */
/* Processes of ours: what they are given, what is read of them, and that none outlives us or is waited for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/process.h"

enum { SECONDS = 20 };

struct heard {
	struct buf text; /* "LOG:line\n" ... */
};

static void hear(void *arg, enum process_pipe from, const char *line)
{
	struct heard *h = arg;
	buf_addf(&h->text, "%s:%s\n", from == PROCESS_OUT ? "out" : from == PROCESS_LOG ? "log" : "events", line);
}

static struct process begin(const char *script, bool events, bool lines)
{
	struct strlist words = { 0 }, environment = { 0 };
	struct error err = ERROR_INIT;
	struct process c;
	const struct process_options o = { .program = "/bin/sh", .argument = &words, .environment = &environment, .events = events, .lines = lines };
	assert_int_equal(strlist_add(&words, "sh", &err), ST_OK);
	assert_int_equal(strlist_add(&words, "-c", &err), ST_OK);
	assert_int_equal(strlist_add(&words, script, &err), ST_OK);
	assert_int_equal(strlist_add(&environment, "ONLY=this", &err), ST_OK);
	assert_int_equal(strlist_add(&environment, "PATH=/usr/bin:/bin", &err), ST_OK);
	if (process_start(&o, &c, &err))
		fail_msg("%s", err.message);
	strlist_free(&words);
	strlist_free(&environment);
	return c;
}

static void finish(struct process *c, struct heard *h)
{
	struct pollfd fds[PROCESS_PIPES];
	h->text = BUF_INIT(1 << 20);
	for (int i = 0; i < SECONDS * 100; i++) {
		poll(fds, (nfds_t)process_poll(c, fds), 10);
		process_read(c, hear, h);
		if (process_reap(c, hear, h))
			return;
	}
	fail_msg("the child has not ended");
}

static void a_result_lines_and_events_come_apart(void **state)
{
	(void)state;
	struct heard h;
	struct process c = begin("echo '{}'; echo one >&2; echo two >&2; echo event >&3; printf rest >&2; exit 7", true, false);
	finish(&c, &h);
	assert_int_equal(process_exit(&c), 7);
	assert_string_equal(buf_str(&c.text[PROCESS_OUT]), "{}\n");
	assert_non_null(strstr(buf_str(&h.text), "log:one\nlog:two\n"));
	assert_non_null(strstr(buf_str(&h.text), "log:rest\n"));
	assert_non_null(strstr(buf_str(&h.text), "events:event\n"));
	buf_free(&h.text);
	process_free(&c);
}

static void nothing_of_ours_is_handed_down(void **state)
{
	(void)state;
	if (access("/proc/self/fd", X_OK))
		skip(); /* a root without /proc */
	struct heard h;
	int secret = fcntl(STDERR_FILENO, F_DUPFD, 10); /* not close-on-exec */
	assert_true(secret >= 10);
	struct process c = begin("ls /proc/self/fd | tr '\\n' ' ' >&2; echo >&2; env >&2; read line || echo empty >&2; kill -s TERM $$", false, false);
	finish(&c, &h);
	/* ls itself has one open: the directory */
	assert_non_null(strstr(buf_str(&h.text), "log:0 1 2 3 \n"));
	assert_non_null(strstr(buf_str(&h.text), "log:ONLY=this\n"));
	assert_null(strstr(buf_str(&h.text), "HOME="));
	assert_non_null(strstr(buf_str(&h.text), "log:empty\n"));
	assert_int_equal(process_exit(&c), 128 + SIGTERM);
	buf_free(&h.text);
	process_free(&c);
	close(secret);
}

/* Signals that we block or ignore are not blocked or ignored there. */
static void it_can_be_told_to_end(void **state)
{
	(void)state;
	sigset_t block, before;
	struct heard h;
	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigprocmask(SIG_BLOCK, &block, &before);
	struct process c = begin("exec sleep 1000", false, false);
	assert_false(process_reap(&c, hear, &h));
	process_signal(&c, SIGTERM, false);
	finish(&c, &h);
	assert_int_equal(process_exit(&c), 128 + SIGTERM);
	sigprocmask(SIG_SETMASK, &before, NULL);
	process_signal(&c, SIGTERM, false); /* its number may be another's by now */
	buf_free(&h.text);
	process_free(&c);
}

static void a_group_ends_together_and_holds_nothing_open(void **state)
{
	(void)state;
	struct heard h;
	/* the grandchild keeps the pipes; nobody waits for it */
	struct process c = begin("sleep 1000 & echo started; exit 0", false, true);
	finish(&c, &h);
	assert_string_equal(buf_str(&h.text), "out:started\n");
	assert_int_equal(process_exit(&c), 0);
	assert_int_equal(kill(-c.pid, SIGKILL), 0);
	buf_free(&h.text);
	process_free(&c);
	c = begin("sleep 1000 & wait", false, true);
	process_signal(&c, SIGKILL, true);
	finish(&c, &h);
	assert_int_equal(process_exit(&c), 128 + SIGKILL);
	buf_free(&h.text);
	process_free(&c);
}

/* A run's log must never wait for us: the pipe is full after 64 KiB, and nobody reads here until it has ended. */
static void a_full_pipe_holds_up_no_run(void **state)
{
	(void)state;
	struct heard h = { .text = BUF_INIT(16 << 20) };
	struct process c = begin("head -c 1000000 /dev/zero | tr '\\0' x >&2; head -c 1000000 /dev/zero >&3; exit 3", true, false);
	siginfo_t info = { 0 };
	for (int i = 0; i < SECONDS * 100 && !info.si_pid; i++) {
		usleep(10000);
		assert_int_equal(waitid(P_PID, (id_t)c.pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
	}
	assert_int_equal(info.si_pid, c.pid);
	assert_true(process_reap(&c, hear, &h));
	assert_int_equal(process_exit(&c), 3);
	buf_free(&h.text);
	process_free(&c);
}

static void long_lines_come_in_pieces(void **state)
{
	(void)state;
	struct heard h;
	struct process c = begin("head -c 40000 /dev/zero | tr '\\0' y; echo; echo end", false, true);
	finish(&c, &h);
	assert_non_null(strstr(buf_str(&h.text), "out:yyyy"));
	assert_non_null(strstr(buf_str(&h.text), "\nout:end\n"));
	size_t n = 0;
	for (const char *p = buf_str(&h.text); *p; p++)
		n += *p == 'y';
	assert_int_equal(n, 40000);
	buf_free(&h.text);
	process_free(&c);
}

static void what_cannot_be_run_is_said(void **state)
{
	(void)state;
	struct strlist words = { 0 }, environment = { 0 };
	struct error err = ERROR_INIT;
	struct process c = PROCESS_NONE;
	const struct process_options o = { .program = "/nonexistent/hook", .argument = &words, .environment = &environment };
	assert_int_equal(process_start(&o, &c, &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.message, "/nonexistent/hook"));
	assert_int_equal(c.pid, 0);
}

/* Whoever started it dies without a word: the kernel tells it. */
static void it_is_told_when_we_die(void **state)
{
	(void)state;
	int report[2];
	char number[32] = "";
	assert_int_equal(pipe(report), 0);
	pid_t parent = fork();
	if (!parent) {
		struct process c = begin("trap 'exit 0' TERM; while :; do sleep 0.05; done", false, false);
		dprintf(report[1], "%ld", (long)c.pid);
		usleep(200000);
		kill(getpid(), SIGKILL);
	}
	close(report[1]);
	assert_true(read(report[0], number, sizeof number - 1) > 0);
	close(report[0]);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	pid_t child = (pid_t)strtol(number, NULL, 10);
	char path[64];
	snprintf(path, sizeof path, "/proc/%ld/exe", (long)child);
	for (int i = 0; i < SECONDS * 100; i++) {
		char to[64];
		if (readlink(path, to, sizeof to) < 0)
			return; /* gone, or waiting to be waited for */
		usleep(10000);
	}
	fail_msg("it has outlived its parent");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_result_lines_and_events_come_apart),
		cmocka_unit_test(nothing_of_ours_is_handed_down),
		cmocka_unit_test(it_can_be_told_to_end),
		cmocka_unit_test(a_group_ends_together_and_holds_nothing_open),
		cmocka_unit_test(a_full_pipe_holds_up_no_run),
		cmocka_unit_test(long_lines_come_in_pieces),
		cmocka_unit_test(what_cannot_be_run_is_said),
		cmocka_unit_test(it_is_told_when_we_die),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
