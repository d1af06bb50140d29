/* SPDX-License-Identifier: Apache-2.0 */
#include "count.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "seed/contain.h"

struct count_tables { struct strlist schema, name, type; };

/* A history is rows like others; a sequence is a table of one row. */
static enum status count_table(struct conn *c, const struct count_tables *t, size_t i, uint64_t *ret, struct error *err)
{
	struct buf sql = BUF_INIT(4096);
	uint64_t n = 0;
	buf_adds(&sql, "SELECT COUNT(*) FROM ");
	sql_ident(&sql, t->schema.item[i]);
	buf_addc(&sql, '.');
	sql_ident(&sql, t->name.item[i]);
	buf_adds(&sql, strcmp(t->type.item[i], "SYSTEM VERSIONED") ? "" : " FOR SYSTEM_TIME ALL");
	enum status st = buf_check(&sql, "a table's name", err);
	if (!st)
		st = conn_scalar_u64(c, sql.data, &n, err);
	*ret += n;
	buf_free(&sql);
	return st;
}

static enum status count_list(struct conn *c, struct count_tables *t, struct error *err)
{
	struct rows *r = NULL;
	bool more = false;
	enum status st = conn_query(c,
	                            "SELECT table_schema, table_name, table_type FROM information_schema.tables WHERE table_type IN ('BASE TABLE',"
	                            " 'SYSTEM VERSIONED', 'SEQUENCE') AND table_schema NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')",
	                            &r, err);
	while (!st && !(st = rows_next(r, &more, err)) && more) {
		struct strlist *const to[] = { &t->schema, &t->name, &t->type };
		for (size_t i = 0; !st && i < 3; i++)
			st = strlist_add(to[i], r->row[i], err);
	}
	rows_free(r);
	return st;
}

enum status proof_count(struct proof_job *j, struct error *err)
{
	const struct manifest *m = j->report->manifest;
	struct count_tables t = { 0 };
	struct conn *c = NULL;
	uint64_t rows = 0;
	enum status st = conn_open(&c, &j->login, CONN_NO_TIMEOUT, j->run, err);
	if (!st)
		st = count_list(c, &t, err);
	for (size_t i = 0; !st && i < t.name.n; i++) {
		st = run_check(j->run, err);
		if (!st)
			st = count_table(c, &t, i, &rows, err);
		event_progress(j->run->events, "count", 0, 0, rows, m->rows);
	}
	if (!st && rows != m->rows)
		st = error_set(err, ST_FAILED, ERR_NOT_PROVEN, "the restored server has %" PRIu64 " rows, the snapshot %" PRIu64, rows, m->rows);
	conn_free(c);
	strlist_free(&t.schema);
	strlist_free(&t.name);
	strlist_free(&t.type);
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
