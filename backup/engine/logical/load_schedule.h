/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load_schedule: which chunk a loading thread takes next. A thread stays with its table as long as that has chunks; then it begins the
 * largest table that nobody has, or helps with one of which more is left per thread than that has in all. So threads are rarely in each
 * other's way (MariaDB lets one transaction alone fill an empty table), a giant is taken by all, and no thread is left alone with one at the end.
 */
#pragma once

#include "load_plan.h"

struct load_schedule;

/* plan must outlive it; its chunks are grouped by table, largest first. */
enum status load_schedule_new(const struct load_plan *plan, unsigned threads, struct load_schedule **ret, struct error *err);
void load_schedule_free(struct load_schedule *s);
/* worker: below the number of threads. There are exactly as many chunks as plan->nchunks; NULL when all were given out. Any thread. */
const struct load_chunk *load_schedule_take(struct load_schedule *s, unsigned worker);
