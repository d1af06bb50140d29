/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filters: replication filters. A snapshot of a filtered replica lacks what the filters left out, so its seed needs the same filters; a
 * snapshot made in part needs filters on the target that leave out what is missing. Else the seed stops with 1146 or 1396 one day.
 */
#pragma once

#include "job.h"

/* The columns of the status that hold rules, in the order of seed_filters.rule. */
enum seed_filter { FILTER_DO_DB, FILTER_IGNORE_DB, FILTER_DO_TABLE, FILTER_IGNORE_TABLE, FILTER_WILD_DO, FILTER_WILD_IGNORE, FILTER_N };

struct seed_filters { struct strlist rule[FILTER_N]; };
void seed_filters_free(struct seed_filters *f);

/* Rules as a status shows them, comma-separated, of one column. */
enum status seed_filters_add(struct seed_filters *f, enum seed_filter which, const char *rules, struct error *err);
/*
 * Whether f leaves out all that a partial snapshot lacks: "" or what is wrong, in *ret_why. holds tells whether the snapshot has a table, or
 * (table NULL) a whole schema; accounts: it has accounts. *ret_unsure: ignore rules alone cannot be held against what is unknown.
 */
typedef bool seed_filters_holds(const void *arg, const char *schema, const char *table);
void seed_filters_cover(const struct seed_filters *f, seed_filters_holds *holds, const void *arg, bool accounts, bool only_accounts,
                        struct buf *ret_why, bool *ret_unsure);

/* The partial snapshot against the target's filters. ERR_SEED_REFUSED. */
enum status seed_filters_check(struct seed_job *j, struct error *err);
/*
 * The statements that give a channel the filters of the snapshotted one (after its CHANGE). A server that cannot take them at run time (5.6) gets
 * none: seed_filters_verify says then what is missing.
 */
enum status seed_filters_carry(const struct server_info *s, const struct seed_link *l, struct strlist *ret, struct error *err);
/* Before START: the status of the new channel shows the same filters. ERR_NOT_PROVEN. */
enum status seed_filters_verify(struct seed_job *j, const struct seed_link *l, struct error *err);
