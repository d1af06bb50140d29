/* SPDX-License-Identifier: Apache-2.0 */
/* abreast: all sessions do the same thing side by side, each on a thread of its own. */
#pragma once

#include "session.h"
#include "stream/parallel.h"

/* Below this many things to do threads cost more than they save. */
enum { ABREAST_ALONE = 100 };

/* *stop: another session has failed, as in parallel_fn. */
typedef enum status abreast_fn(struct session *s, void *arg, const atomic_bool *stop, struct error *err);

/*
 * fn once for every session, s->busy held; one after the other, up to the first failure, unless the number of things to do is worth threads.
 * fn is called by several threads at once then. The first failure is returned, after all have come back.
 */
enum status abreast_run(struct session *session, unsigned n, size_t things, abreast_fn *fn, void *arg, struct error *err);
