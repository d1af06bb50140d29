/* SPDX-License-Identifier: Apache-2.0 */
#include "dump.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "json_types.h"
#include "layout.h"
#include "slackwater/dialect.h"

#define RANGE_MAX (4u << 20)

struct worker {
	struct dump *d;
	struct session *s;
	struct task *task;
	struct insert *in;
	struct chunk_range range;
	char last[256];           /* integer key of the last row read, as text; ZEROFILL may fill it up to 255 digits */
};

enum status dump_ddl_error(enum status st, struct error *err)
{
	/* Table definition has changed; table, column, view, trigger, routine, event, schema does not exist; not a base table; lock wait. */
	static const unsigned ddl[] = { 1412, 1146, 1054, 1356, 1360, 1305, 1539, 1049, 1051, 1347, 1176, 1205, 1213, 1932, 1814 };
	if ((st != ST_FAILED && st != ST_RETRY) || !err)
		return st;
	for (size_t i = 0; i < sizeof ddl / sizeof ddl[0]; i++) {
		if (err->my_errno == ddl[i]) {
			error_prefix(err, err->my_errno == 1205 || err->my_errno == 1213 ? "a table is locked by somebody else" : "a DDL came in between");
			err->kind = ERR_INCONSISTENT;
			return err->status = ST_RETRY;
		}
	}
	return st;
}

enum status dump_put(struct stream_writer *w, const struct table *t, uint64_t number, struct stream_entry *e, struct error *err)
{
	struct buf name = BUF_INIT(4096);
	layout_data_name(&name, t->file, number);
	e->name = buf_take(&name);
	buf_free(&name);
	if (!e->name) {
		stream_entry_free(e);
		return error_oom(err);
	}
	return stream_writer_put(w, -1, e, err);
}

static enum status worker_put(void *arg, const struct table *t, struct stream_entry *e, struct error *err)
{
	struct worker *w = arg;
	enum status st = run_check(w->d->run, err);
	if (st) {
		stream_entry_free(e);
		return st;
	}
	atomic_fetch_add(&w->task->rows_done, e->rows);
	atomic_fetch_add(&w->task->bytes_done, e->raw_bytes);
	return dump_put(w->d->writer, t, atomic_fetch_add(&w->task->files, 1), e, err);
}

void dump_select(const struct table *t, struct buf *b)
{
	buf_adds(b, "SELECT /*!40001 SQL_NO_CACHE */ ");
	insert_columns(t, b);
	buf_adds(b, " FROM ");
	sql_qualified(b, t->schema, t->name);
	buf_adds(b, t->versioned ? " FOR SYSTEM_TIME ALL" : "");
}

static void worker_remember(struct worker *w, const struct rows *r)
{
	size_t n = r->len[w->range.column];
	if (n >= sizeof w->last)
		n = sizeof w->last - 1;
	memcpy(w->last, r->row[w->range.column], n);
	w->last[n] = '\0';
}

/* The hot loop. */
static enum status worker_rows(struct worker *w, struct rows *r, uint64_t *ret_rows, struct error *err)
{
	uint64_t n = 0, limit = w->range.limit;
	enum status st = ST_OK;
	while (rows_more(r, &st, err)) {
		st = run_check(w->d->run, err); /* what the library has buffered may take long to compress */
		if (!st)
			st = insert_row(w->in, r->row, r->len, err);
		if (++n == limit)
			worker_remember(w, r);
	}
	*ret_rows = n;
	return st;
}

enum status dump_json(struct insert *in, const struct table *t, const char *where, struct conn *c, atomic_uint_fast64_t *sum, struct error *err)
{
	uint64_t lost = 0, ask = 0, told = 0;
	enum status st = ST_OK;
	insert_take_json(in, &lost, &ask);
	if (ask)
		st = json_types_ask(c, t, where, &told, err);
	atomic_fetch_add(sum, lost > told ? lost : told);
	return st;
}

static enum status worker_range(struct worker *w, struct error *err)
{
	struct buf sql = BUF_INIT(RANGE_MAX + (1u << 20));
	struct rows *r = NULL;
	uint64_t rows = 0, before = insert_bytes(w->in);
	dump_select(w->task->table, &sql);
	buf_add(&sql, w->range.where.data, w->range.where.len);
	enum status st = buf_check(&sql, "a query", err);
	w->last[0] = '\0';
	if (!st)
		st = conn_stream(w->s->c, &sql, &r, err);
	if (!st)
		st = worker_rows(w, r, &rows, err);
	rows_free(r);
	buf_free(&sql);
	if (!st)
		st = dump_json(w->in, w->task->table, buf_str(&w->range.where), w->s->c, &w->task->json_lost, err);
	if (!st && atomic_load(&w->task->json_lost))
		st = json_types_check(w->task->table, w->d->json_types, err);
	if (st)
		return st;
	uint64_t bytes = insert_bytes(w->in) - before;
	return chunk_report(&w->task->chunker, &w->range, rows, bytes, w->last[0] ? w->last : NULL, err);
}

