/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "../text.h"
#include "slackwater/units.h"

enum { SCHEDULE_FIELDS = 5, SCHEDULE_DAY_S = 86400, SCHEDULE_YEARS = 9, SCHEDULE_SLACK_S = 26 * 3600, SCHEDULE_TEXT_MAX = 500 };

static const char *const month_names[] = { "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", NULL };
static const char *const weekday_names[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL };

static const struct field {
	const char *name;
	unsigned min, max;
	const char *const *names; /* of min, min + 1, ... */
	const char *hint;
} fields[SCHEDULE_FIELDS] = {
	{ "minute", 0, 59, NULL, "0 to 59" },
	{ "hour", 0, 23, NULL, "0 to 23" },
	{ "day of month", 1, 31, NULL, "1 to 31" },
	{ "month", 1, 12, month_names, "1 to 12, or jan to dec" },
	{ "day of week", 0, 7, weekday_names, "0 to 7 (0 and 7 are Sunday), or sun to sat" },
};

static const struct { const char *name, *fields; } shorthands[] = {
	{ "@hourly", "0 * * * *" },   { "@daily", "0 0 * * *" },  { "@midnight", "0 0 * * *" }, { "@weekly", "0 0 * * 0" },
	{ "@monthly", "0 0 1 * *" },  { "@yearly", "0 0 1 1 *" }, { "@annually", "0 0 1 1 *" },
};

/* ---- parsing ---- */

static enum status bad_field(const struct field *f, const char *text, const char *what, struct error *err)
{
	error_set(err, ST_FAILED, ERR_USAGE, "%s \"%.40s\": %s", f->name, text, what);
	return error_hint(err, "%s: *, numbers (%s), ranges as 1-5, lists as 1,15, and steps as */2 or 0-20/5", f->name, f->hint);
}

/* A number or a name at *s. last: it ends a range, where Sunday by name comes after Saturday. */
static bool take_value(const struct field *f, const char **s, bool last, unsigned *ret)
{
	unsigned v = 0;
	const char *p = *s;
	if (isdigit((unsigned char)*p)) {
		for (; isdigit((unsigned char)*p); p++)
			if ((v = v * 10 + (unsigned)(*p - '0')) > f->max)
				return false;
		*s = p;
		*ret = v;
		return v >= f->min;
	}
	for (unsigned i = 0; f->names && f->names[i]; i++)
		if (!strncasecmp(p, f->names[i], 3) && !isalnum((unsigned char)p[3])) {
			*s = p + 3;
			*ret = last && f->max == 7 && !i ? 7 : f->min + i;
			return true;
		}
	return false;
}

/* One member of a list: bits are added to *mask. */
static enum status take_item(const struct field *f, const char *field, const char **s, uint64_t *mask, struct error *err)
{
	unsigned low = f->min, high = f->max, step = 1;
	bool range = true;
	if (**s == '*') {
		++*s;
	} else {
		if (!take_value(f, s, false, &low))
			return bad_field(f, field, "there is something that may not stand there", err);
		range = **s == '-';
		high = low;
		if (range && (++*s, !take_value(f, s, true, &high)))
			return bad_field(f, field, "the range has no proper end", err);
		if (high < low)
			return bad_field(f, field, "the range ends before it begins", err);
	}
	if (**s == '/') {
		const struct field steps = { .min = 1, .max = f->max };
		++*s;
		if (!range)
			return bad_field(f, field, "a step is of * or of a range", err);
		if (!take_value(&steps, s, false, &step))
			return bad_field(f, field, "a step is a number from 1 on, and not larger than the field", err);
	}
	for (unsigned v = low; v <= high; v += step)
		*mask |= (uint64_t)1 << v;
	return ST_OK;
}

static enum status parse_field(const struct field *f, const char *text, uint64_t *ret, struct error *err)
{
	uint64_t mask = 0;
	const char *s = text;
	for (;;) {
		enum status st = take_item(f, text, &s, &mask, err);
		if (st)
			return st;
		if (!*s)
			break;
		if (*s++ != ',')
			return bad_field(f, text, "there is something that may not stand there", err);
	}
	*ret = mask;
	return ST_OK;
}

static enum status unknown_shorthand(const char *text, struct error *err)
{
	const char *similar = NULL;
	error_set(err, ST_FAILED, ERR_USAGE, "there is no schedule \"%.40s\"", text);
	for (size_t i = 0; i < sizeof shorthands / sizeof shorthands[0]; i++)
		similar = text_nearer(text, shorthands[i].name, similar);
	if (similar)
		return error_hint(err, "did you mean %s?", similar);
	return error_hint(err, "@hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually and @every D are known");
}

/* Cuts text at its blanks, in place. Returns the number of words, of which the first `max` are in word. */
static size_t split(char *text, char *word[], size_t max)
{
	size_t n = 0;
	char *save = text;
	while (*save) {
		char *start = save + strspn(save, " \t");
		save = start + strcspn(start, " \t");
		if (save == start)
			break;
		if (*save)
			*save++ = '\0';
		if (n < max)
			word[n] = start;
		n++;
	}
	return n;
}

static enum status parse_fields(char *text, struct schedule *ret, struct error *err)
{
	char *word[SCHEDULE_FIELDS];
	uint64_t mask[SCHEDULE_FIELDS];
	size_t n = split(text, word, SCHEDULE_FIELDS);
	if (n != SCHEDULE_FIELDS) {
		error_set(err, ST_FAILED, ERR_USAGE, "a schedule has five fields, this has %zu", n);
		return error_hint(err, "minute, hour, day of month, month, day of week, as in \"30 2 * * *\"; or @daily and the like");
	}
	for (size_t i = 0; i < SCHEDULE_FIELDS; i++) {
		enum status st = parse_field(&fields[i], word[i], &mask[i], err);
		if (st)
			return st;
	}
	*ret = (struct schedule){
		.minutes = mask[0],
		.hours = (uint32_t)mask[1],
		.days = (uint32_t)mask[2],
		.months = (uint32_t)mask[3],
		.weekdays = (uint32_t)((mask[4] | mask[4] >> 7) & 0x7F),
		.any_day = *word[2] == '*',
		.any_weekday = *word[4] == '*',
		.elapsed = strpbrk(word[0], "*/") || strpbrk(word[1], "*/"),
	};
	return ST_OK;
}

