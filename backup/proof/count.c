/* SPDX-License-Identifier: Apache-2.0 */
#include "count.h"

#include <stdlib.h>

#include "seed/contain.h"
#include "seed/gtids.h"
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
	const char *before = seed_gtids_of(j->cp, j->o->from_replica);
	struct conn *c = NULL;
	struct error ignored = ERROR_INIT;
	char *now = NULL;
	uint64_t n = 0;
	if (!*before)
		return 0;
	if (!conn_open(&c, &j->login, 0, j->run, &ignored) && !seed_gtids_read(c, false, &now, &ignored))
		n = seed_contain_backlog(before, now, proof_is_mariadb(j));
	conn_free(c);
	free(now);
	return n;
}
