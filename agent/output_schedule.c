/* SPDX-License-Identifier: Apache-2.0 */
#include "output_schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "output_json.h"
#include "output_text.h"
#include "slackwater/units.h"

/* "2026-03-29 03:00 +02:00" */
static void local_text(const struct zone *z, int64_t utc_s, char out[UNITS_TEXT])
{
	int64_t offset = zone_offset(z, utc_s), minutes = llabs(offset) / 60;
	time_t local = (time_t)(utc_s + offset);
	struct tm tm;
	char day[UNITS_TEXT / 2];
	if (!gmtime_r(&local, &tm) || !strftime(day, sizeof day, "%Y-%m-%d %H:%M", &tm))
		snprintf(out, UNITS_TEXT, "?");
	else
		snprintf(out, UNITS_TEXT, "%s %c%02d:%02d", day, offset < 0 ? '-' : '+', (int)(minutes / 60), (int)(minutes % 60));
}

static void times(struct buf *out, const char *label, const struct schedule *s, const struct zone *z, int64_t now_ms)
{
	int64_t at = now_ms / 1000;
	for (int i = 0; i < OUTPUT_SCHEDULE_RUNS && (at = schedule_next(s, z, at)) >= 0; i++) {
		char local[UNITS_TEXT], utc[UNITS_TEXT];
		local_text(z, at, local);
		units_time(at * 1000, utc);
		output_text_line(out, i ? "" : label, "%s   %.16s UTC", local, utc);
	}
}

void output_schedule(struct buf *out, const struct settings *s, int64_t now_ms)
{
	if (!s->nsnapshots)
		buf_addf(out, "%s has no [snapshot NAME]: nothing is ever due\n", s->file);
	for (size_t i = 0; i < s->nsnapshots; i++) {
		const struct settings_snapshot *n = &s->snapshot[i];
		char jitter[UNITS_TEXT];
		units_duration_option(n->rules.jitter_ms, jitter);
		buf_adds(out, i ? "\n" : "");
		output_text_line(out, "snapshot", "%s: %s to %s", n->name, s->instance[n->instance].name, s->store[n->store].name);
		output_text_line(out, "  schedule", "%s in %s%s%s", n->schedule_text ? n->schedule_text : "only when asked", n->zone_name,
		                 n->rules.jitter_ms ? ", and up to this later: " : "", n->rules.jitter_ms ? jitter : "");
		if (n->schedule_text)
			times(out, "  due", &n->schedule, n->zone, now_ms);
		if (n->proof_text)
			times(out, "  proof due", &n->proof, n->zone, now_ms);
	}
}

static json_t *times_json(const struct schedule *s, const struct zone *z, int64_t now_ms)
{
	json_t *list = json_array();
	int64_t at = now_ms / 1000;
	for (int i = 0; list && s && i < OUTPUT_SCHEDULE_RUNS && (at = schedule_next(s, z, at)) >= 0; i++) {
		char local[UNITS_TEXT];
		local_text(z, at, local);
		if (json_array_append_new(list, json_pack("{s:o, s:s}", "utc", output_json_time(at * 1000), "local", local))) {
			json_decref(list);
			list = NULL;
		}
	}
	return list;
}

static json_t *snapshot_json(const struct settings *s, const struct settings_snapshot *n, int64_t now_ms)
{
	const struct jsonx_member member[] = {
		{ "name", json_string(n->name) },
		{ "instance", json_string(s->instance[n->instance].name) },
		{ "store", json_string(s->store[n->store].name) },
		{ "schedule", jsonx_text_or_null(n->schedule_text) },
		{ "proof_schedule", jsonx_text_or_null(n->proof_text) },
		{ "timezone", json_string(n->zone_name) },
		{ "jitter_ms", json_integer(n->rules.jitter_ms) },
		{ "next", times_json(n->rules.schedule, n->zone, now_ms) },
		{ "next_proof", times_json(n->proof_rules.schedule, n->zone, now_ms) },
	};
	return JSONX_MAKE(member);
}

enum status output_schedule_json(json_t **doc, const struct settings *s, int64_t now_ms, struct error *err)
{
	json_t *list = json_array();
	enum status st = list ? ST_OK : error_oom(err);
	for (size_t i = 0; i < s->nsnapshots && !st; i++)
		if (json_array_append_new(list, snapshot_json(s, &s->snapshot[i], now_ms)))
			st = error_oom(err);
	if (!st)
		st = output_json_set(doc, "config", jsonx_text(s->file), err);
	if (!st)
		st = output_json_set(doc, "snapshots", json_incref(list), err);
	json_decref(list);
	return st;
}
