/* SPDX-License-Identifier: Apache-2.0 */
/* until: the seed's applier stopped, brought to one given stand and no further, and set going again. */
#pragma once

#include "stand.h"

/* Stops the appliers and waits until they stand. */
enum status seed_until_stop(struct seed_job *j, struct error *err);
/*
 * From a stand below `to`, with the appliers stopped. *ret_exact false: it went beyond (start over). ERR_NOT_PROVEN when it does not get there
 * within timeout_ms or stops with an error. Appliers are stopped afterwards.
 */
enum status seed_until_reach(struct seed_job *j, const struct seed_stand *to, int64_t timeout_ms, bool *ret_exact, struct error *err);
/*
 * A plain START of everything: an UNTIL leaves its condition and stale coordinates behind, which only a plain START takes away. Not
 * interrupted: whatever happened, the seed is a running replica afterwards.
 */
enum status seed_until_resume(struct seed_job *j, struct error *err);
