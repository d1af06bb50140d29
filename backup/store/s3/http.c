/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3/http.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	HTTP_BODY_MAX = 16 << 20, /* of an answer that is kept: a page of a listing is at most a megabyte */
	HTTP_BUFFER = 256 << 10,
	HTTP_POLL_MS = 500,
	HTTP_CRAWL = 512          /* bytes per second: what is slower stands still */
};

struct http {
	CURL *easy;
	CURLM *multi;
	struct http_settings s;
	char why[CURL_ERROR_SIZE];
	/* of the exchange under way */
	const struct http_request *rq;
	struct http_answer *a;
	const struct run *run;
	bool too_long;
};

static pthread_once_t http_once = PTHREAD_ONCE_INIT;

static void http_global(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

void http_answer_free(struct http_answer *a)
{
	buf_free(&a->body);
}

enum status http_new(const struct http_settings *s, struct http **ret, struct error *err)
{
	pthread_once(&http_once, http_global);
	struct http *h = calloc(1, sizeof *h);
	if (!h)
		return error_oom(err);
	h->s = *s;
	h->easy = curl_easy_init();
	h->multi = curl_multi_init();
	if (!h->easy || !h->multi) {
		http_free(h);
		return error_oom(err);
	}
	*ret = h;
	return ST_OK;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	curl_easy_cleanup(h->easy);
	curl_multi_cleanup(h->multi);
	free(h);
}

static size_t http_on_read(char *into, size_t size, size_t n, void *arg)
{
	struct http *h = arg;
	size_t left = h->rq->body_len - h->a->sent, want = size * n < left ? size * n : left;
	if (h->s.throttle)
		want = throttle_take(h->s.throttle, want, h->run);
	if (run_cancelled(h->run))
		return CURL_READFUNC_ABORT;
	if (want)
		memcpy(into, (const char *)h->rq->body + h->a->sent, want);
	h->a->sent += want;
	return want;
}

/* A kept connection that turns out to be dead makes libcurl begin again. */
static int http_on_seek(void *arg, curl_off_t offset, int origin)
{
	struct http *h = arg;
	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > h->rq->body_len)
		return CURL_SEEKFUNC_FAIL;
	h->a->sent = (size_t)offset;
	return CURL_SEEKFUNC_OK;
}

static size_t http_on_write(char *data, size_t size, size_t n, void *arg)
{
	struct http *h = arg;
	long status = 0;
	size_t len = size * n;
	curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
	if (h->rq->into && (status == 200 || status == 206)) {
		h->too_long = len > h->rq->into_cap - h->a->got;
		if (h->too_long)
			return 0;
		memcpy(h->rq->into + h->a->got, data, len);
		h->a->got += len;
		return len;
	}
	buf_add(&h->a->body, data, len);
	h->too_long = h->a->body.bad;
	return h->too_long ? 0 : len;
}

/* The value of header `name` in a line, blanks at both ends cut off; false when the line is another header's or it is longer than cap. */
static bool http_header(const char *line, size_t len, const char *name, char *ret, size_t cap)
{
	size_t n = strlen(name);
	if (len <= n || line[n] != ':' || strncasecmp(line, name, n) != 0)
		return false;
	for (line += n + 1, len -= n + 1; len && (*line == ' ' || *line == '\t'); len--)
		line++;
	while (len && strchr("\r\n \t", line[len - 1]))
		len--;
	if (len >= cap)
		return false;
	memcpy(ret, line, len);
	ret[len] = '\0';
	return true;
}

static int64_t http_retry_after(const char *text, int64_t date_ms)
{
	char *end;
	long seconds = strtol(text, &end, 10);
	if (end != text && !*end)
		return seconds < 0 ? -1 : (int64_t)seconds * 1000;
	time_t at = curl_getdate(text, NULL);
	int64_t wait = (int64_t)at * 1000 - date_ms;
	return at < 0 || !date_ms ? -1 : wait < 0 ? 0 : wait;
}

