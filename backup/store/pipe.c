/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct pipe_store {
	struct store base;
	int fd;
	int own;       /* a description of our own for the same pipe, -1 if none could be had */
	size_t limit;  /* of one write */
	bool used;     /* the one object was begun */
};

struct pipe_writer {
	struct store_writer base;
	struct pipe_store *store;
};

struct pipe_reader {
	struct store_reader base;
	struct pipe_store *store;
	uint64_t left;
	bool ended;
};

static struct pipe_store *pipe_of(struct store *s)
{
	return (struct pipe_store *)s;
}

/* Until fd is ready; a cancel ends the wait. */
static enum status pipe_wait(const struct pipe_store *p, int fd, short events, struct error *err)
{
	struct pollfd fds[2] = { { .fd = fd, .events = events }, { .fd = p->base.run->wake_fd, .events = POLLIN } };
	for (;;) {
		enum status st = run_check(p->base.run, err);
		if (st)
			return st;
		int n = poll(fds, 2, -1);
		if (n < 0 && errno != EINTR)
			return error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot wait for the pipe");
		if (n > 0 && fds[0].revents)
			return run_check(p->base.run, err);
	}
}

/* write(), but a partner that has gone gives EPIPE and no signal, whatever the process has done about SIGPIPE. */
static ssize_t pipe_write_quietly(int fd, const void *data, size_t len)
{
	sigset_t pipe, before, pending;
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &pipe, &before);
	ssize_t n = write(fd, data, len);
	int saved = errno;
	if (n < 0 && saved == EPIPE && !sigismember(&pending, SIGPIPE))
		while (sigtimedwait(&pipe, NULL, &(struct timespec){ 0 }) < 0 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = saved;
	return n;
}

static enum status pipe_writer_write(struct store_writer *sw, const void *data, size_t len, struct error *err)
{
	const struct pipe_store *p = ((struct pipe_writer *)sw)->store;
	int fd = p->own >= 0 ? p->own : p->fd;
	for (const char *from = data; len;) {
		enum status st = pipe_wait(p, fd, POLLOUT, err);
		if (st)
			return st;
		ssize_t n = pipe_write_quietly(fd, from, len < p->limit ? len : p->limit);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot write to the pipe");
		if (n > 0) {
			from += n;
			len -= (size_t)n;
		}
	}
	return ST_OK;
}

/* Standard output may be a file. A pipe cannot be synced; that its reader read all is for the reader to say. */
static enum status pipe_writer_commit(struct store_writer *sw, struct error *err)
{
	const struct pipe_store *p = ((struct pipe_writer *)sw)->store;
	if (fsync(p->fd) != 0 && errno != EINVAL && errno != EROFS && errno != ENOTSUP)
		return error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot sync the output");
	return run_check(p->base.run, err);
}

static void pipe_writer_free(struct store_writer *sw)
{
	free(sw);
}

static const struct store_writer_ops pipe_writer_ops = { pipe_writer_write, pipe_writer_commit, pipe_writer_free };

static enum status pipe_begin(struct pipe_store *p, struct error *err)
{
	if (p->used)
		return error_set(err, ST_FAILED, ERR_STORE, "a pipe takes one object, once, from front to back");
	p->used = true;
	return ST_OK;
}

static enum status pipe_create(struct store *s, const char *key, struct store_writer **ret, struct error *err)
{
	(void)key;
	enum status st = pipe_begin(pipe_of(s), err);
	if (st)
		return st;
	struct pipe_writer *w = calloc(1, sizeof *w);
	if (!w)
		return error_oom(err);
	*w = (struct pipe_writer){ { &pipe_writer_ops }, pipe_of(s) };
	*ret = &w->base;
	return ST_OK;
}

static enum status pipe_reader_read(struct store_reader *sr, void *data, size_t cap, size_t *ret_n, struct error *err)
{
	struct pipe_reader *r = (struct pipe_reader *)sr;
	size_t want = r->left < cap ? (size_t)r->left : cap;
	ssize_t n = 0;
	while (want && !r->ended) {
		enum status st = pipe_wait(r->store, r->store->fd, POLLIN, err);
		if (st)
			return st;
		n = read(r->store->fd, data, want);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot read from the pipe");
		r->ended = n == 0;
		if (n > 0)
			break;
	}
	r->left -= (uint64_t)n;
	*ret_n = (size_t)n;
	return ST_OK;
}

static void pipe_reader_free(struct store_reader *sr)
{
	free(sr);
}

static const struct store_reader_ops pipe_reader_ops = { pipe_reader_read, pipe_reader_free };

