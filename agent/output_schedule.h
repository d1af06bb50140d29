/* SPDX-License-Identifier: Apache-2.0 */
/* output_schedule: when the snapshots of a configuration are due next, in their zone and in UTC; known without an agent that runs. */
#pragma once

#include <jansson.h>

#include "conf/settings.h"
#include "slackwater/buf.h"

enum { OUTPUT_SCHEDULE_RUNS = 5 };

/* now_ms: of the wall clock. Jitter is not in the times: each may begin by so much later, which is said. */
void output_schedule(struct buf *out, const struct settings *s, int64_t now_ms);
/* Adds "config" and "snapshots" to *doc: per snapshot "schedule", "timezone", "jitter_ms", "next" and "next_proof", each a list of { utc, local }. */
enum status output_schedule_json(json_t **doc, const struct settings *s, int64_t now_ms, struct error *err);
