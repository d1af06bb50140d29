/* SPDX-License-Identifier: Apache-2.0 */
/* settings: what the target is set to, held against the snapshot and the sources. Reads only; refusals are ERR_SEED_REFUSED. */
#pragma once

#include "job.h"

/* The target against the snapshotted server, before any source is asked: identity, version, GTID mode, replication settings, disk. */
enum status seed_settings_target(struct seed_job *j, struct error *err);
/* The target against one source that has been connected to. */
enum status seed_settings_source(struct seed_job *j, const struct seed_link *l, struct error *err);
