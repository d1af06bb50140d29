/* SPDX-License-Identifier: Apache-2.0 */
#include "slackwater/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "applier/statedir.h"
#include "slackwater/dialect.h"
#include "slackwater/fs.h"

enum { CLAIM_POLL_MS = 250, CLAIM_PING_MS = 15000, CLAIM_MORTAL_S = 60, CLAIM_NAME = 64 };

struct claim {
	int fd;                   /* of the file that is locked; -1 = none */
	struct conn *c;           /* holds the server's lock, and does nothing else; NULL = there is none */
	struct run own;           /* what the session and its pings run on; cancelling it ends the pings */
	bool pinging;
	bool no_named_lock;       /* as it was asked for */
	pthread_t pinger;
	char name[CLAIM_NAME + 1];
};

enum status claim_default_dir(char **ret, struct error *err)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	struct buf b = BUF_INIT(4096);
	if (geteuid() == 0)
		buf_adds(&b, "/var/lib/slackwater");
	else if (state && *state == '/')
		buf_addf(&b, "%s/slackwater", state);
	else if (home && *home == '/')
		buf_addf(&b, "%s/.local/state/slackwater", home);
	enum status st = buf_check(&b, "the state directory", err);
	if (!st && !b.len) {
		st = error_set(err, ST_FAILED, ERR_USAGE, "there is no place for the journal: neither XDG_STATE_HOME nor HOME is set");
		error_hint(err, "name a directory with --state-dir");
	} else if (!st && !(*ret = buf_take(&b))) {
		st = error_oom(err);
	}
	buf_free(&b);
	return st;
}

/* ---- this host's half ---- */

static enum status open_file(const char *state_dir, const char *key, int *ret, struct error *err)
{
	struct buf path = BUF_INIT(8192);
	enum status st = statedir_make(state_dir, err);
	buf_addf(&path, "%s/%s.lock", state_dir, key);
	if (!st)
		st = buf_check(&path, "the path of the lock", err);
	if (!st) {
		*ret = open(buf_str(&path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (*ret < 0) {
			st = error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot open the lock %s", buf_str(&path));
			statedir_hint(err);
		} else {
			st = fs_hand_over(*ret, state_dir, buf_str(&path), err); /* the agent has to be able to take it next */
		}
	}
	buf_free(&path);
	return st;
}

/* Who is it? The holder has written its number into the file; it is for people only. */
static enum status busy_here(int fd, struct error *err)
{
	char text[32] = "";
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	error_set(err, ST_FAILED, ERR_BUSY, "another run on this host works with this server%s%s", *text ? ": process " : "", text);
	return error_hint(err, "wait for its end, or use --wait-lock");
}

static enum status lock_file(int fd, struct error *err)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return ST_OK;
	if (errno == EWOULDBLOCK)
		return busy_here(fd, err);
	return error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot lock a file in the state directory");
}

static void sign_file(int fd)
{
	char text[32];
	int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) == 0) {
		ssize_t n = pwrite(fd, text, (size_t)len, 0);
		(void)n; /* the lock is what counts */
	}
}

/* ---- the server's half ---- */

static enum status open_session(struct claim *c, const struct conn_options *o, const char *key, struct error *err)
{
	snprintf(c->name, sizeof c->name, "slackwater.instance.%.16s", key);
	enum status st = conn_open(&c->c, o, CONN_SHIELDED, &c->own, err);
	/* Should this host vanish, the server lets the lock go when no ping has come for so long. */
	return st ? st : conn_execf(c->c, err, "SET SESSION wait_timeout = %d", CLAIM_MORTAL_S);
}

static enum status busy_there(struct claim *c, struct error *err)
{
	struct rows *r = NULL;
	bool more = false;
	struct error ignored;
	char who[400] = "";
	if (!conn_queryf(c->c, &r, &ignored,
	                 "SELECT ID, HOST FROM %s WHERE ID = IS_USED_LOCK('%s')", dialect_processlist(&c->c->server), c->name) &&
	    !rows_next(r, &more, &ignored) && more)
		snprintf(who, sizeof who, ": its connection %s comes from %s", r->row[0] ? r->row[0] : "?", r->row[1] ? r->row[1] : "?");
	rows_free(r);
	error_set(err, ST_FAILED, ERR_BUSY, "another run, on another host or with another --state-dir, works with this server%s", who);
	return error_hint(err, "wait for its end, or use --wait-lock");
}

/* It is the statement that is refused, and not we or the moment. */
static bool refuses_locks(const struct claim *c, const struct error *why)
{
	enum { ER_QUERY_INTERRUPTED = 1317 };
	return !c->c->lost && why->my_errno && why->my_errno != ER_QUERY_INTERRUPTED && why->kind != ERR_INTERRUPTED;
}

