/* SPDX-License-Identifier: Apache-2.0 */
#include "touch.h"

#include "abreast.h"

struct touch {
	const struct plan *p;
	size_t max;
};

static enum status touch_lock(struct session *s, void *arg, const atomic_bool *stop, struct error *err)
{
	(void)stop; /* what one more session holds need not be taken again */
	const struct touch *t = arg;
	return session_touch(s, t->p, t->max, err);
}

static enum status touch_open(struct session *s, void *arg, const atomic_bool *stop, struct error *err)
{
	(void)stop;
	const struct touch *t = arg;
	return session_warm(s, t->p, err);
}

enum status touch_some(struct session *session, unsigned n, const struct plan *p, size_t max, bool *ret_done, struct error *err)
{
	struct touch t = { .p = p, .max = max };
	enum status st = abreast_run(session, n, p->n, touch_lock, &t, err);
	*ret_done = true;
	for (unsigned i = 0; i < n; i++)
		*ret_done = *ret_done && !session[i].untouched;
	return st;
}

enum status touch_warm(struct session *session, unsigned n, const struct plan *p, struct error *err)
{
	struct touch t = { .p = p };
	return abreast_run(session, n, p->n, touch_open, &t, err);
}
