/* SPDX-License-Identifier: Apache-2.0 */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESS_PIECE = 16384, PROCESS_ROUNDS = 64, PROCESS_LAST_FD = 3, PROCESS_NOT_STARTED = 127 };

struct plan {
	const struct process_options *o;
	char **argv, **envp;
	int child_end[PROCESS_PIPES], null;
	pid_t parent;
};

static char **words(const struct strlist *l)
{
	char **list = calloc(l->n + 1, sizeof *list);
	for (size_t i = 0; list && i < l->n; i++)
		list[i] = l->item[i];
	return list;
}

/* Between fork and exec: nothing but calls that may be made there although other threads may have held any lock. */
static void become(const struct plan *p)
{
	sigset_t none;
	struct sigaction standard = { .sa_handler = SIG_DFL };
	sigemptyset(&none);
	for (int signo = 1; signo < NSIG; signo++)
		sigaction(signo, &standard, NULL);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
	if (getppid() != p->parent)
		_exit(PROCESS_NOT_STARTED); /* we died before that: nobody is left who would tell it */
	const int from[] = { p->null, p->child_end[PROCESS_OUT], p->child_end[PROCESS_LOG], p->child_end[PROCESS_EVENTS] };
	int moved[] = { -1, -1, -1, -1 }, last = p->o->events ? PROCESS_LAST_FD : STDERR_FILENO;
	/* all above the places they go to first, so that none is overwritten before it is copied */
	for (int i = 0; i <= last; i++)
		if ((moved[i] = fcntl(from[i], F_DUPFD_CLOEXEC, PROCESS_LAST_FD + 1)) < 0)
			_exit(PROCESS_NOT_STARTED);
	for (int i = 0; i <= last; i++)
		if (dup2(moved[i], i) < 0)
			_exit(PROCESS_NOT_STARTED);
	close_range((unsigned)last + 1, ~0u, 0);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(p->o->program, p->argv, p->envp);
	_exit(PROCESS_NOT_STARTED);
}

static enum status open_pipes(struct plan *p, struct process *c, struct error *err)
{
	for (int i = 0; i < PROCESS_PIPES; i++) {
		int ends[2];
		if (i == PROCESS_EVENTS && !p->o->events)
			continue;
		if (pipe2(ends, O_CLOEXEC))
			return error_sys(err, ST_FAILED, ERR_UNEXPECTED, errno, "cannot make a pipe");
		c->fd[i] = ends[0];
		p->child_end[i] = ends[1];
		fcntl(ends[0], F_SETFL, O_NONBLOCK);
		if (i != PROCESS_OUT && !p->o->lines)
			fcntl(ends[1], F_SETFL, O_NONBLOCK);
	}
	p->null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return p->null < 0 ? error_sys(err, ST_FAILED, ERR_UNEXPECTED, errno, "cannot open /dev/null") : ST_OK;
}

static void close_plan(struct plan *p)
{
	for (int i = 0; i < PROCESS_PIPES; i++)
		if (p->child_end[i] >= 0)
			close(p->child_end[i]);
	if (p->null >= 0)
		close(p->null);
	free(p->argv);
	free(p->envp);
}

enum status process_start(const struct process_options *o, struct process *ret, struct error *err)
{
	struct plan p = { .o = o, .argv = words(o->argument), .envp = words(o->environment), .child_end = { -1, -1, -1 }, .null = -1,
		          .parent = getpid() };
	struct process c = PROCESS_NONE;
	sigset_t all, before;
	c.lines = o->lines;
	c.text[PROCESS_OUT] = BUF_INIT(o->lines ? PROCESS_LINE_MAX : PROCESS_RESULT_MAX);
	c.text[PROCESS_LOG] = BUF_INIT(PROCESS_LINE_MAX);
	c.text[PROCESS_EVENTS] = BUF_INIT(PROCESS_LINE_MAX);
	enum status st = p.argv && p.envp ? ST_OK : error_oom(err);
	if (!st && access(o->program, X_OK))
		st = error_sys(err, ST_FAILED, ERR_USAGE, errno, "cannot run %s", o->program);
	if (!st)
		st = open_pipes(&p, &c, err);
	if (!st) {
		/* blocked until its handlers are the standard ones: none of ours may run in there */
		sigfillset(&all);
		sigprocmask(SIG_SETMASK, &all, &before);
		c.pid = fork();
		if (!c.pid)
			become(&p);
		sigprocmask(SIG_SETMASK, &before, NULL);
		if (c.pid > 0)
			setpgid(c.pid, c.pid); /* both do it: whoever is first, its group can be told from now on */
		if (c.pid < 0)
			st = error_sys(err, ST_FAILED, ERR_UNEXPECTED, errno, "cannot start %s", o->program);
	}
	close_plan(&p);
	if (!st) {
		*ret = c;
		return ST_OK;
	}
	c.pid = 0;
	process_free(&c);
	return st;
}

