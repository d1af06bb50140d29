/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target: the server to be seeded, as it is found, and what is taken from it before the load.
 *
 * The marker: a schema named slackwater_incomplete, made before the first byte and dropped when everything is proven. A target that has it
 * holds the remains of a load that did not come to its end; a later run says so and wants --replace.
 */
#pragma once

#include "job.h"

/* Reads what is there (j->found) and refuses what cannot or must not be seeded. Changes nothing. */
enum status seed_target_check(struct seed_job *j, struct error *err);
/* The target's session, which is idle while every digest is checked, and while the rows are loaded: set up for us, anew if it is gone. */
enum status seed_target_again(struct seed_job *j, struct error *err);
/* --replace: channels stopped and forgotten, the snapshot's schemas dropped; then the marker. From here on the target is ours. */
enum status seed_target_take(struct seed_job *j, struct error *err);
/* Everything is there: the marker goes. */
enum status seed_target_release(struct seed_job *j, struct error *err);
