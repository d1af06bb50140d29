/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory: what the agent knows across restarts, in STATE-DIR/agent.json: for each snapshot section what plan needs, whether it is paused, and
 * figures that only grow; and the history of runs.
 *
 * Written whole: new file, fsync, rename, fsync of the directory. A file that cannot be read as what it is gets reported, moved aside
 * (agent.json.damaged) and begun anew: nothing in it is needed for a backup to be right.
 * Runs are JSON objects as backend.h specifies them, never changed once they are in here, and shared by reference.
 */
#pragma once

#include <jansson.h>

#include "../schedule/plan.h"
#include "invoke.h"

enum { MEMORY_FIGURES = 5, MEMORY_BUCKETS = 14 };

/* A distribution of durations: bucket i counts those of at most its bound (memory.c: buckets); longer ones are in count alone. */
struct memory_figure {
	uint64_t bucket[MEMORY_BUCKETS], count, sum_ms;
};

struct memory_job {
	char *name;
	bool paused;
	struct plan_memory backup, proof;
	char *schedule, *proof_schedule; /* that those two are about, with its zone; "" = none, NULL = not known */
	uint64_t missed;          /* due times of backups that were dropped */
	int64_t missed_due_ms;    /* the newest of them, 0 = none */
	char *missed_why;
	json_t *last, *last_success, *last_proof; /* RUN or NULL */
	struct memory_figure figure[MEMORY_FIGURES]; /* pause, wait, in_flight, duration, proof */
	uint64_t runs[RUN_KINDS][3]; /* succeeded, failed, cancelled */
	uint64_t retries, bytes, bytes_stored, rows;
};

struct memory {
	char *path;
	uint64_t sequence;        /* number of the last run */
	bool paused;              /* all of them */
	struct memory_job **job;  /* addresses stay */
	size_t n;
	json_t *runs;             /* newest first */
	json_t *open;             /* those that have begun and not ended: after a crash of ours they are found here */
	unsigned history;         /* at most so many */
};

/*
 * *ret_moved: where a damaged file was moved to, with *damage saying what was wrong with it; NULL when there was none. Only a file that can
 * neither be read nor moved is a failure (ERR_STORE).
 */
enum status memory_open(const char *state_dir, unsigned history, struct memory *ret, char **ret_moved, struct error *damage,
                        struct error *err);
enum status memory_save(const struct memory *m, struct error *err);
void memory_free(struct memory *m); /* copes with a zeroed one */

/* Made when it is not known yet: its schedules count from now_ms on. */
enum status memory_job(struct memory *m, const char *name, int64_t now_ms, struct memory_job **ret, struct error *err);
/* Another schedule than before counts from now_ms on: it has missed nothing, and nothing is tried again. schedule NULL = none. */
enum status memory_schedule(struct memory_job *j, const char *schedule, const char *zone, int64_t now_ms, struct error *err);
enum status memory_proof_schedule(struct memory_job *j, const char *schedule, const char *zone, int64_t now_ms, struct error *err);
/* What plan knows of the schedule that such runs are of; NULL: nothing schedules them. */
struct plan_memory *memory_plan(struct memory_job *j, enum run_kind kind);
/* A run has begun; run is kept by reference, until memory_add_run with the same id. */
enum status memory_open_run(struct memory *m, json_t *run, struct error *err);
/* A run has ended: history, last ones and figures. run is a new reference or the caller's; kept by reference. */
enum status memory_add_run(struct memory *m, struct memory_job *j, enum run_kind kind, json_t *run, struct error *err);
/* due_ms was dropped, the newest of n. */
enum status memory_drop(struct memory_job *j, int64_t due_ms, unsigned n, const char *why, struct error *err);
/* Members of "counters" in a view; NULL = out of memory. */
json_t *memory_counters(const struct memory_job *j);

/* As it is in the file; for tests. */
json_t *memory_to_json(const struct memory *m);
