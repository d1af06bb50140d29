/* SPDX-License-Identifier: Apache-2.0 */
/*
 * observers: one thread per instance that looks at its applier every poll_ms, and finishes first what dead runs left open there.
 *
 * Takes an instance's options, hands on the newest figures; must never write, lock, stop or start anything, journals apart. A server that is
 * away is tried again each time. The threads have small stacks and are cancelled, never waited for by the daemon's thread, but at its end:
 * a login that is under way cannot be cut short, and takes OBSERVERS_LOGIN_S at most.
 */
#pragma once

#include <jansson.h>

#include "../conf/settings.h"
#include "slackwater/event.h"

struct observers;

/* What is known of one instance now. Texts and JSON are the caller's (observers_seen_free). */
struct observers_seen {
	char *endpoint;            /* "db2:3306", or a socket */
	int64_t looked_ms;         /* wall clock of the last attempt; 0 = none yet */
	int64_t took_ms;
	struct error error;        /* ERR_NONE: reachable */
	const char *applier;       /* static: "running", "stopped", "error", "no replica", "unknown" */
	int64_t lag_ms, gap_transactions, behind_transactions; /* PLAN_UNKNOWN = not known; over all channels the largest, the sums */
	json_t *observation;       /* NULL = none */
	bool journal;              /* a dead run's about it is still open: its server is away, or a channel could not be started */
};
void observers_seen_free(struct observers_seen *s);

/*
 * changed_fd is written 8 bytes to (an eventfd) when there is news. events and settings' texts are only used during the call and by copies.
 * Nothing is looked at before observers_go: so a configuration that is refused for another reason can be dropped at once.
 */
enum status observers_start(const struct settings *s, struct event_sink *events, int changed_fd, struct observers **ret, struct error *err);
/* What those before (NULL = none) know of an instance with the same name and options is known to begin with. By the thread that started o. */
void observers_go(struct observers *o, struct observers *before);
/* A run of that instance has died: see to its journals before the next look. */
void observers_finish_journals(struct observers *o, size_t instance);
/* By the order of settings. */
enum status observers_get(struct observers *o, size_t instance, struct observers_seen *ret, struct error *err);
int64_t observers_lag_ms(struct observers *o, size_t instance); /* PLAN_UNKNOWN = not known */
bool observers_looked(struct observers *o, size_t instance);        /* at least once: what is not known then, is not known to anybody */
/* Cancelled, and put on a list of those whose threads may still be on their way out. o may be NULL. */
void observers_leave(struct observers *o, struct observers **list);
/* Frees those whose threads have ended, or waits for all. */
void observers_collect(struct observers **list, bool wait);
