/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone: offsets from TZif files (RFC 8536): a table of transitions, and behind its end a rule in the notation of POSIX' TZ. The C library's
 * localtime() knows one zone for the whole process, and each snapshot has its own.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "schedule.h"
#include "slackwater/fs.h"

enum {
	ZONE_FILE_MAX = 1 << 20,
	ZONE_HEADER = 44,
	ZONE_DAY_S = 86400,
	ZONE_NAME_MAX = 100,
	ZONE_OFFSET_MAX = 26 * 3600 /* RFC 8536, 3.2 */
};

enum day_kind { DAY_OF_MONTH_WEEK, DAY_JULIAN, DAY_OF_YEAR };

struct change {
	enum day_kind kind;
	int month, week, weekday; /* DAY_OF_MONTH_WEEK: week 5 is the last */
	int day;                  /* DAY_JULIAN 1 to 365, the 29th of February never counted; DAY_OF_YEAR 0 to 365 */
	int64_t second;           /* of that day, may be before it or far behind it */
};

struct rule {
	bool known, changes;
	int64_t standard, summer;
	struct change to_summer, to_standard;
};

struct zone {
	size_t n;
	int64_t *at;     /* ascending */
	int64_t *offset; /* from at[i] on */
	int64_t first;   /* before at[0] */
	struct rule rule;
};

/* ---- the calendar ---- */

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static bool leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1970-01-01 to the first of January. */
static int64_t year_start(int64_t year)
{
	int64_t y = year - 1;
	return y * 365 + floor_div(y, 4) - floor_div(y, 100) + floor_div(y, 400) - 719162;
}

static int64_t year_of(int64_t day)
{
	int64_t year = 1970 + floor_div(day, 366);
	while (year_start(year + 1) <= day)
		year++;
	while (year_start(year) > day)
		year--;
	return year;
}

static int64_t month_start(int64_t year, int month)
{
	static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
	return year_start(year) + before[month - 1] + (month > 2 && leap(year));
}

static int64_t change_day(const struct change *c, int64_t year)
{
	if (c->kind == DAY_OF_YEAR)
		return year_start(year) + c->day;
	if (c->kind == DAY_JULIAN)
		return year_start(year) + c->day - 1 + (c->day > 59 && leap(year));
	int64_t first = month_start(year, c->month);
	int64_t end = c->month == 12 ? year_start(year + 1) : month_start(year, c->month + 1);
	int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
	int64_t day = first + (c->weekday - weekday + 7) % 7 + (c->week - 1) * 7;
	return day < end ? day : day - 7;
}

static int64_t rule_offset(const struct rule *r, int64_t utc_s)
{
	if (!r->changes)
		return r->standard;
	int64_t year = year_of(floor_div(utc_s + r->standard, ZONE_DAY_S));
	int64_t summer = change_day(&r->to_summer, year) * ZONE_DAY_S + r->to_summer.second - r->standard;
	int64_t standard = change_day(&r->to_standard, year) * ZONE_DAY_S + r->to_standard.second - r->summer;
	bool is_summer = summer < standard ? utc_s >= summer && utc_s < standard : utc_s >= summer || utc_s < standard;
	return is_summer ? r->summer : r->standard;
}

int64_t zone_offset(const struct zone *z, int64_t utc_s)
{
	if (!z->n || utc_s >= z->at[z->n - 1]) {
		if (z->rule.known)
			return rule_offset(&z->rule, utc_s);
		return z->n ? z->offset[z->n - 1] : z->first;
	}
	if (utc_s < z->at[0])
		return z->first;
	size_t low = 0, high = z->n - 1; /* at[low] <= utc_s < at[high] */
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (z->at[middle] <= utc_s)
			low = middle;
		else
			high = middle;
	}
	return z->offset[low];
}

/* The first moment in (low, high] at which the offset is no longer that of low; the two differ. */
static int64_t change_between(const struct zone *z, int64_t low, int64_t high)
{
	int64_t offset = zone_offset(z, low);
	while (high - low > 1) {
		int64_t middle = low + (high - low) / 2;
		if (zone_offset(z, middle) == offset)
			low = middle;
		else
			high = middle;
	}
	return high;
}

int64_t zone_utc(const struct zone *z, int64_t local_s, int64_t *ret_again, bool *ret_skipped)
{
	int64_t before = zone_offset(z, local_s - ZONE_OFFSET_MAX), after = zone_offset(z, local_s + ZONE_OFFSET_MAX);
	int64_t early = local_s - before, late = local_s - after;
	bool early_fits = zone_offset(z, early) == before, late_fits = zone_offset(z, late) == after;
	if (ret_again)
		*ret_again = -1;
	if (ret_skipped)
		*ret_skipped = false;
	if (early_fits) {
		if (ret_again && late_fits && late > early)
			*ret_again = late;
		return early;
	}
	if (late_fits)
		return late;
	int64_t between = local_s - zone_offset(z, early);
	if (before == after) /* two changes within days: none that is known of today */
		return between;
	if (ret_skipped)
		*ret_skipped = true;
	return change_between(z, local_s - ZONE_OFFSET_MAX, local_s + ZONE_OFFSET_MAX);
}

