/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults of the operating system, in what our own objects ask it for: files (below the store, the state directory), threads, event
 * descriptors. Closing and removing do not fail: what is left behind then is nobody's fault.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"

static const struct { const char *how; int no; } kinds[] = {
	{ "enospc", ENOSPC }, { "eio", EIO }, { "emfile", EMFILE }, { "erofs", EROFS }, { "eagain", EAGAIN },
};

int __real_open(const char *path, int flags, ...);
int __real_openat(int dir, const char *path, int flags, ...);
ssize_t __real_write(int fd, const void *data, size_t len);
int __real_fsync(int fd);
int __real_syncfs(int fd);
int __real_mkdir(const char *path, mode_t mode);
int __real_mkdirat(int dir, const char *path, mode_t mode);
int __real_rename(const char *from, const char *to);
int __real_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __real_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
int __real_linkat(int from_dir, const char *from, int to_dir, const char *to, int flags);
int __real_eventfd(unsigned count, int flags);
int __real_pthread_create(pthread_t *ret, const pthread_attr_t *attr, void *(*fn)(void *), void *arg);

int __wrap_open(const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...);
ssize_t __wrap_write(int fd, const void *data, size_t len);
int __wrap_fsync(int fd);
int __wrap_syncfs(int fd);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_mkdirat(int dir, const char *path, mode_t mode);
int __wrap_rename(const char *from, const char *to);
int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
int __wrap_linkat(int from_dir, const char *from, int to_dir, const char *to, int flags);
int __wrap_eventfd(unsigned count, int flags);
int __wrap_pthread_create(pthread_t *ret, const pthread_attr_t *attr, void *(*fn)(void *), void *arg);

/* The number of the error that is due, or 0. */
static int due(const char *what)
{
	const struct fault_spec *f = fault_count(FAULT_SYS, what);
	for (size_t i = 0; f && i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].how, f->how) == 0)
			return errno = kinds[i].no;
	return 0;
}

__attribute__((constructor(1000))) static void fault_sys_check(void)
{
	for (const struct fault_spec *s = fault_next(FAULT_SYS, NULL); s; s = fault_next(FAULT_SYS, s)) {
		size_t i = 0;
		while (i < sizeof kinds / sizeof *kinds && strcmp(kinds[i].how, s->how) != 0)
			i++;
		if (i == sizeof kinds / sizeof *kinds)
			fault_usage("no such error", s->how);
	}
}

static mode_t mode_of(int flags, va_list ap)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

int __wrap_open(const char *path, int flags, ...)
{
	va_list ap;
	va_start(ap, flags);
	mode_t mode = mode_of(flags, ap);
	va_end(ap);
	return due("open") ? -1 : __real_open(path, flags, mode);
}

int __wrap_openat(int dir, const char *path, int flags, ...)
{
	va_list ap;
	va_start(ap, flags);
	mode_t mode = mode_of(flags, ap);
	va_end(ap);
	return due("openat") ? -1 : __real_openat(dir, path, flags, mode);
}

ssize_t __wrap_write(int fd, const void *data, size_t len)
{
	return due("write") ? -1 : __real_write(fd, data, len);
}

int __wrap_fsync(int fd)
{
	return due("fsync") ? -1 : __real_fsync(fd);
}

int __wrap_syncfs(int fd)
{
	return due("syncfs") ? -1 : __real_syncfs(fd);
}

int __wrap_mkdir(const char *path, mode_t mode)
{
	return due("mkdir") ? -1 : __real_mkdir(path, mode);
}

int __wrap_mkdirat(int dir, const char *path, mode_t mode)
{
	return due("mkdirat") ? -1 : __real_mkdirat(dir, path, mode);
}

int __wrap_rename(const char *from, const char *to)
{
	return due("rename") ? -1 : __real_rename(from, to);
}

int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return due("renameat") ? -1 : __real_renameat(from_dir, from, to_dir, to);
}

int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	return due("renameat2") ? -1 : __real_renameat2(from_dir, from, to_dir, to, flags);
}

int __wrap_linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	return due("linkat") ? -1 : __real_linkat(from_dir, from, to_dir, to, flags);
}

int __wrap_eventfd(unsigned count, int flags)
{
	return due("eventfd") ? -1 : __real_eventfd(count, flags);
}

int __wrap_pthread_create(pthread_t *ret, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
	return due("pthread_create") ? EAGAIN : __real_pthread_create(ret, attr, fn, arg);
}

int fault_thread(pthread_t *ret, void *(*fn)(void *), void *arg)
{
	return __real_pthread_create(ret, NULL, fn, arg);
}
