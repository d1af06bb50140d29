/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rights: whether the account that seeds may do all of it, from what SHOW GRANTS says: a right that is missed after the load has cost the load.
 * Only the global rights that every seed needs; whoever gets rights from roles is believed.
 */
#pragma once

#include "job.h"

struct seed_rights_need {
	bool accounts; /* the snapshot has accounts */
	bool source;   /* it is to be a source: MariaDB's binary log is told where it begins */
	bool reset;    /* the target has transactions of its own to forget */
};

/* The rights that are missing, comma-separated, into ret; nothing when all are there. Pure. */
void seed_rights_missing(const struct strlist *grants, const struct server_info *s, const struct seed_rights_need *need, struct buf *ret);
/* Of the target, and that sql_log_bin can be switched off. ERR_SEED_REFUSED. */
enum status seed_rights_check(struct seed_job *j, struct error *err);
