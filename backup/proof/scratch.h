/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scratch: the directory that the scratch server lives in: "slackwater-proof-XXXXXX", ours, mode 0710, with a file "lock" that is locked for as
 * long as we or the server live. Below it, "files" belongs to the server. One whose lock nobody holds was left by a run that died: the next
 * run removes it; a server that has outlived its run is ended first (owner.h). One without the file is not touched: it was kept for somebody, or is just being made.
 */
#pragma once

#include "job.h"

/* That the place can hold it, and who the server is to be; makes nothing. ERR_STORE when there is no room, ERR_USAGE for a place that cannot be. */
enum status proof_scratch_check(struct proof_job *j, struct error *err);
/* Removes what dead runs have left, and makes ours. */
enum status proof_scratch_make(struct proof_job *j, struct error *err);
/* Removes it, or, with keep, takes the lock off and says where it is. No server may live in it any more. */
enum status proof_scratch_end(struct proof_job *j, struct error *err);
/* Removes what dead runs have left in a directory; returns how many. */
unsigned proof_scratch_sweep(const char *dir, struct event_sink *events);
