/* SPDX-License-Identifier: Apache-2.0 */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "slackwater/fs.h"

enum { LOCK_DIR_MODE = 0700, LOCK_MODE = 0600, LOCK_TEXT = 32 };

static enum status held(int fd, const char *state_dir, struct error *err)
{
	char who[LOCK_TEXT] = "";
	ssize_t n = pread(fd, who, sizeof who - 1, 0);
	long pid = n > 0 ? strtol(who, NULL, 10) : 0;
	if (pid > 0)
		error_set(err, ST_FAILED, ERR_BUSY, "another agent (process %ld) uses the state directory %s", pid, state_dir);
	else
		error_set(err, ST_FAILED, ERR_BUSY, "another agent uses the state directory %s", state_dir);
	return error_hint(err, "one agent serves many instances; a second one needs a state-dir of its own");
}

enum status lock_take(const char *state_dir, int *ret_fd, struct error *err)
{
	char *path = NULL;
	int fd = -1;
	enum status st = fs_mkdirs(state_dir, LOCK_DIR_MODE, err);
	if (!st && asprintf(&path, "%s/agent.lock", state_dir) < 0) {
		path = NULL;
		st = error_oom(err);
	}
	if (!st && (fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, LOCK_MODE)) < 0)
		st = error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot open %s", path);
	if (!st)
		st = fs_hand_over(fd, state_dir, path, err);
	if (!st && flock(fd, LOCK_EX | LOCK_NB))
		st = errno == EWOULDBLOCK ? held(fd, state_dir, err) : error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot lock %s", path);
	if (!st && (ftruncate(fd, 0) || dprintf(fd, "%ld\n", (long)getpid()) < 0))
		st = error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot write %s", path);
	free(path);
	if (!st)
		*ret_fd = fd;
	else if (fd >= 0)
		close(fd);
	return st;
}
