/* SPDX-License-Identifier: Apache-2.0 */
/* A web identity: a token file (of Kubernetes, say) and a role, for which STS gives credentials. The file is read again each time. */
#include <stdio.h>
#include <string.h>

#include "slackwater/fs.h"
#include "store/s3/cred_sources.h"
#include "store/s3/sigv4.h"
#include "store/s3/xml.h"

enum { CRED_WEB_MAX = 64 << 10 };
static const char cred_web_name[] = "the web identity (STS)";

/* The form's fields, percent-encoded: in the body, where no log of a proxy has them. */
static enum status cred_web_form(const char *token_file, struct buf *form, struct error *err)
{
	struct buf token = BUF_INIT(CRED_WEB_MAX);
	token.secret = 1;
	const char *session = cred_getenv("AWS_ROLE_SESSION_NAME");
	enum status st = fs_read_file(token_file, &token, err);
	if (st)
		error_hint(err, "AWS_WEB_IDENTITY_TOKEN_FILE names it");
	else
		cred_trim(&token, " \t\r\n");
	buf_adds(form, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=");
	sigv4_encode(cred_getenv("AWS_ROLE_ARN"), true, form);
	buf_adds(form, "&RoleSessionName=");
	sigv4_encode(session ? session : "slackwater", true, form);
	buf_adds(form, "&WebIdentityToken=");
	sigv4_encode(buf_str(&token), true, form);
	buf_free(&token);
	return st ? st : buf_check(form, "the request to STS", err);
}

struct cred_web_answer { struct buf access, secret, token, expires; };

static bool cred_web_on_element(void *arg, const char *path, const char *text)
{
	struct cred_web_answer *a = arg;
	const char *at = strstr(path, "/Credentials/");
	if (!at)
		return true;
	at += strlen("/Credentials/");
	struct buf *to = strcmp(at, "AccessKeyId") == 0       ? &a->access
	                 : strcmp(at, "SecretAccessKey") == 0 ? &a->secret
	                 : strcmp(at, "SessionToken") == 0    ? &a->token
	                 : strcmp(at, "Expiration") == 0      ? &a->expires
	                                                      : NULL;
	if (to)
		buf_adds(to, text);
	return true;
}

static enum status cred_web_parse(const struct buf *body, struct cred_keys *ret, struct error *err)
{
	struct cred_web_answer a = { BUF_INIT(CRED_WEB_MAX), BUF_INIT(CRED_WEB_MAX), BUF_INIT(CRED_WEB_MAX), BUF_INIT(64) };
	a.secret.secret = a.token.secret = 1;
	enum status st = xml_read(buf_str(body), body->len, cred_web_on_element, &a, err);
	if (!st)
		st = cred_set(ret, cred_web_name, buf_str(&a.access), buf_str(&a.secret), buf_str(&a.token), err);
	ret->expires_ms = xml_time(buf_str(&a.expires));
	buf_free(&a.access);
	buf_free(&a.secret);
	buf_free(&a.token);
	buf_free(&a.expires);
	return st == ST_RETRY ? ST_FAILED : st;
}

enum status cred_web(const char *region, const struct run *run, struct cred_keys *ret, struct error *err)
{
	const char *file = cred_getenv("AWS_WEB_IDENTITY_TOKEN_FILE"), *endpoint = cred_getenv("AWS_ENDPOINT_URL_STS");
	if (!file || !cred_getenv("AWS_ROLE_ARN"))
		return ST_OK;
	char url[512];
	struct buf form = BUF_INIT(CRED_WEB_MAX);
	struct http_answer a = { .status = 0 };
	struct strlist header = { .n = 0 };
	form.secret = 1;
	snprintf(url, sizeof url, "%s", endpoint ? endpoint : "");
	if (!endpoint)
		snprintf(url, sizeof url, "https://sts.%s.amazonaws.com%s/", region, strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
	enum status st = cred_web_form(file, &form, err);
	if (!st)
		st = strlist_add(&header, "Content-Type: application/x-www-form-urlencoded", err);
	const struct http_request rq = { .method = "POST", .url = url, .header = &header, .body = form.data, .body_len = form.len };
	if (!st)
		st = cred_fetch(&rq, cred_web_name, cred_getenv("AWS_CA_BUNDLE"), false, run, &a, err);
	if (!st)
		st = cred_web_parse(&a.body, ret, err);
	else if (a.status / 100 == 4)
		error_hint(err, "does the role %.200s trust this identity, and is the token still valid?", cred_getenv("AWS_ROLE_ARN"));
	http_answer_free(&a);
	strlist_free(&header);
	buf_free(&form);
	return st;
}
