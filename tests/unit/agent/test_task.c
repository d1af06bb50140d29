/* SPDX-License-Identifier: Apache-2.0 */
/* A run from hook to hook, with scripts in the program's place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/task.h"
#include "scratch.h"
#include "slackwater/fs.h"
#include "slackwater/jsonx.h"

enum { PATIENCE_MS = 20000 };

struct stage {
	struct scratch *scratch;
	struct settings settings;
	struct settings_instance instance;
	struct settings_store store;
	struct settings_snapshot snapshot;
	struct sink sink;
	struct task *task;
};

static void words(struct strlist *l, const char *script)
{
	struct error err = ERROR_INIT;
	strlist_free(l);
	OK(strlist_add(l, "/bin/sh", &err));
	OK(strlist_add(l, "-c", &err));
	OK(strlist_add(l, script, &err));
}

/* In /proc/self/exe's place: a shell that runs script, in the directory of the test. */
static void begin_kind(struct stage *st, enum run_kind kind, const char *script)
{
	struct error err = ERROR_INIT;
	OK(task_new(&st->settings, 0, kind, 7, 1000, &st->sink, &st->task, &err));
	words(&st->task->words, script);
	st->task->program = "/bin/sh";
	st->task->trigger = PLAN_BY_SCHEDULE;
	st->task->due_ms = 900;
	task_begin(st->task, scratch_now_ms());
}

static void begin(struct stage *st, const char *script)
{
	begin_kind(st, RUN_BACKUP, script);
}

static void finish(struct stage *st)
{
	struct pollfd fds[PROCESS_PIPES];
	int64_t until = scratch_now_ms() + PATIENCE_MS;
	while (!task_go_on(st->task, scratch_now_ms(), 5000)) {
		poll(fds, (nfds_t)task_poll(st->task, fds), 10);
		if (scratch_now_ms() > until)
			fail_msg("the task has not ended");
	}
}

static char *file(struct stage *st, const char *name)
{
	struct buf text = BUF_INIT(1 << 20);
	struct error err = ERROR_INIT;
	OK(fs_read_file(scratch_path(st->scratch, name), &text, &err));
	buf_adds(&text, "");
	return buf_take(&text);
}

static void log_has(struct stage *st, const char *text)
{
	char *log = file(st, "log");
	if (!strstr(log, text))
		fail_msg("the log lacks \"%s\":\n%s", text, log);
	free(log);
}

static int setup(void **state)
{
	struct stage *st = calloc(1, sizeof *st);
	struct error err = ERROR_INIT;
	struct log log;
	void *scratch = NULL;
	assert_int_equal(scratch_setup(&scratch), 0);
	st->scratch = scratch;
	st->instance.name = "db2";
	st->store.name = "main";
	st->store.url = "file:///backup";
	st->snapshot.name = "nightly";
	st->snapshot.hook_ms = 5000;
	st->settings = (struct settings){ .instance = &st->instance, .store = &st->store, .snapshot = &st->snapshot, .ninstances = 1, .nstores = 1, .nsnapshots = 1,
		                          .agent = { .state_dir = "/var/lib/slackwater", .log_level = LOG_LEVEL_INFO } };
	OK(log_open(&log, scratch_path(scratch, "log"), LOG_LEVEL_INFO, &err));
	sink_init(&st->sink, &log, NULL);
	if (chdir(st->scratch->dir))
		return -1;
	*state = st;
	return 0;
}

static int teardown(void **state)
{
	struct stage *st = *state;
	void *scratch = st->scratch;
	task_free(st->task);
	sink_destroy(&st->sink);
	strlist_free(&st->snapshot.before);
	strlist_free(&st->snapshot.after);
	strlist_free(&st->snapshot.failure);
	strlist_free(&st->store.environment);
	free(st);
	return chdir("/") || scratch_teardown(&scratch);
}

