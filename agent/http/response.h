/* SPDX-License-Identifier: Apache-2.0 */
/* response: answers with the headers that every one of them carries. NULL = out of memory; else one reference, the caller's. */
#pragma once

#include <jansson.h>
#include <microhttpd.h>

#include "slackwater/buf.h"
#include "slackwater/error.h"

enum { RESPONSE_MAX = 64 << 20 };

#define RESPONSE_NO_SOURCES "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/* Takes body's bytes, also when it fails; a body that is bad is out of memory. policy NULL: nothing may be loaded. */
struct MHD_Response *response_bytes(struct buf *body, const char *type, const char *policy);
struct MHD_Response *response_json(const json_t *doc);
/* {"error": {kind, code, message, hint}}; code is the exit code that `slackwater` has for it. */
struct MHD_Response *response_error(const struct error *e);
