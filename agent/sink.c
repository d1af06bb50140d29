/* SPDX-License-Identifier: Apache-2.0 */
#include "sink.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "slackwater/run.h"

enum { SINK_PROGRESS_LOG_MS = 30000, SINK_NUMBER = 32 };

static int64_t now_ms(void)
{
	return clock_system.now_ms(NULL);
}

static bool log_on_screen(const struct sink *s)
{
	return s->log.fd == STDERR_FILENO;
}

static void log_event(struct sink *s, enum log_level level, const struct event *ev)
{
	char bytes[SINK_NUMBER] = "", rows[SINK_NUMBER] = "", bytes_total[SINK_NUMBER] = "";
	if (ev->kind == EVENT_PROGRESS) {
		snprintf(bytes, sizeof bytes, "%" PRIu64, ev->bytes_done);
		snprintf(rows, sizeof rows, "%" PRIu64, ev->rows_done);
		snprintf(bytes_total, sizeof bytes_total, "%" PRIu64, ev->bytes_total);
	}
	const struct log_field field[] = {
		{ "area", ev->area },
		{ "state", ev->kind == EVENT_STATE ? ev->name : NULL },
		{ "msg", ev->kind == EVENT_PROGRESS ? "progress" : ev->text },
		{ "bytes", *bytes ? bytes : NULL },
		{ "bytes_total", ev->bytes_total ? bytes_total : NULL },
		{ "rows", ev->rows_done ? rows : NULL },
	};
	if (!log_wants(&s->log, level))
		return;
	if (log_on_screen(s))
		progress_erase(&s->progress);
	log_write(&s->log, clock_system.wall_ms(NULL), level, field, sizeof field / sizeof field[0]);
}

static void on_progress(struct sink *s, const struct event *ev)
{
	int64_t now = now_ms();
	progress_update(&s->progress, ev, now);
	if (s->progress.terminal && log_on_screen(s))
		return;
	if (s->progress_logged_ms && now - s->progress_logged_ms < SINK_PROGRESS_LOG_MS)
		return;
	if (s->progress_logged_ms)
		log_event(s, LOG_LEVEL_INFO, ev);
	s->progress_logged_ms = now;
}

static void sink_emit(struct event_sink *self, const struct event *ev)
{
	struct sink *s = (struct sink *)self;
	static const enum log_level level[] = {
		[EVENT_STATE] = LOG_LEVEL_INFO,     [EVENT_PROGRESS] = LOG_LEVEL_INFO, [EVENT_INFO] = LOG_LEVEL_INFO,
		[EVENT_NOTE] = LOG_LEVEL_INFO,
		[EVENT_WARNING] = LOG_LEVEL_WARNING, [EVENT_DEBUG] = LOG_LEVEL_DEBUG,
	};
	pthread_mutex_lock(&s->lock);
	feed_send(&s->feed, ev, now_ms());
	if (ev->kind == EVENT_STATE)
		progress_state(&s->progress, ev->area, ev->name);
	if (ev->kind == EVENT_PROGRESS)
		on_progress(s, ev);
	else
		log_event(s, level[ev->kind], ev);
	/* drawn at once when a log line has just pushed it away */
	progress_draw(&s->progress, now_ms(), !s->progress.shown);
	pthread_mutex_unlock(&s->lock);
}

void sink_init(struct sink *s, const struct log *log, const struct feed *feed)
{
	*s = (struct sink){ .base = { .emit = sink_emit }, .log = *log, .feed = feed ? *feed : (struct feed){ .fd = -1 } };
	pthread_mutex_init(&s->lock, NULL);
	progress_init(&s->progress, STDERR_FILENO);
}

void sink_destroy(struct sink *s)
{
	sink_finish(s);
	log_close(&s->log);
	feed_close(&s->feed);
	pthread_mutex_destroy(&s->lock);
}

void sink_log(struct sink *s, enum log_level level, const struct log_field *field, size_t n)
{
	pthread_mutex_lock(&s->lock);
	if (log_on_screen(s))
		progress_erase(&s->progress);
	log_write(&s->log, clock_system.wall_ms(NULL), level, field, n);
	pthread_mutex_unlock(&s->lock);
}

void sink_pass(struct sink *s, const char *line, const struct log_field *field, size_t n)
{
	pthread_mutex_lock(&s->lock);
	log_pass(&s->log, clock_system.wall_ms(NULL), line, field, n);
	pthread_mutex_unlock(&s->lock);
}

enum status sink_reopen(struct sink *s, const char *path, enum log_level level, struct error *err)
{
	struct log now;
	enum status st = log_open(&now, path, level, err);
	if (st)
		return st;
	pthread_mutex_lock(&s->lock);
	log_close(&s->log);
	s->log = now;
	pthread_mutex_unlock(&s->lock);
	return ST_OK;
}

void sink_finish(struct sink *s)
{
	pthread_mutex_lock(&s->lock);
	progress_erase(&s->progress);
	s->progress.terminal = false;
	pthread_mutex_unlock(&s->lock);
}
