/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sigv4: AWS Signature Version 4, as S3 wants it: paths are encoded once and never normalised. Pure: no clock, no allocation that
 * outlives the call but the buffers handed in. Our own, because what libcurl does for CURLOPT_AWS_SIGV4 differs from release to
 * release in what it signs (query order, session token, x-amz-content-sha256, encoding of the path).
 */
#pragma once

#include <stddef.h>

#include "slackwater/buf.h"

struct sigv4_pair { const char *name, *value; };

struct sigv4_request {
	const char *method;
	const char *path;               /* not encoded; begins with a slash */
	const struct sigv4_pair *query; /* not encoded, in any order */
	size_t nquery;
	const struct sigv4_pair *header; /* those to be signed, in any case and order; host and x-amz-date must be among them */
	size_t nheader;
	const char *payload; /* SHA-256 of the body in hexadecimal, or UNSIGNED-PAYLOAD */
};

struct sigv4_scope {
	const char *access_key, *secret_key;
	const char *time; /* 20150830T123600Z, that of x-amz-date */
	const char *region, *service;
};

/* Percent-encode all but A-Za-z0-9-._~, and '/' unless slash is to be encoded, too. */
void sigv4_encode(const char *text, bool encode_slash, struct buf *out);
/* The query as it is signed and must be sent: encoded, sorted, "name=" where there is no value. */
enum status sigv4_query(const struct sigv4_pair *query, size_t n, struct buf *out, struct error *err);
enum status sigv4_canonical(const struct sigv4_request *rq, struct buf *out, struct error *err);
enum status sigv4_string_to_sign(const char *canonical, const struct sigv4_scope *s, struct buf *out, struct error *err);
/* The value of the Authorization header. */
enum status sigv4_sign(const struct sigv4_request *rq, const struct sigv4_scope *s, struct buf *out, struct error *err);
