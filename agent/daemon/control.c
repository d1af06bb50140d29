/* SPDX-License-Identifier: Apache-2.0 */
#include "control.h"

#include <errno.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

enum status control_init(struct control *c, int wake_fd, struct error *err)
{
	pthread_condattr_t attr;
	*c = (struct control){ .wake_fd = wake_fd };
	int bad = pthread_mutex_init(&c->lock, NULL);
	if (!bad)
		bad = pthread_condattr_init(&attr);
	if (!bad) {
		pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
		bad = pthread_cond_init(&c->changed, &attr);
		pthread_condattr_destroy(&attr);
	}
	return bad ? error_sys(err, ST_FATAL, ERR_UNEXPECTED, bad, "cannot make a lock") : ST_OK;
}

static enum status refuse(struct error *err)
{
	return error_set(err, ST_RETRY, ERR_BUSY, "the agent is ending, or opens its sockets anew");
}

void control_close(struct control *c)
{
	pthread_mutex_lock(&c->lock);
	c->closed = true;
	for (struct control_request *r; (r = c->first);) {
		c->first = r->next;
		r->status = refuse(&r->err);
		r->done = true;
	}
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

void control_open(struct control *c)
{
	pthread_mutex_lock(&c->lock);
	c->closed = false;
	pthread_mutex_unlock(&c->lock);
}

void control_destroy(struct control *c)
{
	json_decref(c->view);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
}

/* ---- other threads ---- */

static json_t *view(void *arg)
{
	struct control *c = arg;
	pthread_mutex_lock(&c->lock);
	json_t *v = json_incref(c->view);
	pthread_mutex_unlock(&c->lock);
	return v;
}

static void append(struct control *c, struct control_request *r)
{
	struct control_request **at = &c->first;
	while (*at)
		at = &(*at)->next;
	*at = r;
}

static void take_back(struct control *c, const struct control_request *r)
{
	struct control_request **at = &c->first;
	while (*at && *at != r)
		at = &(*at)->next;
	if (*at)
		*at = r->next;
}

static void wait_for(struct control *c, struct control_request *r)
{
	struct timespec until;
	const uint64_t one = 1;
	ssize_t told = write(c->wake_fd, &one, sizeof one);
	(void)told;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += CONTROL_WAIT_MS / 1000;
	bool late = false;
	/* one that is in the daemon's hands is waited for, however late: it points into our stack */
	while (!r->done && (r->taken || !late))
		if (late)
			pthread_cond_wait(&c->changed, &c->lock);
		else
			late = pthread_cond_timedwait(&c->changed, &c->lock, &until) == ETIMEDOUT;
}

static enum status command(void *arg, const json_t *request, json_t **ret, struct error *err)
{
	struct control *c = arg;
	struct control_request r = { .in = request };
	enum status st = ST_OK;
	pthread_mutex_lock(&c->lock);
	if (c->closed) {
		st = refuse(err);
	} else {
		append(c, &r);
		wait_for(c, &r);
		if (!r.done) {
			take_back(c, &r);
			st = error_set(err, ST_RETRY, ERR_BUSY, "the agent has not taken the command within %d s", CONTROL_WAIT_MS / 1000);
		}
	}
	pthread_mutex_unlock(&c->lock);
	if (st)
		return st;
	if (r.status)
		*err = r.err;
	else
		*ret = r.out;
	return r.status;
}

struct http_backend control_backend(struct control *c)
{
	return (struct http_backend){ .view = view, .command = command, .arg = c };
}

/* ---- the daemon's thread ---- */

void control_publish(struct control *c, json_t *v)
{
	pthread_mutex_lock(&c->lock);
	json_t *old = c->view;
	c->view = v;
	pthread_mutex_unlock(&c->lock);
	json_decref(old);
}

struct control_request *control_take(struct control *c)
{
	pthread_mutex_lock(&c->lock);
	struct control_request *r = c->first;
	if (r) {
		c->first = r->next;
		r->taken = true;
	}
	pthread_mutex_unlock(&c->lock);
	return r;
}

void control_done(struct control *c, struct control_request *r)
{
	pthread_mutex_lock(&c->lock);
	r->done = true;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}
