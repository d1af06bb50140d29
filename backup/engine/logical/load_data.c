/* SPDX-License-Identifier: Apache-2.0 */
#include "load_data.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "load_ddl.h"
#include "load_session.h"
#include "load_split.h"
#include "slackwater/dialect.h"

enum { ENTRY_TRIES = 10, ENTRY_PAUSE_MS = 20 };

static enum status create(struct load_data *d, struct conn *c, struct load_table *t, const char *sql, size_t len, struct error *err)
{
	struct load_ddl ddl = { 0 };
	struct buf statement = BUF_INIT(BUF_MAX_SQL), tail = BUF_INIT(BUF_MAX_SQL);
	enum status st = load_ddl_parse(sql, len, &ddl, err);
	if (st)
		return st;
	load_ddl_split(&ddl, t->referred || t->t->files == 0 || !ddl.list_end, &statement, &tail);
	st = buf_check(&statement, "a CREATE TABLE statement", err);
	if (!st)
		st = buf_check(&tail, "an ALTER TABLE statement", err);
	if (!st)
		st = load_session_exec(c, statement.data, statement.len, true, t->schema->name, NULL, err);
	if (!st && tail.len && !(t->tail = buf_take(&tail)))
		st = error_oom(err);
	atomic_fetch_add(&d->statements, 1);
	buf_free(&statement);
	buf_free(&tail);
	load_ddl_free(&ddl);
	return st;
}

static enum status create_table(void *arg, unsigned worker, struct conn *c, size_t i, struct error *err)
{
	(void)worker;
	struct load_data *d = arg;
	struct load_table *t = &d->plan->table[i];
	if (t->sequence != d->sequences)
		return ST_OK;
	struct buf text = BUF_INIT(1);
	enum status st = load_session_use(c, t->t->schema, err);
	if (!st)
		st = load_plan_read(d->plan, t->schema, &text, err);
	struct load_split s = load_split_of(&text);
	const char *sql;
	size_t len;
	while (!st && load_split_unblanked(&s, &text, &sql, &len)) {
		if (t->t->view || strncmp(sql, "CREATE TABLE ", 13) != 0)
			st = load_session_exec(c, sql, len, true, t->schema->name, NULL, err);
		else
			st = create(d, c, t, sql, len, err);
	}
	buf_free(&text);
	return st;
}

enum status load_data_create(struct load_data *d, struct load_pool *pool, struct error *err)
{
	d->sequences = true;
	enum status st = load_pool_run(pool, d->plan->layout->ntables, create_table, d, err);
	d->sequences = false;
	return st ? st : load_pool_run(pool, d->plan->layout->ntables, create_table, d, err);
}

static enum status build_indexes(struct load_data *d, struct conn *c, struct load_table *t, struct error *err)
{
	struct buf sql = BUF_INIT(BUF_MAX_SQL);
	buf_adds(&sql, "ALTER TABLE ");
	sql_qualified(&sql, t->t->schema, t->t->name);
	buf_addf(&sql, " %s", t->tail);
	enum status st = buf_check(&sql, "an ALTER TABLE statement", err);
	/* The names in it are UTF-8; the rows were put in as bytes. */
	if (!st)
		st = conn_exec(c, "SET NAMES utf8mb4", err);
	event_debug(d->run->events, "load", "building the indexes of %s", t->t->file);
	if (!st)
		st = load_session_exec(c, sql.data, sql.len, true, t->t->file, NULL, err);
	atomic_fetch_add(&d->statements, 1);
	buf_free(&sql);
	return st;
}

/*
 * Blanks are put into names that hold what ends statements, as in definitions. Rows have no line ends but those between them, and no blank before these.
 * The text itself stays as it is: it may be put in again.
 */
static enum status put_statement(struct conn *c, const char *sql, size_t len, const char *what, uint64_t *ret_rows, struct error *err)
{
	struct buf b = BUF_INIT(len + 16);
	if (!memmem(sql, len, " \n", 2))
		return load_session_exec(c, sql, len, false, what, ret_rows, err);
	buf_add(&b, sql, len);
	enum status st = buf_check(&b, what, err);
	if (!st)
		st = load_session_exec(c, b.data, layout_unblank(b.data, b.len), false, what, ret_rows, err);
	buf_free(&b);
	return st;
}

