/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter: which schemas and tables are wanted. Patterns are "schema" or "schema.table" with * and ?; the first dot separates, so a schema
 * whose name has a dot is matched by '?'. Bytewise, case counts. System schemas are never wanted.
 */
#pragma once

#include "slackwater/engine.h"

bool filter_match(const char *pattern, size_t len, const char *name);
bool filter_table(const struct engine_options *o, const char *schema, const char *table);
/* Some table of it may be wanted. */
bool filter_schema(const struct engine_options *o, const char *schema);
/* Nothing of it is left out: its routines and events are wanted too. */
bool filter_whole(const struct engine_options *o, const char *schema);
