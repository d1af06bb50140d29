/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/unpack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "slackwater/fs.h"
#include "stream/names.h"

enum { UNPACK_PATH_MAX = 4096 };

struct unpack_dir {
	char *dir, *part;
	int fd;
	bool made; /* part is ours */
};

static enum status unpack_paths(struct unpack_dir *d, const char *dir, struct error *err)
{
	struct buf path = BUF_INIT(UNPACK_PATH_MAX);
	size_t len = strlen(dir);
	while (len > 1 && dir[len - 1] == '/')
		len--;
	if (!len || strcmp(dir, "/") == 0)
		return error_set(err, ST_FAILED, ERR_USAGE, "\"%s\" is no directory to restore into", dir);
	buf_add(&path, dir, len);
	enum status st = buf_check(&path, "the path", err);
	if (!st && !(d->dir = strdup(path.data)))
		st = error_oom(err);
	buf_adds(&path, ".part");
	if (!st)
		st = buf_check(&path, "the path", err);
	if (!st && !(d->part = buf_take(&path)))
		st = error_oom(err);
	buf_free(&path);
	return st;
}

static bool unpack_is_empty(const char *path)
{
	DIR *dir = opendir(path);
	bool empty = dir != NULL;
	for (const struct dirent *de; empty && (de = readdir(dir));)
		empty = strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0;
	if (dir)
		closedir(dir);
	return empty;
}

static enum status unpack_check_target(const struct unpack_dir *d, struct error *err)
{
	struct stat sb;
	if (lstat(d->dir, &sb) != 0)
		return errno == ENOENT ? ST_OK : error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot look at %s", d->dir);
	if (S_ISDIR(sb.st_mode) && unpack_is_empty(d->dir))
		return ST_OK;
	error_set(err, ST_FAILED, ERR_USAGE, "%s exists and is not an empty directory", d->dir);
	error_hint(err, "name a directory that does not exist yet; nothing is ever restored over something else");
	return ST_FAILED;
}

static enum status unpack_make_part(struct unpack_dir *d, struct error *err)
{
	if (mkdir(d->part, 0700) != 0 && errno == EEXIST) {
		error_set(err, ST_FAILED, ERR_USAGE, "%s is there: another restore is at work, or one was killed", d->part);
		error_hint(err, "if no restore is running, remove it");
		return ST_FAILED;
	}
	d->fd = open(d->part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (d->fd < 0)
		return error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot create directory %s", d->part);
	d->made = true;
	return ST_OK;
}

static enum status unpack_make_parent(const struct unpack_dir *d, struct error *err)
{
	char *parent = strdup(d->dir);
	if (!parent)
		return error_oom(err);
	char *slash = strrchr(parent, '/');
	enum status st = ST_OK;
	if (slash && slash != parent) {
		*slash = '\0';
		st = fs_mkdirs(parent, 0700, err);
	}
	free(parent);
	return st;
}

enum status unpack_dir_open(const char *dir, struct unpack_dir **ret, struct error *err)
{
	struct unpack_dir *d = calloc(1, sizeof *d);
	if (!d)
		return error_oom(err);
	d->fd = -1;
	enum status st = unpack_paths(d, dir, err);
	if (!st)
		st = unpack_check_target(d, err);
	if (!st)
		st = unpack_make_parent(d, err);
	if (!st)
		st = unpack_make_part(d, err);
	if (st)
		unpack_dir_free(d);
	else
		*ret = d;
	return st;
}

static enum status unpack_sync_parent(const struct unpack_dir *d, struct error *err)
{
	char *parent = strdup(d->dir);
	if (!parent)
		return error_oom(err);
	char *slash = strrchr(parent, '/');
	if (slash)
		slash[slash == parent] = '\0';
	enum status st = fs_sync_dir(slash ? parent : ".", err);
	free(parent);
	return st;
}

enum status unpack_dir_commit(struct unpack_dir *d, struct error *err)
{
	/* One sync of the file system instead of one for each of perhaps a million files. */
	if (syncfs(d->fd) != 0)
		return error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot sync %s", d->part);
	if (rename(d->part, d->dir) != 0) {
		error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot rename %s to %s", d->part, d->dir);
		return ST_FAILED;
	}
	d->made = false;
	return unpack_sync_parent(d, err);
}

void unpack_dir_free(struct unpack_dir *d)
{
	if (!d)
		return;
	if (d->fd >= 0)
		close(d->fd);
	if (d->made)
		(void)fs_remove_tree(d->part, NULL);
	free(d->dir);
	free(d->part);
	free(d);
}

static enum status unpack_begin(struct visitor *v, const char *name, uint64_t size, struct error *err)
{
	struct unpack *u = (struct unpack *)v;
	(void)size;
	enum status st = run_check(u->run, err);
	if (st)
		return st;
	/* Checked where names come from, too: here it is what keeps us inside the directory. */
	if (!names_entry_valid(name))
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "\"%.300s\" cannot be the name of an entry", name);
	snprintf(u->name, sizeof u->name, "%s", name);
	u->fd = openat(u->dir->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (u->fd < 0 && errno == EEXIST)
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s is in the snapshot twice", name);
	if (u->fd < 0)
		return error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot create %s/%s", u->dir->part, name);
	return ST_OK;
}

static enum status unpack_data(struct visitor *v, const void *data, size_t len, struct error *err)
{
	struct unpack *u = (struct unpack *)v;
	enum status st = run_check(u->run, err);
	return st ? st : fs_write_all(u->fd, data, len, u->name, err);
}

static enum status unpack_close(struct visitor *v, struct error *err)
{
	struct unpack *u = (struct unpack *)v;
	int fd = u->fd;
	u->fd = -1;
	if (close(fd) != 0)
		return error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot write %s/%s", u->dir->part, u->name);
	return ST_OK;
}

static const struct visitor_ops unpack_ops = { unpack_begin, unpack_data, unpack_close, visitor_idle_index };

void unpack_init(struct unpack *u, const struct unpack_dir *d, struct run *run)
{
	*u = (struct unpack){ .base = { &unpack_ops }, .dir = d, .run = run, .fd = -1 };
}

void unpack_end(struct unpack *u)
{
	if (u->fd >= 0)
		close(u->fd);
	u->fd = -1;
}
