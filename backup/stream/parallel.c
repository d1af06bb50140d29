/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/parallel.h"

#include <pthread.h>
#include <stdbool.h>

enum { PARALLEL_THREADS_MAX = 256 };

struct parallel {
	size_t n;
	parallel_fn *fn;
	void *arg;
	atomic_size_t next;
	atomic_bool stop;
	pthread_mutex_t lock;
	struct error failure; /* the first */
};

static void *parallel_work(void *arg)
{
	struct parallel *p = arg;
	for (size_t i; !atomic_load(&p->stop) && (i = atomic_fetch_add(&p->next, 1)) < p->n;) {
		struct error err = ERROR_INIT;
		if (p->fn(p->arg, i, &p->stop, &err) == ST_OK)
			continue;
		pthread_mutex_lock(&p->lock);
		if (!p->failure.status)
			p->failure = err;
		atomic_store(&p->stop, true);
		pthread_mutex_unlock(&p->lock);
	}
	return NULL;
}

enum status parallel_run(size_t n, unsigned threads, parallel_fn *fn, void *arg, struct error *err)
{
	struct parallel p = { .n = n, .fn = fn, .arg = arg };
	pthread_t id[PARALLEL_THREADS_MAX];
	unsigned started = 0;
	if (threads > n)
		threads = (unsigned)n;
	if (threads > PARALLEL_THREADS_MAX)
		threads = PARALLEL_THREADS_MAX;
	pthread_mutex_init(&p.lock, NULL);
	/* The caller's thread is one of them, so that it works, more slowly, when no thread is to be had. */
	while (started + 1 < threads && pthread_create(&id[started], NULL, parallel_work, &p) == 0)
		started++;
	parallel_work(&p);
	for (unsigned i = 0; i < started; i++)
		pthread_join(id[i], NULL);
	pthread_mutex_destroy(&p.lock);
	if (p.failure.status && err)
		*err = p.failure;
	return p.failure.status;
}
