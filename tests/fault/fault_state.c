/* SPDX-License-Identifier: Apache-2.0 */
/* Faults at a state of the window: what event_state announces is watched. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "applier/quiesce.h"
#include "fault.h"
#include "slackwater/event.h"

enum { STATES = Q_END + 1 };

static atomic_int current = -1;
static atomic_ulong entries[STATES];

void __real_event_state(struct event_sink *s, const char *area, const char *name, const char *text);
void __wrap_event_state(struct event_sink *s, const char *area, const char *name, const char *text);

const char *fault_state(void)
{
	int s = atomic_load(&current);
	return s < 0 ? "-" : quiesce_state_name((enum quiesce_state)s);
}

static int find_state(const char *name)
{
	for (int i = 0; i < STATES; i++)
		if (strcmp(quiesce_state_name((enum quiesce_state)i), name) == 0)
			return i;
	return -1;
}

static void strike(const struct fault_spec *spec)
{
	(void)kill(getpid(), strcmp(spec->how, "kill") == 0 ? SIGKILL : SIGSTOP);
}

static void *strike_later(void *arg)
{
	const struct fault_spec *spec = arg;
	fault_wait_us(spec->us);
	strike(spec);
	return NULL;
}

/* The work must go on until the moment has come, so somebody else waits for it. */
static void strike_when_due(const struct fault_spec *spec)
{
	pthread_t thread;
	if (!spec->us)
		strike(spec);
	else if (fault_thread(&thread, strike_later, (void *)(uintptr_t)spec) == 0)
		pthread_detach(thread);
	else
		fault_usage("no thread to be had for", spec->what);
}

__attribute__((constructor(1000))) static void fault_state_check(void)
{
	for (const struct fault_spec *s = fault_next(FAULT_STATE, NULL); s; s = fault_next(FAULT_STATE, s)) {
		if (find_state(s->what) < 0)
			fault_usage("no such state", s->what);
		if (strcmp(s->how, "kill") != 0 && strcmp(s->how, "stop") != 0 && strcmp(s->how, "pause") != 0)
			fault_usage("neither kill, stop nor pause", s->how);
	}
}

void __wrap_event_state(struct event_sink *s, const char *area, const char *name, const char *text)
{
	__real_event_state(s, area, name, text);
	int state = strcmp(area, "window") == 0 ? find_state(name) : -1;
	if (state < 0)
		return;
	atomic_store(&current, state);
	unsigned long n = atomic_fetch_add(&entries[state], 1) + 1;
	for (const struct fault_spec *spec = fault_next(FAULT_STATE, NULL); spec; spec = fault_next(FAULT_STATE, spec)) {
		if (strcmp(spec->what, name) != 0 || spec->n != n)
			continue;
		if (strcmp(spec->how, "pause") == 0)
			fault_wait_us(spec->us);
		else
			strike_when_due(spec);
	}
}
