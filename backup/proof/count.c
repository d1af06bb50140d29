/* SPDX-License-Identifier: Apache-2.0 */
#include "count.h"

#include <stdlib.h>

#include "seed/contain.h"
#include "seed/rowcount.h"

enum status proof_count(struct proof_job *j, struct error *err)
{
	struct conn *c = NULL;
	enum status st = conn_open(&c, &j->login, CONN_NO_TIMEOUT, j->run, err);
	if (!st)
		st = seed_rowcount(c, NULL, j->report->manifest->rows, err);
	conn_free(c);
	return st;
}

uint64_t proof_count_transactions(struct proof_job *j)
{
	const struct checkpoint *cp = j->cp;
	bool mariadb = proof_is_mariadb(j);
	const char *before = !mariadb ? cp->gtid_executed : j->o->from_replica ? cp->gtid_binlog_pos : cp->gtid_slave_pos;
	struct conn *c = NULL;
	struct error ignored = ERROR_INIT;
	char *now = NULL;
	uint64_t n = 0;
	if (!before || !*before)
		return 0;
	if (!conn_open(&c, &j->login, 0, j->run, &ignored) && !conn_variable(c, mariadb ? "gtid_slave_pos" : "gtid_executed", &now, &ignored) && now)
		n = seed_contain_backlog(before, now, mariadb);
	conn_free(c);
	free(now);
	return n;
}
