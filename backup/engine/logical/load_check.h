/* SPDX-License-Identifier: Apache-2.0 */
/* load_check: reads every table's CREATE statement before anything is loaded, and holds it against the target. */
#pragma once

#include "load_plan.h"

/*
 * ERR_SEED_REFUSED: an engine or a keyring that the target has not; a history that it would misread, a TIMESTAMP's default that it would make up. Also finds out
 * which tables are sequences and which foreign keys refer to (load_table).
 */
enum status load_check_tables(struct load_plan *p, const struct server_info *from, struct conn *target, struct run *run, struct error *err);
