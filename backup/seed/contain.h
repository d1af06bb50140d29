/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contain: can a source continue where the snapshot stands? Decided from GTID sets alone, no server. A source must still have every
 * transaction the snapshot lacks (else 1236 after the load), and the sources together must know every transaction the snapshot has (else
 * the seed is ahead of them or holds errant ones). Refusals are ERR_SEED_REFUSED and name the transactions.
 */
#pragma once

#include "slackwater/gtid.h"

struct seed_contain_source {
	const char *name;     /* for messages: host:port */
	const char *executed; /* gtid_executed */
	const char *purged;   /* gtid_purged; MariaDB: position at which the oldest binary log begins, NULL = could not be asked */
	const char *state;    /* MariaDB: gtid_binlog_state */
};

/* errant false: some transactions got their GTID on the snapshotted replica itself, no source can know them. */
enum status seed_contain_mysql(const char *snapshot, const struct seed_contain_source *s, size_t n, bool errant, struct error *err);
enum status seed_contain_mariadb(const char *snapshot, const struct seed_contain_source *s, size_t n, struct error *err);
/* Transactions in source_executed that the snapshot lacks: the backlog. 0 where it cannot be counted. */
uint64_t seed_contain_backlog(const char *snapshot, const char *source_executed, bool mariadb);
