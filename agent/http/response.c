/* SPDX-License-Identifier: Apache-2.0 */
#include "response.h"

#include <stdlib.h>

#include "exitcode.h"
#include "output_json.h"

static const struct { const char *name, *value; } always[] = {
	{ "Cache-Control", "no-store" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "X-Frame-Options", "DENY" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
};

static bool add_headers(struct MHD_Response *r, const char *type, const char *policy)
{
	enum MHD_Result ok = MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (ok == MHD_YES)
		ok = MHD_add_response_header(r, "Content-Security-Policy", policy ? policy : RESPONSE_NO_SOURCES);
	for (size_t i = 0; ok == MHD_YES && i < sizeof always / sizeof always[0]; i++)
		ok = MHD_add_response_header(r, always[i].name, always[i].value);
	return ok == MHD_YES;
}

struct MHD_Response *response_bytes(struct buf *body, const char *type, const char *policy)
{
	size_t len = body->len;
	char *data = buf_take(body);
	struct MHD_Response *r = data ? MHD_create_response_from_buffer(len, data, MHD_RESPMEM_MUST_FREE) : NULL;
	if (data && !r)
		free(data);
	buf_free(body);
	if (r && !add_headers(r, type, policy)) {
		MHD_destroy_response(r);
		r = NULL;
	}
	return r;
}

struct MHD_Response *response_json(const json_t *doc)
{
	struct buf body = BUF_INIT(RESPONSE_MAX);
	struct error ignored;
	if (jsonx_dump_line(doc, &body, &ignored)) {
		buf_free(&body);
		return NULL;
	}
	return response_bytes(&body, "application/json", NULL);
}

struct MHD_Response *response_error(const struct error *e)
{
	json_t *doc = NULL;
	struct error ignored;
	struct MHD_Response *r = NULL;
	if (!output_json_error(&doc, e, exitcode_of(e->kind, 0), &ignored))
		r = response_json(doc);
	json_decref(doc);
	return r;
}
