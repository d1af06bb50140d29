/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot: the story of a backup, from preflight to the manifest. Start reading in backup/snapshot.c. */
#pragma once

#include "slackwater/applier.h"
#include "slackwater/catalog.h"
#include "slackwater/engine.h"

struct snapshot_options {
	struct conn_options server;
	struct window_options window; /* its state_dir is where the claim is made, too; NULL: none is */
	int64_t wait_lock_ms;  /* for another run on the same server to end; 0: ERR_BUSY at once */
	struct engine_options engine;
	const char *to;        /* URL of the repository, or "-" */
	struct store_options store;
	const char *instance;  /* NULL: host_port */
	unsigned shards;       /* 0 = as many as threads, at most 4 */
	const struct age_recipients *recipients; /* encrypt for them; NULL: in clear */
};

/* Take a snapshot. On ST_OK *ret_manifest and *ret_cp are the caller's. On failure nothing is left that could be taken for a snapshot, and
 * the applier is as it was found. */
enum status snapshot_take(const struct snapshot_options *o, struct run *run, struct manifest **ret_manifest,
                          struct checkpoint **ret_cp, struct error *err);