/* ---- the rule ---- */

static bool skip_name(const char **s)
{
	const char *p = *s;
	if (*p == '<') {
		p++;
		while (isalnum((unsigned char)*p) || *p == '+' || *p == '-')
			p++;
		if (*p != '>' || p - *s < 2)
			return false;
		*s = p + 1;
		return true;
	}
	while (isalpha((unsigned char)*p))
		p++;
	if (p - *s < 3)
		return false;
	*s = p;
	return true;
}

static bool take_number(const char **s, int max, int *ret)
{
	int v = 0;
	const char *p = *s;
	for (; isdigit((unsigned char)*p); p++) {
		v = v * 10 + (*p - '0');
		if (v > max)
			return false;
	}
	if (p == *s)
		return false;
	*s = p;
	*ret = v;
	return true;
}

/* [+-]hh[:mm[:ss]] in seconds */
static bool take_time(const char **s, int max_hours, int64_t *ret)
{
	int64_t sign = 1;
	int hour, minute = 0, second = 0;
	if (**s == '+' || **s == '-')
		sign = *(*s)++ == '-' ? -1 : 1;
	if (!take_number(s, max_hours, &hour))
		return false;
	if (**s == ':') {
		++*s;
		if (!take_number(s, 59, &minute))
			return false;
	}
	if (**s == ':') {
		++*s;
		if (!take_number(s, 59, &second))
			return false;
	}
	*ret = sign * (hour * 3600 + minute * 60 + second);
	return true;
}

static bool take_dot(const char **s, int max, int *ret)
{
	return *(*s)++ == '.' && take_number(s, max, ret);
}

static bool take_change(const char **s, struct change *c)
{
	if (*(*s)++ != ',')
		return false;
	bool good;
	if (**s == 'M') {
		++*s;
		c->kind = DAY_OF_MONTH_WEEK;
		good = take_number(s, 12, &c->month) && c->month && take_dot(s, 5, &c->week) && c->week && take_dot(s, 6, &c->weekday);
	} else if (**s == 'J') {
		++*s;
		c->kind = DAY_JULIAN;
		good = take_number(s, 365, &c->day) && c->day;
	} else {
		c->kind = DAY_OF_YEAR;
		good = take_number(s, 365, &c->day);
	}
	c->second = 2 * 3600;
	if (good && **s == '/') {
		++*s;
		good = take_time(s, 167, &c->second);
	}
	return good;
}

/* "CET-1CEST,M3.5.0,M10.5.0/3"; POSIX counts offsets westwards. */
static bool rule_parse(const char *s, struct rule *ret)
{
	struct rule r = { .known = true };
	int64_t west;
	if (!skip_name(&s) || !take_time(&s, 24, &west))
		return false;
	r.standard = -west;
	if (*s) {
		r.changes = true;
		r.summer = r.standard + 3600;
		if (!skip_name(&s))
			return false;
		if (*s != ',') {
			if (!take_time(&s, 24, &west))
				return false;
			r.summer = -west;
		}
		if (!take_change(&s, &r.to_summer) || !take_change(&s, &r.to_standard) || *s)
			return false;
	}
	*ret = r;
	return true;
}

/* ---- the file ---- */

struct counts { size_t isutc, isstd, leap, time, type, chars; };

static int64_t big_endian(const unsigned char *p, size_t bytes)
{
	uint64_t v = bytes == 4 && p[0] & 0x80 ? ~(uint64_t)0 : 0;
	for (size_t i = 0; i < bytes; i++)
		v = v << 8 | p[i];
	return (int64_t)v;
}

static bool read_header(const unsigned char *p, size_t len, struct counts *ret)
{
	size_t v[6];
	if (len < ZONE_HEADER || memcmp(p, "TZif", 4))
		return false;
	for (size_t i = 0; i < 6; i++) {
		int64_t n = big_endian(p + 20 + 4 * i, 4);
		if (n < 0 || n > ZONE_FILE_MAX)
			return false;
		v[i] = (size_t)n;
	}
	*ret = (struct counts){ v[0], v[1], v[2], v[3], v[4], v[5] };
	return ret->type > 0;
}

