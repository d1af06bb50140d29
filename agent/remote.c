/* SPDX-License-Identifier: Apache-2.0 */
#include "remote.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/settings.h"
#include "exitcode.h"
#include "slackwater/jsonx.h"

enum { REMOTE_ANSWER_MAX = 256 << 20, REMOTE_TIMEOUT_MS = 30000, REMOTE_CONNECT_MS = 5000, REMOTE_URL = 300, REMOTE_REQUEST_MAX = 64 << 10 };

struct remote {
	CURL *curl;
	struct run *run;
	char *socket;
	struct buf answer;
};

static enum status find_socket(const struct config *c, char **ret, struct error *err)
{
	struct settings *s = NULL;
	const char *path = c->control_socket ? c->control_socket : CONFIG_CONTROL_SOCKET;
	if (!c->control_socket && c->config_file) {
		enum status st = settings_read(c->config_file, &s, NULL, err);
		if (st) {
			/* the agent is most wanted when somebody has just broken the file */
			error_hint(err, "slackwater check --config lists all mistakes; an agent that runs is reached with --control-socket PATH meanwhile");
			return st;
		}
		path = s->agent.control_socket;
	}
	*ret = path ? strdup(path) : NULL;
	settings_free(s);
	if (*ret)
		return ST_OK;
	return path ? error_oom(err) : error_set(err, ST_FAILED, ERR_USAGE, "%s has no control-socket", c->config_file);
}

enum status remote_open(const struct config *c, struct run *run, struct remote **ret, struct error *err)
{
	struct remote *cl = calloc(1, sizeof *cl);
	if (!cl)
		return error_oom(err);
	*cl = (struct remote){ .run = run, .answer = BUF_INIT(REMOTE_ANSWER_MAX) };
	enum status st = find_socket(c, &cl->socket, err);
	if (!st && (curl_global_init(CURL_GLOBAL_NOTHING) || !(cl->curl = curl_easy_init())))
		st = error_oom(err);
	if (!st)
		*ret = cl;
	else
		remote_free(cl);
	return st;
}

void remote_free(struct remote *c)
{
	if (!c)
		return;
	if (c->curl)
		curl_easy_cleanup(c->curl);
	buf_free(&c->answer);
	free(c->socket);
	free(c);
}

static size_t take(char *data, size_t size, size_t n, void *arg)
{
	struct remote *c = arg;
	buf_add(&c->answer, data, size * n);
	return c->answer.bad ? 0 : size * n;
}

static int cancelled(void *arg, curl_off_t a, curl_off_t b, curl_off_t d, curl_off_t e)
{
	(void)a, (void)b, (void)d, (void)e;
	return run_cancelled(((struct remote *)arg)->run);
}

static enum status no_answer(const struct remote *c, CURLcode code, struct error *err)
{
	long number = 0;
	if (run_cancelled(c->run))
		return run_check(c->run, err);
	curl_easy_getinfo(c->curl, CURLINFO_OS_ERRNO, &number);
	if (code == CURLE_OPERATION_TIMEDOUT) {
		error_set(err, ST_RETRY, ERR_SERVER, "the agent at %s has not answered in time", c->socket);
		return ST_RETRY;
	}
	if (code != CURLE_COULDNT_CONNECT)
		return error_set(err, ST_RETRY, ERR_SERVER, "talking to the agent at %s: %s", c->socket, curl_easy_strerror(code));
	error_set(err, ST_RETRY, ERR_PREFLIGHT, "no agent answers at %s%s%s", c->socket, number ? ": " : "", number ? strerror((int)number) : "");
	if (number == EACCES || number == EPERM)
		error_hint(err, "who may command it is the socket's group: control-group in the agent's configuration");
	else
		error_hint(err, "does it run (systemctl status slackwater)? --config FILE or --control-socket PATH says where it listens");
	return ST_RETRY;
}

enum status remote_error(const json_t *error, struct error *err)
{
	size_t n;
	const struct exitcode *table = exitcode_table(&n);
	const char *kind = jsonx_str_or(error, "kind", "");
	enum error_kind found = ERR_UNEXPECTED;
	for (size_t i = 1; i < n; i++)
		if (!strcmp(table[i].name, kind))
			found = table[i].kind;
	error_set(err, ST_FAILED, found, "%s", jsonx_str_or(error, "message", "the agent has refused it without saying why"));
	if (*jsonx_str_or(error, "hint", ""))
		error_hint(err, "%s", jsonx_str_or(error, "hint", ""));
	return ST_FAILED;
}

static enum status understand(struct remote *c, json_t **ret, struct error *err)
{
	long status = 0;
	json_t *doc = NULL;
	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	enum status st = jsonx_parse(buf_str(&c->answer), c->answer.len, "the agent's answer", &doc, err);
	if (st)
		return error_set(err, ST_FAILED, ERR_SERVER, "what listens at %s is no agent, or one of another version (HTTP status %ld)", c->socket, status);
	json_t *error = json_object_get(doc, "error");
	if (status == 200 && !json_is_object(error)) {
		*ret = doc;
		return ST_OK;
	}
	st = remote_error(error, err);
	json_decref(doc);
	return st;
}

static enum status perform(struct remote *c, const char *path, const char *body, json_t **ret, struct error *err)
{
	char url[REMOTE_URL];
	struct curl_slist *headers = body ? curl_slist_append(NULL, "Content-Type: application/json") : NULL;
	if (body && !headers)
		return error_oom(err);
	snprintf(url, sizeof url, "http://agent%s", path);
	buf_clear(&c->answer);
	curl_easy_reset(c->curl);
	curl_easy_setopt(c->curl, CURLOPT_URL, url);
	curl_easy_setopt(c->curl, CURLOPT_UNIX_SOCKET_PATH, c->socket);
	curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(c->curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)REMOTE_CONNECT_MS);
	curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, (long)REMOTE_TIMEOUT_MS);
	curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(c->curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c->curl, CURLOPT_XFERINFOFUNCTION, cancelled);
	curl_easy_setopt(c->curl, CURLOPT_XFERINFODATA, c);
	if (body) {
		curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, body);
	}
	CURLcode code = curl_easy_perform(c->curl);
	curl_slist_free_all(headers);
	return code ? no_answer(c, code, err) : understand(c, ret, err);
}

enum status remote_get(struct remote *c, const char *path, json_t **ret, struct error *err)
{
	return perform(c, path, NULL, ret, err);
}

enum status remote_post(struct remote *c, const char *path, const json_t *body, json_t **ret, struct error *err)
{
	struct buf text = BUF_INIT(REMOTE_REQUEST_MAX);
	enum status st = jsonx_dump_line(body, &text, err);
	if (!st)
		st = perform(c, path, buf_str(&text), ret, err);
	buf_free(&text);
	return st;
}
