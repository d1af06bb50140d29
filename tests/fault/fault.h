/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault: the program with faults that are asked for by the environment. Production code knows nothing of it: what is watched or made to
 * fail is taken hold of at link time (--wrap, tests/CMakeLists.txt), and the result is a program of its own, slackwater-fault.
 *
 *   SLACKWATER_FAULT   faults AREA:PLACE:HOW, separated by blanks:
 *     state:NAME[#N][+US]:kill|stop|pause   at the N-th entry (1) into a state of the window, US microseconds after it was announced: SIGKILL or
 *                                           SIGSTOP to itself, while the work goes on; pause holds the announcing thread itself for US
 *     conn:WHERE[+US]:error|retry|reset|timeout|down
 *                                           a call to a server: opening a session, sending a statement, or the next row of a streamed result
 *                                           (the rows of others are in memory and cannot fail). error: the server says no (1105; on opening 1040);
 *                                           retry: it says 1205; reset: the connection is cut before the call, for good; timeout: the call
 *                                           is begun, US later (200 ms) the connection is cut: the server may have done it; down: every session is
 *                                           cut, and for US (1 s) none can be opened: a server that is restarted
 *     store:WHERE:enospc|eio|late           a call to the store; late: it is done and reported as failed (EIO) all the same
 *     clock:WHERE[+US]:wall|mono|stall      a reading of the clock: from there on that clock is US ahead; stall: the reading takes US
 *     alloc:WHERE:null                      an allocation of our own objects (jansson's for us included)
 *     sys:WHERE:enospc|eio|emfile|erofs|eagain
 *                                           a file is opened, written, renamed, made durable, or a directory, thread or descriptor made
 *   WHERE is N, the N-th call of that area in the whole process, or STATE/SITE[#N], the N-th call (1) made by that site while the
 *   window was in that state ("-": in none); for the clock also STATE/any.
 *
 *   SLACKWATER_FAULT_TRACE=FILE    one line per call, "AREA N STATE SITE ..."; of allocations the first of each site, and a last line with
 *                                  their number. A site is a digest of the return addresses: stable for one executable.
 *   SLACKWATER_FAULT_RECORD=FILE   every statement and its answer
 *   SLACKWATER_FAULT_REPLAY=FILE   no server: what was recorded answers, and a model of the applier and of named locks (model.h)
 *   SLACKWATER_FAULT_REPORT=FILE   with REPLAY: what the model says at the end of the process
 *   SLACKWATER_FAULT_DEAF=1        with REPLAY: a START is answered and has no effect; whoever judges the report has to notice
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fault_area { FAULT_STATE, FAULT_CONN, FAULT_STORE, FAULT_CLOCK, FAULT_ALLOC, FAULT_SYS, FAULT_AREAS };

struct fault_spec {
	enum fault_area area;
	char what[64];      /* a state's name, N, or STATE/SITE */
	unsigned long n;    /* at the n-th */
	unsigned long us;   /* 0 = not given */
	char how[32];
};

/* Every fault of one area that was asked for, one call after the other: NULL ends it. */
const struct fault_spec *fault_next(enum fault_area area, const struct fault_spec *after);
/* One call of an area. what is for the trace, and may be NULL. Returns the fault that is due, or NULL. Any thread. */
const struct fault_spec *fault_count(enum fault_area area, const char *what);
/* The state of the window that was announced last; "-" before the first. */
const char *fault_state(void);
void fault_wait_us(unsigned long us);
/* A mistake in what a test asks for: says so and ends the process with 99. */
void fault_usage(const char *why, const char *text) __attribute__((noreturn));

/* A thread of the faults' own, which is never refused. Returns 0 or an error number. */
int fault_thread(pthread_t *ret, void *(*fn)(void *), void *arg);

/* Memory of the faults' own, which is never made to fail; freed with free. */
void *fault_new(size_t size);
void *fault_grow(void *p, size_t size);
char *fault_copy(const void *data, size_t len); /* with a 0 behind it */
