/* SPDX-License-Identifier: Apache-2.0 */
#include "route.h"

#include <stdlib.h>
#include <string.h>

#include "response.h"

enum {
	ROUTE_BODY_MAX = 64 << 10,
	ROUTE_DISCARD_MAX = 1 << 20, /* of a body that nobody wants; then the connection is cut */
	ROUTE_RUN_ID_MAX = 128
};

enum route_does { DOES_PAGE, DOES_ALIVE, DOES_READY, DOES_SHARED, DOES_RUN, DOES_COMMAND };

struct route {
	const char *path; /* ends with '/': what follows is the argument */
	enum route_does does;
	enum access_need need;
	enum api_answer shared;
	const char *command;
};

static const struct route table[] = {
	{ "/", DOES_PAGE, ACCESS_OPEN, 0, NULL }, /* the shell only: its figures come by the API */
	{ "/healthz", DOES_ALIVE, ACCESS_OPEN, 0, NULL },
	{ "/readyz", DOES_READY, ACCESS_OPEN, 0, NULL },
	{ "/metrics", DOES_SHARED, ACCESS_READ, API_METRICS, NULL },
	{ "/api/v1/status", DOES_SHARED, ACCESS_READ, API_STATUS, NULL },
	{ "/api/v1/snapshots", DOES_SHARED, ACCESS_READ, API_SNAPSHOTS, NULL },
	{ "/api/v1/runs", DOES_SHARED, ACCESS_READ, API_RUNS, NULL },
	{ "/api/v1/runs/", DOES_RUN, ACCESS_READ, 0, NULL },
	{ "/api/v1/run", DOES_COMMAND, ACCESS_COMMAND, 0, "run" },
	{ "/api/v1/pause", DOES_COMMAND, ACCESS_COMMAND, 0, "pause" },
	{ "/api/v1/resume", DOES_COMMAND, ACCESS_COMMAND, 0, "resume" },
	{ "/api/v1/cancel", DOES_COMMAND, ACCESS_COMMAND, 0, "cancel" },
	{ "/api/v1/reload", DOES_COMMAND, ACCESS_COMMAND, 0, "reload" },
};

struct request {
	struct command command; /* first: its callback gets the request from it */
	struct route_context *ctx;
	struct MHD_Connection *connection;
	struct deadline_entry *deadline;
	const struct route *route;
	char *argument;      /* behind a path that ends with '/' */
	unsigned refused;    /* HTTP status; 0 = go on */
	struct error why;
	struct buf body;
	size_t discarded;
	bool suspended;
};

static const struct route *find(const char *url, const char **ret_argument)
{
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		size_t len = strlen(table[i].path);
		if (!strcmp(url, table[i].path))
			return table[i].does == DOES_RUN ? NULL : &table[i];
		if (table[i].does == DOES_RUN && !strncmp(url, table[i].path, len) && !strchr(url + len, '/') &&
		    strlen(url + len) <= ROUTE_RUN_ID_MAX) {
			*ret_argument = url + len;
			return &table[i];
		}
	}
	return NULL;
}

