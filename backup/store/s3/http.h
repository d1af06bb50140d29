/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http: one exchange at a time over libcurl, with the connection kept for the next. Knows nothing of S3, follows no redirection, retries
 * nothing. A client is used by one thread at a time. A cancel of the run ends an exchange at once.
 */
#pragma once

#include "slackwater/buf.h"
#include "slackwater/run.h"
#include "store/s3/throttle.h"

struct http;

struct http_settings {
	const char *ca_file;       /* NULL = those of the system */
	int64_t connect_ms;        /* longest until a connection stands, TLS included */
	int64_t stall_ms;          /* an exchange that hardly moves for so long has failed */
	bool direct;               /* through no proxy, whatever the environment says */
	struct throttle *throttle; /* of what is sent; may be NULL */
};

struct http_request {
	const char *method, *url;
	const struct strlist *header; /* "Name: value" */
	const void *body;             /* sent when the method is PUT or POST, with its length, never chunked */
	size_t body_len;
	unsigned char *into;          /* where the body of a 200 or 206 goes; NULL = to the answer */
	size_t into_cap;              /* more than that is a failure */
	int64_t stall_ms;             /* 0 = that of the settings */
	const atomic_bool *stop;      /* becomes true: end it; may be NULL */
};

enum { HTTP_WORD = 256 };

struct http_answer {
	long status;
	char etag[HTTP_WORD], region[64], writer[64], content_range[128];
	char lock_until[40], hold[8]; /* Object Lock: a time, "ON" */
	int64_t date_ms;        /* the server's clock, 0 = it said nothing */
	int64_t retry_after_ms; /* -1 = it said nothing */
	int64_t length;         /* Content-Length, -1 = it said nothing */
	size_t got, sent;       /* bytes that went to `into`; bytes of the body handed out */
	unsigned sends;         /* how often the request went out: libcurl repeats it itself on a kept connection that turns out to be dead */
	bool whole;             /* the header came to its end */
	struct buf body;
};

void http_answer_free(struct http_answer *a);
enum status http_new(const struct http_settings *s, struct http **ret, struct error *err);
void http_free(struct http *h);
/*
 * ST_OK: a whole answer came, whatever its status. ST_RETRY: the connection failed, or the answer is not whole; a->got and a->sent hold.
 * ST_FAILED: trying again is of no use (the certificate is not trusted, the URL is none), or the run was cancelled.
 */
enum status http_do(struct http *h, const struct http_request *rq, const struct run *run, struct http_answer *a, struct error *err);
