/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jobs.h"
#include "orders.h"
#include "setup.h"
#include "slackwater/units.h"
#include "view.h"

enum {
	DAEMON_WAIT_MAX_MS = 15000, /* a clock that was set, or a host that slept, is noticed at the latest then */
	DAEMON_RUNNING_MS = 1000,   /* the view while something runs */
	DAEMON_EXTEND_MS = 10000,   /* while a backup is waited for at the end, the service manager is asked for time so often ... */
	DAEMON_LAST_MS = 900000,    /* ... so much each time, which is what a run that is told to end then has: TimeoutStopSec= of the unit */
	DAEMON_MESSAGE = 1500
};

/* ---- core ---- */

int64_t core_now_ms(void)
{
	return clock_system.now_ms(NULL);
}

int64_t core_wall_ms(void)
{
	return clock_system.wall_ms(NULL);
}

void core_say(struct core *c, enum log_level level, const char *snapshot, const char *fmt, ...)
{
	char text[DAEMON_MESSAGE];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	const struct log_field field[] = { { "area", "agent" }, { "snapshot", snapshot }, { "msg", text } };
	sink_log(&c->app->sink, level, field, sizeof field / sizeof field[0]);
}

struct task *core_task_of_snapshot(const struct core *c, const char *name)
{
	for (struct task *t = c->tasks; t; t = t->next)
		if (t->kind != RUN_LIST && !strcmp(t->snapshot, name))
			return t;
	return NULL;
}

struct task *core_task_of_instance(const struct core *c, const char *name)
{
	for (struct task *t = c->tasks; t; t = t->next)
		if (t->kind != RUN_LIST && !strcmp(t->instance, name))
			return t;
	return NULL;
}

struct job *core_job_named(const struct core *c, const char *name)
{
	for (size_t i = 0; i < c->settings->nsnapshots; i++)
		if (!strcmp(c->settings->snapshot[i].name, name))
			return &c->job[i];
	return NULL;
}

void core_begin(struct core *c, struct task *t)
{
	t->next = c->tasks;
	c->tasks = t;
	task_begin(t, core_now_ms());
}

/* ---- the view ---- */

static void publish(struct core *c)
{
	int64_t now = core_now_ms();
	char status[CORE_TEXT];
	if (!c->changed && now - c->published_ms < (c->tasks ? DAEMON_RUNNING_MS : DAEMON_WAIT_MAX_MS))
		return;
	json_t *view = view_make(c);
	if (view)
		control_publish(&c->control, view);
	if (c->changed) {
		view_status(c, status);
		notify_status(&c->notify, status);
	}
	c->changed = false;
	c->published_ms = now;
}

/* ---- signals ---- */

static void stop(struct core *c, const char *why)
{
	char status[CORE_TEXT], wait[UNITS_TEXT];
	int64_t now = core_now_ms();
	c->changed = true;
	if (c->stopping) {
		core_say(c, LOG_LEVEL_WARNING, NULL, "%s again: what runs is told to end", why);
		c->stop_ms = now;
		return;
	}
	c->stopping = true;
	c->stop_ms = now + c->settings->agent.stop_ms;
	view_status(c, status);
	notify_stopping(&c->notify, status);
	units_duration_option(c->settings->agent.stop_ms, wait);
	if (c->tasks)
		core_say(c, LOG_LEVEL_INFO, NULL, "%s: nothing more is started; what runs is waited for, %s at most, or until the next such signal", why, wait);
	else
		core_say(c, LOG_LEVEL_INFO, NULL, "%s: nothing more is started", why);
	for (struct task *t = c->tasks; t; t = t->next)
		if (t->kind == RUN_LIST || t->kind == RUN_PROOF)
			(void)task_cancel(t, true);
}

