/* SPDX-License-Identifier: Apache-2.0 */
/* start: the scratch server, from an empty directory to one that answers, and its end. */
#pragma once

#include "job.h"

/* Initialised and started; j->login reaches it. What keeps it from starting is ERR_PREFLIGHT, with what its error log says. */
enum status proof_start(struct proof_job *j, struct error *err);
/* Asked to shut down, waited for, made to if it does not. Always leaves no process. */
void proof_start_end(struct proof_job *j);
/* When the server has gone by itself: that, with its last words, instead of "connection lost". */
void proof_start_explain(struct proof_job *j, struct error *err);
