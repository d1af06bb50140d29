/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify: telling the service manager how we are: datagrams of KEY=VALUE lines to the socket that NOTIFY_SOCKET names (sd_notify(3)).
 * Without one nothing is sent: that is the foreground mode. A message that cannot be sent is lost, and never waited for.
 */
#pragma once

#include <stdint.h>

#include "slackwater/error.h"

struct notify {
	int fd;              /* -1 = nobody is to be told */
	int64_t watchdog_ms; /* send one at least so often; 0 = nobody watches */
};

/* From NOTIFY_SOCKET ("/path" or "@abstract"), WATCHDOG_USEC and WATCHDOG_PID. A socket that cannot be used is ERR_USAGE. */
enum status notify_open(struct notify *n, struct error *err);
void notify_close(struct notify *n);
void notify_ready(struct notify *n, const char *status); /* also at the end of a reload */
void notify_reloading(struct notify *n);
void notify_stopping(struct notify *n, const char *status);
void notify_status(struct notify *n, const char *status); /* one line */
/* The end takes longer than was agreed upon: so much more from now on. */
void notify_extend(struct notify *n, int64_t ms);
void notify_watchdog(struct notify *n);
