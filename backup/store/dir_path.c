/* SPDX-License-Identifier: Apache-2.0 */
#include "store/dir_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "slackwater/fs.h"
#include "store/key.h"

enum { DIR_OPEN = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

enum status dir_path_error(const struct dir_root *root, const char *key, int sys_errno, const char *what, struct error *err)
{
	if (sys_errno == ENOENT) {
		error_sys(err, ST_FAILED, ERR_SNAPSHOT, ENOENT, "%s is not in %s", key, root->path);
		error_hint(err, "it was removed, or never finished: see `slackwater list`");
		return ST_FAILED;
	}
	error_sys(err, ST_FAILED, ERR_STORE, sys_errno, "%s %s/%s", what, root->path, key);
	if (sys_errno == ELOOP)
		error_hint(err, "symbolic links inside a repository are not followed; put the repository itself behind one instead");
	return ST_FAILED;
}

/* A directory of a name of our own making. The parent is synced, else a crash could lose the directory with the object in it. */
static int dir_path_make(int parent, const char *name)
{
	bool made = mkdirat(parent, name, 0700) == 0;
	if (!made && errno != EEXIST)
		return -1;
	int fd = openat(parent, name, DIR_OPEN);
	if (fd >= 0 && made)
		fs_hand_over_at(fd, parent);
	if (fd < 0 || !made || fsync(parent) == 0 || errno == EINVAL)
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static int dir_path_step(int parent, const char *segment, size_t len, bool make)
{
	char name[256];
	memcpy(name, segment, len);
	name[len] = '\0';
	int fd = openat(parent, name, DIR_OPEN);
	if (fd < 0 && errno == ENOENT && make)
		fd = dir_path_make(parent, name);
	/* A link, or an object, where a directory should be: the kernel says ENOTDIR of both. Nothing lies below an object. */
	struct stat sb;
	if (fd < 0 && errno == ENOTDIR && fstatat(parent, name, &sb, AT_SYMLINK_NOFOLLOW) == 0)
		errno = S_ISLNK(sb.st_mode) ? ELOOP : make ? ENOTDIR : ENOENT;
	return fd;
}

enum status dir_path_parent(const struct dir_root *root, const char *key, bool make, int *ret_fd, const char **ret_name,
                            struct error *err)
{
	if (!key_valid(key))
		return error_set(err, ST_FAILED, ERR_STORE, "\"%s\" cannot be the key of an object", key);
	int fd = fcntl(root->fd, F_DUPFD_CLOEXEC, 3);
	const char *segment = key;
	for (const char *slash; fd >= 0 && (slash = strchr(segment, '/')); segment = slash + 1) {
		int next = dir_path_step(fd, segment, (size_t)(slash - segment), make);
		int saved = errno;
		close(fd);
		errno = saved;
		fd = next;
	}
	if (fd < 0)
		return dir_path_error(root, key, errno, "cannot open the directory of", err);
	*ret_fd = fd;
	*ret_name = segment;
	return ST_OK;
}

void dir_path_prune(const struct dir_root *root, const char *key)
{
	char *path = strdup(key);
	bool removed = path != NULL;
	while (removed) {
		char *slash = strrchr(path, '/');
		if (!slash)
			break;
		*slash = '\0';
		int parent;
		const char *name;
		if (dir_path_parent(root, path, false, &parent, &name, NULL) != ST_OK)
			break;
		removed = unlinkat(parent, name, AT_REMOVEDIR) == 0;
		close(parent);
	}
	free(path);
}
