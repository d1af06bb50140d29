/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	CHILD_POLL_MS = 50,
	CHILD_ASK_MS = 60000,
	CHILD_IOPRIO_PROCESS = 1,
	CHILD_IOPRIO_IDLE = 3 << 13
};

extern char **environ;

/* ---- its environment: nothing that is a secret of ours ---- */

static bool child_may_know(const char *entry)
{
	static const char *const ours[] = { "SLACKWATER_", "AWS_", "MYSQL_PWD=", "NOTIFY_SOCKET=", "WATCHDOG_" };
	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
		if (!strncmp(entry, ours[i], strlen(ours[i])))
			return false;
	return true;
}

static char **child_environment(void)
{
	size_t n = 0, kept = 0;
	while (environ[n])
		n++;
	char **env = calloc(n + 1, sizeof *env);
	for (size_t i = 0; env && i < n; i++)
		if (child_may_know(environ[i]))
			env[kept++] = environ[i];
	return env;
}

/* ---- between fork and exec: system calls only, for other threads may have held any lock ---- */

static bool child_descriptors(const struct proof_spawn *s)
{
	int null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(s->in < 0 ? null : s->in, 0) < 0 || dup2(s->out < 0 ? null : s->out, 1) < 0 || dup2(1, 2) < 0)
		return false;
#ifdef SYS_close_range
	(void)syscall(SYS_close_range, 3, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */);
#endif
	return s->keep < 0 || !fcntl(s->keep, F_SETFD, 0);
}

static bool child_become(const struct proof_scratch *as)
{
	return !as || !as->drop || (!setgroups(1, &as->gid) && !setgid(as->gid) && !setuid(as->uid));
}

/* Limits that cannot be set are no reason to do without a proof: a container may forbid them. */
static void child_limits(const struct proof_spawn *s)
{
	if (s->nice) {
		(void)!nice((int)s->nice); /* on top of our own */
		(void)syscall(SYS_ioprio_set, CHILD_IOPRIO_PROCESS, 0, CHILD_IOPRIO_IDLE);
	}
	const struct rlimit memory = { s->memory_bytes, s->memory_bytes };
	if (s->memory_bytes)
		(void)setrlimit(RLIMIT_DATA, &memory);
}

static _Noreturn void child_main(const struct proof_spawn *s, char *const *env, pid_t parent, int failed)
{
	sigset_t none;
	sigemptyset(&none);
	(void)setsid();
	(void)signal(SIGPIPE, SIG_DFL);
	bool fine = child_descriptors(s);
	child_limits(s);
	/* Becoming somebody else takes the wish for a signal away, so it comes after that; and we may have gone before it. */
	fine = fine && child_become(s->as) && !prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) && getppid() == parent;
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (fine)
		execve(s->argv[0], (char *const *)s->argv, env);
	int why = errno;
	(void)!write(failed, &why, sizeof why);
	_exit(127);
}

/* ---- */

enum status proof_child_start(struct proof_child *c, const struct proof_spawn *s, struct error *err)
{
	int failed[2], why = 0;
	char **env = child_environment();
	if (!env)
		return error_oom(err);
	if (pipe2(failed, O_CLOEXEC)) {
		free(env);
		return error_sys(err, ST_FAILED, ERR_UNEXPECTED, errno, "cannot make a pipe");
	}
	pid_t parent = getpid();
	*c = (struct proof_child){ .pid = fork() };
	if (c->pid == 0)
		child_main(s, env, parent, failed[1]);
	int fork_errno = errno;
	free(env);
	close(failed[1]);
	if (c->pid < 0) {
		close(failed[0]);
		c->pid = 0;
		return error_sys(err, ST_FAILED, ERR_UNEXPECTED, fork_errno, "cannot start a process");
	}
	ssize_t n;
	while ((n = read(failed[0], &why, sizeof why)) < 0 && errno == EINTR)
		;
	close(failed[0]);
	if (n != sizeof why)
		return ST_OK;
	(void)waitpid(c->pid, &c->status, 0);
	c->pid = 0;
	return error_sys(err, ST_FAILED, ERR_PREFLIGHT, why, "cannot execute %s", s->argv[0]);
}

