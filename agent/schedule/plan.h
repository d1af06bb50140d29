/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan: whether a job is to be started now. Pure: takes rules (from the configuration), memory (persisted by the daemon) and the situation, and
 * returns a decision with its reason in words. All times are milliseconds of the wall clock since the epoch, UTC; 0 = never.
 *
 * What it keeps: no due time is lost silently (it is run, caught up once after downtime, or dropped with a reason), none is run twice,
 * one job per instance at a time. A clock that jumps back repeats nothing; memory that lies more than a day ahead is of a clock that was
 * wrong, and does not count, or the job would rest until then.
 *
 * The caller: decide; hand the decision to plan_took (memory is to be persisted before the job is started); after PLAN_DROP decide again at
 * once; when the job is over, plan_ended.
 */
#pragma once

#include "schedule.h"

#define PLAN_UNKNOWN (-1)
#define PLAN_COUNTED 100

struct plan_rules {
	const struct schedule *schedule; /* NULL = only when asked */
	const struct zone *zone;
	int64_t jitter_ms;          /* each due time is put off by less than this; the same for the same job and due time */
	int not_before, not_after;  /* minutes of the day in zone, PLAN_UNKNOWN = none; from 22:00 to 04:00 wraps midnight */
	bool catch_up;              /* a due time missed while we were down or paused is made up for, once; else it is dropped. What a pause takes is not missed */
	unsigned retries;           /* after a failure, until the next due time's start */
	int64_t retry_ms, retry_max_ms; /* first delay, which doubles up to the second */
	int64_t min_interval_ms;    /* from the last success's start to the next start; a due time that would have to wait beyond the next is dropped */
	int64_t max_lag_ms;         /* 0 = none: wait while the replica is further behind, until not_after or the next due time */
	uint64_t seed;              /* of the jitter: a hash of the job's name */
};

struct plan_memory {
	int64_t since_ms;           /* when this schedule was first seen: nothing before it was missed */
	int64_t due_ms;             /* the newest due time that was dealt with */
	int64_t started_ms, ended_ms; /* of the last run */
	int64_t succeeded_ms;       /* start of the last run that succeeded */
	unsigned failures;          /* in a row */
	unsigned attempts;          /* runs for due_ms that failed */
	unsigned dropped;           /* due times that were dropped in a row */
};

struct plan_situation {
	int64_t now_ms;
	int64_t up_since_ms;        /* when the daemon came up: what was due earlier is caught up or dropped */
	bool busy;                  /* the instance is held by another job of ours */
	bool full;                  /* as many jobs are running as may at a time */
	bool paused;
	bool asked;                 /* by a person: only busy holds it up */
	int64_t lag_ms;             /* PLAN_UNKNOWN = not known, which passes the gate with a word ... */
	int64_t lag_by_ms;          /* ... but not before this: the replica is being looked at for the first time; 0 = it has been */
};

enum plan_act { PLAN_WAIT, PLAN_START, PLAN_DROP };
enum plan_trigger { PLAN_BY_NOTHING, PLAN_BY_SCHEDULE, PLAN_BY_CATCH_UP, PLAN_BY_RETRY, PLAN_BY_REQUEST, PLAN_BY_BACKUP /* an expire, which nothing schedules */ };

struct plan_decision {
	enum plan_act act;
	enum plan_trigger trigger;
	int64_t due_ms;   /* which due time is started or dropped, with all before it: the new memory.due_ms; 0 = leaves it */
	unsigned dropped; /* PLAN_DROP: how many, at most PLAN_COUNTED (that many or more); 0 when only the memory is put right */
	bool excused;     /* PLAN_DROP: by a pause, so that nobody has missed them */
	int64_t look_ms;  /* decide again then at the latest; 0 = only when something changes */
	bool held_up;     /* PLAN_WAIT: for something else than its time */
	char why[200];    /* what is waited for, or why it was dropped */
};

struct plan_decision plan_decide(const struct plan_rules *rules, const struct plan_memory *memory, const struct plan_situation *now);
/* What a decision changes in the memory; PLAN_WAIT changes nothing. */
void plan_took(struct plan_memory *memory, const struct plan_decision *d, int64_t now_ms);
/* The job has ended. A cancelled one counts as a failure that is not tried again: attempts is then set beyond the retries. */
enum plan_end { PLAN_SUCCEEDED, PLAN_FAILED, PLAN_CANCELLED };
void plan_ended(struct plan_memory *memory, enum plan_end end, int64_t now_ms);
/* The next start without anything in the way, jitter included; 0 = none. In the past while what is due waits for something. */
int64_t plan_next_ms(const struct plan_rules *rules, const struct plan_memory *memory, int64_t now_ms);
const char *plan_trigger_name(enum plan_trigger t); /* "schedule", "catch-up", "retry", "request", "backup" */
