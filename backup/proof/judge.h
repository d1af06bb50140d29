/* SPDX-License-Identifier: Apache-2.0 */
/* judge: the seeding of the scratch server, what came out of it, and which failures say something about the snapshot. */
#pragma once

#include "job.h"

/* Seeds it, fills the figures of the record, and turns what a seed calls refused or broken into ERR_NOT_PROVEN. */
enum status proof_judge_seed(struct proof_job *j, struct error *err);
/*
 * Writes the record when there is one to write: err->kind ERR_NONE is success, ERR_NOT_PROVEN and ERR_SNAPSHOT are failures of the snapshot.
 * Everything else (no server program, no room, a wrong key, a format from the future, store, interrupted) says nothing about it. A record that cannot be written fails a success, and is
 * a warning behind a failure.
 */
enum status proof_judge_record(struct proof_job *j, struct error *err);
