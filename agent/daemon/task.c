/* SPDX-License-Identifier: Apache-2.0 */
#include "task.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../exitcode.h"
#include "../output_json.h"
#include "outcome.h"
#include "slackwater/slot.h"

enum { TASK_GRACE_MS = 5000, TASK_NEWEST = 1000, TASK_TEXT = 1200 };
/* A listing reads a thousand manifests at most. A run that was told to end may wait for a STOP that cannot be taken back. */
enum { TASK_LIST_MS = 900000, TASK_LINGERS_MS = 120000, TASK_AGAIN_MS = 3600000 };

static const char self[] = "/proc/self/exe";

static enum status copy_names(struct task *t, const struct settings *s, const struct settings_snapshot *n, struct error *err)
{
	enum status st = slot_set(&t->snapshot, n->name, err);
	if (!st)
		st = slot_set(&t->instance, s->instance[n->instance].name, err);
	if (!st)
		st = slot_set(&t->store, s->store[n->store].name, err);
	return st ? st : slot_set(&t->url, s->store[n->store].url, err);
}

static enum status copy_hooks(struct task *t, const struct settings_snapshot *n, struct error *err)
{
	enum status st = ST_OK;
	t->hook_ms = n->hook_ms;
	if (t->kind == RUN_LIST)
		return ST_OK;
	if (t->kind == RUN_BACKUP)
		st = strlist_add_all(&t->before, &n->before, err);
	if (!st && t->kind == RUN_BACKUP)
		st = strlist_add_all(&t->after, &n->after, err);
	return st ? st : strlist_add_all(&t->failure, &n->failure, err);
}

enum status task_new(const struct settings *s, size_t snapshot, enum run_kind kind, uint64_t number, int64_t wall_ms, struct sink *log,
                     struct task **ret, struct error *err)
{
	const struct settings_snapshot *n = &s->snapshot[snapshot];
	struct task *t = calloc(1, sizeof *t);
	if (!t)
		return error_oom(err);
	*t = (struct task){ .kind = kind, .log = log, .program = self, .started_ms = wall_ms, .child = PROCESS_NONE };
	snprintf(t->id, sizeof t->id, "%s-%llu", run_kind_name(kind), (unsigned long long)number);
	enum status st = copy_names(t, s, n, err);
	if (!st)
		st = copy_hooks(t, n, err);
	if (!st)
		st = invoke_words(s, snapshot, kind, TASK_NEWEST, &t->words, err);
	if (!st)
		st = invoke_environment(s, snapshot, &t->environment, err);
	if (!st)
		*ret = t;
	else
		task_free(t);
	return st;
}

void task_free(struct task *t)
{
	if (!t)
		return;
	process_free(&t->child);
	strlist_free(&t->words);
	strlist_free(&t->environment);
	strlist_free(&t->before);
	strlist_free(&t->after);
	strlist_free(&t->failure);
	free(t->snapshot);
	free(t->instance);
	free(t->store);
	free(t->url);
	json_decref(t->doc);
	json_decref(t->phase);
	json_decref(t->progress);
	json_decref(t->result);
	json_decref(t->error);
	free(t);
}

/* ---- what a process says while it runs ---- */

static void replace(json_t **slot, json_t *value)
{
	json_decref(*slot);
	*slot = value;
}

static void take_event(struct task *t, const char *line)
{
	json_t *doc = json_loads(line, 0, NULL);
	const char *kind = jsonx_str_or(doc, "kind", "");
	bool state = !strcmp(kind, "state"), progress = !strcmp(kind, "progress");
	if (state || progress) {
		json_object_del(doc, "kind");
		replace(state ? &t->phase : &t->progress, json_incref(doc));
	}
	json_decref(doc);
}

static void take_line(void *arg, enum process_pipe from, const char *line)
{
	struct task *t = arg;
	const struct log_field of_run[] = { { "run", t->id }, { "snapshot", t->snapshot } };
	const struct log_field of_hook[] = { { "area", "hook" }, { "run", t->id }, { "snapshot", t->snapshot } };
	if (from == PROCESS_EVENTS)
		take_event(t, line);
	else if (t->step == TASK_WORK)
		sink_pass(t->log, line, of_run, sizeof of_run / sizeof of_run[0]);
	else
		sink_pass(t->log, line, of_hook, sizeof of_hook / sizeof of_hook[0]);
}

