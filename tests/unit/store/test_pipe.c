/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "scratch.h"
#include "slackwater/digest.h"
#include "store/pipe.h"

enum { BIG = 5 << 20 };

static char *pattern(void)
{
	char *p = malloc(BIG);
	uint32_t x = 1;
	for (size_t i = 0; p && i < BIG; i++)
		p[i] = (char)((x = x * 1664525 + 1013904223) >> 24);
	return p;
}

struct reading {
	int fd;
	struct run *run;
	size_t seen;
	char sha256[DIGEST_HEX];
	struct error err;
	enum status st;
};

static void *read_all(void *arg)
{
	struct reading *r = arg;
	struct store *s;
	struct store_reader *from;
	struct digest *d;
	static char block[70000];
	digest_new(&d, NULL);
	r->st = pipe_open(r->fd, STORE_READ, r->run, &s, &r->err);
	if (!r->st)
		r->st = s->ops->open(s, "x", 0, 0, &from, &r->err);
	for (size_t n = 1; !r->st && n;) {
		r->st = from->ops->read(from, block, sizeof block, &n, &r->err);
		if (!r->st)
			digest_add(d, block, n);
		r->seen += r->st ? 0 : n;
	}
	digest_hex(d, r->sha256);
	digest_free(d);
	store_reader_free(from);
	store_free(s);
	return NULL;
}

static void through(struct scratch *t, int from, int to)
{
	struct reading r = { .fd = from, .run = &t->run };
	struct store *s;
	struct store_writer *w;
	struct error err;
	char sha256[DIGEST_HEX], *data = pattern();
	pthread_t id;
	assert_int_equal(pthread_create(&id, NULL, read_all, &r), 0);
	OK(pipe_open(to, STORE_WRITE, &t->run, &s, &err));
	OK(s->ops->create(s, "x", &w, &err));
	OK(w->ops->write(w, data, 1, &err));
	OK(w->ops->write(w, data + 1, BIG - 1, &err));
	OK(w->ops->commit(w, &err));
	store_writer_free(w);
	store_free(s);
	close(to);
	pthread_join(id, NULL);
	scratch_ok(r.st, &r.err, __FILE__, __LINE__);
	assert_int_equal(r.seen, BIG);
	OK(digest_of(data, BIG, sha256, &err));
	assert_string_equal(r.sha256, sha256);
	free(data);
	close(from);
}

