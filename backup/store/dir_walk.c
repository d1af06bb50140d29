/* SPDX-License-Identifier: Apache-2.0 */
#include "store/dir_walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "slackwater/array.h"
#include "slackwater/buf.h"
#include "store/key.h"

enum { DIR_WALK_DEPTH = 32, DIR_WALK_KEY_MAX = 4096 };

struct dir_walk {
	const struct dir_root *root;
	const char *prefix;
	enum dir_walk_what what;
	dir_walk_fn *fn;
	void *arg;
	struct buf key; /* of the directory being visited, with its slash; grows and shrinks with the depth */
	unsigned depth;
	bool stop;
};

struct dir_walk_item {
	char *name; /* a directory's ends in '/' here: that is how keys sort */
	bool directory;
	struct stat sb;
};

struct dir_walk_level {
	struct dir_walk_item *item;
	size_t n, cap;
};

static bool dir_walk_is_temporary(const char *name)
{
	size_t head = strlen(DIR_WALK_TEMPORARY);
	if (strncmp(name, DIR_WALK_TEMPORARY, head) != 0)
		return false;
	name += head;
	size_t digits = strspn(name, "0123456789");
	return digits > 0 && name[digits] == '-' && strspn(name + digits + 1, "0123456789abcdef") == 16 &&
	       name[digits + 17] == '\0';
}

static void dir_walk_level_free(struct dir_walk_level *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->item[i].name);
	free(l->item);
}

static int dir_walk_order(const void *a, const void *b)
{
	return strcmp(((const struct dir_walk_item *)a)->name, ((const struct dir_walk_item *)b)->name);
}

static enum status dir_walk_add(struct dir_walk_level *l, const char *name, bool directory, const struct stat *sb,
                                struct error *err)
{
	struct dir_walk_item *item = array_room(l->item, l->n, &l->cap, sizeof *item);
	if (!item)
		return error_oom(err);
	l->item = item;
	size_t len = strlen(name);
	char *copy = malloc(len + 2);
	if (!copy)
		return error_oom(err);
	memcpy(copy, name, len);
	memcpy(copy + len, directory ? "/" : "", directory ? 2 : 1);
	l->item[l->n++] = (struct dir_walk_item){ .name = copy, .directory = directory, .sb = *sb };
	return ST_OK;
}

/* Is the key of the visited directory plus name below the prefix, or (a directory) on the way to it? */
static bool dir_walk_wanted(const struct dir_walk *w, const char *name, bool directory)
{
	size_t prefix = strlen(w->prefix), base = w->key.len, len = strlen(name);
	if (prefix <= base)
		return true;
	if (strncmp(w->prefix + base, name, len < prefix - base ? len : prefix - base) != 0)
		return false;
	return len >= prefix - base || (directory && w->prefix[base + len] == '/');
}

static enum status dir_walk_entry(struct dir_walk *w, struct dir_walk_level *l, int fd, const struct dirent *de,
                                  struct error *err)
{
	bool temporary = dir_walk_is_temporary(de->d_name);
	if (!temporary && !key_segment_valid(de->d_name, strlen(de->d_name)))
		return ST_OK;
	if (de->d_type != DT_DIR && de->d_type != DT_REG && de->d_type != DT_UNKNOWN)
		return ST_OK;
	struct stat sb = { .st_mode = S_IFDIR };
	if (de->d_type != DT_DIR && fstatat(fd, de->d_name, &sb, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno == ENOENT)
			return ST_OK; /* committed or removed since the directory was read */
		return dir_path_error(w->root, buf_str(&w->key), errno, "cannot look into", err);
	}
	bool directory = S_ISDIR(sb.st_mode);
	if (!directory && !S_ISREG(sb.st_mode))
		return ST_OK;
	if (temporary && (directory || w->what != DIR_WALK_TEMPORARIES || w->key.len < strlen(w->prefix)))
		return ST_OK;
	if (!temporary && ((!directory && w->what != DIR_WALK_OBJECTS) || !dir_walk_wanted(w, de->d_name, directory)))
		return ST_OK;
	return dir_walk_add(l, de->d_name, directory, &sb, err);
}

