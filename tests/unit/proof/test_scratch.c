/* SPDX-License-Identifier: Apache-2.0 */
/* What dead runs have left, and what only looks like it; children and their end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proof/child.h"
#include "proof/owner.h"
#include "proof/scratch.h"
#include "scratch.h"

static const char *made(struct scratch *s, const char *name, bool lock)
{
	char file[64];
	assert_int_equal(mkdir(scratch_path(s, name), 0700), 0);
	snprintf(file, sizeof file, "%s/files", name);
	assert_int_equal(mkdir(scratch_path(s, file), 0700), 0);
	snprintf(file, sizeof file, "%s/files/ibdata1", name);
	scratch_write(scratch_path(s, file), "x", 1);
	snprintf(file, sizeof file, "%s/lock", name);
	if (lock)
		scratch_write(scratch_path(s, file), "", 0);
	return scratch_path(s, name);
}

static bool there(const char *path)
{
	struct stat sb;
	return !lstat(path, &sb);
}

static void sweeping(void **state)
{
	struct scratch *s = *state;
	scratch_write(scratch_path(s, "precious"), "x", 1);
	const char *dead = made(s, "slackwater-proof-dead01", true), *alive = made(s, "slackwater-proof-live01", true);
	const char *kept = made(s, "slackwater-proof-kept01", false), *other = made(s, "somebody-else", true);
	/* a server that was broken into leads to what is not its own */
	assert_int_equal(symlink(scratch_path(s, "precious"), scratch_path(s, "slackwater-proof-dead01/files/link")), 0);
	assert_int_equal(symlink(other, scratch_path(s, "slackwater-proof-dead01/files/dir")), 0);
	assert_int_equal(symlink(other, scratch_path(s, "slackwater-proof-link01")), 0);
	int fd = open(scratch_path(s, "slackwater-proof-live01/lock"), O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(proof_scratch_sweep(s->dir, NULL), 1);
	assert_false(there(dead));
	assert_true(there(alive) && there(kept) && there(other));
	assert_true(there(scratch_path(s, "precious")) && there(scratch_path(s, "somebody-else/files/ibdata1")));
	assert_true(there(scratch_path(s, "slackwater-proof-link01")));
	close(fd);
	assert_int_equal(proof_scratch_sweep(s->dir, NULL), 1);
	assert_false(there(alive));
	assert_int_equal(proof_scratch_sweep(scratch_path(s, "nowhere"), NULL), 0);
}

/* A run that starts a server, as the kernel would not end it, and dies when it is told to. Returns its pid. */
static pid_t run_with_server(const char *top, const char *lock, int told, int ready, int alive)
{
	pid_t run = fork();
	if (run)
		return run;
	char byte;
	struct error err;
	int fd = open(lock, O_RDWR);
	bool fine = fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB);
	pid_t server = fork();
	if (!server) {
		close(told);
		close(ready);
		setsid();
		alarm(120);
		(void)!write(alive, "s", 1);
		for (;;)
			pause();
	}
	close(fd);
	fine = fine && proof_owner_write(top, server, &err) == ST_OK && write(ready, "r", 1) == 1 && read(told, &byte, 1) == 0;
	_exit(!fine);
}

