/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job: one statement on a session and a thread of its own, so that others can watch while it waits inside the server. The
 * session is only touched by that thread between job_begin and job_join.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "slackwater/conn.h"

struct job {
	struct conn *c;  /* owned */
	struct buf sql;
	pthread_t thread;
	bool begun;      /* a thread exists that has not been joined */
	atomic_bool done;
	enum status st;
	struct error err;
	unsigned warnings; /* notes included, when it succeeded */
	int done_fd;     /* an eventfd that is made readable when the statement ends; -1 = none; not owned */
};

/* Opens a session; flags as for conn_open. j is overwritten. */
enum status job_open(struct job *j, const struct conn_options *o, unsigned flags, struct run *run, int done_fd,
                     struct error *err);
/* Set off j->sql. Fails only when no thread can be had: nothing was sent then. */
enum status job_begin(struct job *j, struct error *err);
bool job_done(const struct job *j); /* also when nothing was begun */
/* Wait for the end and give the statement's result. */
enum status job_join(struct job *j, struct error *err);
void job_close(struct job *j); /* joins first; copes with a zeroed one */