/* Takes fd. */
static enum status dir_walk_read(struct dir_walk *w, int fd, struct dir_walk_level *l, struct error *err)
{
	DIR *dir = fdopendir(fd);
	if (!dir) {
		int saved = errno;
		close(fd);
		return dir_path_error(w->root, buf_str(&w->key), saved, "cannot list", err);
	}
	enum status st = ST_OK;
	while (!st) {
		errno = 0;
		const struct dirent *de = readdir(dir);
		if (!de && errno)
			st = dir_path_error(w->root, buf_str(&w->key), errno, "cannot list", err);
		if (!de)
			break;
		st = dir_walk_entry(w, l, dirfd(dir), de, err);
	}
	closedir(dir);
	if (!st && l->n > 1)
		qsort(l->item, l->n, sizeof *l->item, dir_walk_order);
	return st;
}

static enum status dir_walk_level(struct dir_walk *w, int fd, struct error *err);

/* A directory that vanished, or was replaced by something else, since it was seen is no longer there to be listed. */
static enum status dir_walk_descend(struct dir_walk *w, int parent, const char *name, struct error *err)
{
	char segment[256];
	size_t len = strlen(name) - 1;
	memcpy(segment, name, len);
	segment[len] = '\0';
	int fd = openat(parent, segment, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
		return ST_OK;
	if (fd < 0)
		return dir_path_error(w->root, buf_str(&w->key), errno, "cannot list", err);
	if (w->depth >= DIR_WALK_DEPTH) {
		close(fd);
		return error_set(err, ST_FAILED, ERR_STORE, "%s/%s is nested too deeply for a repository", w->root->path,
		                 buf_str(&w->key));
	}
	return dir_walk_level(w, fd, err);
}

static enum status dir_walk_visit(struct dir_walk *w, int fd, const struct dir_walk_item *it, struct error *err)
{
	size_t before = w->key.len;
	buf_adds(&w->key, it->name);
	enum status st = buf_check(&w->key, "a key", err);
	if (!st && it->directory && w->what != DIR_WALK_FOLDERS)
		st = dir_walk_descend(w, fd, it->name, err);
	else if (!st && !w->fn(w->arg, w->key.data, fd, it->name, &it->sb))
		w->stop = true;
	if (!w->key.bad) {
		w->key.len = before;
		w->key.data[before] = '\0';
	}
	return st;
}

/* Takes fd. */
static enum status dir_walk_level(struct dir_walk *w, int fd, struct error *err)
{
	struct dir_walk_level level = { 0 };
	int again = fcntl(fd, F_DUPFD_CLOEXEC, 3); /* fdopendir takes the other */
	if (again < 0) {
		int saved = errno;
		close(fd);
		return dir_path_error(w->root, buf_str(&w->key), saved, "cannot list", err);
	}
	w->depth++;
	enum status st = dir_walk_read(w, fd, &level, err);
	for (size_t i = 0; !st && !w->stop && i < level.n; i++)
		st = dir_walk_visit(w, again, &level.item[i], err);
	w->depth--;
	dir_walk_level_free(&level);
	close(again);
	return st;
}

/* The deepest directory that the prefix names in full: nothing beside it needs to be read. */
static enum status dir_walk_start(struct dir_walk *w, int *ret_fd, struct error *err)
{
	const char *slash = strrchr(w->prefix, '/');
	if (slash)
		buf_add(&w->key, w->prefix, (size_t)(slash - w->prefix) + 1);
	buf_adds(&w->key, slash ? "x" : ""); /* any name: its parent is what is wanted */
	const char *name;
	enum status st = buf_check(&w->key, "the prefix", err);
	if (!st && slash)
		st = dir_path_parent(w->root, w->key.data, false, ret_fd, &name, err);
	else if (!st && (*ret_fd = openat(w->root->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		st = dir_path_error(w->root, "", errno, "cannot list", err);
	if (!st && slash)
		w->key.data[--w->key.len] = '\0';
	return st;
}

enum status dir_walk(const struct dir_root *root, const char *prefix, enum dir_walk_what what, dir_walk_fn *fn, void *arg,
                     struct error *err)
{
	if (!key_prefix_valid(prefix))
		return error_set(err, ST_FAILED, ERR_STORE, "\"%s\" cannot be the beginning of a key", prefix);
	struct dir_walk w = { .root = root, .prefix = prefix, .what = what, .fn = fn, .arg = arg, .key = BUF_INIT(DIR_WALK_KEY_MAX) };
	struct error mine = ERROR_INIT;
	int fd = -1;
	enum status st = dir_walk_start(&w, &fd, &mine);
	if (!st)
		st = dir_walk_level(&w, fd, &mine);
	else if (mine.kind == ERR_SNAPSHOT && mine.sys_errno == ENOENT)
		st = ST_OK; /* nothing there, nothing to list */
	if (st && err)
		*err = mine;
	buf_free(&w.key);
	return st;
}