static void a_server_that_outlives_its_run(void **state)
{
	struct scratch *s = *state;
	if (access("/proc/self/stat", R_OK))
		skip(); /* a root without /proc: nobody can tell who is alive */
	const char *top = made(s, "slackwater-proof-cap001", true), *lock = scratch_path(s, "slackwater-proof-cap001/lock");
	int told[2], ready[2], alive[2], status;
	char byte;
	assert_int_equal(pipe2(told, O_CLOEXEC) | pipe2(ready, O_CLOEXEC) | pipe2(alive, O_CLOEXEC), 0);
	pid_t run = fork();
	if (!run) { /* the write end that tells is ours alone */
		close(told[1]);
		pid_t inner = run_with_server(top, lock, told[0], ready[1], alive[1]);
		assert_int_equal(waitpid(inner, &status, 0), inner);
		_exit(WEXITSTATUS(status));
	}
	close(alive[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(read(alive[0], &byte, 1), 1);
	assert_int_equal(proof_scratch_sweep(s->dir, NULL), 0); /* its run is there */
	assert_true(there(top));
	close(told[1]);
	assert_int_equal(waitpid(run, &status, 0), run);
	assert_int_equal(status, 0);
	assert_int_equal(proof_scratch_sweep(s->dir, NULL), 1);
	assert_false(there(top));
	assert_int_equal(read(alive[0], &byte, 1), 0); /* nobody holds the other end */
	close(told[0]);
	close(ready[0]);
	close(ready[1]);
	close(alive[0]);
}

/* A wrapper that does not exec leaves a process of its own: it goes as well. */
static void the_end_of_a_child(void **state)
{
	struct scratch *s = *state;
	struct error err = ERROR_INIT;
	struct proof_child c = { .pid = 0 };
	char how[64];
	int pipefd[2];
	assert_int_equal(pipe(pipefd), 0);
	const char *const argv[] = { "/bin/sh", "-c", "trap '' TERM; sleep 600 & echo ready; wait; wait", NULL };
	const struct proof_spawn spawn = { .argv = argv, .in = -1, .out = pipefd[1], .keep = -1 };
	OK(proof_child_start(&c, &spawn, &err));
	close(pipefd[1]);
	char word[16] = "";
	assert_true(read(pipefd[0], word, sizeof word - 1) > 0);
	assert_true(proof_child_alive(&c));
	proof_child_end(&c, &s->run, 200);
	assert_false(proof_child_alive(&c));
	proof_child_describe(&c, how);
	assert_string_equal(how, "was ended by signal 9");
	/* the grandchild held the other end of the pipe */
	assert_int_equal(read(pipefd[0], word, sizeof word - 1), 0);
	close(pipefd[0]);
	proof_child_end(&c, &s->run, 200);
}

static void cancelled_while_waiting(void **state)
{
	struct scratch *s = *state;
	struct error err = ERROR_INIT;
	struct proof_child c = { .pid = 0 };
	const char *const argv[] = { "/bin/sleep", "600", NULL };
	const struct proof_spawn spawn = { .argv = argv, .in = -1, .out = -1, .keep = -1 };
	OK(proof_child_start(&c, &spawn, &err));
	FAILS(ERR_PREFLIGHT, proof_child_wait(&c, &s->run, 100, "sleeping", &err));
	assert_non_null(strstr(err.message, "sleeping did not end"));
	OK(proof_child_start(&c, &spawn, &err));
	run_cancel(&s->run, SIGINT);
	FAILS(ERR_INTERRUPTED, proof_child_wait(&c, &s->run, 100000, "sleeping", &err));
	assert_int_equal(c.pid, 0);
}

static void asking(void **state)
{
	struct scratch *s = *state;
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT(1 << 16);
	const char *const say[] = { "/bin/sh", "-c", "echo it; env", NULL }, *const fail[] = { "/bin/sh", "-c", "echo why >&2; exit 3", NULL },
	          *const none[] = { "/nonexistent/program", NULL };
	assert_int_equal(setenv("SLACKWATER_SOURCE_PASSWORD", "very secret", 1), 0);
	assert_int_equal(setenv("AWS_SECRET_ACCESS_KEY", "very secret", 1), 0);
	OK(proof_child_ask(say, &s->run, &text, &err));
	assert_int_equal(strncmp(text.data, "it\n", 3), 0);
	assert_null(strstr(text.data, "very secret"));
	assert_non_null(strstr(text.data, "PATH="));
	buf_clear(&text);
	FAILS(ERR_PREFLIGHT, proof_child_ask(fail, &s->run, &text, &err));
	assert_non_null(strstr(err.message, "ended with exit code 3: why"));
	FAILS(ERR_PREFLIGHT, proof_child_ask(none, &s->run, &text, &err));
	assert_non_null(strstr(err.message, "/nonexistent/program"));
	buf_free(&text);
	unsetenv("SLACKWATER_SOURCE_PASSWORD");
	unsetenv("AWS_SECRET_ACCESS_KEY");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sweeping, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(a_server_that_outlives_its_run, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(the_end_of_a_child, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(cancelled_while_waiting, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(asking, scratch_setup, scratch_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
