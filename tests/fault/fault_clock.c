/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of time: the clock that a run is given when it asks for none. Waiting is not made longer or shorter by it. */
#include <stdatomic.h>
#include <string.h>

#include "fault.h"
#include "slackwater/run.h"

enum status __real_run_init(struct run *run, const struct clock_ops *clock, void *clock_arg, struct event_sink *events,
                            struct error *err);
enum status __wrap_run_init(struct run *run, const struct clock_ops *clock, void *clock_arg, struct event_sink *events,
                            struct error *err);

static _Atomic int64_t wall_ahead_ms, mono_ahead_ms;

static void reading(void)
{
	const struct fault_spec *f = fault_count(FAULT_CLOCK, NULL);
	if (!f)
		return;
	if (strcmp(f->how, "wall") == 0)
		atomic_fetch_add(&wall_ahead_ms, (int64_t)(f->us / 1000));
	else if (strcmp(f->how, "mono") == 0)
		atomic_fetch_add(&mono_ahead_ms, (int64_t)(f->us / 1000));
	else
		fault_wait_us(f->us);
}

static int64_t ahead_now_ms(void *arg)
{
	reading();
	return clock_system.now_ms(arg) + atomic_load(&mono_ahead_ms);
}

static int64_t ahead_wall_ms(void *arg)
{
	reading();
	return clock_system.wall_ms(arg) + atomic_load(&wall_ahead_ms);
}

static void ahead_wait(void *arg, int fd, int64_t ms)
{
	clock_system.wait(arg, fd, ms);
}

static const struct clock_ops clock_ahead = { ahead_now_ms, ahead_wall_ms, ahead_wait };

__attribute__((constructor(1000))) static void fault_clock_check(void)
{
	for (const struct fault_spec *s = fault_next(FAULT_CLOCK, NULL); s; s = fault_next(FAULT_CLOCK, s))
		if (strcmp(s->how, "wall") != 0 && strcmp(s->how, "mono") != 0 && strcmp(s->how, "stall") != 0)
			fault_usage("neither wall, mono nor stall", s->how);
}

enum status __wrap_run_init(struct run *run, const struct clock_ops *clock, void *clock_arg, struct event_sink *events,
                            struct error *err)
{
	return __real_run_init(run, clock ? clock : &clock_ahead, clock_arg, events, err);
}
