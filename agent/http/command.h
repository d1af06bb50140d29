/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command: commands to the backend, one after the other in a thread of their own: the backend may take seconds, and nobody who reads waits for that.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "backend.h"

/* In the caller's memory, until done has been called. */
struct command {
	json_t *request;
	json_t *answer;     /* out, the caller's; NULL when err is set */
	struct error err;   /* out; ERR_NONE when it was done */
	void (*done)(struct command *self); /* in the commands' thread; self may be freed by it */
	struct command *next;
};

struct command_queue {
	const struct http_backend *backend;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	bool started, ending;
	unsigned waiting;
	struct command *first, **last;
};

enum status command_start(struct command_queue *q, const struct http_backend *backend, struct error *err);
/* What waits still is answered with an error; done has been called for everything afterwards. */
void command_stop(struct command_queue *q);
/* ERR_BUSY: too many wait, or this end is near; done is then not called. */
enum status command_add(struct command_queue *q, struct command *c, struct error *err);
