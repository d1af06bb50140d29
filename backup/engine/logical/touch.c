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
	enum status st;
	struct error err;
};

static void *touch_main(void *arg)
{
	struct touch *t = arg;
	t->st = session_touch(t->s, t->p, &t->err);
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

enum status touch_all(struct session *session, unsigned n, const struct plan *p, struct error *err)
{
	enum status st = ST_OK;
	if (p->n <= TOUCH_ALONE || n == 1) {
		for (unsigned i = 0; !st && i < n; i++)
			st = session_touch(&session[i], p, err);
		return st;
	}
	struct touch *t = calloc(n, sizeof *t);
	if (!t)
		return error_oom(err);
	for (unsigned i = 0; i < n; i++) {
		t[i].s = &session[i];
		t[i].p = p;
	}
	st = touch_parallel(t, n, err);
	free(t);
	return st;
}