static const char *header(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

static const char *allowed(const struct route *r)
{
	return r->does == DOES_COMMAND ? "POST" : "GET, HEAD";
}

/* ---- answers ---- */

static enum MHD_Result send_and_forget(struct MHD_Connection *c, unsigned status, struct MHD_Response *r)
{
	if (!r)
		return MHD_NO; /* no memory for an answer: the connection is closed */
	enum MHD_Result done = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return done;
}

static enum MHD_Result send_error(struct request *q, unsigned status, const struct error *e)
{
	struct MHD_Response *r = response_error(e);
	if (r && status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer realm=\"slackwater\"");
	if (r && status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, allowed(q->route));
	if (r && status == MHD_HTTP_SERVICE_UNAVAILABLE)
		MHD_add_response_header(r, MHD_HTTP_HEADER_RETRY_AFTER, "1");
	return send_and_forget(q->connection, status, r);
}

static unsigned status_of(const struct error *e)
{
	switch (e->kind) {
	case ERR_USAGE:
		return MHD_HTTP_BAD_REQUEST;
	case ERR_BUSY:
		return e->status == ST_RETRY ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_CONFLICT;
	case ERR_INTERRUPTED:
		return MHD_HTTP_SERVICE_UNAVAILABLE;
	default:
		return MHD_HTTP_INTERNAL_SERVER_ERROR;
	}
}

static enum MHD_Result alive(struct request *q)
{
	json_t *doc = json_pack("{s:b}", "alive", 1);
	struct MHD_Response *r = doc ? response_json(doc) : NULL;
	json_decref(doc);
	return send_and_forget(q->connection, MHD_HTTP_OK, r);
}

static enum MHD_Result read_only(struct request *q)
{
	struct error err = ERROR_INIT;
	struct MHD_Response *r = NULL;
	enum MHD_Result done = MHD_NO;
	bool ready = true;
	enum status st;
	if (q->route->does == DOES_SHARED) {
		st = api_queue(q->ctx->api, q->route->shared, q->connection, &done, &err);
		return st ? send_error(q, status_of(&err), &err) : done;
	}
	if (q->route->does == DOES_RUN)
		st = api_run(q->ctx->api, q->argument, &r, &err);
	else
		st = api_ready(q->ctx->api, &ready, &r, &err);
	if (st)
		return send_error(q, err.kind == ERR_USAGE ? MHD_HTTP_NOT_FOUND : status_of(&err), &err);
	return send_and_forget(q->connection, ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, r);
}

/* ---- commands ---- */

/* The last thing done to a request here: once resumed it belongs to the listener's thread again. */
static void carried_out(struct command *c)
{
	struct request *q = (struct request *)c;
	deadline_restart(q->ctx->deadline, q->deadline);
	MHD_resume_connection(q->connection);
}

static enum MHD_Result begin_command(struct request *q)
{
	struct error err = ERROR_INIT;
	if (api_request(q->route->command, buf_str(&q->body), q->body.len, &q->command.request, &err))
		return send_error(q, status_of(&err), &err);
	q->command.done = carried_out;
	q->suspended = true;
	q->ctx->unanswered++;
	deadline_pause(q->ctx->deadline, q->deadline);
	MHD_suspend_connection(q->connection);
	if (command_add(q->ctx->commands, &q->command, &err)) {
		q->command.err = err;
		carried_out(&q->command);
	}
	return MHD_YES;
}

static enum MHD_Result end_command(struct request *q)
{
	if (q->command.err.status)
		return send_error(q, status_of(&q->command.err), &q->command.err);
	return send_and_forget(q->connection, MHD_HTTP_OK, response_json(q->command.answer));
}

/* ---- a request ---- */

static unsigned refuse(struct request *q, unsigned status, const char *message, const char *hint)
{
	error_set(&q->why, ST_FAILED, ERR_USAGE, "%s", message);
	error_hint(&q->why, "%s", hint);
	return status;
}

static unsigned look_at(struct request *q, const char *url, const char *method)
{
	struct MHD_Connection *c = q->connection;
	const char *argument = NULL;
	q->route = find(url, &argument);
	if (!q->route)
		return refuse(q, MHD_HTTP_NOT_FOUND, "there is nothing at this address", "/, /metrics, /healthz, /readyz, /api/v1/status");
	bool post = !strcmp(method, MHD_HTTP_METHOD_POST), get = !strcmp(method, MHD_HTTP_METHOD_GET) || !strcmp(method, MHD_HTTP_METHOD_HEAD);
	if (q->route->does == DOES_COMMAND ? !post : !get)
		return refuse(q, MHD_HTTP_METHOD_NOT_ALLOWED, "this address does not take that method", allowed(q->route));
	if (argument && !(q->argument = strdup(argument)))
		return refuse(q, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory", "");
	const struct access_request access = {
		.need = q->route->need,
		.authorization = header(c, MHD_HTTP_HEADER_AUTHORIZATION),
		.host = header(c, MHD_HTTP_HEADER_HOST),
		.origin = header(c, MHD_HTTP_HEADER_ORIGIN),
		.fetch_site = header(c, "Sec-Fetch-Site"),
		.content_type = header(c, MHD_HTTP_HEADER_CONTENT_TYPE),
	};
	return access_check(&q->ctx->rules, &access, &q->why);
}

static enum MHD_Result first_look(struct request *q, const char *url, const char *method)
{
	const char *length = header(q->connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
	q->refused = look_at(q, url, method);
	if (!length || strtoull(length, NULL, 10) <= ROUTE_BODY_MAX)
		return MHD_YES; /* a small body is read even when it is refused, so that the connection can go on */
	if (!q->refused)
		q->refused = refuse(q, MHD_HTTP_CONTENT_TOO_LARGE, "the body is too large", "at most 64 KiB");
	if (!strcmp(method, MHD_HTTP_METHOD_POST) || !strcmp(method, MHD_HTTP_METHOD_PUT))
		return send_error(q, q->refused, &q->why); /* at once; the library then closes the connection */
	return MHD_YES;
}

static enum MHD_Result take_body(struct request *q, const char *data, size_t len)
{
	if (!q->refused && q->route->does == DOES_COMMAND && q->body.len + len <= ROUTE_BODY_MAX) {
		buf_add(&q->body, data, len);
		return MHD_YES;
	}
	if (!q->refused && q->route->does == DOES_COMMAND)
		q->refused = refuse(q, MHD_HTTP_CONTENT_TOO_LARGE, "the body is too large", "at most 64 KiB");
	q->discarded += len;
	return q->discarded <= ROUTE_DISCARD_MAX ? MHD_YES : MHD_NO;
}

static enum MHD_Result answer(struct request *q)
{
	if (q->refused)
		return send_error(q, q->refused, &q->why);
	switch (q->route->does) {
	case DOES_PAGE:
		return MHD_queue_response(q->connection, MHD_HTTP_OK, q->ctx->page);
	case DOES_ALIVE:
		return alive(q);
	case DOES_COMMAND:
		return q->suspended ? end_command(q) : begin_command(q);
	default:
		return read_only(q);
	}
}

static struct deadline_entry *entry_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info ? info->socket_context : NULL;
}

enum MHD_Result route_handle(void *cls, struct MHD_Connection *c, const char *url, const char *method, const char *version,
                             const char *upload_data, size_t *upload_data_size, void **con_cls)
{
	struct request *q = *con_cls;
	(void)version;
	if (q && *upload_data_size) {
		size_t len = *upload_data_size;
		*upload_data_size = 0;
		return take_body(q, upload_data, len);
	}
	if (q)
		return answer(q);
	q = calloc(1, sizeof *q);
	if (!q)
		return MHD_NO;
	q->ctx = cls;
	q->connection = c;
	q->deadline = entry_of(c);
	q->body = BUF_INIT(ROUTE_BODY_MAX);
	*con_cls = q;
	return first_look(q, url, method);
}

/* The request line is here: what is kept alive between requests does not count. */
void *route_begin(void *cls, const char *uri, struct MHD_Connection *c)
{
	struct route_context *ctx = cls;
	(void)uri;
	deadline_restart(ctx->deadline, entry_of(c));
	return NULL;
}

void route_completed(void *cls, struct MHD_Connection *c, void **con_cls, enum MHD_RequestTerminationCode toe)
{
	struct route_context *ctx = cls;
	struct request *q = *con_cls;
	(void)toe;
	deadline_restart(ctx->deadline, entry_of(c));
	if (!q)
		return;
	if (q->suspended)
		ctx->unanswered--;
	json_decref(q->command.request);
	json_decref(q->command.answer);
	free(q->argument);
	buf_free(&q->body);
	free(q);
	*con_cls = NULL;
}

void route_connection(void *cls, struct MHD_Connection *c, void **socket_context, enum MHD_ConnectionNotificationCode toe)
{
	struct route_context *ctx = cls;
	if (toe == MHD_CONNECTION_NOTIFY_CLOSED) {
		deadline_forget(ctx->deadline, *socket_context);
		*socket_context = NULL;
		return;
	}
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	*socket_context = info ? deadline_watch(ctx->deadline, info->connect_fd) : NULL;
}
