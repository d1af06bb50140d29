/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cnf.h"
#include "owner.h"
#include "slackwater/fs.h"

#define SCRATCH_PREFIX "slackwater-proof-"

enum {
	SCRATCH_SOCKET_MAX = 100,     /* sun_path is 108 */
	SCRATCH_PLACE_MAX = 2048,
	SCRATCH_POLL_MS = 50,
	SCRATCH_ENDING_MS = 10000,    /* from the kill of a server to the end of its process */
	SCRATCH_EMPTY_SERVER = 256 << 20 /* what one takes before it holds anything: system tables, logs, undo */
};

static const char *scratch_place(const struct proof_job *j)
{
	const char *tmp = getenv("TMPDIR");
	return j->o->dir ? j->o->dir : tmp && *tmp ? tmp : "/var/tmp";
}

/* ---- may it be here? ---- */

static enum status scratch_user(struct proof_job *j, struct error *err)
{
	struct proof_scratch *s = &j->scratch;
	s->uid = geteuid();
	s->gid = getegid();
	if (s->uid)
		return ST_OK;
	const char *name = j->o->user && *j->o->user ? j->o->user : "mysql";
	struct passwd *pw = getpwnam(name);
	if (!pw) {
		error_set(err, ST_FAILED, ERR_PREFLIGHT, "there is no user %s for the scratch server to run as", name);
		error_hint(err, "give --scratch-user NAME");
		return ST_FAILED;
	}
	*s = (struct proof_scratch){ .lock = s->lock, .uid = pw->pw_uid, .gid = pw->pw_gid, .drop = pw->pw_uid != 0 };
	snprintf(s->user, sizeof s->user, "%s", name);
	return ST_OK;
}

/* The SQL text is about as large as the rows; indexes come on top, and relay logs while it catches up. */
static enum status scratch_room(struct proof_job *j, const char *place, struct error *err)
{
	uint64_t room = 0, want = j->report->manifest->bytes + j->report->manifest->bytes / 2 + SCRATCH_EMPTY_SERVER;
	enum status st = fs_free_bytes(place, &room, err);
	if (!st && room < want) {
		st = error_set(err, ST_FAILED, ERR_STORE, "a scratch server for this snapshot needs about %" PRIu64 " MiB, %s has %" PRIu64 " MiB free",
		               want >> 20, place, room >> 20);
		error_hint(err, "make room, or give --scratch-dir a directory on a larger disk");
	}
	return st;
}

enum status proof_scratch_check(struct proof_job *j, struct error *err)
{
	const char *place = scratch_place(j);
	enum status st = ST_OK;
	for (size_t i = 0; !st && j->o->settings && i < j->o->settings->n; i++)
		st = proof_cnf_check(j->o->settings->item[i], err);
	if (st)
		return st;
	if (!proof_cnf_path(place))
		return error_set(err, ST_FAILED, ERR_USAGE, "the scratch directory %s: an absolute path without # ' \" and \\ is needed", place);
	if (strlen(place) + strlen("/" SCRATCH_PREFIX "XXXXXX/files/s") > SCRATCH_SOCKET_MAX)
		return error_set(err, ST_FAILED, ERR_USAGE, "the scratch directory %s: too long a path for the name of a socket in it", place);
	st = scratch_user(j, err);
	return st ? st : scratch_room(j, place, err);
}

/* ---- removing ---- */

static bool scratch_clear(int dir);

static bool scratch_remove_at(int dir, const char *name)
{
	if (!unlinkat(dir, name, 0) || errno == ENOENT)
		return true;
	if (errno != EISDIR && errno != EPERM)
		return false;
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool clear = scratch_clear(fd); /* closes it */
	return clear && !unlinkat(dir, name, AT_REMOVEDIR);
}

/* What is below the given directory, and its descriptor, whatever somebody does to it meanwhile; never follows a symbolic link. false: something stayed. */
static bool scratch_clear(int dir)
{
	DIR *d = fdopendir(dir);
	bool fine = d != NULL;
	if (!d) {
		close(dir);
		return false;
	}
	for (struct dirent *e; (e = readdir(d));)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			fine = scratch_remove_at(dirfd(d), e->d_name) && fine;
	closedir(d);
	return fine;
}

