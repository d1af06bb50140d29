/* SPDX-License-Identifier: Apache-2.0 */
/*
 * versions: which server may follow which. Pure.
 *
 * Replication goes from a series to itself or to the next one (MySQL: 5.5, 5.6, 5.7, 8.0, 8.1-8.4, 9.x; the innovation releases belong to the
 * LTS that ends them). Two steps at once are refused: the statements and the accounts of a 5.6 are not those of a 9.7. MariaDB replicates
 * to any later series. Never to an earlier one, never between flavours.
 */
#pragma once

#include "slackwater/conn.h"

/* from: whose data or binary log it is ("the snapshot", "source h:p"). ERR_SEED_REFUSED. */
enum status seed_versions_check(const struct server_info *from, const char *from_name, const struct server_info *target,
                                struct error *err);
