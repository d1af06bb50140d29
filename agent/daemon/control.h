/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control: where other threads' commands wait for the daemon's thread, and where the view waits for them.
 *
 * Takes requests as backend.h has them, hands them to the daemon's thread one by one; a request that is not taken within CONTROL_WAIT_MS
 * is taken back.
 */
#pragma once

#include <pthread.h>

#include "../http/backend.h"

enum { CONTROL_WAIT_MS = 5000 };

struct control_request {
	const json_t *in;
	json_t *out;
	enum status status;
	struct error err;
	bool taken, done;
	struct control_request *next;
};

struct control {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct control_request *first;
	json_t *view;
	int wake_fd;  /* an eventfd of the daemon's */
	bool closed;
};

enum status control_init(struct control *c, int wake_fd, struct error *err);
/* Requests that wait are refused; those that come later as well, until it is opened again: as long as nobody would take them. */
void control_close(struct control *c);
void control_open(struct control *c);
void control_destroy(struct control *c); /* nobody uses it any more */
/* backend.h for c as arg. */
struct http_backend control_backend(struct control *c);

/* The daemon's thread. view is a new reference. */
void control_publish(struct control *c, json_t *view);
struct control_request *control_take(struct control *c); /* NULL = none */
void control_done(struct control *c, struct control_request *r);
