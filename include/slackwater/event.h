/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event: what the library tells the agent while it works. Typed events go up; agent/ alone turns them into log lines, the
 * progress bar, JSON and metrics. Emitting never fails and never blocks for long; a sink must be callable from any thread.
 */
#pragma once

#include <pthread.h>
#include <stdint.h>

#include "slackwater/strlist.h"

enum event_kind {
	EVENT_STATE,    /* a state was entered: area "window", name "STOPPING", text = the state's comment */
	EVENT_PROGRESS, /* figures below; area says of what ("dump", "load", "verify") */
	EVENT_INFO,
	EVENT_NOTE,     /* what is so on this server each time and takes no data away; also ends up in the manifest, apart from warnings */
	EVENT_WARNING,  /* also ends up in the manifest and the JSON */
	EVENT_DEBUG     /* statements and measurements, never a secret */
};

struct event {
	enum event_kind kind;
	const char *area; /* "window", "guard", "dump", "store", "load", "prove", ... */
	const char *name; /* state name for EVENT_STATE, else NULL */
	const char *text; /* one line; may be NULL for EVENT_PROGRESS */
	uint64_t bytes_done, bytes_total; /* total 0 = not known */
	uint64_t rows_done, rows_total;
};

struct event_sink {
	void (*emit)(struct event_sink *self, const struct event *ev);
};

void event_state(struct event_sink *s, const char *area, const char *name, const char *text);
void event_progress(struct event_sink *s, const char *area, uint64_t bytes_done, uint64_t bytes_total,
                    uint64_t rows_done, uint64_t rows_total);
void event_say(struct event_sink *s, enum event_kind kind, const char *area, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
#define event_info(s, area, ...) event_say(s, EVENT_INFO, area, __VA_ARGS__)
#define event_note(s, area, ...) event_say(s, EVENT_NOTE, area, __VA_ARGS__)
#define event_warning(s, area, ...) event_say(s, EVENT_WARNING, area, __VA_ARGS__)
#define event_debug(s, area, ...) event_say(s, EVENT_DEBUG, area, __VA_ARGS__)

/* A sink that keeps a copy of the text of every warning and note, each once, and passes each event on to next (which may be NULL). */
struct event_recorder {
	struct event_sink base;
	struct event_sink *next;
	pthread_mutex_t lock;
	struct strlist warnings, notes;
};

void event_recorder_init(struct event_recorder *r, struct event_sink *next);
void event_recorder_free(struct event_recorder *r);