static size_t http_on_header(char *line, size_t size, size_t n, void *arg)
{
	struct http_answer *a = ((struct http *)arg)->a;
	size_t len = size * n;
	char text[HTTP_WORD];
	if (len > 5 && strncmp(line, "HTTP/", 5) == 0) { /* of a 100 Continue before it nothing counts */
		*a->etag = *a->region = *a->writer = *a->content_range = *a->lock_until = *a->hold = '\0';
		a->date_ms = 0;
		a->retry_after_ms = a->length = -1;
	}
	a->whole = len == 2 && *line == '\r';
	(void)http_header(line, len, "etag", a->etag, sizeof a->etag);
	(void)http_header(line, len, "x-amz-bucket-region", a->region, sizeof a->region);
	(void)http_header(line, len, "x-amz-meta-slackwater-writer", a->writer, sizeof a->writer);
	(void)http_header(line, len, "x-amz-object-lock-retain-until-date", a->lock_until, sizeof a->lock_until);
	(void)http_header(line, len, "x-amz-object-lock-legal-hold", a->hold, sizeof a->hold);
	(void)http_header(line, len, "content-range", a->content_range, sizeof a->content_range);
	if (http_header(line, len, "content-length", text, sizeof text))
		a->length = strtoll(text, NULL, 10);
	if (http_header(line, len, "date", text, sizeof text)) {
		time_t at = curl_getdate(text, NULL);
		a->date_ms = at > 0 ? (int64_t)at * 1000 : 0;
	}
	if (http_header(line, len, "retry-after", text, sizeof text))
		a->retry_after_ms = http_retry_after(text, a->date_ms);
	return len;
}

static int http_on_debug(CURL *easy, curl_infotype type, char *data, size_t len, void *arg)
{
	(void)easy;
	(void)data;
	(void)len;
	((struct http *)arg)->a->sends += type == CURLINFO_HEADER_OUT;
	return 0;
}

static void http_set_method(struct http *h, const struct http_request *rq)
{
	curl_easy_setopt(h->easy, CURLOPT_CUSTOMREQUEST, rq->method);
	if (strcmp(rq->method, "HEAD") == 0)
		curl_easy_setopt(h->easy, CURLOPT_NOBODY, 1L);
	if (strcmp(rq->method, "PUT") != 0 && strcmp(rq->method, "POST") != 0)
		return;
	curl_easy_setopt(h->easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(h->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)rq->body_len);
	curl_easy_setopt(h->easy, CURLOPT_READFUNCTION, http_on_read);
	curl_easy_setopt(h->easy, CURLOPT_READDATA, h);
	curl_easy_setopt(h->easy, CURLOPT_SEEKFUNCTION, http_on_seek);
	curl_easy_setopt(h->easy, CURLOPT_SEEKDATA, h);
	curl_easy_setopt(h->easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)HTTP_BUFFER);
}