static enum status pipe_read(struct store *s, const char *key, uint64_t offset, uint64_t len, struct store_reader **ret,
                             struct error *err)
{
	(void)key;
	if (offset)
		return error_set(err, ST_FAILED, ERR_STORE, "a pipe can be read from its beginning only");
	enum status st = pipe_begin(pipe_of(s), err);
	if (st)
		return st;
	struct pipe_reader *r = calloc(1, sizeof *r);
	if (!r)
		return error_oom(err);
	*r = (struct pipe_reader){ .base = { &pipe_reader_ops }, .store = pipe_of(s), .left = len ? len : UINT64_MAX };
	*ret = &r->base;
	return ST_OK;
}

static enum status pipe_cannot(struct error *err)
{
	error_set(err, ST_FAILED, ERR_STORE, "a pipe cannot be listed or read in any order");
	error_hint(err, "unpack it first: slackwater restore --from - --to-dir DIR");
	return ST_FAILED;
}

static enum status pipe_put(struct store *s, const char *key, const void *data, size_t len, bool if_absent, struct error *err)
{
	(void)s;
	(void)key;
	(void)data;
	(void)len;
	(void)if_absent;
	return error_set(err, ST_FAILED, ERR_STORE, "a pipe takes no single objects");
}

static enum status pipe_stat(struct store *s, const char *key, uint64_t *ret_size, struct error *err)
{
	(void)s;
	(void)key;
	(void)ret_size;
	return pipe_cannot(err);
}

static enum status pipe_folders(struct store *s, const char *prefix, store_folder_fn *fn, void *arg, struct error *err)
{
	(void)s;
	(void)prefix;
	(void)fn;
	(void)arg;
	return pipe_cannot(err);
}

static enum status pipe_list(struct store *s, const char *prefix, store_list_fn *fn, void *arg, struct error *err)
{
	(void)s;
	(void)prefix;
	(void)fn;
	(void)arg;
	return pipe_cannot(err);
}

static enum status pipe_remove(struct store *s, const char *key, struct error *err)
{
	(void)s;
	(void)key;
	(void)err;
	return ST_OK;
}

static enum status pipe_sweep(struct store *s, const char *prefix, int64_t age_ms, unsigned *ret_removed, struct error *err)
{
	(void)s;
	(void)prefix;
	(void)age_ms;
	(void)err;
	*ret_removed = 0;
	return ST_OK;
}

static void pipe_free(struct store *s)
{
	if (pipe_of(s)->own >= 0)
		close(pipe_of(s)->own);
	free(s);
}

static const struct store_ops pipe_ops = {
	.features = STORE_SEQUENTIAL,
	.create = pipe_create,
	.put = pipe_put,
	.open = pipe_read,
	.stat = pipe_stat,
	.list = pipe_list,
	.folders = pipe_folders,
	.remove = pipe_remove,
	.sweep = pipe_sweep,
	.free = pipe_free,
};

/*
 * A write to a blocking pipe may block although poll() said it was writable, and then no cancel ends it. O_NONBLOCK on the
 * descriptor we were given would change it for everybody who shares it, so a pipe is opened once more; where that is refused
 * (another user made it), writes of PIPE_BUF bytes at most cannot block after poll().
 */
static void pipe_make_own(struct pipe_store *p, const struct stat *sb)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", p->fd);
	p->own = S_ISFIFO(sb->st_mode) ? open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC) : -1;
	p->limit = p->own >= 0 || (!S_ISFIFO(sb->st_mode) && !S_ISSOCK(sb->st_mode)) ? 1 << 20 : PIPE_BUF;
}

enum status pipe_open(int fd, enum store_use use, struct run *run, struct store **ret, struct error *err)
{
	struct stat sb;
	if (fstat(fd, &sb) != 0)
		return error_sys(err, ST_FAILED, ERR_STORE, errno, "standard %s is closed", use == STORE_WRITE ? "output" : "input");
	if (isatty(fd)) {
		error_set(err, ST_FAILED, ERR_USAGE, use == STORE_WRITE ? "will not write a snapshot to a terminal"
		                                                        : "will not read a snapshot from a terminal");
		error_hint(err, "redirect it to a file or a pipe, or name a directory");
		return ST_FAILED;
	}
	struct pipe_store *p = calloc(1, sizeof *p);
	if (!p)
		return error_oom(err);
	*p = (struct pipe_store){ .base = { &pipe_ops, run }, .fd = fd, .own = -1, .limit = PIPE_BUF };
	if (use == STORE_WRITE)
		pipe_make_own(p, &sb);
	*ret = &p->base;
	return ST_OK;
}
