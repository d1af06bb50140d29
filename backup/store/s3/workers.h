/* SPDX-License-Identifier: Apache-2.0 */
/* workers: the threads of a store that send and fetch parts. Started with the first job. */
#pragma once

#include "slackwater/run.h"

struct workers_job {
	void (*fn)(struct workers_job *job); /* called once, by one of the threads */
	struct workers_job *next;
};

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t work;
	pthread_t *thread;
	unsigned n, started, idle, waiting; /* threads wanted, there, without work; jobs that wait */
	struct workers_job *first, **last;
	bool ending;
};

enum status workers_init(struct workers *w, unsigned n, struct error *err);
/* The job stays the caller's; it must live until fn has been called. */
enum status workers_push(struct workers *w, struct workers_job *job, struct error *err);
void workers_destroy(struct workers *w); /* no job may be left */