static size_t block_size(const struct counts *c, size_t time_size)
{
	return c->time * (time_size + 1) + c->type * 6 + c->chars + c->leap * (time_size + 4) + c->isstd + c->isutc;
}

/* p: the transitions of a block that is known to be there whole */
static bool read_block(const unsigned char *p, const struct counts *c, struct zone *z)
{
	const unsigned char *index = p + c->time * 8, *type = index + c->time;
	if (c->leap)
		return false;
	for (size_t i = 0; i < c->type; i++) {
		int64_t offset = big_endian(type + 6 * i, 4);
		if (offset < -ZONE_OFFSET_MAX || offset > ZONE_OFFSET_MAX)
			return false;
	}
	z->first = big_endian(type, 4);
	for (size_t i = 0; i < c->time; i++) {
		z->at[i] = big_endian(p + 8 * i, 8);
		if (index[i] >= c->type || (i && z->at[i] <= z->at[i - 1]))
			return false;
		z->offset[i] = big_endian(type + 6 * (size_t)index[i], 4);
	}
	z->n = c->time;
	return true;
}

static bool read_footer(const unsigned char *p, size_t len, struct zone *z)
{
	char text[ZONE_NAME_MAX];
	if (len < 2 || p[0] != '\n')
		return false;
	const unsigned char *end = memchr(p + 1, '\n', len - 1);
	if (!end || end - p > (ptrdiff_t)sizeof text)
		return false;
	size_t n = (size_t)(end - p) - 1;
	memcpy(text, p + 1, n);
	text[n] = '\0';
	return !n || rule_parse(text, &z->rule);
}

static bool parse(const unsigned char *p, size_t len, struct zone *z)
{
	struct counts c;
	if (!read_header(p, len, &c) || p[4] < '2') /* version 1 ends in 2038 and has no rule */
		return false;
	size_t skip = ZONE_HEADER + block_size(&c, 4);
	if (skip > len || !read_header(p + skip, len - skip, &c))
		return false;
	p += skip + ZONE_HEADER;
	len -= skip + ZONE_HEADER;
	size_t size = block_size(&c, 8);
	if (size > len)
		return false;
	z->at = calloc(c.time + 1, sizeof *z->at);
	z->offset = calloc(c.time + 1, sizeof *z->offset);
	return z->at && z->offset && read_block(p, &c, z) && read_footer(p + size, len - size, z);
}

enum status zone_parse(const void *tzif, size_t len, const char *what, struct zone **ret, struct error *err)
{
	struct zone *z = calloc(1, sizeof *z);
	if (!z)
		return error_oom(err);
	if (!parse(tzif, len, z)) {
		zone_free(z);
		error_set(err, ST_FAILED, ERR_USAGE, "%.200s is no time zone that can be used", what);
		return error_hint(err, "a TZif file of version 2 or later without leap seconds is expected, as the package tzdata has them");
	}
	*ret = z;
	return ST_OK;
}

/* Components of letters, digits and -+_, so that no name leads out of the directory. */
static bool plausible(const char *name)
{
	if (strlen(name) > ZONE_NAME_MAX || !isalpha((unsigned char)*name))
		return false;
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-+_", *c) && !(*c == '/' && isalnum((unsigned char)c[1])))
			return false;
	return true;
}

static enum status unknown_zone(const char *name, struct error *err)
{
	error_set(err, ST_FAILED, ERR_USAGE, "there is no time zone \"%.60s\" on this host", name);
	if (access("/usr/share/zoneinfo/Europe", F_OK))
		error_hint(err, "/usr/share/zoneinfo is missing: install the package tzdata");
	else
		error_hint(err, "names are those of /usr/share/zoneinfo, as in Europe/Berlin; or UTC, or local");
	return ST_FAILED;
}

enum status zone_load(const char *name, struct zone **ret, struct error *err)
{
	char path[ZONE_NAME_MAX + 40];
	struct buf file = BUF_INIT(ZONE_FILE_MAX);
	bool local = !strcmp(name, "local");
	/* A host without /etc/localtime runs on UTC. */
	if (!*name || !strcmp(name, "UTC") || (local && access("/etc/localtime", F_OK))) {
		*ret = calloc(1, sizeof **ret);
		return *ret ? ST_OK : error_oom(err);
	}
	if (!local && !plausible(name))
		return unknown_zone(name, err);
	snprintf(path, sizeof path, "%s%s", local ? "/etc/" : "/usr/share/zoneinfo/", local ? "localtime" : name);
	enum status st = fs_read_file(path, &file, err) ? unknown_zone(name, err) : zone_parse(file.data, file.len, path, ret, err);
	buf_free(&file);
	return st;
}

void zone_free(struct zone *z)
{
	if (!z)
		return;
	free(z->at);
	free(z->offset);
	free(z);
}
