/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/unpack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "slackwater/fs.h"
#include "stream/names.h"

enum { UNPACK_PATH_MAX = 4096 };

static const char unpack_part_inside[] = ".slackwater-part";
static const char unpack_last[] = "metadata";

struct unpack_dir {
	char *dir, *part;
	int fd;      /* of part */
	bool exists; /* dir did, part is inside */
	bool made;   /* part is ours */
};

static enum status unpack_path(char **ret, struct error *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static enum status unpack_path(char **ret, struct error *err, const char *fmt, ...)
{
	struct buf path = BUF_INIT(UNPACK_PATH_MAX);
	va_list ap;
	va_start(ap, fmt);
	buf_addv(&path, fmt, ap);
	va_end(ap);
	enum status st = buf_check(&path, "the path", err);
	if (!st && !(*ret = buf_take(&path)))
		st = error_oom(err);
	buf_free(&path);
	return st;
}

static bool unpack_is_empty(const char *path)
{
	DIR *dir = opendir(path);
	bool empty = dir != NULL;
	for (const struct dirent *de; empty && (de = readdir(dir));)
		empty = strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0 || strcmp(de->d_name, "lost+found") == 0;
	if (dir)
		closedir(dir);
	return empty;
}

static enum status unpack_in_use(const char *part, struct error *err)
{
	error_set(err, ST_FAILED, ERR_USAGE, "%s is there: another restore is at work, or one was killed", part);
	error_hint(err, "if no restore is running, remove it");
	return ST_FAILED;
}

static enum status unpack_check_target(struct unpack_dir *d, struct error *err)
{
	struct stat sb;
	if (stat(d->dir, &sb) != 0)
		return errno == ENOENT ? ST_OK : error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot look at %s", d->dir);
	d->exists = true;
	if (S_ISDIR(sb.st_mode) && unpack_is_empty(d->dir))
		return ST_OK;
	char *part = NULL;
	if (S_ISDIR(sb.st_mode) && unpack_path(&part, err, "%s/%s", d->dir, unpack_part_inside) == ST_OK && access(part, F_OK) == 0)
		unpack_in_use(part, err);
	else
		error_set(err, ST_FAILED, ERR_USAGE, "%s exists and is not an empty directory", d->dir);
	free(part);
	if (!err || !err->hint[0])
		error_hint(err, "name a directory that does not exist yet; nothing is ever restored over something else");
	return ST_FAILED;
}

static enum status unpack_make_part(struct unpack_dir *d, struct error *err)
{
	if (mkdir(d->part, 0700) != 0)
		return errno == EEXIST ? unpack_in_use(d->part, err)
		                       : error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot create directory %s", d->part);
	d->made = true;
	d->fd = open(d->part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return d->fd < 0 ? error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot open directory %s", d->part) : ST_OK;
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
	size_t len = strlen(dir);
	while (len > 1 && dir[len - 1] == '/')
		len--;
	if (!len || len > UNPACK_PATH_MAX || strcmp(dir, "/") == 0)
		return error_set(err, ST_FAILED, ERR_USAGE, "\"%.200s\" is no directory to restore into", dir);
	struct unpack_dir *d = calloc(1, sizeof *d);
	if (!d)
		return error_oom(err);
	d->fd = -1;
	enum status st = unpack_path(&d->dir, err, "%.*s", (int)len, dir);
	if (!st)
		st = unpack_check_target(d, err);
	if (!st)
		st = d->exists ? unpack_path(&d->part, err, "%s/%s", d->dir, unpack_part_inside)
		               : unpack_path(&d->part, err, "%s.part", d->dir);
	if (!st && !d->exists)
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

static enum status unpack_rename_all(const struct unpack_dir *d, struct error *err)
{
	if (rename(d->part, d->dir) != 0)
		return error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot rename %s to %s", d->part, d->dir);
	return unpack_sync_parent(d, err);
}

/* Move every file up from part, or (back) remove from dir what had been moved up already: it was empty before us. */
static int unpack_each(int from, int to, bool back)
{
	int bad = 0, fd = fcntl(back ? to : from, F_DUPFD_CLOEXEC, 3);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	if (!list) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	rewinddir(list);
	for (const struct dirent *de; !bad && (de = readdir(list));) {
		if (!names_entry_valid(de->d_name) || (!back && strcmp(de->d_name, unpack_last) == 0))
			continue;
		bad = back ? unlinkat(to, de->d_name, 0) : renameat(from, de->d_name, to, de->d_name);
	}
	int saved = errno;
	closedir(list);
	errno = saved;
	return bad;
}

static enum status unpack_move_up(struct unpack_dir *d, struct error *err)
{
	int dir = open(d->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int bad = dir < 0 ? -1 : unpack_each(d->fd, dir, false);
	if (!bad && fsync(dir) != 0 && errno != EINVAL)
		bad = -1;
	if (!bad && renameat(d->fd, unpack_last, dir, unpack_last) != 0 && errno != ENOENT)
		bad = -1;
	if (!bad && (rmdir(d->part) != 0 || (fsync(dir) != 0 && errno != EINVAL)))
		bad = -1;
	enum status st = bad ? error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot move files from %s to %s", d->part, d->dir) : ST_OK;
	if (bad && dir >= 0)
		(void)unpack_each(d->fd, dir, true);
	if (dir >= 0)
		close(dir);
	return st;
}

enum status unpack_dir_commit(struct unpack_dir *d, struct error *err)
{
	/* One sync of the file system instead of one for each of perhaps a million files. */
	if (syncfs(d->fd) != 0)
		return error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot sync %s", d->part);
	enum status st = d->exists ? unpack_move_up(d, err) : unpack_rename_all(d, err);
	d->made = st != ST_OK;
	return st;
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

enum status unpack_replace(const struct unpack_dir *d, const char *name, const struct buf *text, struct error *err)
{
	int fd = openat(d->fd, name, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot open %s/%s", d->part, name);
	enum status st = fs_write_all(fd, text->data, text->len, name, err);
	if (close(fd) != 0 && !st)
		st = error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot write %s/%s", d->part, name);
	return st;
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
	if (u->leave && strlist_has_sorted(u->leave, name))
		return ST_OK;
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
	return st || u->fd < 0 ? st : fs_write_all(u->fd, data, len, u->name, err);
}

static enum status unpack_close(struct visitor *v, struct error *err)
{
	struct unpack *u = (struct unpack *)v;
	int fd = u->fd;
	u->fd = -1;
	if (fd >= 0 && close(fd) != 0)
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
