/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load_grants: privileges that come to another name, or stand for less, on the target.
 *
 *   MySQL     keeps some by name (from 8.0 on), of which a later series has others: SET_USER_ID, which every root of 8.0 has, is gone in 8.4 and became
 *             two. A GRANT that names one which is not known fails as a whole (1149 [run 9.7.4])
 *   MariaDB   splits them: SUPER stands for nothing but itself from 11.0 on. What was split off is granted with it, as the server does itself with the
 *             accounts of an earlier one that it finds in its own tables [run 10.11.19, 11.8.9]
 */
#pragma once

#include "slackwater/conn.h"
#include "slackwater/strlist.h"

struct load_grants {
	struct strlist known; /* MySQL: the target's, sorted; empty where privileges have no names of this kind */
	unsigned from, to;    /* MariaDB: versions of the snapshotted server and of the target; else 0 */
};

/* What came of the privileges of all statements, each once. */
struct load_grants_told { struct strlist lost, given; };

enum status load_grants_begin(struct conn *target, const struct server_info *from, struct load_grants *ret, struct error *err);
void load_grants_end(struct load_grants *g);
/*
 * The statement as the target takes it, into out, which is empty: every name it does not know replaced by what has come of it, or left out; every one that was
 * split followed by its parts. told: NULL, or what was left out and what was added. out stays empty when nothing is left to grant.
 */
enum status load_grants_adapt(const struct load_grants *g, const char *sql, size_t len, struct buf *out, struct load_grants_told *told, struct error *err);
void load_grants_told_free(struct load_grants_told *t);
