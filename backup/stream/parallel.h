/* SPDX-License-Identifier: Apache-2.0 */
/* parallel: do n things with some threads. */
#pragma once

#include <stdatomic.h>
#include <stddef.h>

#include "slackwater/error.h"

/* i = 0 .. n-1. *stop becomes true when another call has failed: what takes long should look at it and give up. */
typedef enum status parallel_fn(void *arg, size_t i, const atomic_bool *stop, struct error *err);

/* Returns when every call has; with the first failure, if there was one. threads 0 counts as 1. */
enum status parallel_run(size_t n, unsigned threads, parallel_fn *fn, void *arg, struct error *err);
