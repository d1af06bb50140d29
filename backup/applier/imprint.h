/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imprint: the writer fingerprint, what moves when anybody writes (facts/servers 8). GTIDs and the own binary log alone do not see a writer under
 * sql_log_bin=0; InnoDB's "Trx id counter" does, but the server's own threads may move it too (GTID persister, statistics,
 * the receiver's repository). So only gtid and binlog moving is proof of a writer; the counter moving means: look again.
 */
#pragma once

#include "applier/instance.h"

struct imprint {
	char *gtids;       /* gtid_executed; MariaDB: gtid_slave_pos, then gtid_binlog_pos */
	char *purged;      /* MySQL: gtid_purged */
	char *slave_pos, *binlog_gtids, *current_pos; /* MariaDB */
	char *file;        /* own binary log; NULL without one */
	uint64_t pos;
	char trx_counter[32]; /* as the server prints it; "" = InnoDB does not say */
};

void imprint_free(struct imprint *f);
enum status imprint_take(struct conn *c, const struct instance *in, struct imprint *ret, struct error *err);
enum imprint_moved { IMPRINT_SAME, IMPRINT_COUNTER, IMPRINT_WRITTEN };
/* Pure. why: one line, what was compared with what. */
enum imprint_moved imprint_compare(const struct imprint *a, const struct imprint *b, struct buf *why);
/* "Trx id counter 28527" (5.6 and older also "0 1A2B") out of SHOW ENGINE INNODB STATUS; false when it is not there. Pure. */
bool imprint_trx_counter(const char *status, char out[32]);
/* Sessions and settings that may be writing, for a hint; best effort. */
void imprint_suspects(struct conn *c, const struct instance *in, struct buf *out);
