/* SPDX-License-Identifier: Apache-2.0 */
/* listen: a listening socket from an address as people write it. Every failure says which address; its kind is exitcode_of_place's. */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "slackwater/error.h"

enum { LISTEN_TEXT = 160 };

struct listen_socket {
	int fd;                  /* -1 = none */
	bool unix_socket;
	bool loopback;           /* a Unix socket counts */
	char address[LISTEN_TEXT]; /* "127.0.0.1:9877", "[::1]:9877", "unix:/path": as bound */
	struct stat file;        /* of a Unix socket: which one is ours */
};

#define LISTEN_NONE ((struct listen_socket){ .fd = -1 })

/* Whether text is "ADDRESS:PORT" as below; nothing is opened. */
bool listen_understands(const char *text, bool *ret_loopback);
/* "ADDRESS:PORT" with a numeric address, "[IPv6]:PORT", "unix:/PATH" (mode 0660, see listen_unix). */
enum status listen_open(const char *text, struct listen_socket *ret, struct error *err);
/*
 * Mode 0660 from the first moment on, group as named (NULL = the process's). A socket that is left over from a process that is gone is
 * replaced; one that somebody answers on is ERR_BUSY, and anything else at that path is left alone.
 */
enum status listen_unix(const char *path, const char *group, struct listen_socket *ret, struct error *err);
/* Removes a Unix socket's file if it is still the one that was made. Closes fd unless the caller has given it away (fd -1). */
void listen_close(struct listen_socket *s);
