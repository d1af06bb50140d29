/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3/cred.h"

#include <stdlib.h>
#include <string.h>

#include "store/s3/cred_sources.h"

enum {
	CRED_EARLY_MS = 5 * 60 * 1000, /* renewed so long before they end, as long as they last longer than twice that */
	CRED_PAUSE_MS = 10 * 1000      /* between two attempts to renew keys that still hold */
};

struct cred {
	pthread_mutex_t lock;
	char *region;
	struct cred_keys keys;
	cred_source_fn *source; /* the one that had them */
	bool stale;             /* the store does not take them any more */
	bool renewing;          /* a thread is at it, without the lock */
	pthread_cond_t renewed;
	int64_t renew_ms;       /* wall clock, 0 = never */
	_Atomic(const char *) from;
};

static void cred_wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

void cred_keys_free(struct cred_keys *k)
{
	cred_wipe(k->access);
	cred_wipe(k->secret);
	cred_wipe(k->token);
	*k = (struct cred_keys){ .access = NULL };
}

static enum status cred_copy(const struct cred_keys *from, struct cred_keys *to, struct error *err)
{
	*to = (struct cred_keys){ .expires_ms = from->expires_ms, .from = from->from };
	to->access = strdup(from->access);
	to->secret = strdup(from->secret);
	to->token = from->token ? strdup(from->token) : NULL;
	if (to->access && to->secret && (to->token || !from->token))
		return ST_OK;
	cred_keys_free(to);
	return error_oom(err);
}

enum status cred_new(const char *region, struct cred **ret, struct error *err)
{
	struct cred *c = calloc(1, sizeof *c);
	if (!c)
		return error_oom(err);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->renewed, NULL);
	atomic_store(&c->from, "");
	if (!(c->region = strdup(region))) {
		cred_free(c);
		return error_oom(err);
	}
	*ret = c;
	return ST_OK;
}

void cred_free(struct cred *c)
{
	if (!c)
		return;
	cred_keys_free(&c->keys);
	free(c->region);
	pthread_cond_destroy(&c->renewed);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static enum status cred_none(struct error *err)
{
	error_set(err, ST_FAILED, ERR_STORE, "no credentials for S3 were found");
	error_hint(err, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or have a profile in ~/.aws/credentials (AWS_PROFILE names it)");
	return ST_FAILED;
}

/* The first place that has them; a place that should have them and cannot say them ends the search: others would be somebody else's. */
static enum status cred_search(struct cred *c, const struct run *run, struct cred_keys *ret, struct error *err)
{
	for (cred_source_fn *const *f = c->source ? &c->source : cred_sources; *f; f++) {
		*ret = (struct cred_keys){ .access = NULL };
		enum status st = (*f)(c->region, run, ret, err);
		if (st)
			cred_keys_free(ret);
		if (st || ret->access) {
			c->source = *f;
			return st;
		}
		if (c->source)
			break;
	}
	return cred_none(err);
}

static bool cred_hold(const struct cred *c, int64_t now)
{
	return c->keys.access && !c->stale && (!c->keys.expires_ms || now < c->keys.expires_ms);
}

/* Takes fresh. */
static void cred_install(struct cred *c, struct cred_keys *fresh, int64_t now)
{
	int64_t lasts = fresh->expires_ms - now;
	cred_keys_free(&c->keys);
	c->keys = *fresh;
	c->stale = false;
	c->renew_ms = !fresh->expires_ms ? 0 : lasts > 2 * CRED_EARLY_MS ? fresh->expires_ms - CRED_EARLY_MS : now + lasts / 2;
	atomic_store(&c->from, fresh->from);
}

/* With the lock, which is let go meanwhile: those whose keys still hold need not wait. */
static enum status cred_renew(struct cred *c, const struct run *run, struct error *err)
{
	struct cred_keys fresh = { .access = NULL };
	struct error mine = ERROR_INIT;
	c->renewing = true;
	pthread_mutex_unlock(&c->lock);
	enum status st = cred_search(c, run, &fresh, &mine);
	pthread_mutex_lock(&c->lock);
	c->renewing = false;
	pthread_cond_broadcast(&c->renewed);
	int64_t now = run_wall_ms(run);
	if (!st) {
		cred_install(c, &fresh, now);
		event_debug(run->events, "store", "credentials came from %s", c->keys.from);
		return ST_OK;
	}
	if (cred_hold(c, now) && !run_cancelled(run)) {
		event_debug(run->events, "store", "the credentials could not be renewed yet: %s", mine.message);
		c->renew_ms = now + CRED_PAUSE_MS;
		return ST_OK;
	}
	if (err)
		*err = mine;
	return st;
}

enum status cred_get(struct cred *c, const struct run *run, struct cred_keys *ret, struct error *err)
{
	enum status st = ST_OK;
	pthread_mutex_lock(&c->lock);
	while (c->renewing && !cred_hold(c, run_wall_ms(run)))
		pthread_cond_wait(&c->renewed, &c->lock); /* a cancel ends what is waited for */
	int64_t now = run_wall_ms(run);
	if (!c->renewing && (!cred_hold(c, now) || (c->renew_ms && now >= c->renew_ms)))
		st = cred_renew(c, run, err);
	if (!st)
		st = cred_copy(&c->keys, ret, err);
	pthread_mutex_unlock(&c->lock);
	return st;
}

void cred_expired(struct cred *c, const char *access)
{
	pthread_mutex_lock(&c->lock);
	if (c->keys.access && strcmp(c->keys.access, access) == 0)
		c->stale = true;
	pthread_mutex_unlock(&c->lock);
}

const char *cred_from(struct cred *c)
{
	return atomic_load(&c->from);
}