#define DOCUMENT "{\"id\": \"20261126T000000Z-abcdef\", \"pause_ms\": 12, \"bytes_stored\": 100, \"checkpoint\": {\"gap_rounds\": 2}, \"warnings\": [\"w\"]}"

static void one_that_succeeds(void **state)
{
	struct stage *st = *state;
	words(&st->snapshot.before, "env | grep ^SLACKWATER_ | sort > before; echo quiesce the application");
	words(&st->snapshot.after, "env | grep ^SLACKWATER_ | sort > after");
	words(&st->snapshot.failure, "echo > failure");
	begin(st, "echo 'time=2026 level=info msg=hello' >&2; echo '{\"kind\": \"state\", \"area\": \"window\", \"name\": \"STOPPING\", \"text\": \"x\"}' >&3; echo '" DOCUMENT "'");
	finish(st);
	json_t *run = task_json(st->task);
	assert_string_equal(jsonx_str_or(run, "state", ""), "succeeded");
	assert_string_equal(jsonx_str_or(run, "id", ""), "backup-7");
	assert_string_equal(jsonx_str_or(json_object_get(run, "phase"), "name", ""), "STOPPING");
	assert_string_equal(jsonx_str_or(run, "started", ""), "1970-01-01T00:00:01.000Z");
	assert_string_equal(jsonx_str_or(run, "ended", ""), "1970-01-01T00:00:05.000Z");
	const json_t *result = json_object_get(run, "result");
	assert_int_equal(jsonx_u64_or(result, "pause_ms", 0), 12);
	assert_int_equal(jsonx_u64_or(result, "stored_bytes", 0), 100);
	assert_int_equal(jsonx_u64_or(result, "gap_rounds", 0), 2);
	assert_int_equal(json_array_size(json_object_get(result, "warnings")), 1);
	json_decref(run);
	char *before = file(st, "before"), *after = file(st, "after");
	assert_string_equal(before, "SLACKWATER_HOOK=before\nSLACKWATER_INSTANCE=db2\nSLACKWATER_KIND=backup\nSLACKWATER_RUN=backup-7\n"
	                            "SLACKWATER_SNAPSHOT=nightly\nSLACKWATER_TRIGGER=schedule\nSLACKWATER_URL=file:///backup\n");
	assert_string_equal(after, "SLACKWATER_EXIT=0\nSLACKWATER_HOOK=after\nSLACKWATER_ID=20261126T000000Z-abcdef\nSLACKWATER_INSTANCE=db2\n"
	                           "SLACKWATER_KIND=backup\nSLACKWATER_RUN=backup-7\nSLACKWATER_SNAPSHOT=nightly\nSLACKWATER_STATUS=succeeded\n"
	                           "SLACKWATER_TRIGGER=schedule\nSLACKWATER_URL=file:///backup\n");
	assert_int_not_equal(access("failure", F_OK), 0);
	log_has(st, "time=2026 level=info msg=hello run=backup-7 snapshot=nightly\n");
	log_has(st, "msg=\"quiesce the application\" area=hook run=backup-7 snapshot=nightly\n");
	free(before);
	free(after);
}

/* None of our own environment reaches a hook: a password may be in it. */
static void hooks_learn_no_secret(void **state)
{
	struct stage *st = *state;
	setenv("SLACKWATER_PASSWORD", "hunter2", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "hunter2", 1);
	setenv("NOTIFY_SOCKET", "/run/systemd/notify", 1);
	words(&st->snapshot.before, "env > before");
	begin(st, "env > work; echo '" DOCUMENT "'");
	finish(st);
	char *before = file(st, "before"), *work = file(st, "work");
	assert_null(strstr(before, "hunter2"));
	assert_non_null(strstr(before, "PATH="));
	assert_non_null(strstr(work, "SLACKWATER_PASSWORD=hunter2")); /* the run is us */
	assert_null(strstr(work, "NOTIFY_SOCKET"));
	unsetenv("SLACKWATER_PASSWORD");
	unsetenv("AWS_SECRET_ACCESS_KEY");
	unsetenv("NOTIFY_SOCKET");
	free(before);
	free(work);
}

