/* SPDX-License-Identifier: Apache-2.0 */
#include "deadline.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum { DEADLINE_LOOK_S = 1 };

struct deadline_entry {
	int fd;
	bool paused;
	int64_t since_ms;
	struct deadline_entry *next, *prev;
};

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void look(struct deadline *d)
{
	int64_t now = now_ms();
	for (struct deadline_entry *e = d->entries; e; e = e->next)
		if (!e->paused && now - e->since_ms >= d->patience_ms)
			shutdown(e->fd, SHUT_RDWR);
}

static void *deadline_main(void *arg)
{
	struct deadline *d = arg;
	pthread_mutex_lock(&d->lock);
	while (!d->ending) {
		struct timespec until;
		if (!d->entries) {
			pthread_cond_wait(&d->changed, &d->lock);
			continue;
		}
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += DEADLINE_LOOK_S;
		pthread_cond_timedwait(&d->changed, &d->lock, &until);
		look(d);
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

enum status deadline_start(struct deadline *d, int64_t patience_ms, struct error *err)
{
	pthread_condattr_t attr;
	*d = (struct deadline){ .patience_ms = patience_ms };
	pthread_mutex_init(&d->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&d->changed, &attr);
	pthread_condattr_destroy(&attr);
	int bad = pthread_create(&d->thread, NULL, deadline_main, d);
	if (bad) {
		pthread_cond_destroy(&d->changed);
		pthread_mutex_destroy(&d->lock);
		return error_sys(err, ST_FATAL, ERR_UNEXPECTED, bad, "cannot start a thread");
	}
	d->started = true;
	return ST_OK;
}

void deadline_stop(struct deadline *d)
{
	if (!d->started)
		return;
	pthread_mutex_lock(&d->lock);
	d->ending = true;
	pthread_cond_signal(&d->changed);
	pthread_mutex_unlock(&d->lock);
	pthread_join(d->thread, NULL);
	pthread_cond_destroy(&d->changed);
	pthread_mutex_destroy(&d->lock);
	d->started = false;
}

struct deadline_entry *deadline_watch(struct deadline *d, int fd)
{
	struct deadline_entry *e = calloc(1, sizeof *e);
	if (!e)
		return NULL;
	*e = (struct deadline_entry){ .fd = fd, .since_ms = now_ms() };
	pthread_mutex_lock(&d->lock);
	e->next = d->entries;
	if (e->next)
		e->next->prev = e;
	else
		pthread_cond_signal(&d->changed); /* the thread sleeps while there is none */
	d->entries = e;
	pthread_mutex_unlock(&d->lock);
	return e;
}

static void set(struct deadline *d, struct deadline_entry *e, bool paused)
{
	if (!e)
		return;
	pthread_mutex_lock(&d->lock);
	e->paused = paused;
	e->since_ms = now_ms();
	pthread_mutex_unlock(&d->lock);
}

void deadline_restart(struct deadline *d, struct deadline_entry *e)
{
	set(d, e, false);
}

void deadline_pause(struct deadline *d, struct deadline_entry *e)
{
	set(d, e, true);
}

void deadline_forget(struct deadline *d, struct deadline_entry *e)
{
	if (!e)
		return;
	pthread_mutex_lock(&d->lock);
	if (e->next)
		e->next->prev = e->prev;
	if (e->prev)
		e->prev->next = e->next;
	else
		d->entries = e->next;
	pthread_mutex_unlock(&d->lock);
	free(e);
}