static void say(struct task *t, enum log_level level, const char *text, const char *hint)
{
	const struct log_field field[] = { { "area", "agent" }, { "run", t->id }, { "snapshot", t->snapshot }, { "msg", text }, { "hint", hint } };
	sink_log(t->log, level, field, sizeof field / sizeof field[0]);
}

/* ---- steps ---- */

static const char *state_name(enum task_state s)
{
	static const char *const names[] = { "running", "succeeded", "failed", "cancelled" };
	return names[s];
}

/* Before the run itself: one that was told to end has not failed. */
static void fail(struct task *t, const char *kind, int code, const char *message, const char *hint)
{
	t->state = t->cancelled ? TASK_CANCELLED : TASK_FAILED;
	t->exit = t->cancelled ? 128 + SIGTERM : code;
	replace(&t->error, t->cancelled ? outcome_error("interrupted", t->exit, "cancelled before it had begun", NULL)
	                                : outcome_error(kind, code, message, hint));
}

static enum status hook_environment(const struct task *t, const char *hook, struct strlist *ret, struct error *err)
{
	bool over = t->state != TASK_RUNNING;
	const struct invoke_hook h = {
		.hook = hook, .snapshot = t->snapshot, .instance = t->instance, .run = t->id, .kind = run_kind_name(t->kind),
		.trigger = plan_trigger_name(t->trigger), .url = t->url, .status = over ? state_name(t->state) : NULL,
		.error = t->error ? jsonx_str_or(t->error, "message", NULL) : NULL, .hint = t->error ? jsonx_str_or(t->error, "hint", NULL) : NULL,
		.id = t->result ? jsonx_str_or(t->result, "id", NULL) : NULL, .exit = over ? t->exit : -1,
	};
	return invoke_hook_environment(&h, ret, err);
}

static enum status start_hook(struct task *t, const char *hook, const struct strlist *words, int64_t now_ms, struct error *err)
{
	struct strlist environment = { 0 };
	enum status st = hook_environment(t, hook, &environment, err);
	const struct process_options o = { .program = words->item[0], .argument = words, .environment = &environment, .lines = true };
	if (!st)
		st = process_start(&o, &t->child, err);
	strlist_free(&environment);
	t->hook_late = false;
	t->until_ms = st || !t->hook_ms ? 0 : now_ms + t->hook_ms;
	return st;
}

static enum status start_work(struct task *t, int64_t now_ms, struct error *err)
{
	const struct process_options o = { .program = t->program, .argument = &t->words, .environment = &t->environment, .events = true };
	t->step = TASK_WORK;
	t->until_ms = t->kind == RUN_LIST ? now_ms + TASK_LIST_MS : 0;
	return process_start(&o, &t->child, err);
}

static void finish(struct task *t, int64_t wall_ms)
{
	t->step = TASK_ENDED;
	t->until_ms = 0;
	t->ended_ms = wall_ms;
}

/* The state is settled: the hook that goes with it, or the end. */
static void wind_up(struct task *t, int64_t now_ms, int64_t wall_ms)
{
	struct error err = ERROR_INIT;
	const struct strlist *words = t->state == TASK_SUCCEEDED ? &t->after : &t->failure;
	t->step = TASK_AFTER;
	if (!words->n) {
		finish(t, wall_ms);
		return;
	}
	if (start_hook(t, t->state == TASK_SUCCEEDED ? "after" : "failure", words, now_ms, &err)) {
		say(t, LOG_LEVEL_WARNING, err.message, err.hint);
		finish(t, wall_ms);
	}
}

static void work(struct task *t, int64_t now_ms, int64_t wall_ms)
{
	struct error err = ERROR_INIT;
	if (!t->cancelled && !start_work(t, now_ms, &err))
		return;
	fail(t, exitcode_find(err.kind)->name, exitcode_of(err.kind, 0), err.message, err.hint);
	wind_up(t, now_ms, wall_ms);
}

