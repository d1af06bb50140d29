/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer that is an error means to the user, and what to do about it. */
#include "store/s3/client.h"

#include <errno.h>
#include <string.h>

struct client_hint {
	const char *code, *hint;
	bool credentials; /* say where they came from */
};

static const char client_hint_region[] = "name the bucket's region with --s3-region";
static const char client_hint_expired[] = "they have expired; get new ones";
static const char client_hint_changed[] = "something between this host and the store changes what is sent";

static const struct client_hint client_hints[] = {
	{ "InvalidAccessKeyId", "the access key is not known there; is it the right endpoint, and the right profile?", true },
	{ "SignatureDoesNotMatch", "the secret key does not belong to the access key", true },
	{ "NoSuchBucket", "slackwater makes no bucket; check its name and --s3-endpoint", false },
	{ "PermanentRedirect", client_hint_region, false },
	{ "AuthorizationHeaderMalformed", client_hint_region, false },
	{ "IllegalLocationConstraintException", client_hint_region, false },
	{ "ExpiredToken", client_hint_expired, true },
	{ "ExpiredTokenException", client_hint_expired, true },
	{ "TokenRefreshRequired", client_hint_expired, true },
	{ "InvalidToken", "the session token is not valid (any more); get new credentials", true },
	{ "RequestTimeTooSkewed", "put the clock of this host right", false },
	{ "SlowDown", "the store takes fewer requests than it gets; try a larger --s3-part-size or a smaller --s3-parallel", false },
	{ "EntityTooSmall", "the store wants larger parts: --s3-part-size", false },
	{ "InvalidStorageClass", "the store does not have that --s3-storage-class", false },
	{ "QuotaExceeded", "the quota of the account or the bucket is used up", false },
	{ "XAmzContentSHA256Mismatch", client_hint_changed, false },
	{ "BadDigest", client_hint_changed, false },
};

/* What the account lacks, by what was tried. */
static const char *client_right(const struct client_call *call)
{
	if (!call->key)
		return "s3:ListBucket on the bucket (and s3:ListBucketMultipartUploads, to tidy up)";
	if (strcmp(call->method, "GET") == 0 || strcmp(call->method, "HEAD") == 0)
		return "s3:GetObject, and s3:ListBucket, without which a missing object looks like a forbidden one";
	if (strcmp(call->method, "DELETE") == 0)
		return "s3:DeleteObject and s3:AbortMultipartUpload";
	return "s3:PutObject";
}

static void client_set_hint(struct client *c, const struct client_call *call, struct error *err)
{
	if (!err)
		return;
	const char *from = cred_from(c->cred);
	long status = call->a.status;
	for (size_t i = 0; i < sizeof client_hints / sizeof client_hints[0]; i++)
		if (strcmp(call->code, client_hints[i].code) == 0) {
			if (client_hints[i].credentials)
				error_hint(err, "credentials from %s: %s", from, client_hints[i].hint);
			else
				error_hint(err, "%s", client_hints[i].hint);
			return;
		}
	if (status == 403)
		error_hint(err, "the account (credentials from %s) needs %s", from, client_right(call));
	else if (status == 401)
		error_hint(err, "the credentials come from %s", from);
	else if (status / 100 == 3 || status == 400)
		error_hint(err, "check --s3-endpoint, --s3-region and whether the store wants --s3-path-style or --s3-virtual-host");
}

static const char *client_status_text(long status)
{
	switch (status) {
	case 301: return "the bucket is somewhere else";
	case 307: return "the bucket is somewhere else for the moment";
	case 400: return "the store does not understand the request";
	case 401: return "the credentials are not accepted";
	case 403: return "not allowed";
	case 404: return "not found";
	case 411: return "the store wants a length";
	case 412: return "it is not what it was";
	case 501: return "the store cannot do that";
	case 503: return "the store is overloaded";
	default: return status >= 500 ? "the store has failed" : "refused";
	}
}

enum status client_error(struct client *c, const struct client_call *call, struct error *err)
{
	const char *prefix = call->bare ? "" : c->place.prefix, *key = call->key ? call->key : "";
	const char *code = call->code, *text = *call->text ? call->text : client_status_text(call->a.status);
	bool bucket = strcmp(code, "NoSuchBucket") == 0;
	if (call->a.status == 404 && call->key && !bucket) {
		error_set(err, ST_FAILED, ERR_SNAPSHOT, "there is no s3://%s/%s%s", c->place.bucket, prefix, key);
		if (err)
			err->sys_errno = ENOENT;
		return ST_FAILED;
	}
	error_set(err, ST_FAILED, ERR_STORE, "cannot %s s3://%s/%s%s: %s%s%s (status %ld)", call->what, c->place.bucket, prefix, key, code,
	          *code ? ": " : "", text, call->a.status);
	client_set_hint(c, call, err);
	return ST_FAILED;
}

void client_failure(struct client *c, const struct client_call *call, struct error *err)
{
	error_prefix(err, "cannot %s s3://%s/%s%s", call->what, c->place.bucket, call->bare ? "" : c->place.prefix,
	             call->key ? call->key : "");
	if (*err->hint || atomic_load(&c->reached))
		return;
	struct buf host = BUF_INIT(512);
	pthread_mutex_lock(&c->lock);
	place_host(&c->place, c->region, &host);
	pthread_mutex_unlock(&c->lock);
	error_hint(err, "is %s://%s right? --s3-endpoint names the server", c->place.scheme, buf_str(&host));
	buf_free(&host);
}
