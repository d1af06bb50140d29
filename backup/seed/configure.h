/* SPDX-License-Identifier: Apache-2.0 */
/*
 * configure: from the checkpoint to the statements that make the target a replica that goes on exactly there.
 *
 * Order: own transactions forgotten (RESET), the snapshot's GTID state, per channel CHANGE and filters, START. --no-start and --dry-run list them
 * all, with '<password>' in the place of passwords; --no-start has loaded the data by then and runs none of them.
 */
#pragma once

#include "job.h"

/* Fills report->statements, and report->not_carried with what the target does not get. Pure but for j->found and the links' tls. */
enum status seed_configure_list(struct seed_job *j, struct error *err);
/* Runs them up to the CHANGE and the filters. */
enum status seed_configure_apply(struct seed_job *j, struct error *err);
enum status seed_configure_start(struct seed_job *j, struct error *err);
/* A channel's delay is set when it has caught up: until then it would only keep the proof waiting. */
enum status seed_configure_delay(struct seed_job *j, struct error *err);

/* A part, for tests. */
void seed_configure_spec(const struct seed_job *j, const struct seed_link *l, const struct server_info *target, bool delay,
                         struct source_spec *ret);
