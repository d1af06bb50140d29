/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed: what a run is doing, for a program that started it: one JSON object a line on a descriptor it handed down (--events-fd).
 *
 *   {"kind": "state", "area": "window", "name": "STOPPING", "text": "..."}
 *   {"kind": "progress", "area": "dump", "bytes_done": n, "bytes_total": n, "rows_done": n, "rows_total": n}
 *   {"kind": "warning", "area": "...", "text": "..."}
 *
 * A total of 0 is not known. The reader may be slow or gone: a line that finds no room is lost, for nothing may hold up the applier's pause.
 * Takes events from sink; must never block and never fail the run.
 */
#pragma once

#include "slackwater/buf.h"
#include "slackwater/event.h"

enum { FEED_LINE_MAX = 4096, FEED_EVERY_MS = 500 };

struct feed {
	int fd;                 /* -1 = nobody listens */
	int64_t progress_ms;    /* of the last line of progress; 0 = none yet */
};

/* fd 0 = nobody listens. It becomes ours: non-blocking and closed in children. ERR_USAGE when it is not open for writing. */
enum status feed_open(struct feed *f, unsigned fd, struct error *err);
void feed_close(struct feed *f);
/* now_ms is monotonic; progress is sent at most every FEED_EVERY_MS. One caller at a time. */
void feed_send(struct feed *f, const struct event *ev, int64_t now_ms);
/* The line, with its newline. Nothing for kinds that are not sent. */
void feed_format(const struct event *ev, struct buf *out);
