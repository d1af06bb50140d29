/* SPDX-License-Identifier: Apache-2.0 */
#include "store/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "slackwater/fs.h"
#include "store/dir_walk.h"
#include "store/dir_writer.h"

struct dir_store {
	struct store base;
	struct dir_root root;
};

struct dir_reader {
	struct store_reader base;
	struct dir_store *store;
	int fd;
	char *key;
	uint64_t left;
};

static struct dir_store *dir_of(struct store *s)
{
	return (struct dir_store *)s;
}

static enum status dir_create(struct store *s, const char *key, struct store_writer **ret, struct error *err)
{
	return dir_writer_new(&dir_of(s)->root, s->run, key, ret, err);
}

static enum status dir_put(struct store *s, const char *key, const void *data, size_t len, bool if_absent, struct error *err)
{
	return dir_writer_put(&dir_of(s)->root, s->run, key, data, len, if_absent, err);
}

static enum status dir_reader_read(struct store_reader *sr, void *data, size_t cap, size_t *ret_n, struct error *err)
{
	struct dir_reader *r = (struct dir_reader *)sr;
	enum status st = run_check(r->store->base.run, err);
	if (st)
		return st;
	ssize_t n;
	do
		n = read(r->fd, data, r->left < cap ? (size_t)r->left : cap);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return dir_path_error(&r->store->root, r->key, errno, "cannot read", err);
	r->left -= (uint64_t)n;
	*ret_n = (size_t)n;
	return ST_OK;
}

static void dir_reader_free(struct store_reader *sr)
{
	struct dir_reader *r = (struct dir_reader *)sr;
	if (r->fd >= 0)
		close(r->fd);
	free(r->key);
	free(r);
}

static const struct store_reader_ops dir_reader_ops = { dir_reader_read, dir_reader_free };

/* A directory is there because of the objects in it, and is none itself. */
static enum status dir_check_kind(const struct dir_root *root, const char *key, const struct stat *sb, struct error *err)
{
	if (S_ISDIR(sb->st_mode))
		return dir_path_error(root, key, ENOENT, "", err);
	if (!S_ISREG(sb->st_mode))
		return error_set(err, ST_FAILED, ERR_STORE, "%s/%s is not a regular file", root->path, key);
	return ST_OK;
}

static enum status dir_reader_open(struct dir_reader *r, uint64_t offset, struct error *err)
{
	int parent;
	const char *name;
	struct stat sb;
	enum status st = dir_path_parent(&r->store->root, r->key, false, &parent, &name, err);
	if (st)
		return st;
	/* O_NONBLOCK: a FIFO that lies there must not hang us. */
	r->fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int saved = errno;
	close(parent);
	if (r->fd < 0)
		return dir_path_error(&r->store->root, r->key, saved, "cannot open", err);
	if (fstat(r->fd, &sb) != 0)
		return dir_path_error(&r->store->root, r->key, errno, "cannot open", err);
	enum status kind = dir_check_kind(&r->store->root, r->key, &sb, err);
	if (kind)
		return kind;
	if (offset > INT64_MAX || lseek(r->fd, (off_t)offset, SEEK_SET) < 0)
		return error_set(err, ST_FAILED, ERR_STORE, "cannot read %s/%s from offset %llu", r->store->root.path, r->key,
		                 (unsigned long long)offset);
	return ST_OK;
}

static enum status dir_read(struct store *s, const char *key, uint64_t offset, uint64_t len, struct store_reader **ret,
                            struct error *err)
{
	struct dir_reader *r = calloc(1, sizeof *r);
	if (!r)
		return error_oom(err);
	*r = (struct dir_reader){ .base = { &dir_reader_ops }, .store = dir_of(s), .fd = -1, .left = len ? len : UINT64_MAX };
	r->key = strdup(key);
	enum status st = r->key ? dir_reader_open(r, offset, err) : error_oom(err);
	if (st)
		dir_reader_free(&r->base);
	else
		*ret = &r->base;
	return st;
}

