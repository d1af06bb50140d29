/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schedule: when something is due: cron expressions in a time zone. Pure: no clock is read here, none is global.
 *
 * Five fields as in cron: minute, hour, day of month, month (or jan..dec), day of week (0 to 7 or sun..sat; 0 and 7 are Sunday); each
 * '*', numbers, ranges, lists, steps. Day of month and day of week both restricted: either suffices, as in cron. @hourly, @daily,
 * @midnight, @weekly, @monthly, @yearly, @annually. @every D ("90s", "6h"): at each
 * multiple of D since the epoch, whatever the zone. Time that the zone skips (clocks go forward) is due once, at the first moment after
 * it; time that it repeats is due once, the first time, unless hours or minutes are '*' or a step, which count elapsed time: then it is
 * due both times, and where every hour is meant nothing is made up for what was skipped.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slackwater/error.h"

struct zone; /* immutable, may be shared */

/* The text of a TZif file (RFC 8536), of which what names the file in messages. ERR_USAGE when it is none. */
enum status zone_parse(const void *tzif, size_t len, const char *what, struct zone **ret, struct error *err);
/* "" and "UTC" need no file; else a name of the system's zoneinfo ("Europe/Berlin"); "local" is the host's. ERR_USAGE when unknown. */
enum status zone_load(const char *name, struct zone **ret, struct error *err);
void zone_free(struct zone *z); /* NULL is fine */
/* Seconds east of UTC in force at that moment (seconds since the epoch). */
int64_t zone_offset(const struct zone *z, int64_t utc_s);
/*
 * When clocks of the zone show local_s (as seconds since 1970-01-01 00:00 local): of a time that is shown twice the first, for one that is
 * skipped the first moment after the gap. *ret_again, unless NULL, is the second time or -1. Returns seconds since the epoch.
 */
int64_t zone_utc(const struct zone *z, int64_t local_s, int64_t *ret_again, bool *ret_skipped);

struct schedule {
	uint64_t minutes;    /* bit n: minute n */
	uint32_t hours, days, months, weekdays; /* days: bits 1 to 31, months: bits 1 to 12, weekdays: bits 0 to 6 */
	bool any_day, any_weekday; /* the field began with '*' */
	int64_t every_s;     /* @every: the others do not count; 0 = fields */
	bool elapsed;        /* hours or minutes '*' or a step: goes by elapsed time when the clocks change */
};

/* ERR_USAGE says which field is wrong and what may stand there. */
enum status schedule_parse(const char *text, struct schedule *ret, struct error *err);
/* The first moment later than after_s that is due; -1 when there is none within nine years (the 30th of February). */
int64_t schedule_next(const struct schedule *s, const struct zone *z, int64_t after_s);
/* The newest one later than after_s and not later than until_s; -1 when there is none. */
int64_t schedule_last(const struct schedule *s, const struct zone *z, int64_t after_s, int64_t until_s);
