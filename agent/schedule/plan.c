/* SPDX-License-Identifier: Apache-2.0 */
#include "plan.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "slackwater/units.h"

enum { PLAN_DAY_MIN = 1440, PLAN_DAY_MS = 86400000 };

const char *plan_trigger_name(enum plan_trigger t)
{
	static const char *const names[] = { "", "schedule", "catch-up", "retry", "request", "backup" };
	return names[t];
}

/* ---- times ---- */

/* As the snapshot's zone shows it: "2026-11-20 02:00". */
static void time_text(const struct plan_rules *r, int64_t ms, char out[UNITS_TEXT])
{
	time_t local = (time_t)(ms / 1000 + zone_offset(r->zone, ms / 1000));
	struct tm tm;
	if (!gmtime_r(&local, &tm) || !strftime(out, UNITS_TEXT, "%Y-%m-%d %H:%M", &tm))
		snprintf(out, UNITS_TEXT, "?");
}

/* Spreads what lies close together (splitmix64): the same for the same job and due time, whatever happens in between. */
static uint64_t mixed(uint64_t seed, uint64_t n)
{
	uint64_t v = seed + (n + 1) * 0x9E3779B97F4A7C15u;
	v = (v ^ v >> 30) * 0xBF58476D1CE4E5B9u;
	v = (v ^ v >> 27) * 0x94D049BB133111EBu;
	return v ^ v >> 31;
}

static int64_t due_after(const struct plan_rules *r, int64_t ms)
{
	int64_t next = schedule_next(r->schedule, r->zone, ms / 1000);
	return next < 0 ? 0 : next * 1000;
}

/* Newest due time in (after, until]; 0 = none. */
static int64_t due_until(const struct plan_rules *r, int64_t after, int64_t until)
{
	int64_t last = until <= after ? -1 : schedule_last(r->schedule, r->zone, after / 1000, until / 1000);
	return last < 0 ? 0 : last * 1000;
}

/* When what is due then is started. Never put off beyond the next due time, or starts would change their order. */
static int64_t start_of(const struct plan_rules *r, int64_t due)
{
	int64_t next = due_after(r, due), jitter = r->jitter_ms;
	if (next && jitter > next - due)
		jitter = next - due;
	return jitter > 0 ? due + (int64_t)(mixed(r->seed, (uint64_t)due / 1000) % (uint64_t)jitter) : due;
}

/* The start of the due time that follows; INT64_MAX = none. */
static int64_t next_start(const struct plan_rules *r, int64_t after)
{
	int64_t due = due_after(r, after);
	return due ? start_of(r, due) : INT64_MAX;
}

/* Memory of a clock that was far ahead would silence the job until then. */
static bool far_ahead(int64_t at, int64_t now)
{
	return at > now + PLAN_DAY_MS;
}

static struct plan_memory plausible(const struct plan_memory *m, int64_t now)
{
	struct plan_memory p = *m;
	int64_t *at[] = { &p.since_ms, &p.due_ms, &p.started_ms, &p.ended_ms, &p.succeeded_ms };
	for (size_t i = 0; i < sizeof at / sizeof at[0]; i++)
		if (far_ahead(*at[i], now))
			*at[i] = now;
	return p;
}

static int64_t dealt_with(const struct plan_memory *m)
{
	return m->due_ms > m->since_ms ? m->due_ms : m->since_ms;
}

/* ---- the hours ---- */

static int opens_at(const struct plan_rules *r)
{
	return r->not_before == PLAN_UNKNOWN ? 0 : r->not_before;
}

static int closes_at(const struct plan_rules *r)
{
	return r->not_after == PLAN_UNKNOWN ? PLAN_DAY_MIN : r->not_after;
}

static int minute_of(const struct plan_rules *r, int64_t ms)
{
	int64_t local = ms / 1000 + zone_offset(r->zone, ms / 1000);
	return (int)(local / 60 % PLAN_DAY_MIN);
}

