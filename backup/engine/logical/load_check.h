/* SPDX-License-Identifier: Apache-2.0 */
/* load_check: reads every table's CREATE statement before anything is loaded, and holds it against the target. */
#pragma once

#include "load_plan.h"

/*
 * ERR_SEED_REFUSED: an engine the target has not; a table without a key where the target insists on one and lets nobody off; a table name
 * that the target cannot tell from another. Also finds out which tables foreign keys refer to (load_table.referred).
 */
enum status load_check_tables(struct load_plan *p, struct conn *target, struct run *run, struct error *err);
