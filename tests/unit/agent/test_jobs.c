/* SPDX-License-Identifier: Apache-2.0 */
/* What is started when, what follows its end, and what people may order: with this very program in the place of the runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/jobs.h"
#include "daemon/listings.h"
#include "daemon/orders.h"
#include "scratch.h"
#include "slackwater/fs.h"
#include "slackwater/jsonx.h"

enum { PATIENCE_MS = 20000 };

static const char child_variable[] = "SLACKWATER_TEST_CHILD"; /* "succeeds", "fails", "hangs": what a run does; a listing always succeeds */

struct stage {
	struct scratch *scratch;
	struct app app;
	struct core core;
};

/* ---- what stands in for a run ---- */

static int child(const char *verb)
{
	const char *what = getenv(child_variable);
	if (!strcmp(verb, "list"))
		return puts("{\"snapshots\": [{\"id\": \"1\", \"manifest\": {}}]}") < 0;
	if (!what || !strcmp(what, "succeeds"))
		return puts("{\"id\": \"1\", \"warnings\": []}") < 0;
	if (!strcmp(what, "hangs"))
		for (;;)
			pause();
	puts("{\"error\": {\"kind\": \"preflight\", \"message\": \"no\", \"hint\": \"\"}}");
	return 3;
}

/* ---- an agent without its sockets, whose servers nobody looks at ---- */

static struct settings *settings(struct stage *st, const char *sections)
{
	struct error err = ERROR_INIT;
	struct settings *s = NULL;
	struct buf text = BUF_INIT(4096);
	buf_addf(&text, "[agent]\nstate-dir = %s\n[instance db1]\nhost = 127.0.0.1\n[instance db2]\nhost = 127.0.0.1\n[store s]\nurl = file:///nowhere\n%s",
	         st->scratch->dir, sections);
	scratch_write(scratch_path(st->scratch, "agent.conf"), text.data, text.len);
	OK(settings_read(scratch_path(st->scratch, "agent.conf"), &s, NULL, &err));
	buf_free(&text);
	return s;
}

static int setup(void **state)
{
	struct stage *st = calloc(1, sizeof *st);
	struct error err = ERROR_INIT, damage;
	struct log log;
	char *moved;
	void *scratch = NULL;
	assert_int_equal(scratch_setup(&scratch), 0);
	st->scratch = scratch;
	OK(log_open(&log, scratch_path(scratch, "log"), LOG_LEVEL_INFO, &err));
	sink_init(&st->app.sink, &log, NULL);
	struct core *c = &st->core;
	*c = (struct core){ .app = &st->app, .started_ms = core_wall_ms(), .wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), .changed = true };
	c->settings = settings(st, "[snapshot a]\ninstance = db1\nkeep-last = 3\n[snapshot b]\ninstance = db1\n[snapshot c]\ninstance = db2\n"
	                           "[snapshot often]\ninstance = db2\nschedule = @every 1s\n");
	OK(memory_open(st->scratch->dir, 100, &c->memory, &moved, &damage, &err));
	OK(jobs_build(c, &err));
	OK(observers_start(c->settings, &st->app.sink.base, c->wake_fd, &c->observers, &err));
	setenv(child_variable, "succeeds", 1);
	*state = st;
	return 0;
}

static int teardown(void **state)
{
	struct stage *st = *state;
	struct core *c = &st->core;
	void *scratch = st->scratch;
	c->stopping = true;
	for (struct task *t = c->tasks; t; t = t->next)
		(void)task_cancel(t, true);
	for (int64_t until = scratch_now_ms() + PATIENCE_MS; c->tasks && scratch_now_ms() < until; poll(NULL, 0, 10))
		jobs_go_on(c);
	observers_leave(c->observers, &c->leaving);
	observers_collect(&c->leaving, true);
	jobs_free(c);
	memory_free(&c->memory);
	settings_free(c->settings);
	close(c->wake_fd);
	sink_destroy(&st->app.sink);
	free(st);
	return scratch_teardown(&scratch);
}

