/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "slackwater/fs.h"

int scratch_setup(void **state)
{
	struct scratch *s = calloc(1, sizeof *s);
	struct error err;
	if (!s)
		return -1;
	/* In memory where possible: on a busy disk a test with a thousand syncs takes as long as its neighbours like. */
	snprintf(s->dir, sizeof s->dir, "%s/slackwater-unit-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(s->dir) || run_init(&s->run, NULL, NULL, NULL, &err) != ST_OK)
		return -1;
	*state = s;
	return 0;
}

int scratch_teardown(void **state)
{
	struct scratch *s = *state;
	struct error err;
	run_destroy(&s->run);
	strlist_free(&s->paths);
	enum status st = fs_remove_tree(s->dir, &err);
	free(s);
	return st != ST_OK;
}

const char *scratch_path(struct scratch *s, const char *name)
{
	struct error err;
	assert_int_equal(strlist_addf(&s->paths, &err, "%s/%s", s->dir, name), ST_OK);
	return s->paths.item[s->paths.n - 1];
}

static size_t scratch_seen;

static int scratch_see(const char *path, const struct stat *sb, int type, struct FTW *ftw)
{
	(void)path;
	(void)sb;
	(void)type;
	scratch_seen += ftw->level > 0;
	return 0;
}

size_t scratch_count(const char *dir)
{
	scratch_seen = 0;
	nftw(dir, scratch_see, 32, FTW_PHYS);
	return scratch_seen;
}

void scratch_write(const char *path, const void *data, size_t len)
{
	struct error err = ERROR_INIT;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	OK(fs_write_all(fd, data, len, path, &err));
	close(fd);
}

void scratch_flip(const char *path, int64_t offset)
{
	char c;
	struct stat sb;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &sb), 0);
	off_t at = offset < 0 ? sb.st_size + offset : offset;
	assert_int_equal(pread(fd, &c, 1, at), 1);
	c ^= 1;
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
	close(fd);
}

int64_t scratch_now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void scratch_ok(enum status st, const struct error *err, const char *file, int line)
{
	if (st == ST_OK)
		return;
	print_error("%s:%d: %s (kind %d, hint: %s)\n", file, line, err->message, (int)err->kind, err->hint);
	_fail(file, line);
}

void scratch_fails(enum status st, const struct error *err, enum error_kind kind, const char *file, int line)
{
	if (st != ST_OK && err->status == st && err->kind == kind && err->message[0])
		return;
	print_error("%s:%d: wanted an error of kind %d, got status %d, kind %d: %s\n", file, line, (int)kind, (int)st,
	            st ? (int)err->kind : 0, st ? err->message : "success");
	_fail(file, line);
}
