/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "exitcode.h"
#include "slackwater/run.h"
#include "text.h"

enum { LOG_LINE_MAX = 16384, LOG_FIELDS = 9 };

const char *const log_level_names[] = { "debug", "info", "warning", "error", NULL };

const char *log_level_name(enum log_level level)
{
	return log_level_names[level];
}

enum status log_open(struct log *l, const char *path, enum log_level level, struct error *err)
{
	*l = (struct log){ .fd = STDERR_FILENO, .level = level };
	if (!path)
		return ST_OK;
	l->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
	if (l->fd < 0) {
		l->fd = STDERR_FILENO;
		return error_sys(err, ST_FAILED, exitcode_of_place(errno), errno, "cannot open the log file %s", path);
	}
	l->own = true;
	return ST_OK;
}

void log_close(struct log *l)
{
	if (l->own)
		close(l->fd);
	*l = (struct log){ .fd = STDERR_FILENO, .level = l->level };
}

bool log_wants(const struct log *l, enum log_level level)
{
	return level >= l->level;
}

static bool needs_quotes(const char *value)
{
	if (!*value)
		return true;
	for (size_t len; *value; value += len)
		if (*value == ' ' || *value == '=' || *value == '"' || *value == '\\' || !(len = text_char(value)))
			return true;
	return false;
}

static void quoted(struct buf *out, const char *value)
{
	size_t len;
	buf_addc(out, '"');
	for (; *value; value += len ? len : 1) {
		len = text_char(value);
		if (*value == '"' || *value == '\\')
			buf_addf(out, "\\%c", *value);
		else if (*value == '\n')
			buf_adds(out, "\\n");
		else if (*value == '\t')
			buf_adds(out, "\\t");
		else if (!len)
			buf_addf(out, "\\x%02x", (unsigned char)*value);
		else
			buf_add(out, value, len);
	}
	buf_addc(out, '"');
}

static void fields(struct buf *out, const struct log_field *field, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!field[i].value)
			continue;
		buf_addf(out, " %s=", field[i].key);
		if (needs_quotes(field[i].value))
			quoted(out, field[i].value);
		else
			buf_adds(out, field[i].value);
	}
	buf_addc(out, '\n');
}

void log_format(struct buf *out, int64_t wall_ms, enum log_level level, const struct log_field *field, size_t n)
{
	char time[32];
	run_format_time(wall_ms, time);
	buf_addf(out, "time=%s level=%s", time, log_level_name(level));
	fields(out, field, n);
}

/* There is nobody left to tell when a log cannot be written: the work goes on without it. */
static void put(const struct log *l, struct buf *line)
{
	if (line->len) {
		ssize_t done = write(l->fd, line->data, line->len);
		(void)done;
	}
	buf_free(line);
}

void log_write(const struct log *l, int64_t wall_ms, enum log_level level, const struct log_field *field, size_t n)
{
	struct buf line = BUF_INIT(LOG_LINE_MAX);
	if (!log_wants(l, level))
		return;
	log_format(&line, wall_ms, level, field, n);
	put(l, &line);
}

static bool is_logfmt(const char *line)
{
	if (strncmp(line, "time=", strlen("time=")) != 0)
		return false;
	for (size_t len; *line; line += len)
		if (!(len = text_char(line)))
			return false;
	return true;
}

void log_pass(const struct log *l, int64_t wall_ms, const char *line, const struct log_field *field, size_t n)
{
	struct buf out = BUF_INIT(LOG_LINE_MAX * 2);
	struct log_field all[LOG_FIELDS] = { { "msg", line } };
	if (is_logfmt(line)) {
		buf_adds(&out, line);
		fields(&out, field, n);
		put(l, &out);
		return;
	}
	for (size_t i = 0; i < n && i + 1 < LOG_FIELDS; i++)
		all[i + 1] = field[i];
	log_write(l, wall_ms, LOG_LEVEL_INFO, all, n + 1 < LOG_FIELDS ? n + 1 : LOG_FIELDS);
}