static enum status lock_server(struct claim *c, struct error *err)
{
	char sql[128];
	uint64_t got = 0;
	struct error why = ERROR_INIT;
	snprintf(sql, sizeof sql, "SELECT IFNULL(GET_LOCK('%s', 0), 0)", c->name);
	enum status st = conn_scalar_u64(c->c, sql, &got, &why);
	if (st && c->no_named_lock && refuses_locks(c, &why)) {
		event_warning(c->own.events, "claim", "named locks are refused, so that runs on other hosts are not kept off: %s", why.message);
		conn_free(c->c);
		c->c = NULL;
		return ST_OK;
	}
	if (st && refuses_locks(c, &why)) {
		why.kind = ERR_PREFLIGHT;
		error_prefix(&why, "the lock that keeps other hosts' runs off cannot be taken");
		error_hint(&why, "it needs GET_LOCK: connect to the server itself, not through a proxy; backup and recover can do without it: --no-guard");
	}
	if (st && err)
		*err = why;
	return st || got ? st : busy_there(c, err);
}

static void *ping(void *arg)
{
	struct claim *c = arg;
	struct error err = ERROR_INIT;
	while (!run_sleep_ms(&c->own, CLAIM_PING_MS, NULL)) {
		if (!conn_exec(c->c, "DO 0", &err))
			continue;
		event_warning(c->own.events, "claim", "the lock on the server, which keeps other hosts' runs off it, was lost: %s", err.message);
		break;
	}
	return NULL;
}

/* ---- both ---- */

static enum status try_once(struct claim *c, struct error *err)
{
	enum status st = lock_file(c->fd, err);
	if (!st && c->c) {
		st = lock_server(c, err);
		if (st)
			flock(c->fd, LOCK_UN); /* who waits holds nothing */
	}
	if (!st)
		sign_file(c->fd);
	return st;
}

static enum status wait_for(struct claim *c, int64_t wait_ms, struct run *run, struct error *err)
{
	int64_t until = run_now_ms(run) + wait_ms;
	bool told = false;
	enum status st;
	for (;;) {
		struct error e = ERROR_INIT;
		st = try_once(c, &e);
		if (!st || e.kind != ERR_BUSY || run_now_ms(run) >= until) {
			if (st && err)
				*err = e;
			return st;
		}
		if (!told)
			event_info(run->events, "claim", "waiting: %s", e.message);
		told = true;
		st = c->c ? conn_exec(c->c, "DO 0", err) : ST_OK; /* it may be long: the server ends a session that is silent for a minute */
		if (!st)
			st = run_sleep_ms(run, CLAIM_POLL_MS, err);
		if (st)
			return st;
	}
}

static enum status new_claim(const char *state_dir, const struct server_info *s, char key[STATEDIR_KEY], struct claim **ret,
                             struct error *err)
{
	struct claim *c = calloc(1, sizeof *c);
	if (!c)
		return error_oom(err);
	c->fd = -1;
	enum status st = statedir_key(s, key, err);
	if (!st)
		st = open_file(state_dir, key, &c->fd, err);
	if (st)
		claim_free(c);
	else
		*ret = c;
	return st;
}

enum status claim_take_local(const char *state_dir, const struct server_info *s, struct claim **ret, struct error *err)
{
	char key[STATEDIR_KEY];
	struct claim *c = NULL;
	enum status st = new_claim(state_dir, s, key, &c, err);
	if (!st)
		st = try_once(c, err);
	if (st)
		claim_free(c);
	else
		*ret = c;
	return st;
}

enum status claim_take(const struct claim_how *how, const struct conn_options *o, const struct server_info *s, struct run *run,
                       struct claim **ret, struct error *err)
{
	char key[STATEDIR_KEY];
	struct claim *c = NULL;
	enum status st = new_claim(how->state_dir, s, key, &c, err);
	if (!st) {
		c->no_named_lock = how->no_named_lock;
		st = run_shield(&c->own, run, err);
	}
	if (!st)
		st = open_session(c, o, key, err);
	if (!st)
		st = wait_for(c, how->wait_ms, run, err);
	if (!st && c->c) {
		int no = pthread_create(&c->pinger, NULL, ping, c);
		c->pinging = !no;
		if (no)
			st = error_sys(err, ST_FAILED, ERR_UNEXPECTED, no, "cannot start a thread");
	}
	if (st)
		claim_free(c);
	else
		*ret = c;
	return st;
}

void claim_free(struct claim *c)
{
	if (!c)
		return;
	if (c->pinging) {
		run_cancel(&c->own, SIGTERM);
		pthread_join(c->pinger, NULL);
	}
	conn_free(c->c);
	run_destroy(&c->own);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}