/* The next range, read. */
static enum status worker_step(struct worker *w, bool *more, struct error *err)
{
	enum status st = run_check(w->d->run, err);
	pthread_mutex_lock(&w->s->busy);
	if (!st)
		st = chunk_next(&w->task->chunker, w->s->c, &w->range, more, err);
	if (!st && *more)
		st = worker_range(w, err);
	pthread_mutex_unlock(&w->s->busy);
	return st;
}

static enum status worker_task(struct worker *w, struct error *err)
{
	bool more = true;
	enum status st = insert_begin(w->in, w->task->table, err);
	while (!st && more)
		st = worker_step(w, &more, err);
	return st ? st : insert_end(w->in, err); /* may wait for the store, for long: the session is idle then */
}

static enum status worker_arrive(struct worker *w, struct error *err)
{
	pthread_mutex_lock(&w->s->busy);
	enum status st = w->d->arrive(w->d->arrive_arg, w->s, w->task, err);
	pthread_mutex_unlock(&w->s->busy);
	return st;
}

static enum status worker_leave(struct worker *w, size_t i, struct error *err)
{
	pthread_mutex_lock(&w->s->busy);
	enum status st = session_release(w->s, w->d->plan, i, err);
	pthread_mutex_unlock(&w->s->busy);
	return st;
}

static enum status worker_tasks(struct worker *w, struct error *err)
{
	struct dump *d = w->d;
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < d->plan->session[w->s->index].n; i++) {
		w->task = d->plan->session[w->s->index].item[i];
		if (w->task->rows && d->arrive)
			st = worker_arrive(w, err);
		if (!st && w->task->rows)
			st = worker_task(w, err);
		if (st && err->my_errno)
			error_prefix(err, "`%s`.`%s`", w->task->schema, w->task->name);
		if (!st)
			st = worker_leave(w, i, err);
	}
	/* Its read view is not needed any more: InnoDB may purge. */
	pthread_mutex_lock(&w->s->busy);
	if (!st)
		st = session_drop(w->s, err);
	pthread_mutex_unlock(&w->s->busy);
	return st;
}

static void worker_finish(struct worker *w, enum status st, const struct error *err)
{
	struct dump *d = w->d;
	bool first = false;
	pthread_mutex_lock(&d->lock);
	if (st && !d->st) {
		d->st = st;
		d->err = *err;
		first = true;
	}
	if (w->in)
		insert_totals_add(&d->totals, insert_totals(w->in));
	d->running--;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
	if (first)
		run_cancel(d->run, SIGUSR1); /* the other sessions stop reading */
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct error err = ERROR_INIT;
	w->range.where = BUF_INIT(RANGE_MAX);
	enum status st = insert_new(w->d->chunk_bytes, w->d->zstd_level, worker_put, w, &w->in, &err);
	if (!st)
		st = worker_tasks(w, &err);
	st = dump_ddl_error(st, &err);
	worker_finish(w, st, &err);
	insert_free(w->in);
	buf_free(&w->range.where);
	free(w);
	return NULL;
}

enum status dump_start(struct dump *d, pthread_t *thread, unsigned *ret_started, struct error *err)
{
	pthread_mutex_init(&d->lock, NULL);
	pthread_condattr_t a;
	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_cond_init(&d->changed, &a);
	pthread_condattr_destroy(&a);
	d->running = d->nsessions;
	*ret_started = 0;
	for (unsigned i = 0; i < d->nsessions; i++) {
		struct worker *w = calloc(1, sizeof *w);
		int e = w ? 0 : ENOMEM;
		if (w) {
			*w = (struct worker){ .d = d, .s = &d->session[i] };
			e = pthread_create(&thread[i], NULL, worker_main, w);
		}
		if (e) {
			free(w);
			pthread_mutex_lock(&d->lock);
			d->running -= d->nsessions - i;
			pthread_mutex_unlock(&d->lock);
			run_cancel(d->run, SIGUSR1);
			return error_sys(err, ST_FATAL, ERR_UNEXPECTED, e, "cannot start a worker thread");
		}
		++*ret_started;
	}
	return ST_OK;
}

bool dump_done(struct dump *d, int64_t ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&d->lock);
	int e = 0;
	while (d->running && !e)
		e = pthread_cond_timedwait(&d->changed, &d->lock, &until);
	bool done = !d->running;
	pthread_mutex_unlock(&d->lock);
	return done;
}

enum status dump_join(struct dump *d, pthread_t *thread, unsigned started, struct error *err)
{
	for (unsigned i = 0; i < started; i++)
		pthread_join(thread[i], NULL);
	pthread_cond_destroy(&d->changed);
	pthread_mutex_destroy(&d->lock);
	if (d->st && err)
		*err = d->err;
	return d->st;
}

void dump_progress(const struct dump *d, uint64_t *ret_bytes, uint64_t *ret_rows)
{
	*ret_bytes = *ret_rows = 0;
	for (size_t i = 0; i < d->plan->n; i++) {
		*ret_bytes += atomic_load(&d->plan->task[i].bytes_done);
		*ret_rows += atomic_load(&d->plan->task[i].rows_done);
	}
}