void task_begin(struct task *t, int64_t now_ms)
{
	struct error err = ERROR_INIT;
	if (!t->before.n) {
		work(t, now_ms, t->started_ms);
		return;
	}
	t->step = TASK_BEFORE;
	if (!start_hook(t, "before", &t->before, now_ms, &err))
		return;
	fail(t, "hook", exitcode_of(err.kind, 0), err.message, err.hint);
	wind_up(t, now_ms, t->started_ms);
}

/* ---- ends of steps ---- */

static void hook_text(const struct task *t, const char *hook, char out[TASK_TEXT])
{
	int code = process_exit(&t->child);
	if (t->hook_late)
		snprintf(out, TASK_TEXT, "the %s hook took longer than run-timeout and was ended", hook);
	else if (code >= 128)
		snprintf(out, TASK_TEXT, "the %s hook was ended by signal %d", hook, code - 128);
	else if (code == 127)
		snprintf(out, TASK_TEXT, "the %s hook could not be started (exit 127)", hook);
	else
		snprintf(out, TASK_TEXT, "the %s hook ended with %d", hook, code);
}

static void before_ended(struct task *t, int64_t now_ms, int64_t wall_ms)
{
	char text[TASK_TEXT];
	int code = process_exit(&t->child);
	bool good = !code && !t->hook_late;
	hook_text(t, "before", text);
	process_free(&t->child);
	if (good) {
		work(t, now_ms, wall_ms);
		return;
	}
	fail(t, "hook", code, text, "a run is begun only when its before hook ends with 0; what the hook printed is in the log");
	wind_up(t, now_ms, wall_ms);
}

static void work_ended(struct task *t, int64_t now_ms, int64_t wall_ms)
{
	struct buf *text = &t->child.text[PROCESS_OUT];
	t->exit = process_exit(&t->child);
	if (!t->child.cut && text->len)
		t->doc = json_loadb(text->data, text->len, 0, NULL);
	bool understood = json_is_object(t->doc);
	process_free(&t->child);
	if (!t->exit && understood)
		t->state = TASK_SUCCEEDED;
	else
		t->state = t->cancelled && !t->error && t->exit >= 128 ? TASK_CANCELLED : TASK_FAILED;
	if (t->state == TASK_SUCCEEDED)
		replace(&t->error, NULL);
	if (t->state == TASK_SUCCEEDED)
		t->result = outcome_result(t->kind, t->doc);
	else if (!t->error)
		t->error = outcome_failure(t->exit, t->doc);
	replace(&t->progress, NULL);
	if (t->kind != RUN_LIST)
		replace(&t->doc, NULL);
	wind_up(t, now_ms, wall_ms);
}

static void after_ended(struct task *t, int64_t wall_ms)
{
	char text[TASK_TEXT];
	if (process_exit(&t->child) || t->hook_late) {
		hook_text(t, t->state == TASK_SUCCEEDED ? "after" : "failure", text);
		say(t, LOG_LEVEL_WARNING, text, NULL);
		/* the one that there is may be in a view, which other threads read */
		replace(&t->result, json_deep_copy(t->result));
		outcome_add_warning(t->result, text);
	}
	process_free(&t->child);
	finish(t, wall_ms);
}

/* A mount that does not answer would keep it, and the agent's own end, for ever. It reads and holds nothing: force spoils nothing. */
static void hurry_listing(struct task *t, int64_t now_ms)
{
	if (now_ms < t->until_ms)
		return;
	if (!t->late && !t->cancelled)
		replace(&t->error, outcome_error("store", exitcode_of(ERR_STORE, 0), "the listing has not ended for 15 min: the store does not answer",
		                                 "if it is mounted, see whether the mount answers; it is asked again"));
	process_signal(&t->child, t->late ? SIGKILL : SIGTERM, false);
	t->until_ms = now_ms + TASK_GRACE_MS;
	t->late = true;
}

/* The letter that the kernel has for what a process does; D: it waits for a device or a mount, and no signal reaches it. */
static char process_state(pid_t pid)
{
	char path[64], text[512] = "";
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *f = fopen(path, "re");
	const char *name_end = f && fgets(text, sizeof text, f) ? strrchr(text, ')') : NULL;
	if (f)
		fclose(f);
	return name_end && name_end[1] == ' ' && name_end[2] ? name_end[2] : '?';
}

