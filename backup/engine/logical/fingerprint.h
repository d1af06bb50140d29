/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fingerprint: has any DDL run? Sums of the server's Com_* counters, which count each statement when it begins, the applier's
 * workers' included (seen for each kind of DDL on MySQL 5.6.24, 9.7.4 and MariaDB 10.11.19). Counters never go back, so equal sums mean that
 * nothing began in between. On MySQL 5.x and MariaDB two statements about accounts count as a mere SET (SET PASSWORD, SET DEFAULT ROLE):
 * there the tables of accounts, which know no MVCC, are summed up too.
 */
#pragma once

#include "slackwater/conn.h"

struct fingerprint {
	uint64_t tables;   /* tables, indexes, triggers, and whole schemas: what metadata locks on tables hold still */
	uint64_t objects;  /* schemas, views, routines, events, accounts, roles, grants */
	bool known;        /* the server has such counters: with performance_schema=OFF MySQL 5.7 and later show none, and nothing is proven */
	uint64_t accounts; /* checksums of the tables of accounts; 0 where the counters suffice, or accounts are not asked for */
};

enum status fingerprint_take(struct conn *c, bool accounts, struct fingerprint *ret, struct error *err);
/*
 * The same, and no statement is running that was counted before and has not taken effect: what is listed from now on is exact for as
 * long as the fingerprint stays. *ret_settled false: something runs still that could be a DDL, so a list read now proves nothing.
 */
enum status fingerprint_settle(struct conn *c, bool accounts, int64_t wait_ms, struct fingerprint *ret, bool *ret_settled,
                               struct error *err);
bool fingerprint_equal(const struct fingerprint *a, const struct fingerprint *b);
bool fingerprint_objects_equal(const struct fingerprint *a, const struct fingerprint *b);

/* For tests: add one row of SHOW GLOBAL STATUS; could this text of a running statement be a DDL (when in doubt, yes). */
void fingerprint_add(struct fingerprint *f, const char *variable, uint64_t value);
bool fingerprint_may_be_ddl(const char *statement);
