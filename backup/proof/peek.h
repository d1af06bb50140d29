/* SPDX-License-Identifier: Apache-2.0 */
/* peek: what the source is like, before anything is started: its series, and the settings that a server has to share to hold the same tables. */
#pragma once

#include "job.h"

/* Fills j->mirrored. Not to be reached: ERR_NOT_PROVEN. A server program of a series that cannot follow it: ERR_PREFLIGHT. No source: nothing to do. */
enum status proof_peek(struct proof_job *j, struct error *err);
