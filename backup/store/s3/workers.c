/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3/workers.h"

#include <stdlib.h>

enum status workers_init(struct workers *w, unsigned n, struct error *err)
{
	*w = (struct workers){ .n = n };
	w->last = &w->first;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->work, NULL);
	w->thread = calloc(n, sizeof *w->thread);
	return w->thread ? ST_OK : error_oom(err);
}

static void *workers_main(void *arg)
{
	struct workers *w = arg;
	pthread_mutex_lock(&w->lock);
	for (;;) {
		w->idle++;
		while (!w->first && !w->ending)
			pthread_cond_wait(&w->work, &w->lock);
		w->idle--;
		struct workers_job *job = w->first;
		if (!job)
			break;
		w->first = job->next;
		w->waiting--;
		if (!w->first)
			w->last = &w->first;
		pthread_mutex_unlock(&w->lock);
		job->fn(job);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

enum status workers_push(struct workers *w, struct workers_job *job, struct error *err)
{
	int bad = 0;
	pthread_mutex_lock(&w->lock);
	if (w->waiting >= w->idle && w->started < w->n) {
		bad = pthread_create(&w->thread[w->started], NULL, workers_main, w);
		w->started += !bad;
	}
	if (!w->started) {
		pthread_mutex_unlock(&w->lock);
		return error_sys(err, ST_FATAL, ERR_UNEXPECTED, bad, "cannot start a thread");
	}
	job->next = NULL;
	*w->last = job;
	w->last = &job->next;
	w->waiting++;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
	return ST_OK;
}

void workers_destroy(struct workers *w)
{
	if (!w->n)
		return;
	pthread_mutex_lock(&w->lock);
	w->ending = true;
	pthread_cond_broadcast(&w->work);
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < w->started; i++)
		pthread_join(w->thread[i], NULL);
	free(w->thread);
	pthread_cond_destroy(&w->work);
	pthread_mutex_destroy(&w->lock);
}
