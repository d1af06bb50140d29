/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch: a thread with a session of its own that looks at what our snapshot costs the server while it is read: replicated DDL that waits for a
 * lock, and InnoDB's history list, which cannot be purged below our read views. It also keeps idle sessions alive. Past a bound it cancels the attempt's run, so that every
 * session lets go at once; watch_verdict then says why.
 */
#pragma once

#include <pthread.h>

#include "session.h"

#define WATCH_WAITS 64

struct watch_wait { unsigned long long thread; uint64_t statement; int64_t since; bool seen; };

struct watch {
	struct conn *c;
	struct run *run;             /* the attempt's */
	struct session *session;     /* pinged while they idle */
	unsigned nsessions;
	int64_t ddl_max_wait_ms;     /* 0: look, but never give up */
	uint64_t max_history;        /* 0: never */
	pthread_t thread;
	bool started;
	bool stop;                   /* under lock */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* written by the thread, read after watch_stop */
	int64_t ddl_wait_ms;         /* longest */
	uint64_t history_max;
	struct watch_wait wait[WATCH_WAITS]; /* what waits now */
	size_t nwaits;
	bool foreign;                /* somebody else's backup lock was seen to hold the applier up, and said */
	enum status verdict;
	struct error err;
};

enum status watch_start(struct watch *w, struct error *err);
/* Ends the thread; the session stays open. */
void watch_stop(struct watch *w);
/* ST_OK, or why the attempt was cancelled: ST_RETRY for a DDL that waited too long, ST_FAILED for the history list. */
enum status watch_verdict(const struct watch *w, struct error *err);
