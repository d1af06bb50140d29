/* SPDX-License-Identifier: Apache-2.0 */
#include "touch.h"

#include <stdlib.h>

/* Below this many tables threads cost more than they save. */
enum { TOUCH_ALONE = 100 };

struct touch {
	pthread_t thread;
	bool started;
	struct session *s;
	const struct plan *p;
	size_t max; /* 0 = warm only */
	enum status st;
	struct error err;
};

static void *touch_main(void *arg)
{
	struct touch *t = arg;
	pthread_mutex_lock(&t->s->busy);
	t->st = t->max ? session_touch(t->s, t->p, t->max, &t->err) : session_warm(t->s, t->p, &t->err);
	pthread_mutex_unlock(&t->s->busy);
	return NULL;
}

static enum status touch_parallel(struct touch *t, unsigned n, struct error *err)
{
	for (unsigned i = 0; i < n; i++) {
		t[i].started = pthread_create(&t[i].thread, NULL, touch_main, &t[i]) == 0;
		if (!t[i].started) /* then here and now */
			touch_main(&t[i]);
	}
	enum status st = ST_OK;
	for (unsigned i = 0; i < n; i++) {
		if (t[i].started)
			pthread_join(t[i].thread, NULL);
		if (t[i].st && !st) {
			st = t[i].st;
			*err = t[i].err;
		}
	}
	return st;
}

static enum status touch_each(struct session *session, unsigned n, const struct plan *p, size_t max, struct error *err)
{
	struct touch *t = calloc(n, sizeof *t);
	if (!t)
		return error_oom(err);
	for (unsigned i = 0; i < n; i++)
		t[i] = (struct touch){ .s = &session[i], .p = p, .max = max };
	enum status st = ST_OK;
	if (n > 1 && p->n > TOUCH_ALONE) {
		st = touch_parallel(t, n, err);
	} else {
		for (unsigned i = 0; !st && i < n; i++) {
			touch_main(&t[i]);
			st = t[i].st;
			if (st)
				*err = t[i].err;
		}
	}
	free(t);
	return st;
}

enum status touch_some(struct session *session, unsigned n, const struct plan *p, size_t max, bool *ret_done, struct error *err)
{
	enum status st = touch_each(session, n, p, max, err);
	*ret_done = true;
	for (unsigned i = 0; i < n; i++)
		*ret_done = *ret_done && !session[i].untouched;
	return st;
}

enum status touch_warm(struct session *session, unsigned n, const struct plan *p, struct error *err)
{
	return touch_each(session, n, p, 0, err);
}