static void ended(struct stage *st, const char *state, int code, const char *message)
{
	finish(st);
	json_t *run = task_json(st->task);
	const char *said = jsonx_str_or(json_object_get(run, "error"), "message", "none");
	if (strcmp(jsonx_str_or(run, "state", ""), state) != 0 || !strstr(said, message))
		fail_msg("%s: %s", jsonx_str_or(run, "state", ""), said);
	assert_int_equal(json_integer_value(json_object_get(run, "exit")), code);
	assert_true(json_is_null(json_object_get(run, "result")));
	json_decref(run);
}

static void one_that_fails(void **state)
{
	struct stage *st = *state;
	words(&st->snapshot.after, "echo > after");
	words(&st->snapshot.failure, "env | grep -e _ERROR -e _EXIT -e _HINT -e _STATUS | sort > failure; exit 3");
	begin(st, "echo '{\"error\": {\"kind\": \"store\", \"code\": 7, \"message\": \"no space\", \"hint\": \"make room\"}}'; exit 7");
	ended(st, "failed", 7, "no space");
	char *failure = file(st, "failure");
	assert_string_equal(failure, "SLACKWATER_ERROR=no space\nSLACKWATER_EXIT=7\nSLACKWATER_HINT=make room\nSLACKWATER_STATUS=failed\n");
	assert_int_not_equal(access("after", F_OK), 0);
	log_has(st, "level=warning area=agent run=backup-7 snapshot=nightly msg=\"the failure hook ended with 3\"");
	free(failure);
}

static void one_that_dies(void **state)
{
	struct stage *st = *state;
	begin(st, "kill -s SEGV $$");
	ended(st, "failed", 128 + 11, "signal 11");
}

static void one_without_a_result(void **state)
{
	struct stage *st = *state;
	begin(st, "echo '{\"id\": '");
	ended(st, "failed", 0, "result could not be read");
}

static void a_failing_before_hook_stops_it(void **state)
{
	struct stage *st = *state;
	words(&st->snapshot.before, "exit 9");
	words(&st->snapshot.failure, "echo > failure");
	begin(st, "echo > work");
	ended(st, "failed", 9, "the before hook ended with 9");
	assert_int_not_equal(access("work", F_OK), 0);
	assert_int_equal(access("failure", F_OK), 0);
}

static void a_hook_that_is_not_there(void **state)
{
	struct stage *st = *state;
	struct error err = ERROR_INIT;
	OK(strlist_add(&st->snapshot.before, "/nonexistent/hook", &err));
	begin(st, "echo > work");
	ended(st, "failed", 2, "/nonexistent/hook");
	assert_int_not_equal(access("work", F_OK), 0);
}

static void grandchild_is_gone(struct stage *st)
{
	char *number = file(st, "grandchild"), path[64];
	snprintf(path, sizeof path, "/proc/%ld/exe", strtol(number, NULL, 10));
	for (int i = 0; i < 500 && readlink(path, (char[8]){ 0 }, 8) > 0; i++)
		usleep(10000);
	assert_true(readlink(path, (char[8]){ 0 }, 8) < 0);
	free(number);
}

/* A hook that does not heed being told, with something it has started: both are gone, and the run ends. */
static void a_hook_that_takes_too_long(void **state)
{
	struct stage *st = *state;
	st->snapshot.hook_ms = 3600000;
	words(&st->snapshot.before, "trap '' TERM; sleep 1000 & echo $! > new; mv new grandchild; while :; do sleep 0.1; done");
	begin(st, "echo > work");
	for (int i = 0; i < PATIENCE_MS / 10 && access("grandchild", F_OK); i++) {
		assert_false(task_go_on(st->task, scratch_now_ms(), 5000));
		usleep(10000);
	}
	/* its time is over, and then what it is given to end by itself: by a clock of our own */
	assert_false(task_go_on(st->task, task_until_ms(st->task) - 1, 5000));
	assert_false(st->task->hook_late);
	assert_false(task_go_on(st->task, task_until_ms(st->task), 5000));
	assert_true(st->task->hook_late);
	assert_false(task_go_on(st->task, task_until_ms(st->task), 5000));
	ended(st, "failed", 128 + 9, "longer than run-timeout");
	grandchild_is_gone(st);
}

