/* SPDX-License-Identifier: Apache-2.0 */
#include "feed.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "slackwater/jsonx.h"

enum status feed_open(struct feed *f, unsigned fd, struct error *err)
{
	*f = (struct feed){ .fd = -1 };
	if (!fd)
		return ST_OK;
	int flags = fcntl((int)fd, F_GETFL);
	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
		return error_sys(err, ST_FAILED, ERR_USAGE, flags < 0 ? errno : EBADF, "--events-fd %u is not open for writing", fd);
	fcntl((int)fd, F_SETFL, flags | O_NONBLOCK);
	fcntl((int)fd, F_SETFD, FD_CLOEXEC);
	f->fd = (int)fd;
	return ST_OK;
}

void feed_close(struct feed *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

static const char *kind_name(enum event_kind k)
{
	return k == EVENT_STATE ? "state" : k == EVENT_PROGRESS ? "progress" : k == EVENT_WARNING ? "warning" : NULL;
}

static void member(json_t *doc, const char *name, json_t *value)
{
	(void)json_object_set_new(doc, name, value);
}

void feed_format(const struct event *ev, struct buf *out)
{
	struct error ignored;
	json_t *doc = kind_name(ev->kind) ? json_object() : NULL;
	if (!doc)
		return;
	member(doc, "kind", json_string(kind_name(ev->kind)));
	member(doc, "area", jsonx_text(ev->area ? ev->area : ""));
	if (ev->name)
		member(doc, "name", jsonx_text(ev->name));
	if (ev->text)
		member(doc, "text", jsonx_text(ev->text));
	if (ev->kind == EVENT_PROGRESS) {
		member(doc, "bytes_done", jsonx_count(ev->bytes_done));
		member(doc, "bytes_total", jsonx_count(ev->bytes_total));
		member(doc, "rows_done", jsonx_count(ev->rows_done));
		member(doc, "rows_total", jsonx_count(ev->rows_total));
	}
	(void)jsonx_dump_line(doc, out, &ignored);
	json_decref(doc);
}

void feed_send(struct feed *f, const struct event *ev, int64_t now_ms)
{
	struct buf line = BUF_INIT(FEED_LINE_MAX);
	if (f->fd < 0)
		return;
	if (ev->kind == EVENT_PROGRESS) {
		if (f->progress_ms && now_ms - f->progress_ms < FEED_EVERY_MS)
			return;
		f->progress_ms = now_ms;
	}
	feed_format(ev, &line);
	/* Up to PIPE_BUF bytes go into a pipe whole or not at all, so no line is ever torn. */
	if (line.len && !line.bad) {
		ssize_t done = write(f->fd, line.data, line.len);
		(void)done;
	}
	buf_free(&line);
}