/* What else runs is never ended by force: that is for a person to decide, who has to know of it. */
static void say_lingers(struct task *t, int64_t now_ms, int64_t wall_ms)
{
	char text[TASK_TEXT], hint[TASK_TEXT];
	if (now_ms < t->say_ms)
		return;
	t->say_ms = now_ms + TASK_AGAIN_MS;
	snprintf(text, sizeof text, "%s was told to end %lld s ago and has not: it waits for a store, a disk or a server that does not answer (process %d, state %c)",
	         t->id, (long long)(wall_ms - t->told_ms) / 1000, (int)t->child.pid, process_state(t->child.pid));
	snprintf(hint, sizeof hint, "see to what it waits for; signal 9 to process %d ends it if anything does, and what it has stopped is started by the switch in the"
	         " server or by slackwater recover", (int)t->child.pid);
	say(t, LOG_LEVEL_WARNING, text, hint);
}

static void hurry_work(struct task *t, int64_t now_ms, int64_t wall_ms)
{
	if (t->cancelled && !t->told_ms) {
		t->told_ms = wall_ms;
		t->say_ms = now_ms + TASK_LINGERS_MS;
		if (t->kind == RUN_LIST)
			t->until_ms = now_ms + TASK_GRACE_MS;
	}
	if (t->kind == RUN_LIST)
		hurry_listing(t, now_ms);
	else if (t->told_ms)
		say_lingers(t, now_ms, wall_ms);
}

static void hurry_hook(struct task *t, int64_t now_ms)
{
	if (!t->until_ms || now_ms < t->until_ms)
		return;
	process_signal(&t->child, t->hook_late ? SIGKILL : SIGTERM, true);
	t->until_ms = now_ms + TASK_GRACE_MS;
	t->hook_late = t->child.alone = true;
}

bool task_go_on(struct task *t, int64_t now_ms, int64_t wall_ms)
{
	if (t->step == TASK_ENDED)
		return true;
	process_read(&t->child, take_line, t);
	if (!process_reap(&t->child, take_line, t)) {
		if (t->step == TASK_WORK)
			hurry_work(t, now_ms, wall_ms);
		else
			hurry_hook(t, now_ms);
		return false;
	}
	if (t->step == TASK_BEFORE)
		before_ended(t, now_ms, wall_ms);
	else if (t->step == TASK_WORK)
		work_ended(t, now_ms, wall_ms);
	else
		after_ended(t, wall_ms);
	return t->step == TASK_ENDED;
}

size_t task_poll(const struct task *t, struct pollfd *fds)
{
	return process_poll(&t->child, fds);
}

int64_t task_until_ms(const struct task *t)
{
	return t->until_ms;
}

bool task_cancel(struct task *t, bool cut_off)
{
	if (t->step == TASK_AFTER || t->step == TASK_ENDED)
		return false;
	if (!t->cancelled)
		t->cut_off = cut_off;
	t->cancelled = true;
	process_signal(&t->child, SIGTERM, t->step == TASK_BEFORE);
	return true;
}

/* ---- RUN ---- */

json_t *task_json(const struct task *t)
{
	bool over = t->step == TASK_ENDED;
	const struct jsonx_member m[] = {
		{ "id", json_string(t->id) },
		{ "kind", json_string(run_kind_name(t->kind)) },
		{ "snapshot", jsonx_text(t->snapshot) },
		{ "instance", jsonx_text(t->instance) },
		{ "trigger", json_string(plan_trigger_name(t->trigger)) },
		{ "due", output_json_time_or_null(t->due_ms) },
		{ "started", output_json_time_or_null(t->started_ms) },
		{ "ended", over ? output_json_time_or_null(t->ended_ms) : json_null() },
		{ "told_to_end", t->step == TASK_WORK ? output_json_time_or_null(t->told_ms) : json_null() },
		{ "state", json_string(state_name(over ? t->state : TASK_RUNNING)) },
		{ "exit", over ? json_integer(t->exit) : json_null() },
		{ "phase", jsonx_or_null(t->phase) },
		{ "progress", jsonx_or_null(t->progress) },
		{ "result", jsonx_or_null(t->result) },
		{ "error", jsonx_or_null(t->error) },
	};
	return JSONX_MAKE(m);
}
