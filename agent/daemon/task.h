/* SPDX-License-Identifier: Apache-2.0 */
/*
 * task: one run from its first hook to its last, each step a process.
 *
 *   BEFORE  the before hook; one that fails ends the run: nothing is begun
 *   WORK    the run itself, a child of this very program (invoke.h); it ends by itself or because it is told to (cancel)
 *   AFTER   the after hook of a run that succeeded, the failure hook of any other, cancelled ones too: whatever before did can be undone
 *   ENDED
 *
 * Takes settings and copies what it needs, so that a reload does not reach it. Hands on RUN (backend.h) at any time. Nothing here waits.
 * A hook that takes longer than its limit is told to end (SIGTERM), and ended by the kernel five seconds later, with all it has started. The run's
 * own process is only ever told: it has an applier to set going again.
 */
#pragma once

#include <jansson.h>

#include "../sink.h"
#include "process.h"
#include "invoke.h"

enum task_step { TASK_BEFORE, TASK_WORK, TASK_AFTER, TASK_ENDED };
enum task_state { TASK_RUNNING, TASK_SUCCEEDED, TASK_FAILED, TASK_CANCELLED };

struct task {
	char id[40];
	enum run_kind kind;
	enum task_step step;
	enum task_state state;
	char *snapshot, *instance, *store, *url;
	enum plan_trigger trigger;
	int64_t due_ms;            /* 0 = none */
	int64_t due_before_ms;     /* what the memory said before, which is restored when the agent's own end cuts the run off; -1 = it was not changed */
	int64_t started_ms, ended_ms; /* wall clock */
	bool cancelled;            /* told to end */
	bool cut_off;              /* ... by the agent's end, not by a person */
	bool hook_late;
	bool late;                 /* RUN_LIST: has taken too long, or too long to end: it is ended by force, for it holds nothing. error is set if it was not told to */
	int64_t told_ms;           /* wall clock: since when it has been told to end and has not; 0 = it has not been told */
	int exit;
	json_t *doc;               /* what the run printed; of RUN_LIST for whoever started it */
	json_t *phase, *progress, *result, *error;
	/* private */
	struct sink *log;
	const char *program;       /* ourselves */
	struct process child;
	struct strlist words, environment, before, after, failure;
	int64_t hook_ms, until_ms; /* monotonic; 0 = no limit */
	int64_t say_ms;            /* monotonic: when it is said (again) that it does not end */
	struct task *next;
};

/* number makes the id. */
enum status task_new(const struct settings *s, size_t snapshot, enum run_kind kind, uint64_t number, int64_t wall_ms, struct sink *log,
                     struct task **ret, struct error *err);
void task_free(struct task *t); /* its processes have ended; NULL is fine */
/* Starts the first step. A failure has become the task's: it goes on to its failure hook and ends. */
void task_begin(struct task *t, int64_t now_ms);
size_t task_poll(const struct task *t, struct pollfd *fds); /* at most PROCESS_PIPES */
/* Reads, and goes on to the next step when one has ended. True once TASK_ENDED. */
bool task_go_on(struct task *t, int64_t now_ms, int64_t wall_ms);
int64_t task_until_ms(const struct task *t); /* monotonic: call task_go_on then at the latest; 0 = no limit */
/* Again is fine. cut_off: by the agent's end. False: its run is over, only a hook is left, which is let alone: it puts right what the run needed. */
bool task_cancel(struct task *t, bool cut_off);
json_t *task_json(const struct task *t); /* RUN; new reference, NULL = out of memory */
