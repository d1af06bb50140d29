/* SPDX-License-Identifier: Apache-2.0 */
#include "store/dir_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "slackwater/fs.h"
#include "store/dir_walk.h"

enum {
	WRITER_CREATE_TRIES = 16, /* another thread may prune the directory between our making and our using it */
	WRITER_WRITEBACK = 8 * 1024 * 1024
};

struct dir_writer {
	struct store_writer base;
	const struct dir_root *root;
	struct run *run;
	int parent, fd;
	char *key;
	const char *name; /* inside key */
	char temporary[64];
	uint64_t written, started; /* bytes in all; bytes whose write-back was started */
	bool linked;               /* the temporary name is gone */
};

static enum status dir_writer_error(const struct dir_writer *w, int sys_errno, const char *what, struct error *err)
{
	return error_sys(err, ST_FAILED, ERR_STORE, sys_errno, "%s %s/%s", what, w->root->path, w->key);
}

static enum status dir_writer_write(struct store_writer *sw, const void *data, size_t len, struct error *err)
{
	struct dir_writer *w = (struct dir_writer *)sw;
	enum status st = run_check(w->run, err);
	if (st)
		return st;
	for (const char *p = data; len;) {
		ssize_t n = write(w->fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return dir_writer_error(w, errno, "cannot write", err);
		p += n;
		len -= (size_t)n;
		w->written += (uint64_t)n;
	}
	/* Else the kernel collects gigabytes and the sync of commit stalls for as long as they take. Only advice: errors show in fsync. */
	if (w->written - w->started >= WRITER_WRITEBACK) {
		(void)sync_file_range(w->fd, (off_t)w->started, (off_t)(w->written - w->started), SYNC_FILE_RANGE_WRITE);
		w->started = w->written;
	}
	return ST_OK;
}

/* Give the file its name unless somebody has it. Network file systems lack RENAME_NOREPLACE, others lack links. */
static int dir_writer_link_absent(struct dir_writer *w)
{
	if (renameat2(w->parent, w->temporary, w->parent, w->name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
		return -1;
	if (linkat(w->parent, w->temporary, w->parent, w->name, 0) != 0)
		return -1;
	(void)unlinkat(w->parent, w->temporary, 0);
	return 0;
}

static enum status dir_writer_finish(struct dir_writer *w, bool if_absent, struct error *err)
{
	if (fsync(w->fd) != 0)
		return dir_writer_error(w, errno, "cannot sync", err);
	int bad = if_absent ? dir_writer_link_absent(w) : renameat(w->parent, w->temporary, w->parent, w->name);
	if (bad && errno == EEXIST) {
		dir_writer_error(w, EEXIST, "will not replace", err);
		error_hint(err, "objects of a snapshot are never changed once they are written");
		return ST_FAILED;
	}
	if (bad)
		return dir_writer_error(w, errno, "cannot rename to", err);
	w->linked = true;
	if (fsync(w->parent) == 0 || errno == EINVAL)
		return ST_OK;
	int saved = errno;
	/* A failure must not leave something that looks finished. But where it has replaced what was there, that would be gone for good. */
	if (if_absent)
		(void)unlinkat(w->parent, w->name, 0);
	return dir_writer_error(w, saved, "cannot sync the directory of", err);
}

static enum status dir_writer_commit(struct store_writer *sw, struct error *err)
{
	struct dir_writer *w = (struct dir_writer *)sw;
	enum status st = run_check(w->run, err);
	return st ? st : dir_writer_finish(w, false, err);
}

static void dir_writer_free(struct store_writer *sw)
{
	struct dir_writer *w = (struct dir_writer *)sw;
	bool abandoned = w->fd >= 0 && !w->linked;
	if (abandoned)
		(void)unlinkat(w->parent, w->temporary, 0);
	if (w->fd >= 0)
		close(w->fd);
	if (w->parent >= 0)
		close(w->parent);
	if (abandoned)
		dir_path_prune(w->root, w->key);
	free(w->key);
	free(w);
}

static const struct store_writer_ops dir_writer_ops = { dir_writer_write, dir_writer_commit, dir_writer_free };

static enum status dir_writer_name(struct dir_writer *w, struct error *err)
{
	uint64_t random;
	if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
		return error_sys(err, ST_FATAL, ERR_UNEXPECTED, errno, "no random number to be had");
	snprintf(w->temporary, sizeof w->temporary, DIR_WALK_TEMPORARY "%ld-%016llx", (long)getpid(), (unsigned long long)random);
	return ST_OK;
}

static enum status dir_writer_open(struct dir_writer *w, struct error *err)
{
	for (int i = 0; i < WRITER_CREATE_TRIES; i++) {
		enum status st = dir_path_parent(w->root, w->key, true, &w->parent, &w->name, err);
		if (st && (!err || err->sys_errno != ENOENT))
			return st;
		if (st)
			continue;
		w->fd = openat(w->parent, w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (w->fd >= 0) {
			fs_hand_over_at(w->fd, w->parent); /* else what root stores by hand, the agent could not read */
			/* How sweep knows that the writer lives, whatever the file's age. Where there are no locks, age has to do. */
			(void)flock(w->fd, LOCK_EX | LOCK_NB);
			return ST_OK;
		}
		int saved = errno;
		close(w->parent);
		w->parent = -1;
		if (saved != ENOENT)
			return dir_writer_error(w, saved, "cannot create", err);
	}
	return dir_writer_error(w, ENOENT, "cannot create", err);
}

static enum status dir_writer_begin(const struct dir_root *root, struct run *run, const char *key, struct dir_writer **ret, struct error *err)
{
	struct dir_writer *w = calloc(1, sizeof *w);
	if (!w)
		return error_oom(err);
	*w = (struct dir_writer){ .base = { &dir_writer_ops }, .root = root, .run = run, .parent = -1, .fd = -1, .key = strdup(key) };
	struct error mine = ERROR_INIT;
	enum status st = w->key ? run_check(run, &mine) : error_oom(&mine);
	if (!st)
		st = dir_writer_name(w, &mine);
	if (!st)
		st = dir_writer_open(w, &mine);
	if (!st) {
		*ret = w;
		return ST_OK;
	}
	dir_writer_free(&w->base);
	if (err)
		*err = mine;
	return st;
}

enum status dir_writer_new(const struct dir_root *root, struct run *run, const char *key, struct store_writer **ret, struct error *err)
{
	struct dir_writer *w;
	enum status st = dir_writer_begin(root, run, key, &w, err);
	if (!st)
		*ret = &w->base;
	return st;
}

enum status dir_writer_put(const struct dir_root *root, struct run *run, const char *key, const void *data, size_t len, bool if_absent,
                           struct error *err)
{
	struct dir_writer *w;
	enum status st = dir_writer_begin(root, run, key, &w, err);
	if (st)
		return st;
	st = dir_writer_write(&w->base, data, len, err);
	if (!st)
		st = dir_writer_finish(w, if_absent, err);
	dir_writer_free(&w->base);
	return st;
}
