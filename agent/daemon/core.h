/* SPDX-License-Identifier: Apache-2.0 */
/* core: what the parts of the daemon share. Only the daemon's thread touches it, but for what says otherwise. */
#pragma once

#include "../app.h"
#include "../http/server.h"
#include "control.h"
#include "memory.h"
#include "notify.h"
#include "observers.h"
#include "task.h"

enum { CORE_TEXT = 200 };

struct job {
	size_t at;                 /* in settings->snapshot */
	struct memory_job *memory;
	uint64_t asked;            /* number of the run that a person has asked for; 0 = none */
	bool expire;               /* a backup has succeeded since the last one */
	int64_t look_ms;           /* wall clock: decide again then; 0 = when something changes */
	char waits_for[CORE_TEXT]; /* "" = for nothing but its time */
};

/* Of a repository, what concerns one instance. */
struct listing {
	size_t at;                 /* in settings->snapshot: the first that uses it */
	char *store, *instance;    /* names */
	bool wanted;
	int64_t next_ms;           /* monotonic */
	int64_t listed_ms;         /* wall clock; 0 = never */
	json_t *items;             /* as in the view */
	json_t *error;             /* ERROR of the last attempt, NULL = none */
};

struct core {
	struct app *app;
	const char *config_file;
	struct settings *settings;
	int64_t loaded_ms, started_ms; /* wall clock */
	char *config_error;        /* why the last reload was refused; NULL = it was not */
	struct memory memory;
	bool memory_bad;           /* could not be written: said once */
	struct job *job;           /* as settings->snapshot */
	size_t njobs, turn;        /* turn: whose it is first where max-runs keeps some waiting */
	struct listing *listing;
	size_t nlistings;
	struct task *tasks;        /* what runs */
	struct observers *observers; /* one for each settings->instance; never NULL while the daemon serves */
	struct observers *leaving; /* those of configurations before, until their threads have ended */
	int64_t observed_ms;       /* monotonic: since when observers looks */
	struct control control;
	struct http *http;         /* NULL: a reload has failed so badly that not even the sockets of before could be opened again */
	struct secrets secrets;    /* what it was opened with */
	struct notify notify;
	int lock_fd, signal_fd, wake_fd;
	bool stopping, reload;
	int64_t stop_ms;           /* monotonic: runs are told to end then */
	bool changed;              /* the view is to be made anew */
	int64_t published_ms, watched_ms, extended_ms; /* monotonic */
};

int64_t core_now_ms(void);  /* monotonic */
int64_t core_wall_ms(void);
void core_say(struct core *c, enum log_level level, const char *snapshot, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* A running task of that snapshot section, or of that instance; list counts as none. NULL = none. */
struct task *core_task_of_snapshot(const struct core *c, const char *name);
struct task *core_task_of_instance(const struct core *c, const char *name);
struct job *core_job_named(const struct core *c, const char *name); /* NULL = the configuration has no such snapshot */
void core_begin(struct core *c, struct task *t); /* it is one of those that run from now on */
