/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sink: where the library's events end up: each becomes a log line, and progress also moves the line at the bottom of the
 * terminal. The two share standard error, so one lock covers both. Any thread may emit.
 */
#pragma once

#include <pthread.h>

#include "feed.h"
#include "log.h"
#include "progress.h"

struct sink {
	struct event_sink base; /* first member */
	pthread_mutex_t lock;
	struct log log;
	struct feed feed;
	struct progress progress;
	int64_t progress_logged_ms; /* figures go to a log every half minute, where no terminal shows them */
};

/* log and feed (NULL = none) were opened by the caller and are closed by sink_destroy. */
void sink_init(struct sink *s, const struct log *log, const struct feed *feed);
void sink_destroy(struct sink *s);
/* A line of the agent's own, with its fields. */
void sink_log(struct sink *s, enum log_level level, const struct log_field *field, size_t n);
/* A line of another process's log as it is, with fields added; one that is not logfmt becomes the message of a line of ours. */
void sink_pass(struct sink *s, const char *line, const struct log_field *field, size_t n);
/* From now on to that file (NULL = standard error), as log_open; the old one stays when it cannot be opened. */
enum status sink_reopen(struct sink *s, const char *path, enum log_level level, struct error *err);
/* The progress line is taken away for good, before results are printed. */
void sink_finish(struct sink *s);
