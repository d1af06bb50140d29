/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "slackwater/array.h"
#include "store/s3/answer.h"
#include "store/s3/cred_profile.h"
#include "store/s3/sign.h"

enum {
	CLIENT_FIRST_PAUSE_MS = 200,
	CLIENT_LONGEST_PAUSE_MS = 20 * 1000,
	CLIENT_RETRY_AFTER_MAX_MS = 60 * 1000,
	CLIENT_UNREACHED_MS = 15 * 1000, /* nobody has ever answered: more likely a wrong address than a bad moment */
	CLIENT_TIDY_MS = 30 * 1000,
	CLIENT_CONNECT_MS = 10 * 1000,
	CLIENT_TRIES_OF_A_KIND = 4       /* for what a repetition mends at once or hardly ever */
};

static enum status client_set_region(struct client *c, const struct store_options *o, struct error *err)
{
	const char *named[] = { o->s3.region, getenv("AWS_REGION"), getenv("AWS_DEFAULT_REGION"), NULL, "us-east-1" };
	struct buf profile = BUF_INIT(CLIENT_REGION);
	size_t i = 0;
	if (cred_profile_setting("region", &profile, err) == ST_OK)
		named[3] = buf_str(&profile);
	while (!named[i] || !*named[i])
		i++;
	bool good = strlen(named[i]) < sizeof c->region && strspn(named[i], "abcdefghijklmnopqrstuvwxyz0123456789-_") == strlen(named[i]);
	enum status st = good ? ST_OK : error_set(err, ST_FAILED, ERR_USAGE, "%.60s is not the name of a region", named[i]);
	if (good)
		snprintf(c->region, sizeof c->region, "%s", named[i]);
	buf_free(&profile);
	return st;
}

const char *client_endpoint(const struct store_options *o)
{
	const char *named = o->s3.endpoint;
	if (!named || !*named)
		named = getenv("AWS_ENDPOINT_URL_S3");
	if (!named || !*named)
		named = getenv("AWS_ENDPOINT_URL");
	return named;
}

enum status client_init(struct client *c, const char *url, const struct store_options *o, struct run *run, struct error *err)
{
	*c = (struct client){ .run = run, .retry_ms = o->s3.retry_ms, .unsigned_payload = o->s3.unsigned_payload };
	pthread_mutex_init(&c->lock, NULL);
	throttle_init(&c->throttle, o->upload_limit);
	const char *ca = o->s3.ca && *o->s3.ca ? o->s3.ca : getenv("AWS_CA_BUNDLE");
	c->http = (struct http_settings){ .connect_ms = CLIENT_CONNECT_MS, .stall_ms = o->s3.stall_ms, .throttle = &c->throttle };
	enum status st = run_shield(&c->shield, run, err);
	if (!st && ca && *ca && !(c->http.ca_file = strdup(ca)))
		st = error_oom(err);
	if (!st)
		st = place_init(&c->place, url, client_endpoint(o), o->s3.style, err);
	if (!st)
		st = client_set_region(c, o, err);
	if (!st)
		st = cred_new(c->region, &c->cred, err);
	return st;
}

void client_free(struct client *c)
{
	if (atomic_load(&c->retries))
		event_info(c->run->events, "store", "%llu requests, %llu of them repetitions; %llu bytes were sent or read again",
		           (unsigned long long)c->requests, (unsigned long long)c->retries, (unsigned long long)c->resent);
	for (size_t i = 0; i < c->nidle; i++)
		http_free(c->idle[i]);
	free(c->idle);
	cred_free(c->cred);
	place_free(&c->place);
	free((char *)c->http.ca_file);
	run_destroy(&c->shield);
	throttle_destroy(&c->throttle);
	pthread_mutex_destroy(&c->lock);
}

void client_query(struct client_call *c, const char *name, const char *value)
{
	c->query[c->nquery++] = (struct sigv4_pair){ name, value };
}

void client_header(struct client_call *c, const char *name, const char *value)
{
	c->header[c->nheader++] = (struct sigv4_pair){ name, value };
}

void client_done(struct client_call *call)
{
	http_answer_free(&call->a);
}

int64_t client_wall_ms(struct client *c)
{
	return run_wall_ms(c->run) + atomic_load(&c->skew_ms);
}