static void take_signals(struct core *c)
{
	struct signalfd_siginfo info;
	while (read(c->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
		if (info.ssi_signo == SIGHUP)
			c->reload = true;
		else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
			stop(c, info.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT");
		/* SIGCHLD only wakes: every child is asked about by its number */
	}
}

static void ask_for_time(struct core *c)
{
	int64_t now = core_now_ms();
	if (!c->stopping || !c->stop_ms || (c->extended_ms && now - c->extended_ms < DAEMON_EXTEND_MS))
		return;
	notify_extend(&c->notify, DAEMON_LAST_MS);
	c->extended_ms = now;
}

static void enforce_stop(struct core *c)
{
	if (!c->stopping || !c->stop_ms || core_now_ms() < c->stop_ms)
		return;
	c->stop_ms = 0;
	for (struct task *t = c->tasks; t; t = t->next) {
		if (task_cancel(t, true))
			core_say(c, LOG_LEVEL_WARNING, t->snapshot, "%s is told to end, because the agent does", t->id);
		else
			core_say(c, LOG_LEVEL_WARNING, t->snapshot, "%s is over; its hook is waited for", t->id);
	}
}

/* ---- one round ---- */

static void take_commands(struct core *c)
{
	for (struct control_request *r; (r = control_take(&c->control));) {
		const char *command = json_string_value(json_object_get(r->in, "command"));
		r->err = ERROR_INIT;
		if (command && !strcmp(command, "reload")) {
			r->status = setup_check(c, &r->err);
			c->reload = c->reload || !r->status;
			r->out = r->status ? NULL : json_pack("{ss}", "command", command);
		} else {
			r->status = orders_carry_out(c, r->in, &r->out, &r->err);
		}
		/* what it has brought about is in the view before whoever asked looks at it */
		jobs_decide(c);
		publish(c);
		control_done(&c->control, r);
	}
}

static bool is_ours(const struct core *c, pid_t pid)
{
	for (const struct task *t = c->tasks; t; t = t->next)
		if (t->child.pid == pid)
			return true;
	return false;
}

/* As the first process of a container: whoever loses his parent becomes ours. */
static void reap_strangers(const struct core *c)
{
	siginfo_t info = { .si_pid = 0 };
	while (getpid() == 1 && !waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid && !is_ours(c, info.si_pid)) {
		(void)waitpid(info.si_pid, NULL, WNOHANG);
		info.si_pid = 0;
	}
}

static void tick(struct core *c)
{
	struct error ignored;
	take_signals(c);
	ask_for_time(c);
	enforce_stop(c);
	jobs_go_on(c);
	reap_strangers(c);
	take_commands(c);
	if (c->reload)
		(void)setup_reload(c, &ignored);
	c->reload = false;
	jobs_decide(c);
	observers_collect(&c->leaving, false);
	publish(c);
	if (c->notify.watchdog_ms && core_now_ms() - c->watched_ms >= c->notify.watchdog_ms) {
		notify_watchdog(&c->notify);
		c->watched_ms = core_now_ms();
	}
}

static void at_most(int64_t *wait, int64_t ms)
{
	if (ms < 0)
		ms = 0;
	if (ms < *wait)
		*wait = ms;
}

static int64_t how_long(const struct core *c)
{
	int64_t wait = DAEMON_WAIT_MAX_MS, now = core_now_ms(), jobs = jobs_wait_ms(c);
	if (jobs >= 0)
		at_most(&wait, jobs);
	if (c->notify.watchdog_ms)
		at_most(&wait, c->watched_ms + c->notify.watchdog_ms - now);
	if (c->tasks || c->leaving)
		at_most(&wait, DAEMON_RUNNING_MS);
	if (c->stopping && c->stop_ms)
		at_most(&wait, c->stop_ms - now);
	for (const struct task *t = c->tasks; t; t = t->next)
		if (task_until_ms(t))
			at_most(&wait, task_until_ms(t) - now);
	return wait;
}

static enum status wait_for(struct core *c, struct error *err)
{
	size_t room = 2, n = 2;
	uint64_t news;
	for (const struct task *t = c->tasks; t; t = t->next)
		room += PROCESS_PIPES;
	struct pollfd *fds = calloc(room, sizeof *fds);
	if (!fds)
		return error_oom(err);
	fds[0] = (struct pollfd){ .fd = c->signal_fd, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = c->wake_fd, .events = POLLIN };
	for (const struct task *t = c->tasks; t; t = t->next)
		n += task_poll(t, fds + n);
	int ready = poll(fds, (nfds_t)n, (int)how_long(c));
	free(fds);
	if (ready < 0 && errno != EINTR)
		return error_sys(err, ST_FATAL, ERR_UNEXPECTED, errno, "cannot wait for what happens");
	if (read(c->wake_fd, &news, sizeof news) == (ssize_t)sizeof news)
		c->changed = true;
	return ST_OK;
}

/* ---- begin and end ---- */

static enum status block_signals(struct core *c, struct error *err)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	int bad = pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (!bad) {
		signal(SIGCHLD, SIG_DFL); /* ignored, children could not be waited for */
		c->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
		c->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	}
	if (bad || c->signal_fd < 0 || c->wake_fd < 0)
		return error_sys(err, ST_FATAL, ERR_UNEXPECTED, bad ? bad : errno, "cannot take signals");
	return ST_OK;
}

/* Every thread would have a heap of its own, of which little is ever given back. */
static void stay_small(void)
{
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
	mallopt(M_TRIM_THRESHOLD, 128 << 10);
}

static enum status serve(struct core *c, struct error *err)
{
	enum status st = ST_OK;
	char status[CORE_TEXT];
	publish(c);
	view_status(c, status);
	notify_ready(&c->notify, status);
	while (!st && !(c->stopping && !c->tasks)) {
		tick(c);
		if (!(c->stopping && !c->tasks))
			st = wait_for(c, err);
	}
	return st;
}

enum status daemon_run(struct app *app, const char *config_file, struct error *err)
{
	struct core c = { .app = app, .config_file = config_file, .lock_fd = -1, .signal_fd = -1, .wake_fd = -1, .notify = { .fd = -1 },
		          .changed = true };
	stay_small();
	enum status st = block_signals(&c, err);
	if (!st)
		st = control_init(&c.control, c.wake_fd, err);
	if (!st)
		st = setup_begin(&c, err);
	if (!st)
		st = serve(&c, err);
	setup_end(&c);
	if (c.signal_fd >= 0)
		close(c.signal_fd);
	if (c.wake_fd >= 0)
		close(c.wake_fd);
	return st;
}
