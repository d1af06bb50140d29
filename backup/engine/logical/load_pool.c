/* SPDX-License-Identifier: Apache-2.0 */
#include "load_pool.h"

#include <signal.h>
#include <stdlib.h>

#include "load_session.h"

struct load_pool {
	const struct conn_options *target;
	struct run run; /* of the sessions: a child, cancelled by the first failure as well */
	unsigned nthreads;
	struct conn **conn;

	pthread_mutex_t lock;
	size_t next, n;
	load_pool_fn *fn;
	void *arg;
	enum status st;
	struct error err;
};

struct worker { struct load_pool *pool; unsigned i; pthread_t thread; bool started; };

enum status load_pool_new(const struct conn_options *target, unsigned threads, struct run *run, struct load_pool **ret,
                          struct error *err)
{
	struct load_pool *p = calloc(1, sizeof *p);
	if (!p)
		return error_oom(err);
	p->target = target;
	p->nthreads = threads ? threads : 1;
	p->conn = calloc(p->nthreads, sizeof(struct conn *));
	enum status st = p->conn ? run_child(&p->run, run, err) : error_oom(err);
	if (st) {
		free(p->conn);
		free(p);
		return st;
	}
	pthread_mutex_init(&p->lock, NULL);
	*ret = p;
	return ST_OK;
}

void load_pool_free(struct load_pool *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < p->nthreads; i++)
		conn_free(p->conn[i]);
	free(p->conn);
	run_destroy(&p->run);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* Only the first failure counts: those after it are sessions that were shut down because of it. */
static void fail(struct load_pool *p, enum status st, const struct error *e)
{
	pthread_mutex_lock(&p->lock);
	bool first = !p->st;
	if (first) {
		p->st = st;
		p->err = *e;
	}
	pthread_mutex_unlock(&p->lock);
	if (first)
		run_cancel(&p->run, SIGTERM);
}

static bool next_task(struct load_pool *p, size_t *ret)
{
	pthread_mutex_lock(&p->lock);
	bool any = !p->st && p->next < p->n && !run_cancelled(&p->run);
	if (any)
		*ret = p->next++;
	pthread_mutex_unlock(&p->lock);
	return any;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct load_pool *p = w->pool;
	struct error e = ERROR_INIT;
	enum status st = ST_OK;
	size_t task;
	while (!st && next_task(p, &task)) {
		if (!p->conn[w->i])
			st = load_session_open(p->target, &p->run, &p->conn[w->i], &e);
		if (!st)
			st = p->fn(p->arg, w->i, p->conn[w->i], task, &e);
	}
	if (st)
		fail(p, st, &e);
	return NULL;
}

enum status load_pool_run(struct load_pool *p, size_t n, load_pool_fn *fn, void *arg, struct error *err)
{
	struct worker *w = calloc(p->nthreads, sizeof *w);
	if (!w)
		return error_oom(err);
	p->next = 0;
	p->n = n;
	p->fn = fn;
	p->arg = arg;
	for (unsigned i = 0; i < p->nthreads && i < n; i++) {
		w[i] = (struct worker){ .pool = p, .i = i };
		int rc = pthread_create(&w[i].thread, NULL, work, &w[i]);
		struct error e = ERROR_INIT;
		if (rc)
			fail(p, error_sys(&e, ST_FAILED, ERR_UNEXPECTED, rc, "cannot start a loading thread"), &e);
		w[i].started = !rc;
	}
	for (unsigned i = 0; i < p->nthreads; i++)
		if (w[i].started)
			pthread_join(w[i].thread, NULL);
	free(w);
	/* The user's cancel is what there is to report, even when a session noticed it first. */
	if (run_cancelled(p->run.parent))
		return run_check(p->run.parent, err);
	if (p->st && err)
		*err = p->err;
	return p->st;
}
