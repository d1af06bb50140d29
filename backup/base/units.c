/* SPDX-License-Identifier: Apache-2.0 */
#include "slackwater/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* A decimal number in front of *s, without sign, exponent or locale; moves *s behind it. */
static bool number(const char **s, double *ret)
{
	const char *p = *s;
	double v = 0, scale = 1;
	bool any = false;
	for (; *p >= '0' && *p <= '9'; p++, any = true)
		v = v * 10 + (*p - '0');
	if (*p == '.')
		for (p++; *p >= '0' && *p <= '9'; p++, any = true)
			v += (*p - '0') * (scale /= 10);
	*s = p;
	*ret = v;
	return any;
}

bool units_parse_size(const char *text, uint64_t *ret)
{
	static const char letters[] = "KMGT";
	double v;
	const char *p = text;
	if (!number(&p, &v))
		return false;
	const char letter = (char)(*p & ~0x20), *unit = letter ? strchr(letters, letter) : NULL;
	if (unit) {
		for (const char *u = letters; u <= unit; u++)
			v *= 1024;
		p++;
		if (!strcasecmp(p, "ib") || !strcasecmp(p, "b"))
			p += strlen(p);
	}
	if (*p || v >= 9e18)
		return false;
	*ret = (uint64_t)(v + 0.5);
	return true;
}

static const struct { const char *name; int64_t ms; } durations[] = {
	{ "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 },
};

static int64_t unit_ms(const char *s, size_t len)
{
	for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++)
		if (strlen(durations[i].name) == len && !strncmp(durations[i].name, s, len))
			return durations[i].ms;
	return 0;
}

bool units_parse_duration(const char *text, int64_t *ret_ms)
{
	double sum = 0, v;
	const char *p = text;
	if (!strcmp(text, "0")) {
		*ret_ms = 0;
		return true;
	}
	if (!*p)
		return false;
	while (*p) {
		if (!number(&p, &v))
			return false;
		size_t len = strspn(p, "dhms");
		int64_t ms = unit_ms(p, len);
		if (!ms)
			return false;
		sum += v * (double)ms;
		p += len;
	}
	if (sum >= 9e15)
		return false;
	*ret_ms = (int64_t)(sum + 0.5);
	return true;
}

void units_size(uint64_t bytes, char out[UNITS_TEXT])
{
	static const char *const unit[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double v = (double)bytes;
	size_t i = 0;
	if (bytes < 1024) {
		snprintf(out, UNITS_TEXT, "%" PRIu64 " B", bytes);
		return;
	}
	/* 1023.95 would be printed as 1024.0 of the smaller unit */
	for (v /= 1024; v >= 1023.95 && i < 5; v /= 1024)
		i++;
	snprintf(out, UNITS_TEXT, "%.1f %s", v, unit[i]);
}

void units_rate(double bytes_per_s, char out[UNITS_TEXT])
{
	char size[UNITS_TEXT];
	units_size(bytes_per_s > 0 ? (uint64_t)bytes_per_s : 0, size);
	snprintf(out, UNITS_TEXT, "%.40s/s", size);
}

void units_duration(int64_t ms, char out[UNITS_TEXT])
{
	int64_t s = (ms + 500) / 1000;
	if (ms < 1000)
		snprintf(out, UNITS_TEXT, "%" PRId64 " ms", ms);
	else if (ms < 99950)
		snprintf(out, UNITS_TEXT, "%.1f s", (double)ms / 1000);
	else if (s < 3600)
		snprintf(out, UNITS_TEXT, "%" PRId64 " min %02" PRId64 " s", s / 60, s % 60);
	else
		snprintf(out, UNITS_TEXT, "%" PRId64 " h %02" PRId64 " min", s / 3600, s % 3600 / 60);
}

void units_count(uint64_t n, char out[UNITS_TEXT])
{
	char digits[32];
	int len = snprintf(digits, sizeof digits, "%" PRIu64, n), o = 0;
	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			out[o++] = ',';
		out[o++] = digits[i];
	}
	out[o] = '\0';
}

void units_time(int64_t wall_ms, char out[UNITS_TEXT])
{
	time_t t = (time_t)(wall_ms / 1000);
	struct tm tm;
	if (wall_ms <= 0 || !gmtime_r(&t, &tm) || !strftime(out, UNITS_TEXT, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(out, UNITS_TEXT, "-");
}

void units_size_option(uint64_t bytes, char out[UNITS_TEXT])
{
	static const char letters[] = "TGMK";
	for (int i = 0; i < 4; i++) {
		uint64_t unit = UINT64_C(1) << (10 * (4 - i));
		if (bytes && bytes % unit == 0) {
			snprintf(out, UNITS_TEXT, "%" PRIu64 "%c", bytes / unit, letters[i]);
			return;
		}
	}
	snprintf(out, UNITS_TEXT, "%" PRIu64, bytes);
}

void units_duration_option(int64_t ms, char out[UNITS_TEXT])
{
	for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++)
		/* 60s rather than 1m: up to two units the smaller one reads better */
		if (ms && ms % durations[i].ms == 0 && (ms > durations[i].ms || durations[i].ms != 60000)) {
			snprintf(out, UNITS_TEXT, "%" PRId64 "%s", ms / durations[i].ms, durations[i].name);
			return;
		}
	snprintf(out, UNITS_TEXT, "%" PRId64, ms);
}
