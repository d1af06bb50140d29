/* SPDX-License-Identifier: Apache-2.0 */
#include "slackwater/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static enum status fs_mkdir_one(const char *path, mode_t mode, struct error *err)
{
	struct stat sb;
	if (mkdir(path, mode) == 0 || (errno == EEXIST && stat(path, &sb) == 0 && S_ISDIR(sb.st_mode)))
		return ST_OK;
	return error_sys(err, ST_FAILED, ERR_STORE, errno == EEXIST ? ENOTDIR : errno, "cannot create directory %s", path);
}

enum status fs_mkdirs(const char *path, mode_t mode, struct error *err)
{
	char *part = strdup(path);
	if (!part)
		return error_oom(err);
	enum status st = ST_OK;
	for (char *p = part; *p && !st; p++) {
		if (*p != '/' || p == part)
			continue;
		*p = '\0';
		st = fs_mkdir_one(part, mode, err);
		*p = '/';
	}
	if (!st)
		st = fs_mkdir_one(part, mode, err);
	free(part);
	return st;
}

/* "dir" of "dir/name" into out; "." when there is none. */
static void fs_dirname(const char *path, struct buf *out)
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		buf_adds(out, ".");
	else
		buf_add(out, path, slash == path ? 1 : (size_t)(slash - path));
}

enum status fs_mkdir(const char *path, mode_t mode, bool *ret_made, struct error *err)
{
	struct buf dir = BUF_INIT(8192);
	char *plain = strdup(path);
	if (!plain)
		return error_oom(err);
	for (size_t len = strlen(plain); len > 1 && plain[len - 1] == '/'; len--)
		plain[len - 1] = '\0';
	bool made = mkdir(plain, mode) == 0;
	enum status st = ST_OK;
	if (!made && errno != EEXIST)
		st = error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot create directory %s", plain);
	fs_dirname(plain, &dir);
	if (made)
		st = buf_check(&dir, "the path", err);
	if (made && !st)
		st = fs_sync_dir(dir.data, err);
	if (!st)
		*ret_made = made;
	buf_free(&dir);
	free(plain);
	return st;
}

enum status fs_sync_dir(const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot open directory %s", path);
	enum status st = ST_OK;
	/* Some file systems have nothing to sync for a directory and say EINVAL. */
	if (fsync(fd) != 0 && errno != EINVAL)
		st = error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot sync directory %s", path);
	close(fd);
	return st;
}

enum status fs_write_all(int fd, const void *data, size_t len, const char *name, struct error *err)
{
	const char *p = data;
	while (len) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot write %s", name);
		p += n;
		len -= (size_t)n;
	}
	return ST_OK;
}

enum status fs_read_fd(int fd, const char *name, struct buf *ret, struct error *err)
{
	enum status st = ST_OK;
	char block[65536];
	while (!st) {
		ssize_t n = read(fd, block, sizeof block);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			st = error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot read %s", name);
		if (n <= 0)
			break;
		buf_add(ret, block, (size_t)n);
		st = buf_check(ret, name, err);
	}
	if (ret->secret)
		explicit_bzero(block, sizeof block);
	return st;
}

enum status fs_read_file(const char *path, struct buf *ret, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot open %s", path);
	enum status st = fs_read_fd(fd, path, ret, err);
	close(fd);
	return st;
}

static int fs_give(int fd, const struct stat *owner)
{
	struct stat sb;
	if (owner->st_uid == 0)
		return 0;
	if (fstat(fd, &sb) != 0)
		return -1;
	/* The directory's owner may have put a second name of another file there, which is not his to be given. */
	bool alone = S_ISDIR(sb.st_mode) || (S_ISREG(sb.st_mode) && sb.st_nlink == 1);
	return alone && sb.st_uid == 0 ? fchown(fd, owner->st_uid, owner->st_gid) : 0;
}

enum status fs_hand_over(int fd, const char *dir, const char *name, struct error *err)
{
	struct stat owner;
	if (geteuid() != 0 || (stat(dir, &owner) == 0 && fs_give(fd, &owner) == 0))
		return ST_OK;
	return error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot give %s to the owner of %s", name, dir);
}

void fs_hand_over_at(int fd, int dir)
{
	struct stat owner;
	int saved = errno;
	if (geteuid() == 0 && fstat(dir, &owner) == 0)
		(void)fs_give(fd, &owner);
	errno = saved;
}

enum status fs_write_file_atomic(const char *path, const void *data, size_t len, mode_t mode, struct error *err)
{
	struct buf tmp = BUF_INIT(8192), dir = BUF_INIT(8192);
	buf_addf(&tmp, "%s.tmp-%d", path, (int)getpid());
	fs_dirname(path, &dir);
	int fd = -1;
	enum status st = buf_check(&tmp, "the path", err);
	if (!st)
		st = buf_check(&dir, "the path", err);
	if (st)
		goto out;
	/* One that was left there by a process of this number is not written through: it may be a second name of another file. */
	(void)unlink(tmp.data);
	fd = open(tmp.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0) {
		st = error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot create %s", tmp.data);
		goto out;
	}
	st = fs_write_all(fd, data, len, path, err);
	if (!st)
		st = fs_hand_over(fd, dir.data, path, err);
	if (!st && fsync(fd) != 0)
		st = error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot sync %s", path);
	if (close(fd) != 0 && !st)
		st = error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot close %s", path);
	if (!st && rename(tmp.data, path) != 0)
		st = error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot rename to %s", path);
	if (st)
		unlink(tmp.data);
	else
		st = fs_sync_dir(dir.data, err);
out:
	buf_free(&tmp);
	buf_free(&dir);
	return st;
}

enum status fs_free_bytes(const char *path, uint64_t *ret_bytes, struct error *err)
{
	struct statvfs v;
	if (statvfs(path, &v) != 0)
		return error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot see the free space of %s", path);
	*ret_bytes = (uint64_t)v.f_bavail * v.f_frsize;
	return ST_OK;
}

static int fs_remove_one(const char *path, const struct stat *sb, int type, struct FTW *ftw)
{
	(void)sb;
	(void)type;
	(void)ftw;
	return remove(path);
}

enum status fs_remove_tree(const char *path, struct error *err)
{
	if (nftw(path, fs_remove_one, 32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0 && errno != ENOENT)
		return error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot remove %s", path);
	return ST_OK;
}
