/* SPDX-License-Identifier: Apache-2.0 */
/* count: every row of the restored server is read once more and counted, for want of a source to compare it with. */
#pragma once

#include "job.h"

/* Another number of rows than the manifest's: ERR_NOT_PROVEN. */
enum status proof_count(struct proof_job *j, struct error *err);
/* Transactions that replication has applied, by their GTIDs; 0 where they have none. Never fails: a figure. */
uint64_t proof_count_transactions(struct proof_job *j);