static enum status dir_stat(struct store *s, const char *key, uint64_t *ret_size, struct error *err)
{
	struct dir_store *d = dir_of(s);
	int parent;
	const char *name;
	struct stat sb;
	enum status st = dir_path_parent(&d->root, key, false, &parent, &name, err);
	if (st)
		return st;
	int bad = fstatat(parent, name, &sb, AT_SYMLINK_NOFOLLOW), saved = errno;
	close(parent);
	if (bad)
		return dir_path_error(&d->root, key, saved, "cannot look at", err);
	st = dir_check_kind(&d->root, key, &sb, err);
	if (st)
		return st;
	*ret_size = (uint64_t)sb.st_size;
	return ST_OK;
}

static int64_t dir_mtime_ms(const struct stat *sb)
{
	return (int64_t)sb->st_mtim.tv_sec * 1000 + sb->st_mtim.tv_nsec / 1000000;
}

struct dir_listing {
	const struct run *run;
	store_list_fn *fn;
	store_folder_fn *folder;
	void *arg;
};

static bool dir_list_one(void *arg, const char *key, int dirfd, const char *name, const struct stat *sb)
{
	(void)dirfd;
	(void)name;
	const struct dir_listing *l = arg;
	struct store_object o = { .key = key, .size = (uint64_t)sb->st_size, .modified_ms = dir_mtime_ms(sb) };
	return !run_cancelled(l->run) && l->fn(l->arg, &o);
}

static enum status dir_list(struct store *s, const char *prefix, store_list_fn *fn, void *arg, struct error *err)
{
	struct dir_listing l = { .run = s->run, .fn = fn, .arg = arg };
	enum status st = dir_walk(&dir_of(s)->root, prefix, DIR_WALK_OBJECTS, dir_list_one, &l, err);
	return st ? st : run_check(s->run, err);
}

static bool dir_folder_one(void *arg, const char *key, int dirfd, const char *name, const struct stat *sb)
{
	(void)dirfd;
	(void)name;
	(void)sb;
	const struct dir_listing *l = arg;
	return !run_cancelled(l->run) && l->folder(l->arg, key);
}

static enum status dir_folders(struct store *s, const char *prefix, store_folder_fn *fn, void *arg, struct error *err)
{
	struct dir_listing l = { .run = s->run, .folder = fn, .arg = arg };
	enum status st = dir_walk(&dir_of(s)->root, prefix, DIR_WALK_FOLDERS, dir_folder_one, &l, err);
	return st ? st : run_check(s->run, err);
}

/* Works after a cancel too: it is how a failed run tidies up. */
static enum status dir_remove(struct store *s, const char *key, struct error *err)
{
	struct dir_store *d = dir_of(s);
	struct error mine = ERROR_INIT;
	int parent;
	const char *name;
	enum status st = dir_path_parent(&d->root, key, false, &parent, &name, &mine);
	if (!st) {
		if (unlinkat(parent, name, 0) != 0 && errno != ENOENT && errno != EISDIR)
			st = error_sys(&mine, ST_FAILED, ERR_STORE, errno, "cannot remove %s/%s", d->root.path, key);
		close(parent);
	} else if (mine.kind == ERR_SNAPSHOT && mine.sys_errno == ENOENT) {
		return ST_OK;
	}
	if (!st)
		dir_path_prune(&d->root, key);
	else if (err)
		*err = mine;
	return st;
}

struct dir_sweeping {
	struct dir_store *store;
	int64_t before_ms;
	unsigned removed;
	int sys_errno; /* the first that could not be removed */
};

/* A living writer holds a lock on its file. On NFS only a descriptor that may write can ask for one; where there are no locks, age has to do. */
static bool dir_sweep_is_dead(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool dead = flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
	close(fd);
	return dead;
}

static bool dir_sweep_one(void *arg, const char *key, int dirfd, const char *name, const struct stat *sb)
{
	struct dir_sweeping *s = arg;
	if (dir_mtime_ms(sb) > s->before_ms || !dir_sweep_is_dead(dirfd, name))
		return true;
	if (unlinkat(dirfd, name, 0) == 0) {
		s->removed++;
		dir_path_prune(&s->store->root, key);
	} else if (errno != ENOENT && !s->sys_errno) {
		s->sys_errno = errno;
	}
	return true;
}

