/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/s3/xml.h"

enum { ANSWER_SKEW_MS = 5 * 60 * 1000 };

static void answer_copy(char *to, size_t cap, const char *from)
{
	size_t n = 0;
	for (; from[n] && n + 1 < cap; n++)
		to[n] = (unsigned char)from[n] < ' ' || from[n] == 0x7f ? ' ' : from[n];
	to[n] = '\0';
}

static bool answer_on_error(void *arg, const char *path, const char *text)
{
	struct client_call *c = arg;
	/* STS and IAM have it one deeper than S3. */
	const char *at = strncmp(path, "ErrorResponse/", 14) == 0 ? path + 14 : path;
	if (strcmp(at, "Error/Code") == 0)
		answer_copy(c->code, sizeof c->code, text);
	else if (strcmp(at, "Error/Message") == 0)
		answer_copy(c->text, sizeof c->text, text);
	else if (strcmp(at, "Error/Region") == 0)
		answer_copy(c->region, sizeof c->region, text);
	return true;
}

static bool answer_is(const struct client_call *c, const char *const *codes)
{
	for (; *codes; codes++)
		if (strcmp(c->code, *codes) == 0)
			return true;
	return false;
}

static enum answer_class answer_by_code(const struct client_call *c)
{
	static const char *const again[] = {
		"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "RequestTimeoutException", "OperationAborted",
		"ConditionalRequestConflict", "Throttling", "ThrottlingException", "RequestLimitExceeded", "BandwidthLimitExceeded",
		"TooManyRequests", "IncompleteBody", NULL,
	};
	static const char *const expired[] = { "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", NULL };
	static const char *const corrupted[] = { "BadDigest", "XAmzContentSHA256Mismatch", NULL };
	if (answer_is(c, again))
		return ANSWER_AGAIN;
	if (answer_is(c, expired))
		return ANSWER_EXPIRED;
	return answer_is(c, corrupted) ? ANSWER_CORRUPTED : ANSWER_FINAL;
}

static bool answer_clocks_disagree(const struct client_call *c)
{
	bool apart = c->a.date_ms && llabs(c->a.date_ms - c->signed_ms) > ANSWER_SKEW_MS;
	return strcmp(c->code, "RequestTimeTooSkewed") == 0 || (c->a.status == 403 && apart);
}

enum answer_class answer_classify(struct client_call *call)
{
	long status = call->a.status;
	if (status / 100 == 2)
		return ANSWER_FINAL;
	struct error ignored;
	if (call->a.body.len)
		(void)xml_read(call->a.body.data, call->a.body.len, answer_on_error, call, &ignored);
	if (*call->a.region && !*call->region)
		snprintf(call->region, sizeof call->region, "%s", call->a.region);
	if (answer_clocks_disagree(call))
		return ANSWER_SKEWED;
	enum answer_class by_code = answer_by_code(call);
	if (by_code == ANSWER_CORRUPTED && call->probe)
		return ANSWER_FINAL;
	if (by_code != ANSWER_FINAL)
		return by_code;
	if (status / 100 == 3 || strcmp(call->code, "AuthorizationHeaderMalformed") == 0)
		return status == 307 && !*call->region ? ANSWER_AGAIN : ANSWER_ELSEWHERE;
	if ((status == 400 || status == 403) && strcmp(call->method, "HEAD") == 0)
		return status == 400 && *call->region ? ANSWER_ELSEWHERE : ANSWER_MUTE;
	return status == 408 || status == 429 || (status >= 500 && status != 501) ? ANSWER_AGAIN : ANSWER_FINAL;
}

bool answer_wanted(const struct client_call *call)
{
	long status = call->a.status;
	static const char *const other[] = { "AuthorizationHeaderMalformed", "InvalidBucketName", "InvalidStorageClass", "InvalidToken", NULL };
	if (call->probe && status == 400)
		return !answer_is(call, other);
	return status / 100 == 2 || status == call->also[0] || status == call->also[1];
}

/* "bytes 0-9/10": what was sent must be all that was announced. */
static enum status answer_check_range(const struct client_call *c, size_t had, struct error *err)
{
	unsigned long long first, last;
	if (c->a.status == 200 && (c->from || had))
		return error_set(err, ST_FAILED, ERR_STORE, "the store sends whole objects where a part was asked for");
	if (c->a.status != 206)
		return ST_OK;
	if (sscanf(c->a.content_range, "bytes %llu-%llu/", &first, &last) != 2 || first != c->from + had)
		return error_set(err, ST_FAILED, ERR_STORE, "the store sends another part of an object than was asked for");
	if (last - first + 1 != c->a.got)
		return error_set(err, ST_RETRY, ERR_STORE, "the answer is not whole");
	return ST_OK;
}

enum status answer_check_body(struct client_call *call, size_t had, enum answer_class *ret_class, struct error *err)
{
	enum status st = call->into ? answer_check_range(call, had, err) : ST_OK;
	if (!st && call->check)
		st = call->check(call, err);
	if (st == ST_RETRY)
		*ret_class = ANSWER_AGAIN;
	if (st != ST_RETRY || !call->a.body.len)
		return st;
	/* 200 with an error inside: what it says decides. */
	struct error ignored;
	(void)xml_read(call->a.body.data, call->a.body.len, answer_on_error, call, &ignored);
	if (*call->code && answer_by_code(call) == ANSWER_FINAL) {
		*ret_class = ANSWER_FINAL;
		return error_set(err, ST_FAILED, ERR_STORE, "%s: %s", call->code, call->text);
	}
	if (*call->code)
		error_set(err, ST_RETRY, ERR_STORE, "%s (inside of a 200): %s", call->code, call->text);
	return ST_RETRY;
}
