/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote: talking to the running agent over its control socket.
 *
 * Takes paths of the API (http/route.c) and documents, hands back documents. An answer that is an error becomes ours, with its kind and hint. No
 * agent there is ERR_PREFLIGHT, ST_RETRY when it may be just starting. One thread.
 */
#pragma once

#include <jansson.h>

#include "config.h"
#include "slackwater/run.h"

struct remote;

/* --control-socket, or what --config says, or the default place. run outlives it. */
enum status remote_open(const struct config *c, struct run *run, struct remote **ret, struct error *err);
void remote_free(struct remote *c); /* NULL is fine */
enum status remote_get(struct remote *c, const char *path, json_t **ret, struct error *err);
/* body: members of the request, borrowed. */
enum status remote_post(struct remote *c, const char *path, const json_t *body, json_t **ret, struct error *err);
/* ERROR of a document as an error of ours; ERR_UNEXPECTED when its kind is none of ours. */
enum status remote_error(const json_t *error, struct error *err);
