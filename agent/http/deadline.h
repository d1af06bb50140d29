/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deadline: no connection may take longer than `patience_ms` over one request, however slowly it sends or reads. libmicrohttpd's own timeout
 * counts idle time only, which a byte now and then starts anew.
 *
 * One thread looks once a second while there are connections, and sleeps when there is none. A connection that is late is shut
 * down; whoever serves it sees that and closes it.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "slackwater/error.h"

struct deadline {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	bool started, ending;
	int64_t patience_ms;
	struct deadline_entry *entries;
};

struct deadline_entry;

enum status deadline_start(struct deadline *d, int64_t patience_ms, struct error *err);
void deadline_stop(struct deadline *d); /* entries are gone by then; copes with one that was never started */

/* NULL = out of memory. fd stays open until deadline_forget. */
struct deadline_entry *deadline_watch(struct deadline *d, int fd);
void deadline_restart(struct deadline *d, struct deadline_entry *e); /* something was finished: count anew */
void deadline_pause(struct deadline *d, struct deadline_entry *e);   /* it waits for us: do not count until restarted */
void deadline_forget(struct deadline *d, struct deadline_entry *e);  /* frees e; NULL is fine */