static enum status client_http(struct client *c, struct http **ret, struct error *err)
{
	pthread_mutex_lock(&c->lock);
	struct http *h = c->nidle ? c->idle[--c->nidle] : NULL;
	pthread_mutex_unlock(&c->lock);
	if (!h)
		return http_new(&c->http, ret, err);
	*ret = h;
	return ST_OK;
}

static void client_give_back(struct client *c, struct http *h)
{
	pthread_mutex_lock(&c->lock);
	struct http **idle = array_room(c->idle, c->nidle, &c->cap, sizeof(struct http *));
	if (idle) {
		c->idle = idle;
		c->idle[c->nidle++] = h;
		h = NULL;
	}
	pthread_mutex_unlock(&c->lock);
	http_free(h);
}

/* What libcurl repeated was ambiguous, too: the first may have arrived. */
static void client_count_sends(struct client *c, struct client_call *call)
{
	unsigned again = call->a.sends > 1 ? call->a.sends - 1 : 0;
	atomic_fetch_add(&c->requests, again);
	atomic_fetch_add(&c->retries, again);
	call->attempts += again;
	call->ambiguous = call->ambiguous || again;
}

struct client_attempt {
	enum answer_class class; /* of its answer: what to do next */
	char used[HTTP_WORD];    /* the access key that it was signed with */
	unsigned nth;            /* of this class in its call, from 0 */
	int64_t troubled;        /* since when the call has gone wrong; 0: it has not yet */
};

/* One attempt: signed, sent, and the answer looked at. */
static enum status client_attempt(struct client *c, struct http *h, struct client_call *call, const struct run *run, struct client_attempt *a,
                                  struct error *err)
{
	struct sign_request signed_rq = { .access = "" };
	size_t had = call->got;
	*a->used = '\0';
	a->class = ANSWER_FINAL;
	*call->code = *call->text = *call->region = '\0';
	enum status st = sign_request(c, call, run, &signed_rq, err);
	if (!st) {
		struct http_request rq = {
			.method = call->method, .url = signed_rq.url.data, .header = &signed_rq.header, .body = call->body,
			.body_len = call->len, .into = call->into ? call->into + had : NULL, .into_cap = call->cap - had,
			.stall_ms = call->stall_ms, .stop = call->stop,
		};
		snprintf(a->used, sizeof a->used, "%s", signed_rq.access);
		atomic_fetch_add(&c->requests, 1);
		st = http_do(h, &rq, run, &call->a, err);
		if (!st || call->a.status)
			atomic_store(&c->reached, true);
		client_count_sends(c, call);
		if (call->into && (call->a.status == 206 || (call->a.status == 200 && !call->from && !had)))
			call->got = had + call->a.got;
		if (call->into && *call->a.etag && !*call->etag && call->a.status / 100 == 2)
			snprintf(call->etag, sizeof call->etag, "%s", call->a.etag);
		if (st == ST_RETRY)
			a->class = ANSWER_AGAIN;
		if (!st)
			a->class = answer_classify(call);
	}
	sign_request_free(&signed_rq);
	if (!st && a->class == ANSWER_FINAL && call->a.status / 100 == 2)
		st = answer_check_body(call, had, &a->class, err);
	return st;
}

/* What has to be put right before the next attempt. false: nothing can be. */
static bool client_mend(struct client *c, struct client_call *call, const struct client_attempt *a)
{
	bool again = a->nth < CLIENT_TRIES_OF_A_KIND;
	switch (a->class) {
	case ANSWER_EXPIRED:
	case ANSWER_MUTE:
		cred_expired(c->cred, a->used);
		return again;
	case ANSWER_SKEWED: {
		int64_t before = atomic_load(&c->skew_ms), off = call->a.date_ms ? call->a.date_ms - run_wall_ms(c->run) : before;
		atomic_store(&c->skew_ms, off);
		if (llabs(off - before) > 60 * 1000)
			event_warning(c->run->events, "store", "this host's clock and the store's are %lld s apart; requests are signed by the store's",
			              (long long)llabs(off) / 1000);
		return again;
	}
	case ANSWER_ELSEWHERE: {
		pthread_mutex_lock(&c->lock);
		bool other = *call->region && strcmp(call->region, c->region) != 0;
		if (other) {
			event_warning(c->run->events, "store", "the bucket %s is in region %s, not %s: name it with --s3-region", c->place.bucket,
			              call->region, c->region);
			snprintf(c->region, sizeof c->region, "%s", call->region);
		}
		pthread_mutex_unlock(&c->lock);
		return other ? again : a->nth < 2; /* another thread may have put it right meanwhile */
	}
	case ANSWER_CORRUPTED:
		return again;
	default:
		return a->class == ANSWER_AGAIN;
	}
}