static enum status parse_every(const char *duration, struct schedule *ret, struct error *err)
{
	int64_t ms;
	if (!units_parse_duration(duration, &ms) || ms < 1000 || ms % 1000) {
		error_set(err, ST_FAILED, ERR_USAGE, "@every: \"%.40s\" is not a duration of whole seconds", duration);
		return error_hint(err, "for example @every 90s, @every 6h");
	}
	*ret = (struct schedule){ .every_s = ms / 1000 };
	return ST_OK;
}

enum status schedule_parse(const char *text, struct schedule *ret, struct error *err)
{
	char copy[SCHEDULE_TEXT_MAX], *word[2];
	if (strlen(text) >= sizeof copy)
		return error_set(err, ST_FAILED, ERR_USAGE, "a schedule of %zu characters is too long", strlen(text));
	snprintf(copy, sizeof copy, "%s", text);
	if (text[strspn(text, " \t")] != '@')
		return parse_fields(copy, ret, err);
	size_t n = split(copy, word, 2);
	if (n == 2 && !strcasecmp(word[0], "@every"))
		return parse_every(word[1], ret, err);
	if (n != 1)
		return unknown_shorthand(text, err);
	for (size_t i = 0; i < sizeof shorthands / sizeof shorthands[0]; i++)
		if (!strcasecmp(word[0], shorthands[i].name)) {
			snprintf(copy, sizeof copy, "%s", shorthands[i].fields);
			return parse_fields(copy, ret, err);
		}
	return unknown_shorthand(word[0], err);
}

/* ---- what is due ---- */

static int64_t floor_day(int64_t s)
{
	return s / SCHEDULE_DAY_S - (s % SCHEDULE_DAY_S < 0);
}

static bool day_due(const struct schedule *s, int64_t day)
{
	time_t at = (time_t)(day * SCHEDULE_DAY_S);
	struct tm tm;
	if (!gmtime_r(&at, &tm) || !(s->months >> (tm.tm_mon + 1) & 1))
		return false;
	bool of_month = s->days >> tm.tm_mday & 1, of_week = s->weekdays >> tm.tm_wday & 1;
	return s->any_day || s->any_weekday ? of_month && of_week : of_month || of_week;
}

struct search {
	const struct schedule *schedule;
	const struct zone *zone;
	int64_t after, best; /* best: -1 = none yet */
};

static void offer(struct search *x, int64_t utc_s)
{
	if (utc_s > x->after && (x->best < 0 || utc_s < x->best))
		x->best = utc_s;
}

/* A local time on a day on which, or near which, the clocks change. */
static void offer_changing(struct search *x, int64_t local_s)
{
	const uint32_t every_hour = 0xFFFFFF;
	int64_t again;
	bool skipped;
	int64_t first = zone_utc(x->zone, local_s, &again, &skipped);
	if (!skipped || !x->schedule->elapsed || x->schedule->hours != every_hour)
		offer(x, first);
	if (x->schedule->elapsed && again >= 0)
		offer(x, again);
}

static void offer_day(struct search *x, int64_t day)
{
	int64_t start = day * SCHEDULE_DAY_S, offset = zone_offset(x->zone, start - SCHEDULE_SLACK_S);
	bool steady = offset == zone_offset(x->zone, start) && offset == zone_offset(x->zone, start + SCHEDULE_DAY_S + SCHEDULE_SLACK_S);
	for (unsigned hour = 0; hour < 24; hour++) {
		if (!(x->schedule->hours >> hour & 1))
			continue;
		for (unsigned minute = 0; minute < 60; minute++) {
			int64_t local_s = start + hour * 3600 + minute * 60;
			if (!(x->schedule->minutes >> minute & 1))
				continue;
			if (steady)
				offer(x, local_s - offset);
			else
				offer_changing(x, local_s);
		}
	}
}

int64_t schedule_next(const struct schedule *s, const struct zone *z, int64_t after_s)
{
	if (s->every_s)
		return (after_s / s->every_s + 1) * s->every_s;
	struct search x = { .schedule = s, .zone = z, .after = after_s, .best = -1 };
	int64_t today = floor_day(after_s + zone_offset(z, after_s));
	/* From the day before: a change of the clocks at midnight may bring it back. To the day after the find for the same reason. */
	for (int64_t day = today - 1; day <= today + SCHEDULE_YEARS * 366; day++) {
		bool last = x.best >= 0;
		if (day_due(s, day))
			offer_day(&x, day);
		if (last)
			break;
	}
	return x.best;
}

int64_t schedule_last(const struct schedule *s, const struct zone *z, int64_t after_s, int64_t until_s)
{
	int64_t found = schedule_next(s, z, after_s), low = after_s, high = until_s;
	if (found < 0 || found > until_s)
		return -1;
	/* What comes next moves on with the moment that is asked about: the last moment whose next is not too late is looked for. */
	while (high - low > 1) {
		int64_t middle = low + (high - low) / 2, next = schedule_next(s, z, middle);
		if (next >= 0 && next <= until_s) {
			found = next;
			low = middle;
		} else {
			high = middle;
		}
	}
	return found;
}