static void test_everything_comes_through(void **state)
{
	int fd[2];
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	through(*state, fd[0], fd[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	through(*state, fd[0], fd[1]);
}

static void test_into_a_file(void **state)
{
	struct scratch *t = *state;
	struct store *s;
	struct store_writer *w;
	struct error err;
	int fd = open(scratch_path(t, "file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	OK(pipe_open(fd, STORE_WRITE, &t->run, &s, &err));
	OK(s->ops->create(s, "x", &w, &err));
	OK(w->ops->write(w, "hello", 5, &err));
	OK(w->ops->commit(w, &err));
	store_writer_free(w);
	store_free(s);
	close(fd);
	struct reading r = { .fd = open(scratch_path(t, "file"), O_RDONLY | O_CLOEXEC), .run = &t->run };
	read_all(&r);
	scratch_ok(r.st, &r.err, __FILE__, __LINE__);
	assert_int_equal(r.seen, 5);
	close(r.fd);
}

/* The default action of SIGPIPE would end this test. */
static void test_the_reader_has_gone(void **state)
{
	struct scratch *t = *state;
	for (int kind = 0; kind < 2; kind++) {
		struct store *s;
		struct store_writer *w;
		struct error err;
		int fd[2];
		sigset_t pending;
		assert_int_equal(kind ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) : pipe2(fd, O_CLOEXEC), 0);
		signal(SIGPIPE, SIG_DFL);
		OK(pipe_open(fd[1], STORE_WRITE, &t->run, &s, &err));
		OK(s->ops->create(s, "x", &w, &err));
		OK(w->ops->write(w, "hello", 5, &err));
		close(fd[0]);
		FAILS(ERR_STORE, w->ops->write(w, "hello", 5, &err));
		assert_int_equal(err.sys_errno, EPIPE);
		assert_non_null(strstr(err.hint, "reader"));
		sigpending(&pending);
		assert_int_equal(sigismember(&pending, SIGPIPE), 0);
		store_writer_free(w);
		store_free(s);
		close(fd[1]);
	}
}

struct canceller {
	struct run *run;
	int fd;
};

/* Cancel once the pipe is so full that the writer has to wait. */
static void *cancel_when_full(void *arg)
{
	const struct canceller *c = arg;
	int64_t until = scratch_now_ms() + 10000;
	int size = fcntl(c->fd, F_GETPIPE_SZ), used = 0;
	while (ioctl(c->fd, FIONREAD, &used) == 0 && used < size && scratch_now_ms() < until)
		sched_yield();
	run_cancel(c->run, SIGTERM);
	return NULL;
}

static void test_cancel_a_stalled_write(void **state)
{
	struct scratch *t = *state;
	struct store *s;
	struct store_writer *w;
	struct error err;
	char *data = pattern();
	int fd[2];
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	OK(pipe_open(fd[1], STORE_WRITE, &t->run, &s, &err));
	OK(s->ops->create(s, "x", &w, &err));
	struct canceller c = { &t->run, fd[0] };
	pthread_t id;
	assert_int_equal(pthread_create(&id, NULL, cancel_when_full, &c), 0);
	FAILS(ERR_INTERRUPTED, w->ops->write(w, data, BIG, &err)); /* nobody reads: it could never end otherwise */
	pthread_join(id, NULL);
	store_writer_free(w);
	store_free(s);
	close(fd[0]);
	close(fd[1]);
	free(data);
}

static void test_cancel_a_stalled_read(void **state)
{
	struct scratch *t = *state;
	int fd[2];
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	struct reading r = { .fd = fd[0], .run = &t->run };
	pthread_t id;
	assert_int_equal(pthread_create(&id, NULL, read_all, &r), 0);
	run_cancel(&t->run, SIGTERM);
	pthread_join(id, NULL);
	scratch_fails(r.st, &r.err, ERR_INTERRUPTED, __FILE__, __LINE__);
	close(fd[0]);
	close(fd[1]);
}

static void test_terminal_is_refused(void **state)
{
	struct scratch *t = *state;
	struct store *s;
	struct error err;
	int pty = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (pty < 0)
		skip();
	FAILS(ERR_USAGE, pipe_open(pty, STORE_WRITE, &t->run, &s, &err));
	FAILS(ERR_USAGE, pipe_open(pty, STORE_READ, &t->run, &s, &err));
	close(pty);
	FAILS(ERR_STORE, pipe_open(pty, STORE_READ, &t->run, &s, &err));
}

static bool never(void *arg, const struct store_object *o)
{
	(void)arg;
	(void)o;
	return false;
}

static void test_one_object_once(void **state)
{
	struct scratch *t = *state;
	struct store *s;
	struct store_writer *w, *again;
	struct store_reader *r;
	struct error err;
	uint64_t size;
	unsigned removed = 9;
	int fd[2];
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	OK(pipe_open(fd[1], STORE_WRITE, &t->run, &s, &err));
	assert_int_equal(s->ops->features, STORE_SEQUENTIAL);
	OK(s->ops->create(s, "x", &w, &err));
	FAILS(ERR_STORE, s->ops->create(s, "y", &again, &err));
	FAILS(ERR_STORE, s->ops->put(s, "y", "x", 1, false, &err));
	FAILS(ERR_STORE, s->ops->open(s, "y", 5, 0, &r, &err));
	FAILS(ERR_STORE, s->ops->stat(s, "y", &size, &err));
	FAILS(ERR_STORE, s->ops->list(s, "", never, NULL, &err));
	OK(s->ops->remove(s, "x", &err));
	OK(s->ops->sweep(s, "", 0, &removed, &err));
	assert_int_equal(removed, 0);
	store_writer_free(w);
	store_free(s);
	close(fd[0]);
	close(fd[1]);
}

#define IN_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(test_everything_comes_through), IN_SCRATCH(test_into_a_file), IN_SCRATCH(test_the_reader_has_gone),
		IN_SCRATCH(test_cancel_a_stalled_write), IN_SCRATCH(test_cancel_a_stalled_read), IN_SCRATCH(test_terminal_is_refused),
		IN_SCRATCH(test_one_object_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
