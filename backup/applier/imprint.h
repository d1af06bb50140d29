/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imprint: the writer fingerprint, what moves when anybody writes (facts/servers 8). Taken before the first and after the last
 * snapshot; the same both times means that nobody has written in between, whatever he thinks of binary logging.
 *
 * - executed GTIDs and the own binary log: blind to a writer under sql_log_bin=0.
 * - InnoDB's "Trx id counter": moves when a transaction changes its first row; in MySQL not when one commits that has only inserted
 *   (seen on 5.6.24 and 9.7.4; on MariaDB it does). So the open transactions that have changed rows are part of it, each with its number:
 *   one that began before the first look and committed between the snapshots has gone from the list.
 * - The server's own threads move the counter too (on 9.7.4 one second of stillness is enough, by its GTID persister). It is then held
 *   against what only clients and the applier move: rows changed in tables (Innodb_rows_*, which leave the dictionary out; on
 *   MariaDB Handler_*), and statements of a writing kind begun (Com_*).
 * - Before MySQL 5.7 and MariaDB 10.2 every reading transaction moves the counter, our own snapshots included (READ ONLY or not: seen on
 *   5.6.24): there rows, statements and open transactions stand alone.
 * - A receiver that writes its place into a table at every event moves the count of updated rows (seen on 5.6.24 with
 *   sync_master_info=1; 8.0 and later count system tables apart). There updated rows are left out.
 */
#pragma once

#include "applier/instance.h"

struct imprint {
	char *gtids, *purged; /* MySQL: gtid_executed, gtid_purged */
	char *slave_pos, *binlog_gtids, *current_pos; /* MariaDB: gtid_slave_pos, gtid_binlog_pos, gtid_current_pos */
	char *file;        /* own binary log; NULL without one */
	uint64_t pos;
	char counter[32];  /* InnoDB's "Trx id counter" as printed; "" where readers move it */
	uint64_t rows;     /* inserted, updated and deleted, ... */
	uint64_t statements; /* ... and statements of a writing kind, since the server started */
	char *open;        /* "112017:1,112020:5": open transactions with their number of changes */
};

void imprint_free(struct imprint *f);
enum status imprint_take(struct conn *c, const struct instance *in, struct imprint *ret, struct error *err);
enum imprint_moved { IMPRINT_SAME, IMPRINT_COUNTER, IMPRINT_WRITTEN };
/*
 * Pure. beyond_innodb: tables of other engines count as well, whose writers leave InnoDB's counter alone: rows and statements always have to be
 * the same. why: one line, what was compared with what.
 */
enum imprint_moved imprint_compare(const struct imprint *a, const struct imprint *b, bool beyond_innodb, struct buf *why);
/* "Trx id counter 28527" (5.6 and older also "0 1A2B") out of SHOW ENGINE INNODB STATUS; false when it is not there. Pure. */
bool imprint_trx_counter(const char *status, char out[32]);
/* The open transactions that have changed rows, out of the same text, as in struct imprint. Pure. */
void imprint_open_transactions(const char *status, struct buf *out);
/* Sessions and settings that may be writing, for a hint; best effort. */
void imprint_suspects(struct conn *c, const struct instance *in, struct buf *out);
