/* SPDX-License-Identifier: Apache-2.0 */
#include "abreast.h"

#include <stdlib.h>

struct abreast {
	pthread_t thread;
	bool started;
	struct session *s;
	abreast_fn *fn;
	void *arg;
	enum status st;
	struct error err;
};

static void *abreast_main(void *arg)
{
	struct abreast *a = arg;
	pthread_mutex_lock(&a->s->busy);
	a->st = a->fn(a->s, a->arg, &a->err);
	pthread_mutex_unlock(&a->s->busy);
	return NULL;
}

static void abreast_threads(struct abreast *a, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		a[i].started = pthread_create(&a[i].thread, NULL, abreast_main, &a[i]) == 0;
		if (!a[i].started) /* then here and now */
			abreast_main(&a[i]);
	}
	for (unsigned i = 0; i < n; i++)
		if (a[i].started)
			pthread_join(a[i].thread, NULL);
}

enum status abreast_run(struct session *session, unsigned n, size_t things, abreast_fn *fn, void *arg, struct error *err)
{
	struct abreast *a = calloc(n, sizeof *a);
	if (!a)
		return error_oom(err);
	for (unsigned i = 0; i < n; i++)
		a[i] = (struct abreast){ .s = &session[i], .fn = fn, .arg = arg, .err = ERROR_INIT };
	if (n > 1 && things > ABREAST_ALONE)
		abreast_threads(a, n);
	else
		for (unsigned i = 0; i < n && (!i || !a[i - 1].st); i++)
			abreast_main(&a[i]);
	enum status st = ST_OK;
	for (unsigned i = 0; !st && i < n; i++) {
		st = a[i].st;
		if (st)
			*err = a[i].err;
	}
	free(a);
	return st;
}
