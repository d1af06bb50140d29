/* SPDX-License-Identifier: Apache-2.0 */
#include "notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "slackwater/buf.h"

enum { NOTIFY_MAX = 2048 };

static int64_t watchdog_of_environment(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	char *end;
	if (!usec || (pid && strtol(pid, NULL, 10) != (long)getpid()))
		return 0;
	long long n = strtoll(usec, &end, 10);
	/* half of what is allowed: one that is late is not the end */
	return *end || n < 2000 ? 0 : n / 2000;
}

enum status notify_open(struct notify *n, struct error *err)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	*n = (struct notify){ .fd = -1 };
	if (!path || !*path)
		return ST_OK;
	size_t len = strlen(path);
	if ((*path != '/' && *path != '@') || len >= sizeof to.sun_path)
		return error_set(err, ST_FAILED, ERR_USAGE, "NOTIFY_SOCKET is no path of a socket: %.80s", path);
	memcpy(to.sun_path, path, len);
	if (*path == '@')
		to.sun_path[0] = '\0';
	/* an abstract name has no NUL behind it: its length says where it ends */
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (*path == '/'));
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (n->fd < 0 || connect(n->fd, (struct sockaddr *)&to, size)) {
		int reason = errno;
		notify_close(n);
		return error_sys(err, ST_FAILED, ERR_USAGE, reason, "cannot reach the service manager at NOTIFY_SOCKET %.80s", path);
	}
	n->watchdog_ms = watchdog_of_environment();
	return ST_OK;
}

void notify_close(struct notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	*n = (struct notify){ .fd = -1 };
}

static void tell(struct notify *n, const char *state, const char *status)
{
	struct buf text = BUF_INIT(NOTIFY_MAX);
	buf_adds(&text, state);
	if (status)
		buf_addf(&text, "%sSTATUS=%.1000s\n", *state ? "\n" : "", status);
	if (n->fd >= 0 && !text.bad) {
		ssize_t done = send(n->fd, text.data, text.len, MSG_NOSIGNAL);
		(void)done;
	}
	buf_free(&text);
}

void notify_ready(struct notify *n, const char *status)
{
	tell(n, "READY=1", status);
}

void notify_reloading(struct notify *n)
{
	struct timespec now;
	struct buf b = BUF_INIT(NOTIFY_MAX);
	clock_gettime(CLOCK_MONOTONIC, &now);
	buf_addf(&b, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	tell(n, buf_str(&b), NULL);
	buf_free(&b);
}

void notify_stopping(struct notify *n, const char *status)
{
	tell(n, "STOPPING=1", status);
}

void notify_status(struct notify *n, const char *status)
{
	tell(n, "", status);
}

void notify_extend(struct notify *n, int64_t ms)
{
	char state[64];
	snprintf(state, sizeof state, "EXTEND_TIMEOUT_USEC=%" PRId64, ms * 1000);
	tell(n, state, NULL);
}

void notify_watchdog(struct notify *n)
{
	tell(n, "WATCHDOG=1", NULL);
}
