/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retention: what is kept of a repository, and what goes. Takes the catalogue, must never act on one that it could not read whole, never touch
 * an object that is not a snapshot's, and never leave an instance without its newest snapshot and its newest proven one.
 *
 * A snapshot goes manifest first, so that what is left of it after a crash is no snapshot any more; catalog_sweep removes that later.
 */
#pragma once

#include "slackwater/catalog.h"

/* ---- the policy: pure ---- */

/* 0 = no such rule. A snapshot is kept when any rule keeps it. */
struct retention_rules {
	unsigned last;                   /* the newest N */
	unsigned daily, weekly, monthly; /* the newest of each of the last N days (UTC), ISO weeks, months that have one */
	int64_t within_ms;               /* all that are at most this much older than the newest */
};
bool retention_any(const struct retention_rules *r); /* some rule is given */

enum retention_reason { /* why it is kept; a set of bits */
	KEEP_NEWEST = 1,   /* of its series: an instance's complete ones, or its partial ones */
	KEEP_PROVEN = 2,   /* the newest of its series that was proven */
	KEEP_PINNED = 4,
	KEEP_LAST = 8, KEEP_WITHIN = 16, KEEP_DAILY = 32, KEEP_WEEKLY = 64, KEEP_MONTHLY = 128,
	KEEP_DAMAGED = 256, /* what it is cannot be told: a person has to look */
	KEEP_FUTURE = 512   /* dated more than a day after now: one of two clocks is wrong */
};
enum { RETENTION_REASONS = 10 };
const char *retention_reason_name(enum retention_reason one); /* "newest", "daily" ...: part of the interface */

/*
 * Snapshots that are damaged or dated in the future are kept and stand for nothing else. Those that are partial are a series of their own: a dump of
 * one schema never takes the place of a whole one.
 */
struct retention_item {
	const char *instance;
	int64_t time_ms; /* when it was begun: that of its id */
	bool pinned, proven, partial, damaged;
	unsigned keep;   /* out: reasons; 0 = no rule keeps it */
};
/* item: ordered by instance, then time. */
void retention_apply(const struct retention_rules *r, int64_t now_ms, struct retention_item *item, size_t n);

/* ---- carrying it out ---- */

struct expire_options {
	const char *instance; /* NULL: each instance of the repository by itself */
	struct retention_rules rules;
	bool dry_run;         /* nothing is changed; what is left of dead runs is not looked for either */
	unsigned threads;     /* that read manifests */
};

enum expire_fate { EXPIRE_KEPT, EXPIRE_EXPIRED, EXPIRE_REMOVED, EXPIRE_HELD };
struct expire_item {
	char *instance;
	char id[CATALOG_ID];
	int64_t time_ms;
	uint64_t bytes;  /* of its objects, by its manifest */
	unsigned keep;   /* retention_reason bits */
	bool partial;
	/* EXPIRED: would be, or was to be, removed. REMOVED: its manifest is gone. HELD: the store refuses to remove the manifest (Object Lock). */
	enum expire_fate fate;
};
struct expire_report {
	struct expire_item *item; /* by instance, then time */
	size_t n;
	unsigned held_objects;    /* that the store would not remove, of snapshots that are gone otherwise */
	unsigned swept_objects, swept_uploads; /* what dead runs had left */
	uint64_t bytes;           /* of the snapshots that were removed */
};

/*
 * Apply the rules to what is there. The whole catalogue, manifests included, is read first: an error in that is returned with nothing
 * removed. *ret is filled as far as it got, also on failure; free it with expire_free. No snapshot of o->instance: ERR_SNAPSHOT.
 */
enum status catalog_expire(struct store *s, const struct expire_options *o, struct expire_report *ret, struct error *err);
void expire_free(struct expire_report *r);

/* ---- pins ---- */

/* A snapshot with a pin is never expired. Pins are no part of a snapshot: they are not copied with it. */
struct pin { char *reason; int64_t pinned_ms; }; /* reason "" and time 0: not known; a pin that somebody made by hand is one all the same */
/* A second one replaces the first. The snapshot went meanwhile: ERR_SNAPSHOT, and no pin is left. */
enum status pin_put(struct store *s, const char *instance, const char *id, const char *reason, struct error *err);
enum status pin_remove(struct store *s, const char *instance, const char *id, struct error *err); /* none there is fine */
/* ret->reason NULL: there is none. */
enum status pin_get(struct store *s, const char *instance, const char *id, struct pin *ret, struct error *err);
void pin_free(struct pin *p);
