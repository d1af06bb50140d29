/* SPDX-License-Identifier: Apache-2.0 */
#include "slackwater/retention.h"

#include <string.h>
#include <time.h>

static const int64_t day_ms = 86400 * 1000;

bool retention_any(const struct retention_rules *r)
{
	return r->last || r->daily || r->weekly || r->monthly || r->within_ms > 0;
}

const char *retention_reason_name(enum retention_reason one)
{
	switch (one) {
	case KEEP_NEWEST: return "newest";
	case KEEP_PROVEN: return "proven";
	case KEEP_PINNED: return "pinned";
	case KEEP_LAST: return "last";
	case KEEP_WITHIN: return "within";
	case KEEP_DAILY: return "daily";
	case KEEP_WEEKLY: return "weekly";
	case KEEP_MONTHLY: return "monthly";
	case KEEP_DAMAGED: return "damaged";
	case KEEP_FUTURE: return "future";
	}
	return "";
}

static int64_t retention_day(int64_t ms)
{
	return ms / day_ms - (ms % day_ms < 0);
}

/* ISO weeks begin on Mondays, whatever the year; 1970-01-01 was a Thursday. */
static int64_t retention_week(int64_t ms)
{
	int64_t day = retention_day(ms) + 3;
	return day / 7 - (day % 7 < 0);
}

static int64_t retention_month(int64_t ms)
{
	time_t seconds = (time_t)(retention_day(ms) * (day_ms / 1000));
	struct tm tm;
	return gmtime_r(&seconds, &tm) ? tm.tm_year * INT64_C(12) + tm.tm_mon : INT64_MIN;
}

/* How many periods are still to be had, and which was the last. Snapshots come newest first. */
struct retention_slots {
	unsigned left;
	bool any;
	int64_t period;
};

static bool retention_take(struct retention_slots *s, int64_t period)
{
	if (!s->left || (s->any && s->period == period))
		return false;
	s->left--;
	s->any = true;
	s->period = period;
	return true;
}

struct retention_series {
	struct retention_slots daily, weekly, monthly;
	unsigned last;
	bool any, proven;
	int64_t since_ms; /* KEEP_WITHIN */
};

static unsigned retention_reasons(struct retention_series *s, const struct retention_rules *r, const struct retention_item *it)
{
	unsigned keep = 0;
	if (!s->any) {
		keep |= KEEP_NEWEST;
		s->since_ms = it->time_ms - r->within_ms;
	}
	s->any = true;
	if (it->proven && !s->proven)
		keep |= KEEP_PROVEN;
	s->proven = s->proven || it->proven;
	if (s->last) {
		keep |= KEEP_LAST;
		s->last--;
	}
	if (r->within_ms > 0 && it->time_ms >= s->since_ms)
		keep |= KEEP_WITHIN;
	keep |= retention_take(&s->daily, retention_day(it->time_ms)) ? KEEP_DAILY : 0;
	keep |= retention_take(&s->weekly, retention_week(it->time_ms)) ? KEEP_WEEKLY : 0;
	keep |= retention_take(&s->monthly, retention_month(it->time_ms)) ? KEEP_MONTHLY : 0;
	return keep;
}

/* item[0..n): one instance. */
static void retention_instance(const struct retention_rules *r, int64_t now_ms, struct retention_item *item, size_t n)
{
	struct retention_series series[2];
	for (size_t i = 0; i < 2; i++)
		series[i] = (struct retention_series){
			.last = r->last, .daily.left = r->daily, .weekly.left = r->weekly, .monthly.left = r->monthly,
		};
	for (size_t i = n; i--;) {
		struct retention_item *it = &item[i];
		it->keep = it->pinned ? KEEP_PINNED : 0;
		if (it->damaged)
			it->keep |= KEEP_DAMAGED;
		else if (it->time_ms > now_ms + day_ms)
			it->keep |= KEEP_FUTURE;
		else
			it->keep |= retention_reasons(&series[it->partial], r, it);
	}
}

void retention_apply(const struct retention_rules *r, int64_t now_ms, struct retention_item *item, size_t n)
{
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && strcmp(item[end].instance, item[i].instance) == 0; end++)
			;
		retention_instance(r, now_ms, item + i, end - i);
	}
}
