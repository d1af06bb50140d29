/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan: whether a job is to be started now. Pure: takes rules (from the configuration), memory (persisted by the daemon) and the situation, and
 * returns a decision with its reason in words. All times are milliseconds of the wall clock since the epoch, UTC; 0 = never.
 *
 * What it keeps: no due time is lost silently (it is run, caught up once after downtime, or dropped with a reason), none is run twice,
 * one job per instance at a time. A clock that jumps back repeats nothing.
 */
#pragma once

#include "schedule.h"

#define PLAN_UNKNOWN (-1)

struct plan_rules {
	const struct schedule *schedule; /* NULL = only when asked */
	const struct zone *zone;
	int64_t jitter_ms;          /* each due time is put off by less than this; the same for the same job and due time */
	int not_before, not_after;  /* minutes of the day in zone, PLAN_UNKNOWN = none; from 22:00 to 04:00 wraps midnight */
	bool catch_up;              /* a due time missed while we were down (or busy) is made up for, once */
	unsigned retries;           /* after a failure, until the next due time */
	int64_t retry_ms, retry_max_ms; /* first delay, which doubles up to the second */
	int64_t min_interval_ms;    /* from the last success's start to the next start */
	int64_t max_lag_ms;         /* 0 = none: wait while the replica is further behind, until not_after or the next due time */
	uint64_t seed;              /* of the jitter: a hash of the job's name */
};

struct plan_memory {
	int64_t since_ms;           /* when this schedule was first seen: nothing before it was missed */
	int64_t due_ms;             /* the newest due time that was dealt with */
	int64_t started_ms, ended_ms; /* of the last run */
	int64_t succeeded_ms;       /* start of the last run that succeeded */
	unsigned failures;          /* in a row */
	unsigned dropped;           /* due times that were dropped in a row */
};

struct plan_situation {
	int64_t now_ms;
	bool up_since_due;          /* the daemon has been running since that due time: a late start is no catch-up */
	bool busy;                  /* the instance is held by another job of ours */
	bool paused;
	bool asked;                 /* by a person: only busy holds it up */
	int64_t lag_ms;             /* PLAN_UNKNOWN = not known, which passes the gate with a word */
};

enum plan_act { PLAN_WAIT, PLAN_START, PLAN_DROP };
enum plan_trigger { PLAN_BY_NOTHING, PLAN_BY_SCHEDULE, PLAN_BY_CATCH_UP, PLAN_BY_RETRY, PLAN_BY_REQUEST };

struct plan_decision {
	enum plan_act act;
	enum plan_trigger trigger;
	int64_t due_ms;   /* which due time is started or dropped: the new memory.due_ms; 0 = leaves it */
	int64_t look_ms;  /* decide again then at the latest; 0 = only when something changes */
	char why[200];    /* what is waited for, or why it was dropped */
};

struct plan_decision plan_decide(const struct plan_rules *rules, const struct plan_memory *memory, const struct plan_situation *now);
/* The next start without anything in the way, jitter included; 0 = none. */
int64_t plan_next_ms(const struct plan_rules *rules, const struct plan_memory *memory, int64_t now_ms);
const char *plan_trigger_name(enum plan_trigger t); /* "schedule", "catch-up", "retry", "request" */