size_t process_poll(const struct process *c, struct pollfd *fds)
{
	size_t n = 0;
	for (int i = 0; i < PROCESS_PIPES; i++)
		if (c->fd[i] >= 0)
			fds[n++] = (struct pollfd){ .fd = c->fd[i], .events = POLLIN };
	return n;
}

static void close_pipe(struct process *c, int i)
{
	if (c->fd[i] >= 0)
		close(c->fd[i]);
	c->fd[i] = -1;
}

static void add_lines(struct buf *piece, enum process_pipe from, const char *data, size_t len, process_line_fn *fn, void *arg)
{
	for (size_t i = 0; i < len; i++) {
		bool full = piece->len + 2 > piece->max;
		if (data[i] != '\n' && data[i] != '\0')
			buf_addc(piece, data[i]);
		if ((data[i] == '\n' || full) && piece->len) {
			fn(arg, from, buf_str(piece));
			buf_clear(piece);
		}
	}
}

static void add_result(struct process *c, const char *data, size_t len)
{
	struct buf *b = &c->text[PROCESS_OUT];
	if (c->cut || b->len + len > b->max)
		c->cut = true;
	else
		buf_add(b, data, len);
}

static void read_pipe(struct process *c, int i, process_line_fn *fn, void *arg)
{
	char piece[PROCESS_PIECE];
	/* so much at a time and no more: there are others to be served */
	for (int round = 0; c->fd[i] >= 0 && round < PROCESS_ROUNDS; round++) {
		ssize_t n = read(c->fd[i], piece, sizeof piece);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			close_pipe(c, i);
			return;
		}
		if (i == PROCESS_OUT && !c->lines)
			add_result(c, piece, (size_t)n);
		else
			add_lines(&c->text[i], (enum process_pipe)i, piece, (size_t)n, fn, arg);
	}
}

void process_read(struct process *c, process_line_fn *fn, void *arg)
{
	for (int i = 0; i < PROCESS_PIPES; i++)
		read_pipe(c, i, fn, arg);
}

/* What it wrote last may still be in the pipe. A grandchild that holds the other end open is not waited for. */
static void drain(struct process *c, process_line_fn *fn, void *arg)
{
	struct pollfd fds[PROCESS_PIPES];
	size_t n;
	for (int round = 0; round < PROCESS_ROUNDS && (n = process_poll(c, fds)) && poll(fds, (nfds_t)n, 0) > 0; round++)
		process_read(c, fn, arg);
	for (int i = 0; i < PROCESS_PIPES; i++) {
		if ((i != PROCESS_OUT || c->lines) && c->text[i].len)
			fn(arg, (enum process_pipe)i, buf_str(&c->text[i]));
		close_pipe(c, i);
	}
}

bool process_reap(struct process *c, process_line_fn *fn, void *arg)
{
	if (c->ended || !c->pid)
		return true;
	siginfo_t info = { .si_pid = 0 };
	/* as long as it has not been waited for, the number of its group cannot be another's */
	if (c->alone && !waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid)
		process_signal(c, SIGKILL, true);
	pid_t got = waitpid(c->pid, &c->status, WNOHANG);
	if (got == 0 || (got < 0 && errno == EINTR))
		return false;
	if (got < 0)
		c->status = PROCESS_NOT_STARTED << 8; /* somebody else has waited for it: how it ended is not known */
	c->ended = true;
	drain(c, fn, arg);
	return true;
}

void process_signal(const struct process *c, int signo, bool group)
{
	if (c->pid > 0 && !c->ended)
		(void)kill(group ? -c->pid : c->pid, signo);
}

int process_exit(const struct process *c)
{
	return WIFSIGNALED(c->status) ? 128 + WTERMSIG(c->status) : WEXITSTATUS(c->status);
}

void process_free(struct process *c)
{
	for (int i = 0; i < PROCESS_PIPES; i++) {
		close_pipe(c, i);
		buf_free(&c->text[i]);
	}
	c->pid = 0;
}
