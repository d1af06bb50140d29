/* SPDX-License-Identifier: Apache-2.0 */
/* What the place where we run gives: the endpoint of a container, the metadata service (IMDSv2) of a machine. */
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "slackwater/fs.h"
#include "store/s3/cred_sources.h"

enum { CRED_METADATA_URL = 1024, CRED_METADATA_MAX = 16 << 10 };

static const char cred_container_name[] = "the container's endpoint", cred_imds_name[] = "the metadata service (IMDSv2)";

static bool cred_host_allowed(const char *host)
{
	static const char *const hosts[] = { "127.0.0.1", "localhost", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]" };
	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
		if (strcmp(host, hosts[i]) == 0)
			return true;
	return false;
}

/* As libcurl will read it, and without an account, behind which another host could stand. */
bool cred_container_allowed(const char *url)
{
	char *scheme = NULL, *host = NULL, *user = NULL;
	CURLU *u = curl_url();
	bool allowed = u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK && curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_NO_USER &&
	               curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK && curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	               (strcmp(scheme, "https") == 0 || (strcmp(scheme, "http") == 0 && cred_host_allowed(host)));
	curl_free(scheme);
	curl_free(host);
	curl_free(user);
	curl_url_cleanup(u);
	return allowed;
}

/* The token is written again from time to time. */
static enum status cred_container_token(struct strlist *header, struct error *err)
{
	struct buf token = BUF_INIT(CRED_METADATA_MAX);
	const char *file = cred_getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"), *text = cred_getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	token.secret = 1;
	enum status st = file ? fs_read_file(file, &token, err) : ST_OK;
	if (!file && text)
		buf_adds(&token, text);
	cred_trim(&token, " \t\r\n");
	if (!st && token.len)
		st = strlist_addf(header, err, "Authorization: %s", token.data);
	buf_free(&token);
	return st;
}

enum status cred_container(const char *region, const struct run *run, struct cred_keys *ret, struct error *err)
{
	(void)region;
	const char *relative = cred_getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"), *full = cred_getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	char url[CRED_METADATA_URL];
	struct strlist header = { .n = 0 };
	struct http_answer a = { .status = 0 };
	if (!relative && !full)
		return ST_OK;
	snprintf(url, sizeof url, "%s%s", relative ? "http://169.254.170.2" : "", relative ? relative : full);
	if (!cred_container_allowed(url)) {
		error_set(err, ST_FAILED, ERR_STORE, "AWS_CONTAINER_CREDENTIALS_FULL_URI names neither this host nor an https:// address");
		error_hint(err, "a token is sent there; use https");
		return ST_FAILED;
	}
	enum status st = cred_container_token(&header, err);
	const struct http_request rq = { .method = "GET", .url = url, .header = &header };
	if (!st)
		st = cred_fetch(&rq, cred_container_name, NULL, true, run, &a, err);
	if (!st)
		st = cred_parse_json(buf_str(&a.body), a.body.len, cred_container_name, ret, err);
	http_answer_free(&a);
	strlist_wipe(&header);
	return st;
}

enum status cred_imds_url(const char *path, struct buf *out, struct error *err)
{
	const char *base = cred_getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	buf_adds(out, base ? base : "http://169.254.169.254");
	cred_trim(out, "/");
	buf_addf(out, "/latest/%s", path);
	return buf_check(out, "the address of the metadata service", err);
}

static enum status cred_imds_call(const char *method, const char *path, const char *header_line, const struct run *run,
                                  struct http_answer *a, struct error *err)
{
	struct buf url = BUF_INIT(CRED_METADATA_URL);
	struct strlist header = { .n = 0 };
	enum status st = cred_imds_url(path, &url, err);
	if (!st)
		st = strlist_add(&header, header_line, err);
	const struct http_request rq = { .method = method, .url = buf_str(&url), .header = &header };
	if (!st)
		st = cred_fetch(&rq, cred_imds_name, NULL, true, run, a, err);
	buf_free(&url);
	strlist_wipe(&header);
	return st;
}

/* A hop limit of 1 lets no answer into a container. */
static enum status cred_imds_token(const struct run *run, struct buf *line, struct error *err)
{
	struct http_answer a = { .status = 0 };
	enum status st = cred_imds_call("PUT", "api/token", "X-aws-ec2-metadata-token-ttl-seconds: 21600", run, &a, err);
	if (!st)
		buf_addf(line, "X-aws-ec2-metadata-token: %s", buf_str(&a.body));
	else if (!run_cancelled(run))
		error_hint(err, "in a container of EC2 the instance's metadata hop limit has to be 2; elsewhere set AWS_ACCESS_KEY_ID or AWS_PROFILE");
	http_answer_free(&a);
	return st ? st : buf_check(line, "the token of the metadata service", err);
}

static enum status cred_imds_keys(const char *token, const struct run *run, struct cred_keys *ret, struct error *err)
{
	static const char role_path[] = "meta-data/iam/security-credentials/";
	char path[CRED_METADATA_URL / 2];
	struct http_answer role = { .status = 0 }, keys = { .status = 0 };
	enum status st = cred_imds_call("GET", role_path, token, run, &role, err);
	if (st && role.status == 404)
		error_hint(err, "the instance has no role: attach an instance profile");
	const char *name = buf_str(&role.body);
	snprintf(path, sizeof path, "%s%.*s", role_path, (int)strcspn(name, "\r\n"), name);
	if (!st)
		st = cred_imds_call("GET", path, token, run, &keys, err);
	if (!st)
		st = cred_parse_json(buf_str(&keys.body), keys.body.len, cred_imds_name, ret, err);
	http_answer_free(&role);
	http_answer_free(&keys);
	return st;
}

/* Asked last, as nothing says whether there is one; where there is none, the question is what costs time. */
enum status cred_imds(const char *region, const struct run *run, struct cred_keys *ret, struct error *err)
{
	(void)region;
	const char *disabled = cred_getenv("AWS_EC2_METADATA_DISABLED");
	struct buf token = BUF_INIT(CRED_METADATA_MAX);
	token.secret = 1;
	if (disabled && strcasecmp(disabled, "true") == 0)
		return ST_OK;
	enum status st = cred_imds_token(run, &token, err);
	if (!st)
		st = cred_imds_keys(token.data, run, ret, err);
	buf_free(&token);
	return st;
}