static void step(struct core *c)
{
	struct pollfd fds[20 * PROCESS_PIPES];
	size_t n = 0;
	jobs_decide(c);
	for (const struct task *t = c->tasks; t && n + PROCESS_PIPES <= sizeof fds / sizeof fds[0]; t = t->next)
		n += task_poll(t, fds + n);
	poll(fds, (nfds_t)n, 10);
	jobs_go_on(c);
}

#define UNTIL(c, condition) \
	for (int64_t until_ms = scratch_now_ms() + PATIENCE_MS; !(condition); step(c)) \
		if (scratch_now_ms() > until_ms) \
			fail_msg("this has not come about: %s", #condition)

static struct job *job(struct stage *st, const char *name)
{
	struct job *j = core_job_named(&st->core, name);
	assert_non_null(j);
	return j;
}

/* The newest of that kind in the history; NULL = none. */
static const json_t *run_of(struct stage *st, const char *kind)
{
	size_t i;
	json_t *run;
	json_array_foreach(st->core.memory.runs, i, run)
		if (!strcmp(jsonx_str_or(run, "kind", ""), kind))
			return run;
	return NULL;
}

static void run_is(const json_t *run, const char *snapshot, const char *trigger, const char *state)
{
	assert_non_null(run);
	assert_string_equal(jsonx_str_or(run, "snapshot", ""), snapshot);
	assert_string_equal(jsonx_str_or(run, "trigger", ""), trigger);
	assert_string_equal(jsonx_str_or(run, "state", ""), state);
}

/* Names and ids of the answer, "a=backup-1 b=-"; *err says why there is none. */
static const char *order(struct stage *st, const char *command, const char *snapshot, struct error *err)
{
	static char text[200];
	json_t *request = json_pack("{ss ss*}", "command", command, "snapshot", snapshot), *answer = NULL, *one;
	size_t i, len = 0;
	*err = ERROR_INIT;
	text[0] = '\0';
	if (!orders_carry_out(&st->core, request, &answer, err))
		json_array_foreach(json_object_get(answer, "snapshots"), i, one)
			len += (size_t)snprintf(text + len, sizeof text - len, "%s%s=%s", i ? " " : "", jsonx_str_or(one, "name", "?"), jsonx_str_or(one, "run", "-"));
	json_decref(request);
	json_decref(answer);
	return text;
}

#define ORDER(command, snapshot, expected) \
	do { \
		struct error why; \
		const char *got = order(st, command, snapshot, &why); \
		if (why.kind) \
			fail_msg("%s", why.message); \
		assert_string_equal(got, expected); \
	} while (0)

#define REFUSED(command, snapshot, kind_, message_, hint_) \
	do { \
		struct error why; \
		(void)order(st, command, snapshot, &why); \
		assert_int_equal(why.kind, kind_); \
		assert_non_null(strstr(why.message, message_)); \
		assert_non_null(strstr(why.hint, hint_)); \
	} while (0)

static void reload(struct stage *st, const char *sections)
{
	struct error err = ERROR_INIT;
	struct settings *before = st->core.settings;
	st->core.settings = settings(st, sections);
	OK(jobs_build(&st->core, &err));
	settings_free(before);
}

/* ---- tests ---- */

/* A backup that succeeds is followed by its expire, that by a listing; of one without rules nothing expires. */
static void what_follows_a_backup(void **state)
{
	struct stage *st = *state;
	ORDER("pause", "often", "often=-");
	ORDER("run", "a", "a=backup-1");
	ORDER("run", "a", "a=backup-1"); /* it has not begun: the same one */
	UNTIL(&st->core, run_of(st, "expire"));
	run_is(run_of(st, "backup"), "a", "request", "succeeded");
	run_is(run_of(st, "expire"), "a", "backup", "succeeded");
	assert_int_equal(job(st, "a")->memory->backup.failures, 0);
	assert_true(job(st, "a")->memory->backup.succeeded_ms > 0);
	const struct listing *l = listings_find(&st->core, "s", "db1");
	UNTIL(&st->core, !core_task_of_instance(&st->core, "db1") && l->listed_ms && !l->wanted);
	assert_int_equal(json_array_size(l->items), 1);
	ORDER("run", "c", "c=backup-3");
	UNTIL(&st->core, !strcmp(jsonx_str_or(run_of(st, "backup"), "snapshot", ""), "c"));
	run_is(run_of(st, "expire"), "a", "backup", "succeeded");
	assert_false(job(st, "c")->expire);
	assert_int_equal(json_array_size(st->core.memory.open), 0);
}

static void one_at_a_time(void **state)
{
	struct stage *st = *state;
	struct core *c = &st->core;
	setenv(child_variable, "hangs", 1);
	ORDER("pause", "often", "often=-");
	ORDER("run", "a", "a=backup-1");
	ORDER("run", "b", "b=backup-2");
	UNTIL(c, core_task_of_snapshot(c, "a") && *job(st, "b")->waits_for);
	assert_null(core_task_of_snapshot(c, "b"));
	assert_non_null(strstr(job(st, "b")->waits_for, "another job of this instance is running"));
	assert_int_equal(json_array_size(c->memory.open), 1);
	REFUSED("run", "a", ERR_BUSY, "a is being taken already, by backup-1", "slackwater cancel a");
	ORDER("run", NULL, "b=backup-2 c=backup-3 often=backup-4"); /* all but what is being taken */
	UNTIL(c, core_task_of_snapshot(c, "c"));
	ORDER("cancel", "b", "b=-");
	ORDER("cancel", NULL, "c=backup-3 a=backup-1 often=-");
	UNTIL(c, json_array_size(c->memory.runs) == 2);
	run_is(json_array_get(c->memory.runs, 0), jsonx_str_or(json_array_get(c->memory.runs, 0), "snapshot", ""), "request", "cancelled");
	assert_null(run_of(st, "expire"));
	assert_int_equal(job(st, "a")->memory->backup.failures, 1);
	assert_int_equal(job(st, "a")->memory->backup.attempts, UINT_MAX); /* nobody wants it again */
	REFUSED("cancel", "a", ERR_USAGE, "nothing of a is running", "status");
}

static size_t runs_now(const struct core *c)
{
	size_t n = 0;
	for (const struct task *t = c->tasks; t; t = t->next)
		n += t->kind == RUN_BACKUP;
	return n;
}

/* Three that are due all the time, and room for one: the last is not passed over for the first. Whom a person asks does not wait. */
static void all_have_their_turn(void **state)
{
	struct stage *st = *state;
	struct core *c = &st->core;
	const char *const name[] = { "x", "y", "z", "x" };
	struct error err = ERROR_INIT;
	setenv(child_variable, "hangs", 1);
	reload(st, "[instance db3]\nhost = 127.0.0.1\n[instance db4]\nhost = 127.0.0.1\n[snapshot asked]\ninstance = db4\n"
	           "[snapshot x]\ninstance = db1\nschedule = @every 1s\n[snapshot y]\ninstance = db2\nschedule = @every 1s\n"
	           "[snapshot z]\ninstance = db3\nschedule = @every 1s\n");
	c->settings->agent.max_runs = 1;
	c->turn = 0;
	observers_leave(c->observers, &c->leaving); /* there are more instances now */
	OK(observers_start(c->settings, &st->app.sink.base, c->wake_fd, &c->observers, &err));
	for (size_t k = 0; k < 4; k++) {
		UNTIL(c, runs_now(c) == 1);
		assert_non_null(core_task_of_snapshot(c, name[k]));
		for (size_t other = 0; other < 3; other++)
			if (strcmp(name[other], name[k]) != 0)
				UNTIL(c, strstr(job(st, name[other])->waits_for, "for its turn: max-runs are running already"));
		assert_int_equal(runs_now(c), 1);
		(void)order(st, "cancel", name[k], &err);
		UNTIL(c, !core_task_of_snapshot(c, name[k]));
	}
	UNTIL(c, runs_now(c) == 1);
	(void)order(st, "run", "asked", &err);
	UNTIL(c, core_task_of_snapshot(c, "asked"));
	assert_int_equal(runs_now(c), 2);
}

static void a_failure_is_remembered(void **state)
{
	struct stage *st = *state;
	setenv(child_variable, "fails", 1);
	ORDER("pause", "often", "often=-");
	ORDER("run", "a", "a=backup-1");
	UNTIL(&st->core, run_of(st, "backup"));
	run_is(run_of(st, "backup"), "a", "request", "failed");
	assert_int_equal(json_integer_value(json_object_get(run_of(st, "backup"), "exit")), 3);
	assert_int_equal(job(st, "a")->memory->backup.failures, 1);
	assert_false(job(st, "a")->expire);
	assert_int_equal(job(st, "a")->memory->runs[RUN_BACKUP][1], 1);
}

/* What the agent's own end cuts off is made up for by the next agent; what a person cancels is not. */
static void cut_off_by_the_end(void **state)
{
	struct stage *st = *state;
	struct core *c = &st->core;
	struct plan_memory *p = &job(st, "often")->memory->backup;
	const struct task *t;
	setenv(child_variable, "hangs", 1);
	UNTIL(c, core_task_of_snapshot(c, "often"));
	t = core_task_of_snapshot(c, "often");
	assert_int_equal(t->trigger, PLAN_BY_SCHEDULE);
	assert_int_equal(p->due_ms, t->due_ms);
	int64_t before = t->due_before_ms;
	assert_true(before < t->due_ms);
	c->stopping = true;
	assert_true(task_cancel(core_task_of_snapshot(c, "often"), true));
	UNTIL(c, !core_task_of_snapshot(c, "often"));
	assert_int_equal(p->due_ms, before);
	assert_int_equal(p->failures, 0);
	run_is(run_of(st, "backup"), "often", "schedule", "cancelled");
	c->stopping = false;
	c->changed = true;
	UNTIL(c, core_task_of_snapshot(c, "often"));
	ORDER("cancel", "often", "often=backup-2");
	int64_t due = core_task_of_snapshot(c, "often")->due_ms;
	UNTIL(c, p->failures);
	assert_true(p->due_ms >= due);
}

static void a_pause_holds_up_schedules_only(void **state)
{
	struct stage *st = *state;
	struct core *c = &st->core;
	ORDER("pause", NULL, "a=- b=- c=- often=-");
	REFUSED("resume", "a", ERR_USAGE, "everything is paused, and a with it", "without a name");
	UNTIL(c, !strcmp(job(st, "often")->waits_for, "paused"));
	assert_null(core_task_of_snapshot(c, "often"));
	ORDER("run", "b", "b=backup-1");
	UNTIL(c, run_of(st, "backup"));
	run_is(run_of(st, "backup"), "b", "request", "succeeded");
	ORDER("pause", "a", "a=-");
	ORDER("resume", NULL, "b=- c=- often=-"); /* not the one that is paused by name */
	UNTIL(c, !strcmp(jsonx_str_or(run_of(st, "backup"), "snapshot", ""), "often"));
	assert_true(job(st, "a")->memory->paused);
	ORDER("resume", "a", "a=-");
	assert_false(job(st, "a")->memory->paused);
}

/* A hook puts right what the run needed: it is let alone. */
static void only_a_hook_is_left(void **state)
{
	struct stage *st = *state;
	struct core *c = &st->core;
	reload(st, "[snapshot a]\ninstance = db1\nrun-after = /bin/sleep 1000\n");
	ORDER("run", "a", "a=backup-1");
	UNTIL(c, core_task_of_snapshot(c, "a") && core_task_of_snapshot(c, "a")->step == TASK_AFTER);
	REFUSED("cancel", "a", ERR_USAGE, "backup-1 is over: only its after hook still runs", "run-timeout");
	process_signal(&core_task_of_snapshot(c, "a")->child, SIGKILL, true);
	UNTIL(c, run_of(st, "backup"));
	run_is(run_of(st, "backup"), "a", "request", "succeeded");
}

static void orders_that_are_none(void **state)
{
	struct stage *st = *state;
	REFUSED("dance", "a", ERR_USAGE, "no such command", "");
	REFUSED("run", "oftn", ERR_USAGE, "no [snapshot oftn]", "did you mean often?");
	REFUSED("pause", "zzzzzz", ERR_USAGE, "no [snapshot zzzzzz]", "status");
	REFUSED("cancel", NULL, ERR_USAGE, "nothing of this agent is running", "status");
	st->core.stopping = true;
	REFUSED("run", "a", ERR_BUSY, "the agent is ending", "");
}

/* A reload takes the section away: what runs of it goes on, and can be cancelled. What waits to be followed up outlives a reload. */
static void a_section_that_is_gone(void **state)
{
	struct stage *st = *state;
	struct core *c = &st->core;
	setenv(child_variable, "hangs", 1);
	ORDER("pause", "often", "often=-");
	ORDER("run", "a", "a=backup-1");
	UNTIL(c, core_task_of_snapshot(c, "a"));
	ORDER("run", "b", "b=backup-2");
	job(st, "b")->expire = true;
	reload(st, "[snapshot b]\ninstance = db1\n");
	assert_int_equal(job(st, "b")->asked, 2);
	assert_false(job(st, "b")->expire); /* it has no rules */
	REFUSED("pause", "a", ERR_USAGE, "no [snapshot a]", "");
	REFUSED("cancel", "aa", ERR_USAGE, "no [snapshot aa]", "");
	ORDER("cancel", "a", "a=backup-1");
	UNTIL(c, run_of(st, "backup") && core_task_of_snapshot(c, "b"));
	run_is(run_of(st, "backup"), "a", "request", "cancelled");
}

/* Of what was due before a schedule was changed, or while its section was away, nothing has been missed. */
static void another_schedule_has_missed_nothing(void **state)
{
	struct stage *st = *state;
	struct plan_memory *p = &job(st, "often")->memory->backup;
	p->since_ms = 1;
	reload(st, "[snapshot often]\ninstance = db2\nschedule = @every 1s\n");
	assert_int_equal(p->since_ms, 1);
	reload(st, "[snapshot often]\ninstance = db2\nschedule = @every 2s\n");
	assert_true(p->since_ms > 1);
	p->since_ms = 1;
	reload(st, "[snapshot a]\ninstance = db1\n");
	reload(st, "[snapshot often]\ninstance = db2\nschedule = @every 2s\n");
	assert_true(p->since_ms > 1);
}

/* Nothing is known of the replica: first because nobody has looked yet, which is waited for; then because it cannot be known. */
static void lag_that_nobody_has_seen(void **state)
{
	struct stage *st = *state;
	struct core *c = &st->core;
	reload(st, "[snapshot often]\ninstance = db2\nschedule = @every 1s\nmax-lag = 1m\n");
	c->observed_ms = core_now_ms();
	UNTIL(c, *job(st, "often")->waits_for);
	assert_string_equal(job(st, "often")->waits_for, "the replica has not been looked at yet");
	c->observed_ms = core_now_ms() - 5 * c->settings->agent.poll_ms;
	c->changed = true;
	UNTIL(c, run_of(st, "backup"));
	run_is(run_of(st, "backup"), "often", "schedule", "succeeded");
	assert_string_equal(job(st, "often")->waits_for, "");
}

/* What comes first: the next due time, or the next listing; nothing once the agent ends. */
static void it_wakes_in_time(void **state)
{
	struct stage *st = *state;
	struct core *c = &st->core;
	reload(st, "[snapshot a]\ninstance = db1\n");
	UNTIL(c, c->nlistings == 1 && c->listing[0].listed_ms && !c->tasks);
	jobs_decide(c);
	int64_t wait = jobs_wait_ms(c);
	assert_true(wait > 100000 && wait <= c->settings->agent.list_ms);
	reload(st, "[snapshot a]\ninstance = db1\nschedule = @every 100s\n[snapshot b]\ninstance = db1\nschedule = @every 1d\n");
	UNTIL(c, c->listing[0].listed_ms && !c->tasks && !c->listing[0].wanted);
	jobs_decide(c);
	wait = jobs_wait_ms(c);
	assert_true(wait > 0 && wait <= 100000);
	c->stopping = true;
	assert_int_equal(jobs_wait_ms(c), -1);
}

/* Told once, and when it is over; the file is that of a directory that is not there. */
static void a_memory_that_cannot_be_written(void **state)
{
	struct stage *st = *state;
	char *path = st->core.memory.path, nowhere[] = "/nonexistent/agent.json";
	static const char sections[] = "[snapshot a]\ninstance = db1\n";
	st->core.memory.path = nowhere;
	reload(st, sections);
	reload(st, sections);
	assert_true(st->core.memory_bad);
	st->core.memory.path = path;
	reload(st, sections);
	reload(st, sections);
	assert_false(st->core.memory_bad);
	struct buf log = BUF_INIT(1 << 20);
	struct error err = ERROR_INIT;
	OK(fs_read_file(scratch_path(st->scratch, "log"), &log, &err));
	const char *told = strstr(buf_str(&log), "could not be written"), *over = strstr(buf_str(&log), "could be written again");
	assert_true(told && over && told < over);
	assert_null(strstr(told + 1, "could not be written"));
	assert_null(strstr(over + 1, "could be written again"));
	buf_free(&log);
}

/* Written down before they began, by an agent that ended without notice. */
static void runs_that_nobody_ended(void **state)
{
	struct stage *st = *state;
	struct core *c = &st->core;
	struct error err = ERROR_INIT;
	static const char *const kinds[] = { "backup", "proof", "expire" };
	for (size_t i = 0; i < 3; i++) {
		json_t *run = json_pack("{ss ss ss ss}", "id", kinds[i], "kind", kinds[i], "snapshot", "a", "state", "running");
		OK(memory_open_run(&c->memory, run, &err));
		json_decref(run);
	}
	jobs_bury(c);
	assert_int_equal(json_array_size(c->memory.open), 0);
	assert_int_equal(json_array_size(c->memory.runs), 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(jsonx_str_or(run_of(st, kinds[i]), "state", ""), "failed");
	assert_int_equal(job(st, "a")->memory->backup.failures, 1);
	assert_int_equal(job(st, "a")->memory->proof.failures, 1);
}

/* A root without /proc: no run can be started there. */
static void no_program_of_our_own(void **state)
{
	(void)state;
	skip();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_follows_a_backup, setup, teardown),
		cmocka_unit_test_setup_teardown(one_at_a_time, setup, teardown),
		cmocka_unit_test_setup_teardown(all_have_their_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(a_failure_is_remembered, setup, teardown),
		cmocka_unit_test_setup_teardown(cut_off_by_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(a_pause_holds_up_schedules_only, setup, teardown),
		cmocka_unit_test_setup_teardown(only_a_hook_is_left, setup, teardown),
		cmocka_unit_test_setup_teardown(orders_that_are_none, setup, teardown),
		cmocka_unit_test_setup_teardown(a_section_that_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(another_schedule_has_missed_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(lag_that_nobody_has_seen, setup, teardown),
		cmocka_unit_test_setup_teardown(it_wakes_in_time, setup, teardown),
		cmocka_unit_test_setup_teardown(a_memory_that_cannot_be_written, setup, teardown),
		cmocka_unit_test_setup_teardown(runs_that_nobody_ended, setup, teardown),
	};
	if (argc > 1)
		return child(argv[1]);
	static const struct CMUnitTest without[] = { cmocka_unit_test(no_program_of_our_own) };
	if (access("/proc/self/exe", X_OK) != 0)
		return cmocka_run_group_tests(without, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
