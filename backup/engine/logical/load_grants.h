/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load_grants: privileges that MySQL keeps by name (from 8.0 on), of which a later series has others: SET_USER_ID, which every root of 8.0 has, is
 * gone in 8.4 and became two. A GRANT that names one which is not known fails as a whole (1149 [run 9.7.4]).
 */
#pragma once

#include "slackwater/conn.h"
#include "slackwater/strlist.h"

/* The target's, sorted; empty where privileges have no names of this kind. */
enum status load_grants_known(struct conn *target, struct strlist *ret, struct error *err);
/*
 * The statement as the target takes it, into out, which is empty: every name it does not know replaced by what has come of it, or left out and added to lost
 * (NULL: not wanted). out stays empty when nothing is left to grant.
 */
enum status load_grants_adapt(const char *sql, size_t len, const struct strlist *known, struct buf *out, struct strlist *lost, struct error *err);
