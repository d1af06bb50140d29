/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inflight: what the applier is in the middle of, and for how long.
 *
 * performance_schema says it exactly where it has timestamps (MySQL 8.0+). Elsewhere information_schema.innodb_trx and the
 * processlist are looked at: trx_started has whole seconds, statements have no useful age at all (a replication thread's Time is
 * lag), and the server renews its view of innodb_trx only when nobody has read it for 100 ms. There an age is a range: at least
 * what the server says or the time since we first saw it, at most the time since a look that did not see it. Decisions are made on
 * the upper bound: what was there at the first look has none and is waited for, unless the server's figure gives one.
 */
#pragma once

#include "applier/channels.h"

enum { INFLIGHT_KEY = 160, INFLIGHT_WHAT = 200 };

struct inflight_item {
	char key[INFLIGHT_KEY];   /* tells the same thing on the next look */
	char what[INFLIGHT_WHAT]; /* "worker 3 applies uuid:17", "thread 12 (ALTER TABLE ...)" */
	uint64_t thread;    /* in the processlist; 0 = not known (performance_schema counts by worker) */
	int64_t age_ms;     /* at least */
	int64_t age_max_ms; /* at most; INFLIGHT_UNKNOWN = no bound is known */
	int64_t first_seen_ms, not_before_ms;
};

#define INFLIGHT_UNKNOWN INT64_MAX

struct inflight {
	struct inflight_item *item;
	size_t n;
	int64_t looked_ms; /* when this look was; 0 = never */
};

void inflight_free(struct inflight *f);
/*
 * Once, on the session that will look. innodb_trx tells times in the server's own time zone, the session's is UTC: without this
 * everything there is hours old, or will begin in the future.
 */
enum status inflight_prepare(struct conn *c, const struct instance *in, struct error *err);
/* Look again; ages follow from what f held before. now_ms: run_now_ms at the look. */
enum status inflight_look(struct conn *c, const struct instance *in, struct inflight *f, int64_t now_ms,
                          struct error *err);
/* How long to wait between looks on this server. */
int64_t inflight_interval_ms(const struct instance *in);
/* The one that must be waited for longest; NULL when nothing is in flight. */
const struct inflight_item *inflight_oldest(const struct inflight *f);
/* Is everything in flight surely younger than budget_ms? */
bool inflight_young(const struct inflight *f, int64_t budget_ms);

/* One row of a look, without server: age_ms < 0 when the server gave none, slack_ms = how much older it may be. Pure. */
struct inflight_seen {
	char key[INFLIGHT_KEY], what[INFLIGHT_WHAT];
	int64_t age_ms, slack_ms;
	uint64_t thread;
};
enum status inflight_take(struct inflight *f, const struct inflight_seen *seen, size_t n, int64_t now_ms,
                          struct error *err);