/* The hook heeds being told, what it has started does not: that is not left behind. */
static void a_hook_that_leaves_something(void **state)
{
	struct stage *st = *state;
	st->snapshot.hook_ms = 3600000;
	words(&st->snapshot.before, "(trap '' TERM; echo > work; exec sleep 1000) & echo $! > new; mv new grandchild; wait");
	begin(st, "echo > never");
	for (int i = 0; i < PATIENCE_MS / 10 && (access("work", F_OK) || access("grandchild", F_OK)); i++) {
		assert_false(task_go_on(st->task, scratch_now_ms(), 5000));
		usleep(10000);
	}
	(void)task_go_on(st->task, task_until_ms(st->task), 5000);
	ended(st, "failed", 128 + 15, "longer than run-timeout");
	grandchild_is_gone(st);
}

static void one_that_is_cancelled(void **state)
{
	struct stage *st = *state;
	words(&st->snapshot.failure, "echo $SLACKWATER_STATUS > failure");
	begin(st, "trap 'echo \"{}\"; exit 143' TERM; echo > work; while :; do sleep 0.05; done");
	for (int i = 0; i < 1000 && access("work", F_OK); i++)
		usleep(10000);
	assert_false(task_go_on(st->task, scratch_now_ms(), 5000));
	assert_true(task_cancel(st->task, true));
	assert_true(task_cancel(st->task, false));
	ended(st, "cancelled", 143, "ended by signal 15");
	assert_true(st->task->cut_off); /* what was first */
	char *failure = file(st, "failure");
	assert_string_equal(failure, "cancelled\n");
	free(failure);
}

#define HEEDS_NOTHING "trap '' TERM; echo > work; while :; do sleep 0.05; done"

static void wait_for_work(void)
{
	for (int i = 0; i < 1000 && access("work", F_OK); i++)
		usleep(10000);
}

static bool told_to_end(const struct stage *st)
{
	json_t *run = task_json(st->task);
	bool told = json_is_string(json_object_get(run, "told_to_end"));
	json_decref(run);
	return told;
}

/* A person has to know, and decides: it is not ended by force. */
static void one_that_does_not_end(void **state)
{
	struct stage *st = *state;
	begin(st, HEEDS_NOTHING);
	wait_for_work();
	int64_t now = scratch_now_ms();
	assert_false(task_go_on(st->task, now, 5000));
	assert_false(told_to_end(st));
	assert_true(task_cancel(st->task, false));
	assert_false(task_go_on(st->task, now, 5000));
	assert_true(told_to_end(st));
	assert_false(task_go_on(st->task, now + 119000, 124000));
	char *log = file(st, "log");
	assert_null(strstr(log, "has not"));
	free(log);
	assert_false(task_go_on(st->task, now + 121000, 126000));
	log_has(st, "backup-7 was told to end 121 s ago and has not");
	log_has(st, "state ");
	assert_false(task_go_on(st->task, now + 86400000, 86405000));
	assert_int_equal(kill(st->task->child.pid, 0), 0);
	assert_int_equal(kill(st->task->child.pid, SIGKILL), 0);
	ended(st, "cancelled", 128 + SIGKILL, "ended by SIGKILL");
	assert_false(told_to_end(st));
}

