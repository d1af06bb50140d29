/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server: the agent's HTTP: metrics, health, API and page for the world, and the same API with commands for `slackwater run` and its like.
 *
 * Takes views and commands from a backend, hands them to clients; must never hold up the daemon: a view costs it one pointer, however many
 * clients there are, and what a client may take up (time, memory, connections, bytes sent) is bounded.
 *
 * Two listeners. `listen` is for browsers, Prometheus and scripts: with a token, everything but the page's shell, /healthz and /readyz needs
 * it; without one it may only be read, and only on loopback or a Unix socket. `control_socket` asks for no token: the file's mode (0660)
 * and group decide who may connect, and whoever may connect may command.
 *
 * Its threads take no signals.
 */
#pragma once

#include <stdint.h>

#include "backend.h"
#include "secrets.h"

struct http_options {
	const char *listen;         /* "127.0.0.1:9877", "[::1]:9877", "unix:/path"; port 0 = any that is free; NULL = none */
	const char *control_socket; /* path; NULL = none */
	const char *control_group;  /* name; NULL = the process's own */
	const struct secrets *secrets; /* of `listen`: never NULL. TLS is for TCP */
	int64_t patience_ms;        /* what a client may take for one request; 0 = 30 s */
};

struct http;

/*
 * Nothing of o is needed afterwards; b's functions are called from several threads until http_stop has returned. ERR_USAGE: an address or a
 * certificate that cannot be used; ERR_BUSY: somebody listens there already.
 */
enum status http_start(const struct http_options *o, const struct http_backend *b, struct http **ret, struct error *err);
/* Where it listens, as a URL ("http://127.0.0.1:9877/"), or as `listen` was given for a Unix socket; NULL when it does not. Owned by h. */
const char *http_address(const struct http *h);
/* Waits for commands under way, cuts connections, removes the sockets' files. NULL is fine. */
void http_stop(struct http *h);
