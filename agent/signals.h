/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signals: SIGINT, SIGTERM and SIGHUP are blocked in every thread and taken by one, which cancels the run: no handler runs in the
 * middle of anything, and what has to be finished (the applier set going again) is finished. A second signal changes nothing
 * and says so. A SIGHUP or SIGINT that was ignored when we were started (nohup, a shell's background job) stays ignored.
 */
#pragma once

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "slackwater/run.h"

struct signals {
	pthread_t thread;
	sigset_t set;
	struct run *run;
	struct event_sink *events;
	atomic_bool ending;
	bool started;
};

/* Passwords are in our memory: no core file, no other process of the same user attaches. First thing in main. */
void signals_harden(void);
/* Before any other thread is started. run and events outlive signals_stop. */
enum status signals_start(struct signals *s, struct run *run, struct event_sink *events, struct error *err);
void signals_stop(struct signals *s);
/* "SIGINT", ... */
const char *signals_name(int signo);
