/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include "slackwater/dialect.h"

/* Statements are sent in packets of about this size. */
enum { SESSION_PACKET = 32768 };

enum status session_settle(struct conn *c, bool raw, struct error *err)
{
	/*
	 * A result that the server buffers whole first would be written to its disk. Keys that are no days, which a server has let in, are compared with where a
	 * part of a table ends: MySQL 8.0 and later refuses such a literal otherwise (1525).
	 */
	enum status st = conn_exec(c, "SET SESSION sql_buffer_result = 0, sql_mode = 'ALLOW_INVALID_DATES'", err);
	/*
	 * Not SET NAMES binary: MySQL 9.7 reads a table's partition values in the character set of whichever session opens it first, and keeps them
	 * so in its cache: a latin1 column's LIST COLUMNS or RANGE COLUMNS would then send the applier's rows to the wrong partition [run].
	 */
	if (!st && raw)
		st = conn_exec(c, INVENTORY_RAW, err);
	/*
	 * Nor are statistics of the optimizer's looked for: they lie in tables of their own, whose locks MariaDB looks for among all that the session
	 * holds, three times for each table it opens; with 2,000 locks that took six sevenths of its time [run 10.11.19].
	 */
	if (!st && conn_is_mariadb(c, 100001))
		st = conn_exec(c, "SET SESSION use_stat_tables = 'never'", err);
	if (!st && conn_is_mysql(c, 80017))
		st = conn_exec(c, "SET SESSION print_identified_with_as_hex = ON", err);
	if (!st && conn_is_mysql(c, 80030))
		st = conn_exec(c, "SET SESSION show_gipk_in_create_table_and_information_schema = ON", err);
	return st;
}

enum status session_open(struct session *s, unsigned index, const struct conn_options *o, struct run *run, struct error *err)
{
	*s = (struct session){ .index = index };
	pthread_mutex_init(&s->busy, NULL);
	enum status st = conn_open(&s->c, o, CONN_MULTI | CONN_NO_TIMEOUT, run, err);
	/* What a session waits for is a local DDL inside the window, or a replicated one that waits for another session of ours. */
	if (!st)
		st = conn_exec(s->c, "SET SESSION lock_wait_timeout = 1", err);
	return st ? st : session_settle(s->c, true, err);
}

void session_ping(struct session *s)
{
	if (pthread_mutex_trylock(&s->busy))
		return;
	if (s->c && !s->c->lost)
		(void)conn_exec(s->c, "DO 0", NULL);
	pthread_mutex_unlock(&s->busy);
}

enum status session_drop(struct session *s, struct error *err)
{
	if (!s->open)
		return ST_OK;
	s->open = s->locked = s->visiting = false;
	return conn_exec(s->c, "ROLLBACK", err);
}

enum status session_begin(struct session *s, struct error *err)
{
	/* conn has set REPEATABLE READ: under READ COMMITTED this would be no snapshot, and MariaDB would say nothing (facts/servers 8). */
	enum status st = conn_exec_strict(s->c, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY", err);
	if (!st)
		s->open = true;
	return st;
}

/* One statement per task from i = *next - 1 downwards, many in a packet; stops before `end`. */
static enum status session_packets(struct session *s, const struct plan *p, bool savepoints, size_t *next, size_t end, struct error *err)
{
	struct buf b = BUF_INIT(BUF_MAX_SQL);
	enum status st = ST_OK;
	size_t packet = *next;
	while (!st && *next > end) {
		size_t i = --*next;
		const struct task *k = p->session[s->index].item[i];
		buf_adds(&b, b.len ? ";" : "");
		if (savepoints && p->session[s->index].ends[i])
			buf_addf(&b, "SAVEPOINT sw%zu;", i);
		buf_adds(&b, "SELECT 1 FROM ");
		sql_qualified(&b, k->schema, k->name);
		buf_adds(&b, " LIMIT 0");
		if (b.len < SESSION_PACKET && *next > end)
			continue;
		st = conn_exec_buf(s->c, &b, err);
		buf_clear(&b);
		if (st)
			*next = packet; /* to be tried again: a savepoint that is set once more does no harm */
		packet = *next;
	}
	buf_free(&b);
	return st;
}

enum status session_touch(struct session *s, const struct plan *p, size_t max, struct error *err)
{
	if (!s->locked) {
		s->locked = true;
		s->untouched = p->session[s->index].n;
	}
	return session_packets(s, p, true, &s->untouched, s->untouched > max ? s->untouched - max : 0, err);
}

enum status session_scout(const struct session *s, struct conn *c, const struct plan *p, size_t max, struct error *err)
{
	struct session scout = { .c = c, .index = s->index };
	size_t next = s->locked ? s->untouched : p->session[s->index].n;
	return session_packets(&scout, p, false, &next, next > max ? next - max : 0, err);
}

enum status session_warm(struct session *s, const struct plan *p, struct error *err)
{
	size_t next = p->session[s->index].n;
	return session_packets(s, p, false, &next, 0, err);
}

enum status session_visit(struct session *s, const struct task *k, struct error *err)
{
	struct buf b = BUF_INIT(4096);
	buf_adds(&b, "SAVEPOINT sw;SELECT 1 FROM ");
	sql_qualified(&b, k->schema, k->name);
	buf_adds(&b, " LIMIT 0");
	enum status st = conn_exec_buf(s->c, &b, err);
	buf_free(&b);
	s->visiting = !st;
	return st;
}

enum status session_release(struct session *s, const struct plan *p, size_t i, struct error *err)
{
	if (s->visiting) {
		s->visiting = false;
		return conn_exec(s->c, "ROLLBACK TO SAVEPOINT sw", err);
	}
	if (!s->locked || !p->session[s->index].ends[i])
		return ST_OK;
	return conn_execf(s->c, err, "ROLLBACK TO SAVEPOINT sw%zu", i);
}

void session_close(struct session *s)
{
	if (!s->c)
		return;
	conn_free(s->c);
	pthread_mutex_destroy(&s->busy);
	*s = (struct session){ 0 };
}
