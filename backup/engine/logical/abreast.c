/* SPDX-License-Identifier: Apache-2.0 */
#include "abreast.h"

struct abreast {
	struct session *session;
	abreast_fn *fn;
	void *arg;
};

static enum status abreast_one(void *arg, size_t i, const atomic_bool *stop, struct error *err)
{
	const struct abreast *a = arg;
	struct session *s = &a->session[i];
	pthread_mutex_lock(&s->busy);
	enum status st = a->fn(s, a->arg, stop, err);
	pthread_mutex_unlock(&s->busy);
	return st;
}

enum status abreast_run(struct session *session, unsigned n, size_t things, abreast_fn *fn, void *arg, struct error *err)
{
	struct abreast a = { .session = session, .fn = fn, .arg = arg };
	return parallel_run(n, things > ABREAST_ALONE ? n : 1, abreast_one, &a, err);
}