static void http_set(struct http *h, const struct http_request *rq, struct curl_slist *headers)
{
	int64_t stall = rq->stall_ms ? rq->stall_ms : h->s.stall_ms;
	curl_easy_reset(h->easy); /* keeps the connections */
	curl_easy_setopt(h->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h->easy, CURLOPT_URL, rq->url);
	curl_easy_setopt(h->easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(h->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(h->easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(h->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)h->s.connect_ms);
	curl_easy_setopt(h->easy, CURLOPT_LOW_SPEED_LIMIT, (long)HTTP_CRAWL);
	curl_easy_setopt(h->easy, CURLOPT_LOW_SPEED_TIME, (long)((stall + 999) / 1000));
	curl_easy_setopt(h->easy, CURLOPT_BUFFERSIZE, (long)HTTP_BUFFER);
	curl_easy_setopt(h->easy, CURLOPT_WRITEFUNCTION, http_on_write);
	curl_easy_setopt(h->easy, CURLOPT_WRITEDATA, h);
	curl_easy_setopt(h->easy, CURLOPT_HEADERFUNCTION, http_on_header);
	curl_easy_setopt(h->easy, CURLOPT_HEADERDATA, h);
	curl_easy_setopt(h->easy, CURLOPT_ERRORBUFFER, h->why);
	curl_easy_setopt(h->easy, CURLOPT_DEBUGFUNCTION, http_on_debug);
	curl_easy_setopt(h->easy, CURLOPT_DEBUGDATA, h);
	curl_easy_setopt(h->easy, CURLOPT_VERBOSE, 1L);
	if (h->s.direct)
		curl_easy_setopt(h->easy, CURLOPT_NOPROXY, "*");
	if (h->s.ca_file)
		curl_easy_setopt(h->easy, CURLOPT_CAINFO, h->s.ca_file);
	http_set_method(h, rq);
}

/* A signature and a session token stand in them. */
static void http_headers_free(struct curl_slist *l)
{
	for (struct curl_slist *i = l; i; i = i->next)
		explicit_bzero(i->data, strlen(i->data));
	curl_slist_free_all(l);
}

static enum status http_headers(const struct http_request *rq, struct curl_slist **ret, struct error *err)
{
	struct curl_slist *l = curl_slist_append(NULL, "Expect:");
	for (size_t i = 0; l && rq->header && i < rq->header->n; i++) {
		struct curl_slist *longer = curl_slist_append(l, rq->header->item[i]);
		if (!longer)
			http_headers_free(l);
		l = longer;
	}
	if (!l)
		return error_oom(err);
	*ret = l;
	return ST_OK;
}

/* Until the exchange has ended in whatever way, or the run is cancelled. */
static CURLcode http_drive(struct http *h)
{
	struct curl_waitfd wake = { .fd = h->run->wake_fd, .events = CURL_WAIT_POLLIN };
	CURLcode code = CURLE_ABORTED_BY_CALLBACK;
	int running = 1, left;
	if (curl_multi_add_handle(h->multi, h->easy) != CURLM_OK)
		return CURLE_OUT_OF_MEMORY;
	while (running && !run_cancelled(h->run) && !(h->rq->stop && atomic_load(h->rq->stop))) {
		if (curl_multi_perform(h->multi, &running) != CURLM_OK)
			break;
		if (running)
			curl_multi_poll(h->multi, &wake, 1, HTTP_POLL_MS, NULL);
	}
	for (CURLMsg *m; !running && (m = curl_multi_info_read(h->multi, &left));)
		if (m->msg == CURLMSG_DONE)
			code = m->data.result;
	curl_multi_remove_handle(h->multi, h->easy);
	return code;
}

static enum status http_failure(const struct http *h, CURLcode code, struct error *err)
{
	const char *why = *h->why ? h->why : curl_easy_strerror(code);
	if (h->too_long)
		return error_set(err, ST_FAILED, ERR_STORE, "more was answered than was asked for");
	if (code == CURLE_OPERATION_TIMEDOUT)
		return error_set(err, ST_RETRY, ERR_STORE, "nothing moved for too long (%s)", why);
	if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_ISSUER_ERROR) {
		error_set(err, ST_FAILED, ERR_STORE, "the store's certificate is not trusted: %s", why);
		error_hint(err, "name the authority that signed it with --s3-ca FILE, and the host as its certificate has it");
		return ST_FAILED;
	}
	if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_OUT_OF_MEMORY)
		return error_set(err, ST_FAILED, ERR_STORE, "no request can be made: %s", why);
	return error_set(err, ST_RETRY, ERR_STORE, "%s", why);
}

enum status http_do(struct http *h, const struct http_request *rq, const struct run *run, struct http_answer *a, struct error *err)
{
	struct curl_slist *headers = NULL;
	enum status st = run_check(run, err);
	if (!st)
		st = http_headers(rq, &headers, err);
	if (st)
		return st;
	bool secret = a->body.secret;
	buf_free(&a->body);
	*a = (struct http_answer){ .retry_after_ms = -1, .length = -1, .body = BUF_INIT(HTTP_BODY_MAX) };
	a->body.secret = secret;
	h->rq = rq;
	h->a = a;
	h->run = run;
	h->too_long = false;
	*h->why = '\0';
	http_set(h, rq, headers);
	CURLcode code = http_drive(h);
	curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &a->status);
	http_headers_free(headers);
	st = run_check(run, err);
	if (st)
		return st;
	if (code != CURLE_OK)
		return http_failure(h, code, err);
	return a->whole ? ST_OK : error_set(err, ST_RETRY, ERR_STORE, "the connection ended within the header of the answer");
}
