/* SPDX-License-Identifier: Apache-2.0 */
/* route: one request from its first byte to its answer, as libmicrohttpd calls for it. */
#pragma once

#include <stdatomic.h>

#include "access.h"
#include "api.h"
#include "command.h"
#include "deadline.h"

/* What the requests of one listener share; owned by the server. */
struct route_context {
	struct api *api;
	struct command_queue *commands;
	struct deadline *deadline;
	struct MHD_Response *page;
	struct access_rules rules;
	atomic_uint unanswered; /* commands whose answer has not gone out yet */
};

/* Callbacks of MHD; cls is a struct route_context. */
void *route_begin(void *cls, const char *uri, struct MHD_Connection *c);
enum MHD_Result route_handle(void *cls, struct MHD_Connection *c, const char *url, const char *method, const char *version,
                             const char *upload_data, size_t *upload_data_size, void **con_cls);
void route_completed(void *cls, struct MHD_Connection *c, void **con_cls, enum MHD_RequestTerminationCode toe);
void route_connection(void *cls, struct MHD_Connection *c, void **socket_context, enum MHD_ConnectionNotificationCode toe);
