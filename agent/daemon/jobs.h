/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jobs: what is started when, and what follows its end. One per [snapshot]; listings, one per repository and instance, go beside them.
 *
 * Takes settings, memory and plan's decisions, hands tasks to core. One run per instance at a time: backups first, then the expire that follows
 * one, then proofs; a listing only reads its repository and holds up nothing.
 */
#pragma once

#include "core.h"

/* For c->settings; listings of the configuration before keep what they know. Nothing has changed after a failure. */
enum status jobs_build(struct core *c, struct error *err);
void jobs_free(struct core *c);
/* Runs that memory says had begun and not ended when the agent before us died: they have failed. */
void jobs_bury(struct core *c);
/* Starts what is to be started now; does nothing while nothing has changed and no time has come. */
void jobs_decide(struct core *c);
/* What runs goes a step further where it can; of what has ended, memory, expire and listings hear, and it is gone from c->tasks. */
void jobs_go_on(struct core *c);
/* When jobs_decide is to be called again at the latest, in milliseconds from now; -1 = only when something changes. */
int64_t jobs_wait_ms(const struct core *c);
