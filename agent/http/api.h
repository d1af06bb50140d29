/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api: answers made from a view. Those that are the same for everybody are made once for each view and shared, so that a hundred clients cost
 * no more work or memory than one.
 */
#pragma once

#include <microhttpd.h>
#include <pthread.h>

#include "backend.h"

enum api_answer { API_STATUS, API_SNAPSHOTS, API_RUNS, API_METRICS, API_ANSWERS };

struct api {
	const struct http_backend *backend;
	pthread_mutex_t lock;
	json_t *view; /* which answer[] are of */
	struct MHD_Response *answer[API_ANSWERS];
};

void api_init(struct api *a, const struct http_backend *backend);
void api_destroy(struct api *a);

/*
 * Queues the shared answer on a connection; *ret is what its handler has to return. ERR_BUSY: there is no view yet. Queueing is the only way to
 * take a reference to an answer, so it is done here, before a newer view can replace it.
 */
enum status api_queue(struct api *a, enum api_answer which, struct MHD_Connection *c, enum MHD_Result *ret, struct error *err);
/* {"run": RUN}; ERR_USAGE: there is none, or it has been forgotten. */
enum status api_run(struct api *a, const char *id, struct MHD_Response **ret, struct error *err);
/* {"ready": bool, "waits_for": [text]}. */
enum status api_ready(struct api *a, bool *ret_ready, struct MHD_Response **ret, struct error *err);
/*
 * The request for the backend, a new reference, from a command's body ("" = {}). ERR_USAGE: no JSON object, an unknown member, a wrong type.
 */
enum status api_request(const char *command, const char *body, size_t len, json_t **ret, struct error *err);