/* The lock goes last: what cannot be removed now is still known to be ours. */
static bool scratch_remove(const char *top)
{
	int fd = open(top, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT;
	bool fine = scratch_remove_at(fd, "files") && scratch_clear(fd);
	return fine && !rmdir(top);
}

/* ---- what dead runs have left ---- */

/* Whoever holds the lock has died, or is a server whose run has. */
static bool scratch_is_free(int lock, int dir, const char *name, struct event_sink *events)
{
	const struct timespec pause = { .tv_nsec = SCRATCH_POLL_MS * 1000000L };
	if (!flock(lock, LOCK_EX | LOCK_NB))
		return true;
	int top = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool ended = top >= 0 && proof_owner_end(top), is_free = false;
	if (ended)
		event_warning(events, "proof", "the scratch server of %s outlived its run, and has been ended", name);
	for (int ms = 0; ended && !(is_free = !flock(lock, LOCK_EX | LOCK_NB)) && ms < SCRATCH_ENDING_MS; ms += SCRATCH_POLL_MS)
		(void)nanosleep(&pause, NULL);
	if (top >= 0)
		close(top);
	return is_free;
}

static bool scratch_is_dead(int dir, const char *name, struct event_sink *events)
{
	struct stat sb;
	char lock[320];
	if (strncmp(name, SCRATCH_PREFIX, strlen(SCRATCH_PREFIX)) != 0 || fstatat(dir, name, &sb, AT_SYMLINK_NOFOLLOW) || !S_ISDIR(sb.st_mode) ||
	    sb.st_uid != geteuid())
		return false;
	snprintf(lock, sizeof lock, "%s/lock", name);
	int fd = openat(dir, lock, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool dead = scratch_is_free(fd, dir, name, events);
	close(fd);
	return dead;
}

unsigned proof_scratch_sweep(const char *dir, struct event_sink *events)
{
	unsigned n = 0;
	char top[PROOF_PATH];
	DIR *d = opendir(dir);
	for (struct dirent *e; d && (e = readdir(d));) {
		if (!scratch_is_dead(dirfd(d), e->d_name, events))
			continue;
		snprintf(top, sizeof top, "%.*s/%s", SCRATCH_PLACE_MAX, dir, e->d_name);
		if (scratch_remove(top)) {
			event_info(events, "proof", "%s removed: a run that died had left it", top);
			n++;
		} else {
			event_warning(events, "proof", "%s, which a run that died has left, cannot be removed whole", top);
		}
	}
	if (d)
		closedir(d);
	return n;
}

/* ---- ours ---- */

/* Under its name only once it is locked: whoever sweeps must never find it free. */
static enum status scratch_lock(struct proof_scratch *s, struct error *err)
{
	char fresh[PROOF_PATH], name[PROOF_PATH];
	snprintf(fresh, sizeof fresh, "%s/lock.new", s->top);
	snprintf(name, sizeof name, "%s/lock", s->top);
	s->lock = open(fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock < 0 || flock(s->lock, LOCK_EX | LOCK_NB) || rename(fresh, name))
		return error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot lock the scratch directory %s", s->top);
	return ST_OK;
}

static enum status scratch_files(struct proof_scratch *s, struct error *err)
{
	static const char *const below[] = { "", "/tmp" };
	char path[PROOF_PATH + 16];
	for (size_t i = 0; i < sizeof below / sizeof below[0]; i++) {
		snprintf(path, sizeof path, "%s%s", s->files, below[i]);
		if (mkdir(path, 0700) || (s->drop && lchown(path, s->uid, s->gid)))
			return error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot make %s", path);
	}
	return ST_OK;
}

enum status proof_scratch_make(struct proof_job *j, struct error *err)
{
	struct proof_scratch *s = &j->scratch;
	const char *place = scratch_place(j);
	(void)proof_scratch_sweep(place, j->run->events);
	snprintf(s->top, sizeof s->top, "%.*s/" SCRATCH_PREFIX "XXXXXX", SCRATCH_PLACE_MAX, place);
	if (!mkdtemp(s->top)) {
		error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot make a scratch directory in %s", place);
		*s->top = '\0';
		return ST_FAILED;
	}
	snprintf(s->files, sizeof s->files, "%s/files", s->top);
	enum status st = scratch_lock(s, err);
	if (!st && s->drop && (lchown(s->top, 0, s->gid) || chmod(s->top, 0710)))
		st = error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot let %s into %s", s->user, s->top);
	return st ? st : scratch_files(s, err);
}

enum status proof_scratch_end(struct proof_job *j, struct error *err)
{
	struct proof_scratch *s = &j->scratch;
	enum status st = ST_OK;
	char lock[PROOF_PATH];
	if (*s->top && j->o->keep) {
		snprintf(lock, sizeof lock, "%s/lock", s->top);
		(void)unlink(lock);
		snprintf(j->report->kept, sizeof j->report->kept, "%s", s->top);
	} else if (*s->top && !scratch_remove(s->top)) {
		st = error_sys(err, ST_FAILED, ERR_STORE, errno, "the scratch directory %s cannot be removed whole", s->top);
	}
	if (s->lock >= 0)
		close(s->lock);
	s->lock = -1;
	*s->top = '\0';
	return st;
}
