/* SPDX-License-Identifier: Apache-2.0 */
#include "watch.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "slackwater/jsonx.h"
#include "text.h"

enum { WATCH_PIECE = 512, WATCH_COLUMNS = 80, WATCH_ROWS = 24, WATCH_MAX = 64 << 20 };

void watch_init(struct watch *w, struct app *app)
{
	const char *term = getenv("TERM");
	*w = (struct watch){ .terminal = isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb") != 0 };
	if (app->config.json)
		w->terminal = false;
	app->doc_per_line = true;
}

/* A piece is no larger than what a pipe that is ready takes without blocking. */
static enum status put(const struct run *run, const char *data, size_t len, struct error *err)
{
	while (len) {
		struct pollfd p[] = { { .fd = STDOUT_FILENO, .events = POLLOUT }, { .fd = run->wake_fd, .events = POLLIN } };
		int n = poll(p, 2, -1);
		if (run_cancelled(run))
			return run_check(run, err);
		if (n < 0 && errno == EINTR)
			continue;
		ssize_t done = write(STDOUT_FILENO, data, len < WATCH_PIECE ? len : WATCH_PIECE);
		if (done < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (done < 0)
			return error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot write the result");
		data += done;
		len -= (size_t)done;
	}
	return ST_OK;
}

void watch_screen(const char *text, unsigned columns, unsigned rows, struct buf *out)
{
	unsigned row = 0;
	for (const char *at = text; *at && row < rows; row++) {
		const char *end = at + strcspn(at, "\n"), *s = at;
		for (unsigned column = 0; s < end && column < columns; column++) {
			size_t n = text_char(s);
			n = n ? n : 1;
			buf_add(out, s, n);
			s += n;
		}
		buf_adds(out, row + 1 < rows ? "\033[K\n" : "\033[K");
		at = *end ? end + 1 : end;
	}
	buf_adds(out, "\033[J");
}

static void draw(struct watch *w, const char *text, struct buf *out)
{
	struct winsize ws = { 0 };
	bool known = !ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) && ws.ws_col >= 20 && ws.ws_row >= 4;
	buf_adds(out, w->begun ? "\033[H" : "\033[H\033[2J");
	watch_screen(text, known ? ws.ws_col : WATCH_COLUMNS, known ? ws.ws_row : WATCH_ROWS, out);
}

enum status watch_show(struct watch *w, struct app *app, struct error *err)
{
	struct buf out = BUF_INIT(WATCH_MAX);
	enum status st = buf_check(&app->text, "the result", err);
	if (!st && app->config.json)
		st = jsonx_dump_line(app->doc, &out, err);
	else if (!st && w->terminal)
		draw(w, buf_str(&app->text), &out);
	else if (!st)
		buf_addf(&out, "%s%s", w->begun ? "\n" : "", buf_str(&app->text));
	if (!st)
		st = buf_check(&out, "the result", err);
	if (!st)
		st = put(&app->run, buf_str(&out), out.len, err);
	buf_free(&out);
	buf_clear(&app->text);
	json_decref(app->doc);
	app->doc = NULL;
	w->begun = true;
	return st;
}
