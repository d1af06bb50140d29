/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process: one process of ours and its pipes: a run, or a hook.
 *
 * Takes a program, argument words and a whole environment, hands back what it wrote and how it ended; never a shell, never a descriptor of
 * ours but these: 0 /dev/null, 1 the result, 2 its log, 3 its events (agent/feed.h). It is told to end (SIGTERM) when we die ourselves. Signals
 * go to it only for as long as it has not been waited for, so its number cannot be another's.
 *
 * One thread starts, reads and waits for all children: the kernel ends a child with the thread that made it.
 * Nothing a child writes makes us grow without limit, and a run never waits for us when it writes its log or events (both are non-blocking
 * at its end): they may be written in the middle of a window.
 */
#pragma once

#include <poll.h>
#include <sys/types.h>

#include "slackwater/buf.h"
#include "slackwater/error.h"
#include "slackwater/strlist.h"

enum { PROCESS_PIPES = 3, PROCESS_LINE_MAX = 16384, PROCESS_RESULT_MAX = 64 << 20 };
enum process_pipe { PROCESS_OUT, PROCESS_LOG, PROCESS_EVENTS };

struct process_options {
	const char *program;              /* absolute, or with a slash */
	const struct strlist *argument;   /* argv[0] first */
	const struct strlist *environment;
	bool events;                      /* descriptor 3 is open */
	bool lines;                       /* standard output is lines for the log as well (hooks) */
};

struct process {
	pid_t pid;                        /* 0 = none */
	int fd[PROCESS_PIPES];              /* our ends, -1 = closed */
	struct buf text[PROCESS_PIPES];     /* result, or the piece of a line that is not whole yet */
	bool lines, cut;                  /* cut: the result was longer than PROCESS_RESULT_MAX */
	bool alone;                       /* set by the caller: what it has started is not to outlive it, and is ended by force with it */
	bool ended;                       /* waited for: status is valid */
	int status;                       /* as waitpid gives it */
};

#define PROCESS_NONE ((struct process){ .fd = { -1, -1, -1 } })

/* A line without its newline, of PROCESS_LOG (or PROCESS_OUT of a hook) or PROCESS_EVENTS; longer ones come in pieces. */
typedef void process_line_fn(void *arg, enum process_pipe from, const char *line);

enum status process_start(const struct process_options *o, struct process *ret, struct error *err);
/* Adds what is open; returns how many, at most PROCESS_PIPES. */
size_t process_poll(const struct process *c, struct pollfd *fds);
/* Reads what is there, without waiting. */
void process_read(struct process *c, process_line_fn *fn, void *arg);
/* True once it has ended; then everything it wrote has been read, and what others hold open of its pipes is let go. */
bool process_reap(struct process *c, process_line_fn *fn, void *arg);
/* To the process, or to it and all it has started (a hook's group). */
void process_signal(const struct process *c, int signo, bool group);
/* How it ended: exit code, or 128 + signal; ended must be true. */
int process_exit(const struct process *c);
void process_free(struct process *c); /* its process must have ended */
