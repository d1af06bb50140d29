/* SPDX-License-Identifier: Apache-2.0 */
/* output_recover: what was found wrong with replication and what became of it, for people and as JSON. */
#pragma once

#include "slackwater/jsonx.h"
#include "slackwater/recover.h"

/* apply: repairs were allowed. */
void output_recover_text(struct buf *out, const struct recover_report *r, bool apply);
/* healthy: nothing is left that needs a person. */
enum status output_recover_json(json_t **doc, const struct recover_report *r, bool healthy, int64_t elapsed_ms, struct error *err);