static bool within_hours(const struct plan_rules *r, int64_t ms)
{
	int minute = minute_of(r, ms), opens = opens_at(r), closes = closes_at(r);
	return opens <= closes ? minute >= opens && minute < closes : minute >= opens || minute < closes;
}

/* The first moment later than ms at which clocks show that minute of the day. */
static int64_t next_minute(const struct plan_rules *r, int64_t ms, int minute)
{
	int64_t local = ms / 1000 + zone_offset(r->zone, ms / 1000), day = local - local % 86400;
	for (;; day += 86400) {
		int64_t at = zone_utc(r->zone, day + minute * 60, NULL, NULL) * 1000;
		if (at > ms)
			return at;
	}
}

/* ---- the decision ---- */

static struct plan_decision waiting(int64_t look, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static struct plan_decision waiting(int64_t look, const char *fmt, ...)
{
	struct plan_decision d = { .act = PLAN_WAIT, .look_ms = look == INT64_MAX ? 0 : look, .held_up = true };
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(d.why, sizeof d.why, fmt, ap);
	va_end(ap);
	return d;
}

/* due and all since the memory's. */
static struct plan_decision dropping(const struct plan_rules *r, const struct plan_memory *m, int64_t due, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static struct plan_decision dropping(const struct plan_rules *r, const struct plan_memory *m, int64_t due, const char *fmt, ...)
{
	struct plan_decision d = { .act = PLAN_DROP, .due_ms = due };
	for (int64_t at = due_after(r, dealt_with(m)); at && at <= due && d.dropped < PLAN_COUNTED; at = due_after(r, at))
		d.dropped++;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(d.why, sizeof d.why, fmt, ap);
	va_end(ap);
	return d;
}

static struct plan_decision paused(const struct plan_rules *r, const struct plan_memory *m, int64_t due)
{
	struct plan_decision d = dropping(r, m, due, "paused");
	d.excused = true;
	return d;
}

/* A run that is wanted: why, for which due time, and until when it is worth waiting for. */
struct wanted {
	enum plan_trigger trigger;
	int64_t due;   /* 0: a retry, whose due time is the memory's */
	int64_t until; /* when the next due time is started */
};

/* It cannot start before `at`: waited for, or given up when the next due time comes first. */
static struct plan_decision put_off(const struct plan_rules *r, const struct plan_memory *m, const struct wanted *w, int64_t at,
                                    const char *why)
{
	char until[UNITS_TEXT];
	if (at < w->until) {
		time_text(r, at, until);
		return waiting(at, "until %s: %s", until, why);
	}
	if (!w->due)
		return waiting(w->until, "not tried again before the next due time: %s", why);
	return dropping(r, m, w->due, "%s, and the next due time comes before that is over", why);
}

/*
 * Outside the hours: it waits until they begin again, unless the next due time is started within those same hours, which is then run
 * instead. So a nightly run that missed its night is dropped, and a weekly one is made up for in the next night.
 */
static struct plan_decision out_of_hours(const struct plan_rules *r, const struct plan_memory *m, const struct wanted *w, int64_t now)
{
	char why[100];
	int opens = opens_at(r), closes = closes_at(r) % PLAN_DAY_MIN;
	int64_t open = next_minute(r, now, opens), close = next_minute(r, open, closes);
	snprintf(why, sizeof why, "it may start from %02d:%02d to %02d:%02d only", opens / 60, opens % 60, closes / 60, closes % 60);
	return put_off(r, m, w, w->until < close ? INT64_MAX : open, why);
}

static struct plan_decision start(const struct plan_rules *r, const struct wanted *w, const struct plan_memory *m,
                                  const struct plan_situation *now)
{
	char due[UNITS_TEXT];
	struct plan_decision d = { .act = PLAN_START, .trigger = w->trigger, .due_ms = w->due };
	const char *lag = r->max_lag_ms && now->lag_ms == PLAN_UNKNOWN ? "; how far the replica is behind is not known" : "";
	time_text(r, w->due ? w->due : m->due_ms, due);
	snprintf(d.why, sizeof d.why, "due %s%s", due, lag);
	return d;
}

/* What holds up a run that is wanted now, in the order in which people would ask. */
static struct plan_decision gates(const struct plan_rules *r, const struct plan_memory *m, const struct plan_situation *now,
                                  const struct wanted *w)
{
	char lag[UNITS_TEXT], limit[UNITS_TEXT];
	if (now->paused && w->due && !r->catch_up)
		return paused(r, m, w->due);
	if (now->paused)
		return waiting(w->until, "paused");
	if (!within_hours(r, now->now_ms))
		return out_of_hours(r, m, w, now->now_ms);
	int64_t allowed = m->succeeded_ms && r->min_interval_ms ? m->succeeded_ms + r->min_interval_ms : 0;
	if (now->now_ms < allowed)
		return put_off(r, m, w, allowed, "the last success is more recent than min-interval");
	if (now->busy)
		return waiting(w->until, "another job of this instance is running");
	if (now->full)
		return waiting(w->until, "for its turn: max-runs are running already");
	if (r->max_lag_ms && now->lag_ms == PLAN_UNKNOWN && now->now_ms < now->lag_by_ms)
		return waiting(now->lag_by_ms < w->until ? now->lag_by_ms : w->until, "the replica has not been looked at yet");
	if (r->max_lag_ms && now->lag_ms > r->max_lag_ms) {
		int64_t close = next_minute(r, now->now_ms, closes_at(r) % PLAN_DAY_MIN);
		units_duration(now->lag_ms, lag);
		units_duration(r->max_lag_ms, limit);
		return waiting(w->until < close ? w->until : close, "the replica is %s behind, max-lag is %s", lag, limit);
	}
	return start(r, w, m, now);
}

static struct plan_decision asked_for(const struct plan_rules *r, const struct plan_memory *m, const struct plan_situation *now)
{
	if (now->busy)
		return waiting(0, "asked for: another job of this instance is running");
	struct plan_decision d = { .act = PLAN_START, .trigger = PLAN_BY_REQUEST };
	/* It stands for what is waiting as well, or that would follow at its heels. */
	int64_t due = r->schedule ? due_until(r, dealt_with(m), now->now_ms) : 0;
	d.due_ms = due && start_of(r, due) <= now->now_ms ? due : 0;
	snprintf(d.why, sizeof d.why, "asked for");
	return d;
}

/* When the failed run of the memory's due time is tried again; INT64_MAX = it is not. */
static int64_t retry_at(const struct plan_rules *r, const struct plan_memory *m)
{
	if (!m->attempts || m->attempts > r->retries)
		return INT64_MAX;
	int64_t delay = r->retry_ms;
	for (unsigned i = 1; i < m->attempts && delay < r->retry_max_ms; i++)
		delay *= 2;
	return m->ended_ms + (delay < r->retry_max_ms ? delay : r->retry_max_ms);
}

/* Nothing is open: until the next due time there is at most a retry. */
static struct plan_decision between(const struct plan_rules *r, const struct plan_memory *m, const struct plan_situation *now)
{
	char at[UNITS_TEXT];
	int64_t from = dealt_with(m) > now->now_ms ? dealt_with(m) : now->now_ms, open = due_until(r, dealt_with(m), now->now_ms);
	int64_t next = open ? start_of(r, open) : next_start(r, from), retry = retry_at(r, m);
	if (retry < next) {
		const struct wanted w = { PLAN_BY_RETRY, 0, next };
		if (now->now_ms >= retry)
			return gates(r, m, now, &w);
		time_text(r, retry, at);
		return waiting(retry, "failed %u time%s, tried again %s", m->attempts, m->attempts == 1 ? "" : "s", at);
	}
	if (next == INT64_MAX)
		return waiting(0, "nothing is ever due");
	time_text(r, next, at);
	struct plan_decision d = waiting(next, "next %s", at);
	d.held_up = false;
	return d;
}

/* up_since of a clock that has been set back since says nothing. */
static bool missed_by_downtime(const struct plan_situation *now, int64_t at)
{
	return at < now->up_since_ms && now->up_since_ms <= now->now_ms;
}

static struct plan_decision on_schedule(const struct plan_rules *r, const struct plan_memory *m, const struct plan_situation *now)
{
	int64_t after = dealt_with(m), due = due_until(r, after, now->now_ms);
	if (due && start_of(r, due) > now->now_ms)
		due = due_until(r, after, due - 1000);
	if (!due)
		return between(r, m, now);
	int64_t older = due_until(r, after, due - 1000);
	if (older && now->paused)
		return paused(r, m, older);
	if (older)
		return dropping(r, m, older, "%s, and the next due time has come",
		                missed_by_downtime(now, older) ? "missed while the agent was down" : "it could not start");
	bool down = missed_by_downtime(now, start_of(r, due));
	if (down && !r->catch_up)
		return dropping(r, m, due, "missed while the agent was down, and catch-up is off");
	const struct wanted w = { down ? PLAN_BY_CATCH_UP : PLAN_BY_SCHEDULE, due, next_start(r, due) };
	return gates(r, m, now, &w);
}

struct plan_decision plan_decide(const struct plan_rules *rules, const struct plan_memory *memory, const struct plan_situation *now)
{
	struct plan_memory m = plausible(memory, now->now_ms);
	if (now->asked)
		return asked_for(rules, &m, now);
	if (!rules->schedule)
		return waiting(0, "runs only when asked");
	/* Not only brought back to now for this decision, or now would have been dealt with whenever it is asked. */
	if (far_ahead(dealt_with(memory), now->now_ms))
		return dropping(rules, &m, now->now_ms, "the clock has been set back by more than a day: what was noted for later does not count");
	return on_schedule(rules, &m, now);
}

int64_t plan_next_ms(const struct plan_rules *rules, const struct plan_memory *memory, int64_t now_ms)
{
	if (!rules->schedule)
		return 0;
	struct plan_memory m = plausible(memory, now_ms);
	int64_t after = dealt_with(&m), open = due_until(rules, after, now_ms);
	int64_t from = after > now_ms ? after : now_ms;
	int64_t next = open ? start_of(rules, open) : next_start(rules, from);
	int64_t retry = retry_at(rules, &m);
	if (retry > now_ms && retry < next)
		next = retry;
	return next == INT64_MAX ? 0 : next;
}

/* ---- the memory ---- */

void plan_took(struct plan_memory *memory, const struct plan_decision *d, int64_t now_ms)
{
	if (d->act == PLAN_WAIT)
		return;
	*memory = plausible(memory, now_ms);
	if (d->due_ms) {
		memory->due_ms = d->due_ms;
		memory->attempts = 0;
	} else if (d->trigger == PLAN_BY_REQUEST) {
		memory->attempts = UINT_MAX; /* takes the place of a retry, and who asked sees how it ends */
	}
	if (d->act == PLAN_DROP) {
		memory->dropped += d->dropped;
		return;
	}
	memory->dropped = 0;
	memory->started_ms = now_ms;
}

void plan_ended(struct plan_memory *memory, enum plan_end end, int64_t now_ms)
{
	memory->ended_ms = now_ms;
	if (end == PLAN_SUCCEEDED) {
		memory->succeeded_ms = memory->started_ms;
		memory->failures = memory->attempts = 0;
		return;
	}
	memory->failures++;
	memory->attempts = end == PLAN_CANCELLED || memory->attempts == UINT_MAX ? UINT_MAX : memory->attempts + 1;
}
