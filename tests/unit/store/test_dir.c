/* SPDX-License-Identifier: Apache-2.0 */
/* What is particular to directories: links, strangers, crashes, full and read-only disks, addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scratch.h"
#include "slackwater/store.h"

/* ---- the system as it can be: a directory that cannot be synced, locks as an NFS client asks for them ---- */

static bool no_directory_sync, nfs_locks;

int fsync(int fd)
{
	struct stat sb;
	if (no_directory_sync && !fstat(fd, &sb) && S_ISDIR(sb.st_mode)) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

int flock(int fd, int operation)
{
	if (nfs_locks && (operation & LOCK_EX) && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY) {
		errno = EBADF;
		return -1;
	}
	return (int)syscall(SYS_flock, fd, operation);
}

static struct store *open_store(struct scratch *s, const char *name, enum store_use use)
{
	struct store *store = NULL;
	struct error err;
	OK(store_open(scratch_path(s, name), use, NULL, &s->run, &store, &err));
	return store;
}

static bool count(void *arg, const struct store_object *o)
{
	(void)o;
	++*(unsigned *)arg;
	return true;
}

static unsigned listed(struct store *s)
{
	unsigned n = 0;
	struct error err;
	OK(s->ops->list(s, "", count, &n, &err));
	return n;
}

static void test_links_are_not_followed(void **state)
{
	struct scratch *t = *state;
	struct store *s = open_store(t, "repository", STORE_WRITE);
	struct error err;
	struct store_reader *r;
	uint64_t size;
	mkdir(scratch_path(t, "elsewhere"), 0700);
	scratch_write(scratch_path(t, "elsewhere/object"), "secret", 6);
	assert_int_equal(symlink(scratch_path(t, "elsewhere"), scratch_path(t, "repository/dir")), 0);
	assert_int_equal(symlink(scratch_path(t, "elsewhere/object"), scratch_path(t, "repository/file")), 0);
	FAILS(ERR_STORE, s->ops->open(s, "dir/object", 0, 0, &r, &err));
	assert_non_null(strstr(err.hint, "symbolic links"));
	FAILS(ERR_STORE, s->ops->open(s, "file", 0, 0, &r, &err));
	FAILS(ERR_STORE, s->ops->stat(s, "file", &size, &err));
	FAILS(ERR_STORE, s->ops->put(s, "dir/new", "x", 1, false, &err));
	FAILS(ERR_STORE, s->ops->remove(s, "dir/object", &err));
	assert_int_equal(listed(s), 0);
	/* Writing over a link replaces the link, not what it points at. */
	OK(s->ops->put(s, "file", "ours", 4, false, &err));
	assert_int_equal(scratch_count(scratch_path(t, "elsewhere")), 1);
	struct buf b = BUF_INIT(100);
	OK(store_get(s, "file", &b, &err));
	assert_string_equal(buf_str(&b), "ours");
	buf_free(&b);
	store_free(s);
}

static void test_the_root_may_be_a_link(void **state)
{
	struct scratch *t = *state;
	mkdir(scratch_path(t, "disk"), 0700);
	assert_int_equal(symlink(scratch_path(t, "disk"), scratch_path(t, "repository")), 0);
	struct store *s = open_store(t, "repository", STORE_WRITE);
	struct error err;
	OK(s->ops->put(s, "a/b", "x", 1, true, &err));
	assert_int_equal(scratch_count(scratch_path(t, "disk")), 2);
	store_free(s);
}

static void test_strangers(void **state)
{
	struct scratch *t = *state;
	struct store *s = open_store(t, "repository", STORE_WRITE);
	struct error err;
	struct store_reader *r;
	unsigned removed;
	static const char *const strange[] = {
		".hidden", "with blank", "lost+found", ".slackwater-tmp-", ".slackwater-tmp-12-0123456789abcde",
		".slackwater-tmp-x-0123456789abcdef", ".slackwater-tmp-12-0123456789abcdef0", "slackwater-tmp-12-0123456789abcdef",
		".slackwater-tmp-12-0123456789ABCDEF",
	};
	enum { N = sizeof strange / sizeof strange[0] };
	for (size_t i = 0; i < N; i++) {
		char name[200];
		snprintf(name, sizeof name, "repository/%s", strange[i]);
		scratch_write(scratch_path(t, name), "x", 1);
	}
	assert_int_equal(mkfifo(scratch_path(t, "repository/fifo"), 0600), 0);
	assert_int_equal(listed(s), 1); /* slackwater-tmp-12-..., whose name could be a key */
	FAILS(ERR_STORE, s->ops->open(s, "fifo", 0, 0, &r, &err)); /* and does not hang */
	assert_non_null(strstr(err.message, "not a regular file"));
	OK(s->ops->sweep(s, "", 0, &removed, &err));
	assert_int_equal(removed, 0);
	assert_int_equal(scratch_count(scratch_path(t, "repository")), N + 1);
	store_free(s);
}

static void test_modes(void **state)
{
	struct scratch *t = *state;
	struct store *s = open_store(t, "repository", STORE_WRITE);
	struct error err;
	struct stat sb;
	mode_t before = umask(0);
	OK(s->ops->put(s, "a/b", "x", 1, false, &err));
	umask(before);
	assert_int_equal(stat(scratch_path(t, "repository/a"), &sb), 0);
	assert_int_equal(sb.st_mode & 07777, 0700);
	assert_int_equal(stat(scratch_path(t, "repository/a/b"), &sb), 0);
	assert_int_equal(sb.st_mode & 07777, 0600);
	store_free(s);
}

/* A writer that dies in the middle: what it leaves is never listed, and swept once nobody holds it. */
static void test_a_crash_is_swept(void **state)
{
	struct scratch *t = *state;
	struct store *s = open_store(t, "repository", STORE_WRITE);
	struct error err;
	unsigned removed = 0;
	int status;
	pid_t child = fork();
	if (child == 0) {
		struct store_writer *w;
		if (s->ops->create(s, "i/x/shard-0000.tar", &w, &err) || w->ops->write(w, "half", 4, &err))
			_exit(1);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(scratch_count(scratch_path(t, "repository")), 3);
	assert_int_equal(listed(s), 0);
	OK(s->ops->sweep(s, "i/", 3600 * 1000, &removed, &err));
	assert_int_equal(removed, 0); /* too young */
	OK(s->ops->sweep(s, "j/", 0, &removed, &err));
	assert_int_equal(removed, 0); /* another's */
	OK(s->ops->sweep(s, "i/", 0, &removed, &err));
	assert_int_equal(removed, 1);
	assert_int_equal(scratch_count(scratch_path(t, "repository")), 0); /* the empty directories, too */
	store_free(s);
}

/* A writer that lives holds a lock: its file is spared, however old it looks. */
static void test_the_living_are_not_swept(void **state)
{
	struct scratch *t = *state;
	struct store *s = open_store(t, "repository", STORE_WRITE);
	struct store_writer *w;
	struct error err;
	unsigned removed = 9;
	OK(s->ops->create(s, "i/object", &w, &err));
	OK(s->ops->sweep(s, "i/", -3600 * 1000, &removed, &err));
	assert_int_equal(removed, 0);
	OK(w->ops->write(w, "x", 1, &err));
	OK(w->ops->commit(w, &err));
	store_writer_free(w);
	assert_int_equal(listed(s), 1);
	store_free(s);
}

/* From two hosts that share an NFS server: with the locks that it has. */
static void test_the_living_on_nfs(void **state)
{
	nfs_locks = true;
	test_the_living_are_not_swept(state);
	nfs_locks = false;
}

/* What was new goes; what was replaced has gone already, and the new must not follow it. */
static void test_a_directory_that_cannot_be_synced(void **state)
{
	struct scratch *t = *state;
	struct store *s = open_store(t, "repository", STORE_WRITE);
	struct error err;
	struct buf b = BUF_INIT(100);
	uint64_t size;
	OK(s->ops->put(s, "a/b", "old", 3, false, &err));
	no_directory_sync = true;
	enum status replaced = s->ops->put(s, "a/b", "newer", 5, false, &err), absent = s->ops->put(s, "a/c", "x", 1, true, &err);
	no_directory_sync = false;
	assert_int_equal(replaced, ST_FAILED);
	assert_int_equal(absent, ST_FAILED);
	OK(store_get(s, "a/b", &b, &err));
	assert_string_equal(buf_str(&b), "newer");
	FAILS(ERR_SNAPSHOT, s->ops->stat(s, "a/c", &size, &err));
	buf_free(&b);
	store_free(s);
}

static void test_addresses(void **state)
{
	struct scratch *t = *state;
	struct store *s;
	struct error err;
	char url[600];
	static const char *const bad[] = { "", "gs://bucket/x", "http://host/x", "file://host/dir", "file://", "file:///a%2", "file:///a%00b", "file:///a%zz",
		                           "s3:bucket", "s3:/bucket/x", "file:/backup", "file:backup", "S3://bucket",
		                           "ftp://me:secret@host/x", "file://me:secret@host/x" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		FAILS(ERR_USAGE, store_open(bad[i], STORE_READ, NULL, &t->run, &s, &err));
		FAILS(ERR_USAGE, store_check_url(bad[i], NULL, &err));
		assert_null(strstr(err.message, "secret"));
	}
	OK(store_check_url("-", NULL, &err));
	OK(store_check_url("/no/such/directory", NULL, &err)); /* whether it is there is not asked */
	snprintf(url, sizeof url, "file://localhost%s/with%%20blank", t->dir);
	OK(store_open(url, STORE_WRITE, NULL, &t->run, &s, &err));
	store_free(s);
	struct stat sb;
	assert_int_equal(stat(scratch_path(t, "with blank"), &sb), 0);
	FAILS(ERR_STORE, store_open(scratch_path(t, "missing"), STORE_READ, NULL, &t->run, &s, &err));
	assert_int_equal(err.sys_errno, ENOENT);
	FAILS(ERR_STORE, store_open(scratch_path(t, "missing"), STORE_CHANGE, NULL, &t->run, &s, &err)); /* a mistyped name makes no repository */
	assert_int_equal(stat(scratch_path(t, "missing"), &sb), -1);
	OK(store_open(scratch_path(t, "with blank"), STORE_CHANGE, NULL, &t->run, &s, &err));
	OK(s->ops->put(s, "a/b", "x", 1, false, &err));
	OK(s->ops->remove(s, "a/b", &err));
	store_free(s);
	/* A directory is made, a path is not: what is missing above may be a file system that is not mounted. */
	FAILS(ERR_STORE, store_open(scratch_path(t, "mnt/repository"), STORE_WRITE, NULL, &t->run, &s, &err));
	assert_int_equal(err.sys_errno, ENOENT);
	assert_non_null(strstr(err.hint, "mounted"));
	assert_int_equal(stat(scratch_path(t, "mnt"), &sb), -1);
	OK(store_open(scratch_path(t, "slashes//"), STORE_WRITE, NULL, &t->run, &s, &err));
	store_free(s);
	scratch_write(scratch_path(t, "file"), "x", 1);
	FAILS(ERR_STORE, store_open(scratch_path(t, "file"), STORE_READ, NULL, &t->run, &s, &err));
	FAILS(ERR_STORE, store_open(scratch_path(t, "file"), STORE_WRITE, NULL, &t->run, &s, &err));
}

/* Mount a small file system of our own; not possible: the test is skipped. */
static void mount_small(const char *path)
{
	mkdir(path, 0700);
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", path, "tmpfs", 0, "size=64k") != 0)
		_exit(77);
}

#define CHILD_CHECK(cond) \
	do { if (!(cond)) { print_error("line %d: %s\n", __LINE__, #cond); _exit(1); } } while (0)

static void in_child(void (*body)(struct scratch *), struct scratch *t)
{
	int status;
	pid_t child = fork();
	if (child == 0) {
		body(t);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

static void disk_full(struct scratch *t)
{
	struct store *s;
	struct store_writer *w;
	struct error err;
	static char block[16384];
	mount_small(scratch_path(t, "small"));
	CHILD_CHECK(store_open(scratch_path(t, "small"), STORE_WRITE, NULL, &t->run, &s, &err) == ST_OK);
	CHILD_CHECK(s->ops->create(s, "a/object", &w, &err) == ST_OK);
	enum status st = ST_OK;
	for (int i = 0; !st && i < 100; i++)
		st = w->ops->write(w, block, sizeof block, &err);
	CHILD_CHECK(st == ST_FAILED && err.kind == ERR_STORE && err.sys_errno == ENOSPC);
	CHILD_CHECK(strstr(err.message, "a/object") && strstr(err.hint, "space"));
	store_writer_free(w);
	CHILD_CHECK(scratch_count(scratch_path(t, "small")) == 0);
	CHILD_CHECK(s->ops->put(s, "a/small", "x", 1, true, &err) == ST_OK);
	store_free(s);
}

static void test_disk_full(void **state)
{
	in_child(disk_full, *state);
}

static void read_only(struct scratch *t)
{
	struct store *s;
	struct error err;
	struct buf b = BUF_INIT(10);
	mount_small(scratch_path(t, "small"));
	CHILD_CHECK(store_open(scratch_path(t, "small"), STORE_WRITE, NULL, &t->run, &s, &err) == ST_OK);
	CHILD_CHECK(s->ops->put(s, "a/object", "x", 1, true, &err) == ST_OK);
	CHILD_CHECK(mount(NULL, scratch_path(t, "small"), NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0);
	CHILD_CHECK(s->ops->put(s, "b/object", "x", 1, true, &err) == ST_FAILED && err.kind == ERR_STORE && err.sys_errno == EROFS);
	CHILD_CHECK(strstr(err.hint, "read-only"));
	CHILD_CHECK(s->ops->remove(s, "a/object", &err) == ST_FAILED && err.sys_errno == EROFS);
	store_free(s);
	/* Known before anything is done. */
	CHILD_CHECK(store_open(scratch_path(t, "small"), STORE_WRITE, NULL, &t->run, &s, &err) == ST_FAILED && err.sys_errno == EROFS);
	CHILD_CHECK(store_open(scratch_path(t, "small"), STORE_READ, NULL, &t->run, &s, &err) == ST_OK);
	CHILD_CHECK(store_get(s, "a/object", &b, &err) == ST_OK);
	buf_free(&b);
	store_free(s);
}

static void test_read_only(void **state)
{
	in_child(read_only, *state);
}

static void no_rights(struct scratch *t)
{
	struct store *s;
	struct error err;
	mkdir(scratch_path(t, "theirs"), 0700);
	chmod(t->dir, 0755);
	if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
		_exit(77);
	if (access(scratch_path(t, "theirs"), R_OK) == 0)
		_exit(77);
	CHILD_CHECK(store_open(scratch_path(t, "theirs"), STORE_WRITE, NULL, &t->run, &s, &err) == ST_FAILED && err.sys_errno == EACCES);
	CHILD_CHECK(strstr(err.hint, "rights"));
	CHILD_CHECK(store_open(scratch_path(t, "theirs"), STORE_READ, NULL, &t->run, &s, &err) == ST_FAILED && err.sys_errno == EACCES);
	CHILD_CHECK(store_open(scratch_path(t, "mine"), STORE_WRITE, NULL, &t->run, &s, &err) == ST_FAILED && err.sys_errno == EACCES);
}

static void test_no_rights(void **state)
{
	in_child(no_rights, *state);
}

static bool belongs_to(const char *path, uid_t uid)
{
	struct stat sb;
	return lstat(path, &sb) == 0 && sb.st_uid == uid && sb.st_gid == uid;
}

/* What root stores by hand in the agent's repository, the agent can read, list and expire. */
static void test_root_beside_the_agent(void **state)
{
	enum { AGENT = 4321 };
	struct scratch *t = *state;
	struct error err;
	if (geteuid() != 0) {
		print_message("only root can give files away\n");
		skip();
	}
	assert_int_equal(mkdir(scratch_path(t, "theirs"), 0700), 0);
	assert_int_equal(chown(scratch_path(t, "theirs"), AGENT, AGENT), 0);
	struct store *s = open_store(t, "theirs/repository", STORE_WRITE);
	OK(s->ops->put(s, "a/b/object", "x", 1, true, &err));
	static const char *const made[] = { "theirs/repository", "theirs/repository/a", "theirs/repository/a/b", "theirs/repository/a/b/object" };
	for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
		assert_true(belongs_to(scratch_path(t, made[i]), AGENT));
	/* What is somebody else's, or root's from before, stays as it is. */
	assert_int_equal(mkdir(scratch_path(t, "theirs/repository/roots"), 0755), 0);
	OK(s->ops->put(s, "roots/object", "x", 1, true, &err));
	assert_true(belongs_to(scratch_path(t, "theirs/repository/roots"), 0));
	assert_true(belongs_to(scratch_path(t, "theirs/repository/roots/object"), 0));
	store_free(s);
}

#define IN_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(test_links_are_not_followed), IN_SCRATCH(test_the_root_may_be_a_link), IN_SCRATCH(test_strangers),
		IN_SCRATCH(test_modes), IN_SCRATCH(test_a_crash_is_swept), IN_SCRATCH(test_the_living_are_not_swept), IN_SCRATCH(test_the_living_on_nfs),
		IN_SCRATCH(test_a_directory_that_cannot_be_synced), IN_SCRATCH(test_addresses), IN_SCRATCH(test_disk_full),
		IN_SCRATCH(test_read_only), IN_SCRATCH(test_no_rights), IN_SCRATCH(test_root_beside_the_agent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
