/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "listen.h"
#include "page.h"
#include "route.h"

enum {
	SERVER_CONNECTIONS = 256,
	SERVER_CONTROL_CONNECTIONS = 64,
	SERVER_MEMORY = 16 << 10,  /* of one connection: request line, headers, a piece of the body */
	SERVER_IDLE_S = 30,        /* between two requests */
	SERVER_PATIENCE_MS = 30000,
	SERVER_ANSWERS_MS = 1000, SERVER_ANSWERS_POLL_MS = 5, /* at the end */
	SERVER_OPTIONS = 16
};

struct side {
	struct route_context ctx;
	struct listen_socket socket;
	struct MHD_Daemon *daemon;
};

struct http {
	struct http_backend backend;
	struct api api;
	struct command_queue commands;
	struct deadline deadline;
	struct MHD_Response *page;
	struct side world, control;
	char address[LISTEN_TEXT + 16];
};

static enum status check_options(const struct http_options *o, struct error *err)
{
	bool unix_socket = o->listen && !strncmp(o->listen, "unix:", 5);
	bool tls = o->secrets->cert.len != 0;
	if (tls && unix_socket)
		return error_set(err, ST_FAILED, ERR_USAGE, "TLS is for TCP; %s is a Unix socket", o->listen);
	if (tls && MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES) {
		error_set(err, ST_FAILED, ERR_USAGE, "this libmicrohttpd has no TLS");
		return error_hint(err, "listen on loopback and put a reverse proxy in front of it");
	}
	return ST_OK;
}

/* ---- listeners ---- */

static void say_nothing(void *cls, const char *fmt, va_list ap)
{
	(void)cls;
	(void)fmt;
	(void)ap;
}

/* Addresses are compared as they were sent: what is escaped is none of ours, "%00" no end of a string. */
static size_t leave_escapes(void *cls, struct MHD_Connection *c, char *s)
{
	(void)cls;
	(void)c;
	return strlen(s);
}

/* The library closes the socket it was given on some of its failures and not on others; by then its number may be somebody else's. */
static void forget_socket_unless_same(struct listen_socket *s, const struct stat *before)
{
	struct stat now;
	if (fstat(s->fd, &now) || now.st_dev != before->st_dev || now.st_ino != before->st_ino)
		s->fd = -1;
}

/*
 * The library's threads: one for each listener, with epoll. It takes over the socket when it starts, and closes it when it stops.
 */
static enum status serve(struct side *side, unsigned connections, const struct secrets *secrets, struct error *err)
{
	const bool tls = secrets && secrets->cert.len;
	const struct MHD_OptionItem option[SERVER_OPTIONS] = {
		{ MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)say_nothing, NULL },
		{ MHD_OPTION_LISTEN_SOCKET, side->socket.fd, NULL },
		{ MHD_OPTION_CONNECTION_LIMIT, connections, NULL },
		{ MHD_OPTION_CONNECTION_TIMEOUT, SERVER_IDLE_S, NULL },
		{ MHD_OPTION_CONNECTION_MEMORY_LIMIT, SERVER_MEMORY, NULL },
		{ MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL },
		{ MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)leave_escapes, NULL },
		{ MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)route_begin, &side->ctx },
		{ MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)route_completed, &side->ctx },
		{ MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)route_connection, &side->ctx },
		{ tls ? MHD_OPTION_HTTPS_MEM_KEY : MHD_OPTION_END, 0, tls ? secrets->key.data : NULL },
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, tls ? secrets->cert.data : NULL },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)"SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2" },
		{ MHD_OPTION_END, 0, NULL },
	};
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME | (tls ? MHD_USE_TLS : 0u);
	struct stat before;
	if (fstat(side->socket.fd, &before))
		return error_sys(err, ST_FAILED, ERR_UNEXPECTED, errno, "cannot look at the socket of %s", side->socket.address);
	side->daemon = MHD_start_daemon(flags, 0, NULL, NULL, route_handle, &side->ctx, MHD_OPTION_ARRAY, option, MHD_OPTION_END);
	if (side->daemon) {
		side->socket.fd = -1;
		return ST_OK;
	}
	forget_socket_unless_same(&side->socket, &before);
	error_set(err, ST_FAILED, tls ? ERR_USAGE : ERR_UNEXPECTED, "cannot serve HTTP on %s", side->socket.address);
	if (tls)
		error_hint(err, "do the certificate and the key belong together, and is the key without a passphrase?");
	return ST_FAILED;
}

