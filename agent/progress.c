/* SPDX-License-Identifier: Apache-2.0 */
#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "slackwater/units.h"
#include "text.h"

enum { PROGRESS_DRAW_MS = 150, PROGRESS_SAMPLE_MS = 1000, PROGRESS_WIDTH = 80, PROGRESS_LINE_MAX = 1024 };

void progress_init(struct progress *p, int fd)
{
	const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");
	*p = (struct progress){ .terminal = isatty(fd) && term && *term && strcmp(term, "dumb") != 0 };
	p->colour = p->terminal && !(no_colour && *no_colour);
}

static void start_area(struct progress *p, const char *area, int64_t now_ms)
{
	snprintf(p->area, sizeof p->area, "%s", area ? area : "");
	p->bytes_done = p->bytes_total = p->rows_done = p->rows_total = 0;
	p->sample_ms = now_ms;
	p->sample_bytes = p->sample_rows = 0;
	p->byte_rate = p->row_rate = 0;
}

void progress_state(struct progress *p, const char *area, const char *name)
{
	snprintf(p->state, sizeof p->state, "%s %s", area ? area : "", name ? name : "");
	p->area[0] = '\0'; /* figures of an earlier stage would be read as this one's */
}

/* New figures weigh a third: steady enough to read, quick enough to follow. */
static double smoothed(double old, double now)
{
	return old > 0 ? old + (now - old) / 3 : now;
}

void progress_update(struct progress *p, const struct event *ev, int64_t now_ms)
{
	bool again = ev->bytes_done < p->bytes_done || ev->rows_done < p->rows_done;
	if (again || strncmp(p->area, ev->area ? ev->area : "", sizeof p->area - 1) != 0) {
		start_area(p, ev->area, now_ms);
		p->sample_bytes = ev->bytes_done;
		p->sample_rows = ev->rows_done;
	}
	p->bytes_done = ev->bytes_done;
	p->bytes_total = ev->bytes_total;
	p->rows_done = ev->rows_done;
	p->rows_total = ev->rows_total;
	int64_t passed = now_ms - p->sample_ms;
	if (passed < PROGRESS_SAMPLE_MS)
		return;
	p->byte_rate = smoothed(p->byte_rate, (double)(p->bytes_done - p->sample_bytes) * 1000 / (double)passed);
	p->row_rate = smoothed(p->row_rate, (double)(p->rows_done - p->sample_rows) * 1000 / (double)passed);
	p->sample_ms = now_ms;
	p->sample_bytes = p->bytes_done;
	p->sample_rows = p->rows_done;
}

/* Percentage and time left, of bytes where their total is known, else of rows. */
static void share_text(const struct progress *p, struct buf *share, struct buf *left)
{
	bool by_bytes = p->bytes_total > 0;
	uint64_t done = by_bytes ? p->bytes_done : p->rows_done, total = by_bytes ? p->bytes_total : p->rows_total;
	double rate = by_bytes ? p->byte_rate : p->row_rate;
	char time[UNITS_TEXT];
	if (!total || done > total)
		return; /* an estimate that was too low says nothing */
	buf_addf(share, "%3.0f%%", 100.0 * (double)done / (double)total);
	if (rate <= 0 || done == total)
		return;
	int64_t seconds = (int64_t)((double)(total - done) / rate) + 1; /* an estimate: no digits that mean nothing */
	units_duration(seconds * 1000, time);
	if (seconds < 100)
		snprintf(time, sizeof time, "%d s", (int)seconds);
	buf_addf(left, "%s left", time);
}

static void add_part(struct buf *out, const char *text)
{
	if (*text)
		buf_addf(out, "%s%s", out->len ? "  " : "", text);
}

void progress_text(const struct progress *p, unsigned width, struct buf *out)
{
	struct buf share = BUF_INIT(64), left = BUF_INIT(128), line = BUF_INIT(PROGRESS_LINE_MAX);
	char done[UNITS_TEXT], total[UNITS_TEXT], rate[UNITS_TEXT], rows[UNITS_TEXT];
	add_part(&line, p->area[0] ? p->area : p->state);
	if (p->area[0]) {
		share_text(p, &share, &left);
		units_size(p->bytes_done, done);
		units_size(p->bytes_total, total);
		units_rate(p->byte_rate, rate);
		units_count(p->rows_done, rows);
		add_part(&line, buf_str(&share));
		add_part(&line, done);
		if (p->bytes_total && p->bytes_total >= p->bytes_done)
			buf_addf(&line, " of %s", total);
		if (p->rows_done)
			buf_addf(&line, "  %s rows", rows);
		if (p->byte_rate > 0)
			add_part(&line, rate);
		add_part(&line, buf_str(&left));
	}
	const char *s = buf_str(&line);
	for (size_t len; *s && text_width(buf_str(out)) < width; s += len) {
		len = text_char(s);
		len = len ? len : 1;
		buf_add(out, s, len);
	}
	buf_free(&share);
	buf_free(&left);
	buf_free(&line);
}

static unsigned terminal_width(void)
{
	struct winsize ws = { .ws_col = 0 };
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) || ws.ws_col < 20)
		return PROGRESS_WIDTH;
	return ws.ws_col;
}

static void put(const struct buf *b)
{
	/* A terminal that went away is no reason to stop working. */
	ssize_t done = write(STDERR_FILENO, b->data, b->len);
	(void)done;
}

void progress_draw(struct progress *p, int64_t now_ms, bool force)
{
	struct buf line = BUF_INIT(PROGRESS_LINE_MAX), text = BUF_INIT(PROGRESS_LINE_MAX);
	if (!p->terminal || (!p->area[0] && !p->state[0]) || (!force && now_ms - p->drawn_ms < PROGRESS_DRAW_MS))
		return;
	progress_text(p, terminal_width() - 1, &text);
	buf_addf(&line, "\r%s%s%s\033[K", p->colour ? "\033[36m" : "", buf_str(&text), p->colour ? "\033[0m" : "");
	put(&line);
	p->shown = true;
	p->drawn_ms = now_ms;
	buf_free(&line);
	buf_free(&text);
}

void progress_erase(struct progress *p)
{
	static const char erase[] = "\r\033[K";
	if (!p->shown)
		return;
	ssize_t done = write(STDERR_FILENO, erase, sizeof erase - 1);
	(void)done;
	p->shown = false;
}
