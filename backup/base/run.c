/* SPDX-License-Identifier: Apache-2.0 */
#include "slackwater/run.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

static int64_t run_clock_ms(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t system_now_ms(void *arg)
{
	(void)arg;
	return run_clock_ms(CLOCK_MONOTONIC);
}

static int64_t system_wall_ms(void *arg)
{
	(void)arg;
	return run_clock_ms(CLOCK_REALTIME);
}

static void system_wait(void *arg, int fd, int64_t ms)
{
	(void)arg;
	int64_t until = run_clock_ms(CLOCK_MONOTONIC) + ms;
	for (;;) {
		int64_t left = until - run_clock_ms(CLOCK_MONOTONIC);
		if (left <= 0)
			return;
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int n = poll(&p, 1, left > 3600000 ? 3600000 : (int)left);
		if (n > 0 || (n < 0 && errno != EINTR))
			return;
	}
}

const struct clock_ops clock_system = { system_now_ms, system_wall_ms, system_wait };

enum status run_init(struct run *run, const struct clock_ops *clock, void *clock_arg, struct event_sink *events,
                     struct error *err)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return error_sys(err, ST_FATAL, ERR_UNEXPECTED, errno, "cannot make an event descriptor");
	*run = (struct run){ .clock = clock ? clock : &clock_system, .clock_arg = clock_arg, .events = events, .wake_fd = fd };
	pthread_mutex_init(&run->lock, NULL);
	return ST_OK;
}

enum status run_shield(struct run *shield, const struct run *parent, struct error *err)
{
	return run_init(shield, parent->clock, parent->clock_arg, parent->events, err);
}

static void run_pass_on(void *arg)
{
	struct run *child = arg;
	run_cancel(child, atomic_load(&child->parent->signo));
}

enum status run_child(struct run *child, struct run *parent, struct error *err)
{
	enum status st = run_shield(child, parent, err);
	if (st)
		return st;
	child->parent = parent;
	child->up = (struct run_hook){ .fn = run_pass_on, .arg = child };
	run_hook_add(parent, &child->up);
	return ST_OK;
}

void run_destroy(struct run *run)
{
	if (!run->clock)
		return;
	if (run->parent)
		run_hook_del(run->parent, &run->up);
	close(run->wake_fd);
	pthread_mutex_destroy(&run->lock);
	*run = (struct run){ 0 };
}

void run_cancel(struct run *run, int signo)
{
	pthread_mutex_lock(&run->lock);
	int none = 0;
	bool first = atomic_compare_exchange_strong(&run->signo, &none, signo);
	if (first) {
		uint64_t one = 1;
		ssize_t n = write(run->wake_fd, &one, sizeof one);
		(void)n; /* an eventfd at zero takes a one */
		for (struct run_hook *h = run->hooks; h; h = h->next)
			h->fn(h->arg);
	}
	pthread_mutex_unlock(&run->lock);
}

bool run_cancelled(const struct run *run)
{
	return atomic_load(&run->signo) != 0;
}

enum status run_check(const struct run *run, struct error *err)
{
	if (!run_cancelled(run))
		return ST_OK;
	return error_set(err, ST_FAILED, ERR_INTERRUPTED, "interrupted by signal %d", atomic_load(&run->signo));
}

int64_t run_now_ms(const struct run *run)
{
	return run->clock->now_ms(run->clock_arg);
}

int64_t run_wall_ms(const struct run *run)
{
	return run->clock->wall_ms(run->clock_arg);
}

enum status run_sleep_ms(const struct run *run, int64_t ms, struct error *err)
{
	if (!run_cancelled(run) && ms > 0)
		run->clock->wait(run->clock_arg, run->wake_fd, ms);
	return run_check(run, err);
}

void run_hook_add(struct run *run, struct run_hook *hook)
{
	pthread_mutex_lock(&run->lock);
	hook->prev = NULL;
	hook->next = run->hooks;
	if (run->hooks)
		run->hooks->prev = hook;
	run->hooks = hook;
	if (run_cancelled(run))
		hook->fn(hook->arg);
	pthread_mutex_unlock(&run->lock);
}

void run_hook_del(struct run *run, struct run_hook *hook)
{
	pthread_mutex_lock(&run->lock);
	if (hook->prev)
		hook->prev->next = hook->next;
	else if (run->hooks == hook)
		run->hooks = hook->next;
	if (hook->next)
		hook->next->prev = hook->prev;
	hook->next = hook->prev = NULL;
	pthread_mutex_unlock(&run->lock);
}

void run_format_time(int64_t wall_ms, char out[32])
{
	time_t s = (time_t)(wall_ms / 1000);
	struct tm tm;
	gmtime_r(&s, &tm);
	char date[24];
	strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, 32, "%s.%03dZ", date, (int)(wall_ms % 1000));
}