static enum status refuse_open_door(const struct http *h, const struct http_options *o, struct error *err)
{
	if (h->world.socket.loopback || o->secrets->has_token)
		return ST_OK;
	error_set(err, ST_FAILED, ERR_USAGE, "%s can be reached by others, and there is no token", o->listen);
	return error_hint(err, "set token-file in [agent], or listen on 127.0.0.1");
}

static enum status open_world(struct http *h, const struct http_options *o, struct error *err)
{
	struct access_rules *rules = &h->world.ctx.rules;
	if (!o->listen)
		return ST_OK;
	enum status st = listen_open(o->listen, &h->world.socket, err);
	if (!st)
		st = refuse_open_door(h, o, err);
	if (st)
		return st;
	rules->has_token = o->secrets->has_token;
	memcpy(rules->token_digest, o->secrets->token_digest, sizeof rules->token_digest);
	rules->check_host = !rules->has_token && !h->world.socket.unix_socket;
	snprintf(h->address, sizeof h->address, h->world.socket.unix_socket ? "%s%s" : "%s%s/",
	         h->world.socket.unix_socket ? "" : o->secrets->cert.len ? "https://" : "http://", h->world.socket.address);
	return serve(&h->world, SERVER_CONNECTIONS, o->secrets, err);
}

static enum status open_control(struct http *h, const struct http_options *o, struct error *err)
{
	if (!o->control_socket)
		return ST_OK;
	enum status st = listen_unix(o->control_socket, o->control_group, &h->control.socket, err);
	if (st)
		return st;
	h->control.ctx.rules.control = true;
	return serve(&h->control, SERVER_CONTROL_CONNECTIONS, NULL, err);
}

/* ---- start and stop ---- */

static void set_context(struct http *h, struct side *side)
{
	side->ctx = (struct route_context){ .api = &h->api, .commands = &h->commands, .deadline = &h->deadline, .page = h->page };
}

static enum status start(struct http *h, const struct http_options *o, struct error *err)
{
	enum status st = page_make(&h->page, err);
	if (!st)
		st = deadline_start(&h->deadline, o->patience_ms ? o->patience_ms : SERVER_PATIENCE_MS, err);
	if (!st)
		st = command_start(&h->commands, &h->backend, err);
	set_context(h, &h->world);
	set_context(h, &h->control);
	if (!st)
		st = open_control(h, o, err);
	if (!st)
		st = open_world(h, o, err);
	return st;
}

enum status http_start(const struct http_options *o, const struct http_backend *b, struct http **ret, struct error *err)
{
	sigset_t all, before;
	enum status st = check_options(o, err);
	if (st)
		return st;
	struct http *h = calloc(1, sizeof *h);
	if (!h)
		return error_oom(err);
	h->backend = *b;
	h->world.socket = h->control.socket = LISTEN_NONE;
	api_init(&h->api, &h->backend);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* inherited by every thread that is started here */
	st = start(h, o, err);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (st)
		http_stop(h);
	else
		*ret = h;
	return st;
}

const char *http_address(const struct http *h)
{
	return *h->address ? h->address : NULL;
}

/* The library cuts off whoever it is just answering: what has been carried out is told first, to those who still listen. */
static void let_answers_out(const struct http *h)
{
	const struct timespec turn = { .tv_nsec = SERVER_ANSWERS_POLL_MS * 1000000L };
	for (int left = SERVER_ANSWERS_MS; left > 0 && (h->world.ctx.unanswered || h->control.ctx.unanswered); left -= SERVER_ANSWERS_POLL_MS)
		nanosleep(&turn, NULL);
}

/* Connections that wait for a command must have been resumed before the library may be stopped. */
void http_stop(struct http *h)
{
	if (!h)
		return;
	command_stop(&h->commands);
	let_answers_out(h);
	if (h->world.daemon)
		MHD_stop_daemon(h->world.daemon);
	if (h->control.daemon)
		MHD_stop_daemon(h->control.daemon);
	listen_close(&h->world.socket);
	listen_close(&h->control.socket);
	deadline_stop(&h->deadline);
	if (h->page)
		MHD_destroy_response(h->page);
	api_destroy(&h->api);
	free(h);
}
