/* SPDX-License-Identifier: Apache-2.0 */
/* outcome: what a run printed (its --json document), as the history keeps it. Pure. New references; NULL = out of memory. */
#pragma once

#include <jansson.h>

#include "invoke.h"

/* RUN.result: the document's plain members, and its first warnings. */
json_t *outcome_result(enum run_kind kind, const json_t *doc);
/* ERROR of a run that ended with that code; doc may be NULL: it died before it could say anything. */
json_t *outcome_failure(int exit, const json_t *doc);
json_t *outcome_error(const char *kind, int code, const char *message, const char *hint);
/* result may be NULL. */
void outcome_add_warning(json_t *result, const char *text);
