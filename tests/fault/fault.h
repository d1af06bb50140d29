/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault: the program with faults that are asked for by the environment. Production code knows nothing of it: what is watched or made to fail is
 * taken hold of at link time (--wrap, tests/CMakeLists.txt), and the result is a program of its own, slackwater-fault.
 *
 *   SLACKWATER_FAULT   faults, separated by blanks:
 *     state:NAME[#N][+US]:kill|stop|pause   at the N-th entry (1) into a state of the window, US microseconds after it was announced: SIGKILL or
 *                                           SIGSTOP to itself, while the work goes on; pause holds the announcing thread itself for US
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum fault_area { FAULT_STATE, FAULT_AREAS };

struct fault_spec {
	enum fault_area area;
	char what[64];      /* the state's name */
	unsigned long n;    /* at the n-th */
	unsigned long us;
	char how[32];
};

/* Every fault of one area that was asked for, one call after the other: NULL ends it. */
const struct fault_spec *fault_next(enum fault_area area, const struct fault_spec *after);
/* The state of the window that was announced last; "-" before the first. */
const char *fault_state(void);
/* A mistake in what a test asks for: says so and ends the process with 99. */
void fault_usage(const char *why, const char *text) __attribute__((noreturn));
