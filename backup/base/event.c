/* SPDX-License-Identifier: Apache-2.0 */
#include "slackwater/event.h"

#include <stdarg.h>
#include <stdio.h>

static void event_emit(struct event_sink *s, const struct event *ev)
{
	if (s)
		s->emit(s, ev);
}

void event_state(struct event_sink *s, const char *area, const char *name, const char *text)
{
	event_emit(s, &(struct event){ .kind = EVENT_STATE, .area = area, .name = name, .text = text });
}

void event_progress(struct event_sink *s, const char *area, uint64_t bytes_done, uint64_t bytes_total,
                    uint64_t rows_done, uint64_t rows_total)
{
	event_emit(s, &(struct event){ .kind = EVENT_PROGRESS, .area = area, .bytes_done = bytes_done,
	                               .bytes_total = bytes_total, .rows_done = rows_done, .rows_total = rows_total });
}

void event_say(struct event_sink *s, enum event_kind kind, const char *area, const char *fmt, ...)
{
	char text[2048];
	va_list ap;
	if (!s)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	event_emit(s, &(struct event){ .kind = kind, .area = area, .text = text });
}

static void event_recorder_emit(struct event_sink *self, const struct event *ev)
{
	struct event_recorder *r = (struct event_recorder *)self;
	struct strlist *kept = ev->kind == EVENT_WARNING ? &r->warnings : ev->kind == EVENT_NOTE ? &r->notes : NULL;
	if (kept && ev->text) {
		pthread_mutex_lock(&r->lock);
		/* Losing the copy for want of memory must not lose the event. */
		if (!strlist_has(kept, ev->text))
			(void)strlist_add(kept, ev->text, NULL);
		pthread_mutex_unlock(&r->lock);
	}
	event_emit(r->next, ev);
}

void event_recorder_init(struct event_recorder *r, struct event_sink *next)
{
	*r = (struct event_recorder){ .base = { .emit = event_recorder_emit }, .next = next };
	pthread_mutex_init(&r->lock, NULL);
}

void event_recorder_free(struct event_recorder *r)
{
	strlist_free(&r->warnings);
	strlist_free(&r->notes);
	pthread_mutex_destroy(&r->lock);
}