static enum status dir_sweep(struct store *s, const char *prefix, int64_t age_ms, unsigned *ret_removed, struct error *err)
{
	struct dir_sweeping sweep = { .store = dir_of(s), .before_ms = run_wall_ms(s->run) - age_ms };
	enum status st = dir_walk(&sweep.store->root, prefix, DIR_WALK_TEMPORARIES, dir_sweep_one, &sweep, err);
	if (!st && sweep.sys_errno)
		st = error_sys(err, ST_FAILED, ERR_STORE, sweep.sys_errno, "cannot remove unfinished files below %s/%s",
		               sweep.store->root.path, prefix);
	if (!st)
		*ret_removed = sweep.removed;
	return st;
}

static void dir_free(struct store *s)
{
	struct dir_store *d = dir_of(s);
	if (d->root.fd >= 0)
		close(d->root.fd);
	free(d->root.path);
	free(d);
}

static const struct store_ops dir_ops = {
	.features = STORE_LIST | STORE_RANGED | STORE_IF_ABSENT | STORE_LOCAL,
	.create = dir_create,
	.put = dir_put,
	.open = dir_read,
	.stat = dir_stat,
	.list = dir_list,
	.folders = dir_folders,
	.remove = dir_remove,
	.sweep = dir_sweep,
	.free = dir_free,
};

/* Found out now, and not after an hour of dumping. */
static enum status dir_check(const struct dir_store *d, enum store_use use, struct error *err)
{
	int mode = use == STORE_READ ? R_OK | X_OK : R_OK | W_OK | X_OK;
	if (faccessat(d->root.fd, ".", mode, AT_EACCESS) == 0)
		return ST_OK;
	return error_sys(err, ST_FAILED, ERR_STORE, errno, use == STORE_READ ? "cannot read %s" : "cannot write into %s",
	                 d->root.path);
}

/* Its own directory only: what else is missing above it is rather a file system that is not mounted. */
static enum status dir_make(const char *path, struct run *run, bool *made, struct error *err)
{
	struct error mine = ERROR_INIT;
	enum status st = fs_mkdir(path, 0700, made, &mine);
	if (st && mine.sys_errno == ENOENT)
		error_hint(&mine, "a repository is made in a directory that is there: is the file system mounted?");
	if (*made)
		event_info(run->events, "store", "%s was not there: a new, empty repository", path);
	if (st && err)
		*err = mine;
	return st;
}

/* A new repository in another user's directory is that user's. */
static void dir_hand_over(const struct dir_store *d)
{
	int above = openat(d->root.fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (above < 0)
		return;
	fs_hand_over_at(d->root.fd, above);
	close(above);
}

static enum status dir_no_repository(const char *path, int sys_errno, struct error *err)
{
	enum status st = error_sys(err, ST_FAILED, ERR_STORE, sys_errno, "cannot open the repository %s", path);
	if (sys_errno == ENOENT)
		error_hint(err, "check the path, and whether its file system is mounted; a repository is made by the first backup into it");
	return st;
}

enum status dir_open(const char *path, enum store_use use, struct run *run, struct store **ret, struct error *err)
{
	bool made = false;
	enum status st = use == STORE_WRITE ? dir_make(path, run, &made, err) : ST_OK;
	if (st)
		return st;
	struct dir_store *d = calloc(1, sizeof *d);
	if (!d)
		return error_oom(err);
	*d = (struct dir_store){ .base = { &dir_ops, run }, .root = { .fd = -1, .path = strdup(path) } };
	if (!d->root.path)
		st = error_oom(err);
	else if ((d->root.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		st = dir_no_repository(path, errno, err);
	else
		st = dir_check(d, use, err);
	if (!st && made)
		dir_hand_over(d);
	if (st)
		dir_free(&d->base);
	else
		*ret = &d->base;
	return st;
}