bool proof_child_alive(struct proof_child *c)
{
	siginfo_t ended = { .si_pid = 0 };
	if (c->pid && !waitid(P_PID, (id_t)c->pid, &ended, WEXITED | WNOHANG | WNOWAIT) && !ended.si_pid)
		return true;
	if (!c->pid)
		return false;
	/* A wrapper that did not exec may leave the server behind; as long as it is not reaped, its number names no other session. */
	(void)kill(-c->pid, SIGKILL);
	(void)waitpid(c->pid, &c->status, 0);
	c->pid = 0;
	return false;
}

void proof_child_end(struct proof_child *c, const struct run *run, int64_t grace_ms)
{
	const struct timespec pause = { .tv_nsec = CHILD_POLL_MS * 1000000L };
	int64_t limit = run_now_ms(run) + grace_ms;
	if (!proof_child_alive(c))
		return;
	(void)kill(-c->pid, SIGTERM);
	while (proof_child_alive(c) && run_now_ms(run) < limit)
		(void)nanosleep(&pause, NULL);
	if (!c->pid)
		return;
	(void)kill(-c->pid, SIGKILL);
	while (proof_child_alive(c))
		(void)nanosleep(&pause, NULL);
}

enum status proof_child_wait(struct proof_child *c, struct run *run, int64_t ms, const char *what, struct error *err)
{
	int64_t limit = run_now_ms(run) + ms;
	enum status st = ST_OK;
	while (!st && proof_child_alive(c)) {
		if (run_now_ms(run) > limit)
			st = error_set(err, ST_FAILED, ERR_PREFLIGHT, "%s did not end within %lld s", what, (long long)(ms / 1000));
		else
			st = run_sleep_ms(run, CHILD_POLL_MS, err);
	}
	if (st)
		proof_child_end(c, run, 0);
	return st;
}

void proof_child_describe(const struct proof_child *c, char out[64])
{
	if (WIFSIGNALED(c->status))
		snprintf(out, 64, "was ended by signal %d", WTERMSIG(c->status));
	else
		snprintf(out, 64, "ended with exit code %d", WEXITSTATUS(c->status));
}

static enum status child_read(int fd, struct buf *ret, const char *name, struct error *err)
{
	char block[4096];
	for (;;) {
		ssize_t n = read(fd, block, sizeof block);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_sys(err, ST_FAILED, ERR_UNEXPECTED, errno, "cannot read what %s said", name);
		if (n == 0)
			return buf_check(ret, "a server program's answer", err);
		buf_add(ret, block, (size_t)n);
	}
}

enum status proof_child_ask(const char *const *argv, struct run *run, struct buf *ret, struct error *err)
{
	struct proof_child c = { .pid = 0 };
	char how[64];
	int fd = memfd_create("slackwater", MFD_CLOEXEC);
	if (fd < 0)
		return error_sys(err, ST_FAILED, ERR_UNEXPECTED, errno, "cannot make a file in memory");
	const struct proof_spawn s = { .argv = argv, .in = -1, .out = fd, .keep = -1 };
	enum status st = proof_child_start(&c, &s, err);
	if (!st)
		st = proof_child_wait(&c, run, CHILD_ASK_MS, argv[0], err);
	if (!st && lseek(fd, 0, SEEK_SET) < 0)
		st = error_sys(err, ST_FAILED, ERR_UNEXPECTED, errno, "cannot read what %s said", argv[0]);
	if (!st)
		st = child_read(fd, ret, argv[0], err);
	if (!st && c.status) {
		proof_child_describe(&c, how);
		st = error_set(err, ST_FAILED, ERR_PREFLIGHT, "%s %s: %.*s", argv[0], how, (int)strcspn(buf_str(ret), "\n"), buf_str(ret));
	}
	close(fd);
	return st;
}
