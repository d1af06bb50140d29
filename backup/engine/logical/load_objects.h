/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load_objects: what is not a table: schemas before the tables; accounts, routines, events, views and triggers after the rows, each by the session
 * settings that its file sets. In that order: a view may call a routine, a definer must exist, and a trigger must not fire on the load.
 */
#pragma once

#include "load_plan.h"

/* What belongs to the server comes before them. */
enum status load_objects_schemas(const struct load_plan *p, struct conn *c, const struct loader_options *o, struct error *err);
/* c is a session that nothing else uses: the files change its sql_mode, character sets and time zone. */
enum status load_objects_rest(const struct load_plan *p, struct conn *c, const struct loader_options *o, struct run *run, struct error *err);
