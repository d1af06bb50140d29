/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load_pool: N threads, each with a session of its own, over a list of numbered tasks. The first failure (or the user) cancels the rest:
 * their sockets are shut down, the server finishes or rolls back what it was at, and nobody is killed.
 */
#pragma once

#include "slackwater/conn.h"

struct load_pool;

/* worker numbers the threads from 0; c is the thread's own; i the task's number. Any thread. */
typedef enum status load_pool_fn(void *arg, unsigned worker, struct conn *c, size_t i, struct error *err);

/* target and run must outlive it. Sessions are opened by the first use of each thread and kept until free. */
enum status load_pool_new(const struct conn_options *target, unsigned threads, struct run *run, struct load_pool **ret,
                          struct error *err);
/* Runs fn for 0 .. n-1, begun in that order; returns when all threads are still. The error is the first that happened; no run may follow it. */
enum status load_pool_run(struct load_pool *p, size_t n, load_pool_fn *fn, void *arg, struct error *err);
void load_pool_free(struct load_pool *p);
