/* SPDX-License-Identifier: Apache-2.0 */
/* cred_sources: the places that may have credentials, in the order in which they are asked, and what they have in common. */
#pragma once

#include "store/s3/cred.h"
#include "store/s3/http.h"

/* ST_OK and ret->access NULL: this place does not apply here. An error: it does, and cannot give them. */
typedef enum status cred_source_fn(const char *region, const struct run *run, struct cred_keys *ret, struct error *err);

extern cred_source_fn *const cred_sources[]; /* NULL-terminated */

/* AWS_ACCESS_KEY_ID; AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN; ~/.aws; AWS_CONTAINER_CREDENTIALS_...; the metadata service. */
cred_source_fn cred_env, cred_web, cred_profile, cred_container, cred_imds;

const char *cred_getenv(const char *name); /* NULL when it is empty, too */
void cred_trim(struct buf *b, const char *end); /* cuts off what is of these characters at the end of b */
/* token may be NULL or "". */
enum status cred_set(struct cred_keys *k, const char *from, const char *access, const char *secret, const char *token, struct error *err);
/* One exchange, tried a few times; anything but a 2xx is an error that begins "cannot get credentials from WHAT". The answer is a secret. */
enum status cred_fetch(const struct http_request *rq, const char *what, const char *ca, bool direct, const struct run *run,
                       struct http_answer *a, struct error *err);
/* The document of the container endpoint and of the metadata service. */
enum status cred_parse_json(const char *text, size_t len, const char *from, struct cred_keys *ret, struct error *err);

/* Whether the address of a container's endpoint may be sent a token: over the network only by https. Pure. */
bool cred_container_allowed(const char *url);
/* "http://169.254.169.254/latest/PATH", or at AWS_EC2_METADATA_SERVICE_ENDPOINT. */
enum status cred_imds_url(const char *path, struct buf *out, struct error *err);
