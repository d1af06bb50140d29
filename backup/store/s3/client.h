/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client: one request to S3, signed, and repeated until there is an answer that counts.
 *
 * Repeated are connections that fail, 5xx, 408, 429, SlowDown and its like, RequestTimeout, expired credentials after they were renewed, and
 * clocks that disagree after ours was corrected by the server's; with a pause that doubles and is drawn by lot, until it has gone wrong for retry_ms.
 * A redirection is never followed: if the answer names another region, the request is signed for that one.
 */
#pragma once

#include "slackwater/digest.h"
#include "store/s3/cred.h"
#include "store/s3/http.h"
#include "store/s3/place.h"
#include "store/s3/sigv4.h"

enum { CLIENT_REGION = 64, CLIENT_CODE = 64, CLIENT_TEXT = 256, CLIENT_QUERY_MAX = 8, CLIENT_HEADER_MAX = 10 };

struct client {
	struct place place;
	struct cred *cred;
	struct throttle throttle;
	struct http_settings http;
	int64_t retry_ms;
	bool unsigned_payload;
	struct run *run;
	struct run shield; /* for tidying up: not reached by a cancel */
	pthread_mutex_t lock; /* of idle, nidle and region */
	struct http **idle;
	size_t nidle, cap;
	char region[CLIENT_REGION];
	_Atomic int64_t skew_ms;  /* the server's clock less ours */
	atomic_bool reached;      /* somebody answered: what fails now may well come back */
	_Atomic uint64_t requests, retries, resent;
};

struct client_call {
	const char *what;   /* "write": "cannot WHAT s3://..." */
	const char *method;
	const char *key;    /* without the prefix; NULL: the bucket */
	bool bare;          /* the key has its prefix already */
	struct sigv4_pair query[CLIENT_QUERY_MAX], header[CLIENT_HEADER_MAX];
	size_t nquery, nheader;
	const void *body;
	size_t len;
	bool md5_too;       /* send Content-MD5 of the body, too */
	unsigned char *into;   /* GET of cap bytes from `from`, in pieces if need be */
	uint64_t from;
	size_t cap;
	int64_t stall_ms;   /* 0 = as always */
	bool tidy;          /* works although the run was cancelled, and takes no longer than half a minute */
	bool probe;         /* a 400 is what is wanted */
	short also[2];      /* besides a 2xx, a status that means something to the caller (0: none) and is no error */
	const atomic_bool *stop;   /* becomes true: give up */
	/* Reads the body of a 2xx (or more) and says ST_RETRY when it is not whole, or an error in disguise. May be NULL. */
	enum status (*check)(struct client_call *c, struct error *err);
	void *arg;
	/* the answer */
	struct http_answer a;
	char code[CLIENT_CODE], text[CLIENT_TEXT], region[CLIENT_REGION]; /* of an error */
	char etag[HTTP_WORD]; /* of the object that is read: what comes later must be of the same */
	size_t got;
	char sha256[DIGEST_HEX], md5[32]; /* of the body, once made */
	int64_t signed_ms;                /* the time that was signed */
	unsigned attempts;
	bool ambiguous; /* an attempt that failed may have been carried out */
};

/* The server, as the options name it or the environment does; NULL or "": AWS itself. */
const char *client_endpoint(const struct store_options *o);
enum status client_init(struct client *c, const char *url, const struct store_options *o, struct run *run, struct error *err);
void client_free(struct client *c); /* zeroed, or half initialised, is fine */

void client_query(struct client_call *c, const char *name, const char *value);
void client_header(struct client_call *c, const char *name, const char *value);
/* ST_OK: 2xx, or what the call wants besides (in call->a.status). Free the answer with client_done in any case. */
enum status client_do(struct client *c, struct client_call *call, struct error *err);
void client_done(struct client_call *call);
/* The error that the answer is. 404 of an object is ERR_SNAPSHOT with ENOENT. */
enum status client_error(struct client *c, const struct client_call *call, struct error *err);
/* Say of an error without an answer what it was that failed. */
void client_failure(struct client *c, const struct client_call *call, struct error *err);
/* Now, by the server's clock. */
int64_t client_wall_ms(struct client *c);
