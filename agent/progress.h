/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress: one line at the bottom of a terminal that is written over again and again: state, bytes, rows, rate, time left.
 * Shown only when standard error is a terminal that can erase a line. Not thread-safe: agent/sink.c holds the lock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "slackwater/buf.h"
#include "slackwater/event.h"

struct progress {
	bool terminal;      /* there is a line to draw */
	bool colour;
	bool shown;         /* it is on the screen now */
	char area[24];      /* what the figures are of */
	char state[64];
	uint64_t bytes_done, bytes_total, rows_done, rows_total;
	int64_t drawn_ms;
	int64_t sample_ms;  /* the rate is measured between samples */
	uint64_t sample_bytes, sample_rows;
	double byte_rate, row_rate;
};

/* fd is asked whether it is a terminal; TERM=dumb has no line, NO_COLOR set to anything has no colour. */
void progress_init(struct progress *p, int fd);
void progress_state(struct progress *p, const char *area, const char *name);
void progress_update(struct progress *p, const struct event *ev, int64_t now_ms);
/* The line's text without control sequences, at most width columns. */
void progress_text(const struct progress *p, unsigned width, struct buf *out);
/* Draw if there is one and the last time is long enough ago (or force). */
void progress_draw(struct progress *p, int64_t now_ms, bool force);
void progress_erase(struct progress *p);