/* One transaction per entry: fewer flushes, and a failing one leaves none of its rows. */
static enum status put_rows(struct load_data *d, struct conn *c, const struct load_chunk *k, const struct buf *text, uint64_t *ret_rows,
                            struct error *err)
{
	struct load_split s = load_split_of(text);
	const char *sql;
	size_t len;
	enum status st = conn_exec(c, "BEGIN", err);
	while (!st && load_split_next(&s, &sql, &len)) {
		uint64_t n = 0;
		bool insert = load_split_is_insert(sql, len);
		st = put_statement(c, sql, len, k->entry->name, insert ? &n : NULL, err);
		*ret_rows += n;
		atomic_fetch_add(&d->statements, insert);
	}
	return st ? st : conn_exec(c, "COMMIT", err);
}

/* Nothing of the entry is there any more, and its transaction may begin anew: only of another engine's table the server cannot say so. */
static bool undone(struct conn *c)
{
	return !conn_exec(c, "ROLLBACK", NULL) && c->ops->warning_count(c) == 0;
}

/* The first rows of a table may deadlock with those of another thread: MariaDB locks the whole of an empty table for them (1213 [run 10.11.19]). */
static enum status put_entry(struct load_data *d, struct conn *c, const struct load_chunk *k, const struct buf *text, uint64_t *ret_rows,
                             struct error *err)
{
	enum status st = put_rows(d, c, k, text, ret_rows, err);
	for (unsigned i = 1; st == ST_RETRY && i < ENTRY_TRIES && undone(c) && !run_sleep_ms(c->run, ENTRY_PAUSE_MS * i, NULL); i++) {
		event_debug(d->run->events, "load", "%s is put in again: %s", k->entry->name, err->message);
		*ret_rows = 0;
		st = put_rows(d, c, k, text, ret_rows, err);
	}
	return st;
}

static enum status finish_table(struct load_data *d, struct conn *c, struct load_table *t, struct error *err)
{
	uint64_t rows = atomic_load(&t->rows);
	if (rows != t->t->rows)
		return error_set(err, ST_FAILED, ERR_SERVER, "%s.%s has %" PRIu64 " rows after the load, the snapshot has %" PRIu64, t->t->schema,
		                 t->t->name, rows, t->t->rows);
	return t->tail ? build_indexes(d, c, t, err) : ST_OK;
}

static enum status load_chunk(void *arg, unsigned worker, struct conn *c, size_t i, struct error *err)
{
	struct load_data *d = arg;
	(void)i; /* which one it is, is for the schedule to say */
	const struct load_chunk *k = load_schedule_take(d->schedule, worker);
	struct buf text = BUF_INIT(1);
	uint64_t rows = 0;
	if (!k)
		return ST_OK;
	enum status st = load_plan_read(d->plan, k->entry, &text, err);
	if (!st)
		st = load_session_use(c, k->table->t->schema, err);
	if (!st)
		st = put_entry(d, c, k, &text, &rows, err);
	buf_free(&text);
	if (!st && rows != k->entry->rows)
		st = error_set(err, ST_FAILED, ERR_SERVER, "%s: the server put in %" PRIu64 " rows, the snapshot has %" PRIu64, k->entry->name,
		               rows, k->entry->rows);
	if (st)
		return st;
	rows = atomic_fetch_add(&d->rows, rows) + rows;
	uint64_t bytes = atomic_fetch_add(&d->bytes, k->entry->raw_bytes) + k->entry->raw_bytes;
	event_progress(d->run->events, "load", bytes, d->plan->raw_bytes, rows, d->plan->rows);
	atomic_fetch_add(&k->table->rows, k->entry->rows);
	return atomic_fetch_sub(&k->table->left, 1) == 1 ? finish_table(d, c, k->table, err) : ST_OK;
}

enum status load_data_rows(struct load_data *d, struct load_pool *pool, unsigned threads, struct error *err)
{
	enum status st = load_schedule_new(d->plan, threads, &d->schedule, err);
	if (!st)
		st = load_pool_run(pool, d->plan->nchunks, load_chunk, d, err);
	load_schedule_free(d->schedule);
	d->schedule = NULL;
	return st;
}
