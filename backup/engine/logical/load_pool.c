/* SPDX-License-Identifier: Apache-2.0 */
#include "load_pool.h"

#include <signal.h>
#include <stdlib.h>

#include "load_session.h"
#include "stream/parallel.h"

struct load_pool {
	const struct conn_options *target;
	struct run run; /* of the sessions: a child, cancelled by the first failure as well */
	unsigned nthreads;
	struct conn **conn;

	size_t n;
	load_pool_fn *fn;
	void *arg;
	atomic_size_t next;
	atomic_bool failed;
};

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
	free(p);
}

static enum status work(void *arg, size_t worker, const atomic_bool *stop, struct error *err)
{
	struct load_pool *p = arg;
	enum status st = ST_OK;
	(void)stop; /* comes with the cancel below */
	for (size_t task; !st && !run_cancelled(&p->run) && (task = atomic_fetch_add(&p->next, 1)) < p->n;) {
		if (!p->conn[worker])
			st = load_session_open(p->target, &p->run, &p->conn[worker], err);
		if (!st)
			st = p->fn(p->arg, (unsigned)worker, p->conn[worker], task, err);
	}
	/* Only the first failure counts: those after it are sessions that were shut down because of it. */
	if (!st || atomic_exchange(&p->failed, true))
		return ST_OK;
	run_cancel(&p->run, SIGTERM);
	return st;
}

enum status load_pool_run(struct load_pool *p, size_t n, load_pool_fn *fn, void *arg, struct error *err)
{
	p->n = n;
	p->fn = fn;
	p->arg = arg;
	atomic_store(&p->next, 0);
	enum status st = parallel_run(p->nthreads, p->nthreads, work, p, err);
	/* The user's cancel is what there is to report, even when a session noticed it first. */
	return run_cancelled(p->run.parent) ? run_check(p->run.parent, err) : st;
}
