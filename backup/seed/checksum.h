/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checksum: the seed compared with the snapshotted replica, table by table, at one and the same transaction.
 *
 *   the seed's applier is stopped, at E -> the replica is waited for until it has E -> a window there fixes S and a consistent snapshot
 *   -> the seed is brought to S exactly -> every table is counted and summed on both -> the seed's replication is started plainly
 *
 * A source that is being written to has no such agreed point without blocking it; a replica has, which is what the window is for.
 */
#pragma once

#include "job.h"

/* Before the load: the server answers, and is the snapshotted one. ERR_SEED_REFUSED. */
enum status seed_checksum_check(struct seed_job *j, struct error *err);
/* ERR_NOT_PROVEN names the tables that differ. Whatever it returns, the seed's channels were started again or err says not. */
enum status seed_checksum(struct seed_job *j, struct error *err);
