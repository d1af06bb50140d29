/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

enum { COMMANDS_WAITING_MAX = 16 };

static void carry_out(struct command_queue *q, struct command *c, bool ending)
{
	c->err = ERROR_INIT;
	c->answer = NULL;
	if (ending)
		error_set(&c->err, ST_FAILED, ERR_BUSY, "the agent is ending");
	else if (q->backend->command(q->backend->arg, c->request, &c->answer, &c->err))
		c->answer = NULL;
	else if (!c->answer)
		error_oom(&c->err);
	c->done(c);
}

static void *command_main(void *arg)
{
	struct command_queue *q = arg;
	pthread_mutex_lock(&q->lock);
	while (q->first || !q->ending) {
		struct command *c = q->first;
		if (!c) {
			pthread_cond_wait(&q->changed, &q->lock);
			continue;
		}
		q->first = c->next;
		if (!q->first)
			q->last = &q->first;
		q->waiting--;
		bool ending = q->ending;
		pthread_mutex_unlock(&q->lock);
		carry_out(q, c, ending);
		pthread_mutex_lock(&q->lock);
	}
	pthread_mutex_unlock(&q->lock);
	return NULL;
}

enum status command_start(struct command_queue *q, const struct http_backend *backend, struct error *err)
{
	*q = (struct command_queue){ .backend = backend };
	q->last = &q->first;
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->changed, NULL);
	int bad = pthread_create(&q->thread, NULL, command_main, q);
	if (bad) {
		pthread_cond_destroy(&q->changed);
		pthread_mutex_destroy(&q->lock);
		return error_sys(err, ST_FATAL, ERR_UNEXPECTED, bad, "cannot start a thread");
	}
	q->started = true;
	return ST_OK;
}

/* The lock outlives the thread: a listener that is still open may add until it is closed, and is refused. */
void command_stop(struct command_queue *q)
{
	if (!q->started)
		return;
	pthread_mutex_lock(&q->lock);
	q->ending = true;
	pthread_cond_signal(&q->changed);
	pthread_mutex_unlock(&q->lock);
	pthread_join(q->thread, NULL);
	q->started = false;
}

enum status command_add(struct command_queue *q, struct command *c, struct error *err)
{
	enum status st = ST_OK;
	c->next = NULL;
	pthread_mutex_lock(&q->lock);
	if (q->ending) {
		st = error_set(err, ST_FAILED, ERR_BUSY, "the agent is ending");
	} else if (q->waiting >= COMMANDS_WAITING_MAX) {
		st = error_set(err, ST_FAILED, ERR_BUSY, "%u commands are waiting already", q->waiting);
	} else {
		*q->last = c;
		q->last = &c->next;
		q->waiting++;
		pthread_cond_signal(&q->changed);
	}
	pthread_mutex_unlock(&q->lock);
	return st;
}