static int64_t client_pause_ms(const struct client_call *call, enum answer_class class)
{
	uint32_t lot = 0;
	if (class == ANSWER_SKEWED || class == ANSWER_ELSEWHERE)
		return 0;
	if (getrandom(&lot, sizeof lot, 0) != (ssize_t)sizeof lot)
		lot = UINT32_MAX / 2;
	unsigned doubled = call->attempts < 8 ? call->attempts - 1 : 7;
	int64_t longest = (int64_t)CLIENT_FIRST_PAUSE_MS << doubled;
	if (longest > CLIENT_LONGEST_PAUSE_MS)
		longest = CLIENT_LONGEST_PAUSE_MS;
	int64_t pause = longest / 2 + (int64_t)((uint64_t)lot * (uint64_t)(longest / 2) / UINT32_MAX);
	int64_t asked = call->a.retry_after_ms < CLIENT_RETRY_AFTER_MAX_MS ? call->a.retry_after_ms : CLIENT_RETRY_AFTER_MAX_MS;
	return asked > pause ? asked : pause;
}

static int64_t client_budget_ms(struct client *c, const struct client_call *call)
{
	int64_t ms = c->retry_ms;
	if (!atomic_load(&c->reached) && ms > CLIENT_UNREACHED_MS)
		ms = CLIENT_UNREACHED_MS;
	if (call->tidy && ms > CLIENT_TIDY_MS)
		ms = CLIENT_TIDY_MS;
	return ms;
}

/* An attempt failed in a way that another may mend: wait for it, or say why there is none. ST_OK: try again. */
static enum status client_again(struct client *c, struct client_call *call, const struct client_attempt *a, const struct run *run,
                                struct error *err)
{
	struct error why = *err;
	if (why.kind != ERR_NONE)
		client_failure(c, call, &why);
	else
		client_error(c, call, &why);
	int64_t spent = run_now_ms(run) - a->troubled, budget = client_budget_ms(c, call);
	bool stopped = call->stop && atomic_load(call->stop);
	if (stopped || !client_mend(c, call, a) || spent >= budget) {
		why.status = ST_FAILED;
		if (spent >= budget && call->attempts > 1)
			error_prefix(&why, "tried %u times in %lld s", call->attempts, (long long)spent / 1000);
		*err = why;
		return ST_FAILED;
	}
	int64_t pause = client_pause_ms(call, a->class);
	event_debug(run->events, "store", "%s; the next attempt in %lld ms", why.message, (long long)pause);
	atomic_fetch_add(&c->retries, 1);
	atomic_fetch_add(&c->resent, call->a.sent);
	call->ambiguous = call->ambiguous || (a->class == ANSWER_AGAIN && (call->a.status == 0 || call->a.status / 100 != 4));
	return run_sleep_ms(run, pause < budget - spent ? pause : budget - spent, err);
}

enum status client_do(struct client *c, struct client_call *call, struct error *err)
{
	const struct run *run = call->tidy ? &c->shield : c->run;
	struct error mine = ERROR_INIT;
	struct http *h = NULL;
	struct client_attempt a = { .class = ANSWER_AGAIN };
	unsigned of_kind[ANSWER_CLASSES] = { 0 };
	enum status st = client_http(c, &h, &mine);
	while (!st) {
		mine = ERROR_INIT;
		call->attempts++;
		int64_t begun = run_now_ms(run);
		st = client_attempt(c, h, call, run, &a, &mine);
		if (a.class == ANSWER_FINAL)
			break;
		/* A part that took long to send and broke off has not been in trouble for all that time. */
		if (!a.troubled)
			a.troubled = call->a.sent || call->a.got ? run_now_ms(run) : begun;
		a.nth = of_kind[a.class]++;
		st = client_again(c, call, &a, run, &mine);
	}
	if (h)
		client_give_back(c, h);
	if (st && a.class == ANSWER_FINAL && mine.kind == ERR_STORE)
		client_failure(c, call, &mine);
	if (st == ST_OK && !answer_wanted(call))
		st = client_error(c, call, &mine);
	if (st == ST_RETRY)
		st = mine.status = ST_FAILED;
	if (st && err)
		*err = mine;
	return st;
}
