/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prepared: what a read view cannot carry although the applier stands still: XA transactions that are prepared and not committed,
 * and temporary tables of statement-based replication (facts/servers 9).
 */
#pragma once

#include "applier/instance.h"

struct prepared {
	uint64_t xids, temp_tables;
	struct buf text; /* "2 prepared XA transactions: 'a','b',1; ..." */
	bool by_innodb;  /* XA RECOVER was refused: InnoDB's list was read, which does not name the XIDs */
};

static inline bool prepared_any(const struct prepared *p) { return p->xids || p->temp_tables; }
void prepared_free(struct prepared *p);
/* *no_xa_right: set once XA RECOVER was refused (XA_RECOVER_ADMIN, 8.0+), so that it is not tried again. *ret is replaced. */
enum status prepared_look(struct conn *c, bool *no_xa_right, struct prepared *ret, struct error *err);
