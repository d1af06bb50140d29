/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3/cred_sources.h"

#include <stdlib.h>
#include <string.h>

#include "slackwater/jsonx.h"
#include "store/s3/xml.h"

enum { CRED_ANSWER_MAX = 64 << 10, CRED_CONNECT_MS = 2000, CRED_STALL_MS = 5000, CRED_TRIES = 3, CRED_PAUSE_MS = 300 };

cred_source_fn *const cred_sources[] = { cred_env, cred_web, cred_profile, cred_container, cred_imds, NULL };

const char *cred_getenv(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

void cred_trim(struct buf *b, const char *end)
{
	while (b->len && strchr(end, b->data[b->len - 1]))
		b->data[--b->len] = '\0';
}

enum status cred_set(struct cred_keys *k, const char *from, const char *access, const char *secret, const char *token, struct error *err)
{
	if (!access || !*access || !secret || !*secret)
		return error_set(err, ST_FAILED, ERR_STORE, "%s gives no whole pair of access key and secret key", from);
	k->from = from;
	k->access = strdup(access);
	k->secret = strdup(secret);
	k->token = token && *token ? strdup(token) : NULL;
	return k->access && k->secret && (k->token || !token || !*token) ? ST_OK : error_oom(err);
}

enum status cred_env(const char *region, const struct run *run, struct cred_keys *ret, struct error *err)
{
	(void)region;
	(void)run;
	const char *access = cred_getenv("AWS_ACCESS_KEY_ID"), *secret = cred_getenv("AWS_SECRET_ACCESS_KEY");
	if (!access)
		return ST_OK;
	if (secret)
		return cred_set(ret, "the environment", access, secret, cred_getenv("AWS_SESSION_TOKEN"), err);
	error_set(err, ST_FAILED, ERR_STORE, "AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is not");
	error_hint(err, "export both, or neither where a profile or a role is meant");
	return ST_FAILED;
}

enum status cred_fetch(const struct http_request *rq, const char *what, const char *ca, bool direct, const struct run *run,
                       struct http_answer *a, struct error *err)
{
	struct http *h = NULL;
	struct http_settings s = { .ca_file = ca, .connect_ms = CRED_CONNECT_MS, .stall_ms = CRED_STALL_MS, .direct = direct };
	struct error mine = ERROR_INIT;
	enum status st = http_new(&s, &h, &mine);
	a->body.secret = 1;
	for (int i = 0; !st && i < CRED_TRIES; i++) {
		st = i ? run_sleep_ms(run, CRED_PAUSE_MS << i, &mine) : ST_OK;
		if (!st)
			st = http_do(h, rq, run, a, &mine);
		bool passing = st == ST_RETRY || (!st && (a->status >= 500 || a->status == 429));
		if (!passing)
			break;
		st = i + 1 < CRED_TRIES ? ST_OK : st;
	}
	http_free(h);
	if (!st && a->status / 100 != 2)
		st = error_set(&mine, ST_FAILED, ERR_STORE, "it answers with status %ld", a->status);
	if (!st)
		return ST_OK;
	if (mine.kind == ERR_STORE)
		error_prefix(&mine, "cannot get credentials from %s", what);
	mine.status = ST_FAILED;
	if (err)
		*err = mine;
	return ST_FAILED;
}

enum status cred_parse_json(const char *text, size_t len, const char *from, struct cred_keys *ret, struct error *err)
{
	json_t *doc = NULL;
	if (jsonx_parse(text, len, from, &doc, err))
		return error_set(err, ST_FAILED, ERR_STORE, "%s gives something that is no JSON", from); /* the text may hold half a secret */
	enum status st = cred_set(ret, from, jsonx_str_or(doc, "AccessKeyId", NULL), jsonx_str_or(doc, "SecretAccessKey", NULL),
	                          jsonx_str_or(doc, "Token", NULL), err);
	ret->expires_ms = xml_time(jsonx_str_or(doc, "Expiration", ""));
	json_decref(doc);
	return st;
}