static void a_listing_that_does_not_end(void **state)
{
	struct stage *st = *state;
	begin_kind(st, RUN_LIST, HEEDS_NOTHING);
	wait_for_work();
	int64_t now = scratch_now_ms();
	assert_false(task_go_on(st->task, now + 890000, 5000));
	assert_null(st->task->error);
	assert_false(task_go_on(st->task, now + 901000, 5000));
	assert_non_null(st->task->error); /* it is told before it has ended */
	assert_false(task_go_on(st->task, now + 907000, 5000));
	ended(st, "failed", 128 + SIGKILL, "the store does not answer");
}

/* The agent ends: a listing does not keep it. */
static void a_listing_that_does_not_heed(void **state)
{
	struct stage *st = *state;
	begin_kind(st, RUN_LIST, HEEDS_NOTHING);
	wait_for_work();
	int64_t now = scratch_now_ms();
	assert_true(task_cancel(st->task, true));
	for (int s = 0; s <= 12; s += 6)
		assert_false(task_go_on(st->task, now + s * 1000, 5000));
	ended(st, "cancelled", 128 + SIGKILL, "ended by SIGKILL");
}

/* The hook before it ends well all the same: what it was to prepare is not begun. */
static void cancelled_while_it_is_prepared(void **state)
{
	struct stage *st = *state;
	words(&st->snapshot.before, "trap 'exit 0' TERM; echo > work; while :; do sleep 0.05; done");
	words(&st->snapshot.failure, "echo $SLACKWATER_STATUS > failure");
	begin(st, "echo > never");
	wait_for_work();
	assert_true(task_cancel(st->task, false));
	ended(st, "cancelled", 128 + SIGTERM, "cancelled before it had begun");
	assert_int_not_equal(access("never", F_OK), 0);
	char *failure = file(st, "failure");
	assert_string_equal(failure, "cancelled\n");
	free(failure);
}

/* It was told to end and had ended well before it heard of it. */
static void cancelled_too_late(void **state)
{
	struct stage *st = *state;
	begin(st, "echo '" DOCUMENT "'");
	(void)task_cancel(st->task, false);
	st->task->cancelled = true;
	finish(st);
	assert_true(st->task->state == TASK_SUCCEEDED || st->task->exit == 143);
}

/* A RUN that was given out is in a view, which other threads read: it stays as it was. */
static void what_was_given_out_stays(void **state)
{
	struct stage *st = *state;
	words(&st->snapshot.after, "while [ ! -e go ]; do sleep 0.02; done; exit 3");
	begin(st, "echo '" DOCUMENT "'");
	for (int i = 0; i < 1000 && st->task->step != TASK_AFTER; i++) {
		assert_false(task_go_on(st->task, scratch_now_ms(), 5000));
		usleep(10000);
	}
	assert_false(task_cancel(st->task, false)); /* only the hook is left */
	json_t *given = task_json(st->task);
	scratch_write("go", "", 0);
	finish(st);
	json_t *run = task_json(st->task);
	assert_int_equal(json_array_size(json_object_get(json_object_get(run, "result"), "warnings")), 2);
	assert_int_equal(json_array_size(json_object_get(json_object_get(given, "result"), "warnings")), 1);
	assert_string_equal(jsonx_str_or(run, "state", ""), "succeeded");
	json_decref(given);
	json_decref(run);
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STAGED(one_that_succeeds),
		STAGED(hooks_learn_no_secret),
		STAGED(one_that_fails),
		STAGED(one_that_dies),
		STAGED(one_without_a_result),
		STAGED(a_failing_before_hook_stops_it),
		STAGED(a_hook_that_is_not_there),
		STAGED(a_hook_that_takes_too_long),
		STAGED(a_hook_that_leaves_something),
		STAGED(one_that_is_cancelled),
		STAGED(one_that_does_not_end),
		STAGED(a_listing_that_does_not_end),
		STAGED(a_listing_that_does_not_heed),
		STAGED(cancelled_while_it_is_prepared),
		STAGED(cancelled_too_late),
		STAGED(what_was_given_out_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
