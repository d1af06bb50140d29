/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run: one cancel token, one clock and one event sink, passed to everything that can block.
 *
 * Cancelling is a request: it sets a flag, makes wake_fd readable and calls every hook (a connection's hook shuts its socket
 * down, so that a blocked read returns). Nobody is killed by it: the server only sees a client that went away. Work that has
 * to be finished all the same (RESUMING, releasing) is done under a shield: a run of its own with the same clock and events
 * that the parent's cancel does not reach. A part of the work that can be given up by itself has a child: the parent's cancel reaches it, and
 * not the other way round.
 *
 * Signals are blocked in all threads and taken by one thread of agent/, which calls run_cancel.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "slackwater/error.h"
#include "slackwater/event.h"

struct clock_ops {
	int64_t (*now_ms)(void *arg);               /* monotonic */
	int64_t (*wall_ms)(void *arg);              /* since the epoch, UTC */
	void (*wait)(void *arg, int fd, int64_t ms); /* until fd is readable or ms have passed */
};

extern const struct clock_ops clock_system;

/* Called once when the run is cancelled, from the cancelling thread; must not block and not touch the run. */
struct run_hook {
	void (*fn)(void *arg);
	void *arg;
	struct run_hook *next, *prev;
};

struct run {
	const struct clock_ops *clock;
	void *clock_arg;
	struct event_sink *events; /* may be NULL */
	atomic_int signo;          /* 0 = not cancelled */
	int wake_fd;
	pthread_mutex_t lock;
	struct run_hook *hooks;
	struct run *parent;        /* of a child; NULL */
	struct run_hook up;        /* ... on the parent */
};

/* clock NULL = clock_system. */
enum status run_init(struct run *run, const struct clock_ops *clock, void *clock_arg, struct event_sink *events,
                     struct error *err);
enum status run_shield(struct run *shield, const struct run *parent, struct error *err);
enum status run_child(struct run *child, struct run *parent, struct error *err); /* must not move, nor outlive its parent */
void run_destroy(struct run *run); /* hooks must be gone; copes with a zeroed run */

void run_cancel(struct run *run, int signo);
bool run_cancelled(const struct run *run);
enum status run_check(const struct run *run, struct error *err); /* ST_FAILED/ERR_INTERRUPTED once cancelled */

int64_t run_now_ms(const struct run *run);
int64_t run_wall_ms(const struct run *run);
enum status run_sleep_ms(const struct run *run, int64_t ms, struct error *err); /* ends early when cancelled */

void run_hook_add(struct run *run, struct run_hook *hook); /* already cancelled: called at once */
void run_hook_del(struct run *run, struct run_hook *hook);

/* UTC as 2026-11-20T13:37:01.123Z into out[32]. */
void run_format_time(int64_t wall_ms, char out[32]);
