/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log: one line per event in logfmt (key=value, quoted where needed), to standard error or a file.
 * A line is one write(), so that lines of several processes appending to a file do not mix. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "slackwater/buf.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

struct log_field {
	const char *key;
	const char *value; /* NULL: the field is left out */
};

struct log {
	int fd;
	bool own; /* a file that we opened */
	enum log_level level;
};

/* path NULL: standard error. A file is created with mode 0640 and appended to. Failure is ERR_USAGE. */
enum status log_open(struct log *l, const char *path, enum log_level level, struct error *err);
void log_close(struct log *l);
extern const char *const log_level_names[]; /* by enum log_level, NULL-terminated */
const char *log_level_name(enum log_level level);
/* False: the line would be thrown away. */
bool log_wants(const struct log *l, enum log_level level);
void log_write(const struct log *l, int64_t wall_ms, enum log_level level, const struct log_field *field, size_t n);
/*
 * A line of another process's log (logfmt, without its newline) with fields of ours behind it, whatever its level: that process has looked at
 * it. Anything else is the msg of a line of ours, of level info. n is at most 8.
 */
void log_pass(const struct log *l, int64_t wall_ms, const char *line, const struct log_field *field, size_t n);
/* The line with its newline, as log_write would write it. */
void log_format(struct buf *out, int64_t wall_ms, enum log_level level, const struct log_field *field, size_t n);
