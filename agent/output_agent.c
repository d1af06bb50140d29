/* SPDX-License-Identifier: Apache-2.0 */
#include "output_agent.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "output_text.h"
#include "slackwater/jsonx.h"
#include "slackwater/units.h"
#include "table.h"
#include "text.h"

enum { CELL = 200, LINE = 2000 };

static const char *text(const json_t *of, const char *member)
{
	return jsonx_str_or(of, member, NULL);
}

static bool is(const json_t *of, const char *member)
{
	return json_is_true(json_object_get(of, member));
}

/* "2026-11-20 13:37:01" of a time in JSON; "" when it is null. */
static void time_cell(const json_t *of, const char *member, char out[CELL])
{
	const char *t = text(of, member);
	snprintf(out, CELL, "%.19s", t ? t : "");
	if (strlen(out) > 10)
		out[10] = ' ';
}

static void duration_cell(const json_t *of, const char *member, char out[CELL])
{
	const json_t *v = json_object_get(of, member);
	out[0] = '\0';
	if (json_is_integer(v))
		units_duration(json_integer_value(v), out);
}

static void number_cell(const json_t *of, const char *member, char out[CELL])
{
	const json_t *v = json_object_get(of, member);
	out[0] = '\0';
	if (json_is_integer(v) && json_integer_value(v) >= 0)
		units_count((uint64_t)json_integer_value(v), out);
}

static const char *or_dash(const char *cell)
{
	return *cell ? cell : NULL;
}

/* ---- parts ---- */

static void agent(struct buf *out, const json_t *view)
{
	char since[CELL];
	const json_t *a = json_object_get(view, "agent"), *config = json_object_get(a, "config");
	time_cell(a, "started", since);
	output_text_line(out, "agent", "%s, process %lld, up since %s UTC%s", jsonx_str_or(a, "version", "?"),
	                 (long long)json_integer_value(json_object_get(a, "pid")), since,
	                 is(a, "stopping") ? ", ending" : is(a, "paused") ? ", everything is paused" : "");
	time_cell(config, "loaded", since);
	output_text_line(out, "config", "%s, read %s UTC", jsonx_str_or(config, "file", "?"), since);
	if (text(config, "error"))
		output_text_line(out, "", "its newer version was refused: %s", text(config, "error"));
}

typedef enum status row_fn(struct table *t, const json_t *of, struct error *err);

static enum status rows(struct buf *out, const char *const *header, const json_t *list, row_fn *row, struct error *err)
{
	struct table t;
	enum status st = table_init(&t, header, err);
	for (size_t i = 0; !st && i < json_array_size(list); i++)
		st = row(&t, json_array_get(list, i), err);
	buf_adds(out, "\n");
	if (!st)
		table_print(&t, "", out);
	table_free(&t);
	return st;
}

static const char *const instance_header[] = { "INSTANCE", "SERVER", "APPLIER", ">LAG", ">GAP", ">BEHIND", "LOOKED (UTC)", "BUSY", NULL };

static enum status instance_row(struct table *t, const json_t *in, struct error *err)
{
	char lag[CELL], gap[CELL], behind[CELL], looked[CELL];
	duration_cell(in, "lag_ms", lag);
	number_cell(in, "gap_transactions", gap);
	number_cell(in, "behind_transactions", behind);
	time_cell(in, "looked", looked);
	const char *cell[] = { text(in, "name"), text(in, "endpoint"), is(in, "reachable") ? text(in, "applier") : "out of reach",
		               or_dash(lag), or_dash(gap), or_dash(behind), or_dash(looked), text(in, "busy") };
	return table_row(t, cell, err);
}

static void last_cell(const json_t *run, char out[CELL])
{
	char when[CELL];
	time_cell(run, "started", when);
	snprintf(out, CELL, "%s%s%s", json_is_object(run) ? jsonx_str_or(run, "state", "?") : "", *when ? " " : "", when);
}

static const char *const snapshot_header[] = { "SNAPSHOT", "INSTANCE", "STATE", "NEXT (UTC)", "LAST (UTC)", ">PAUSE", ">STORED", "PROVEN", NULL };

static enum status snapshot_row(struct table *t, const json_t *s, struct error *err)
{
	const json_t *good = json_object_get(json_object_get(s, "last_success"), "result");
	char next[CELL], last[CELL], pause[CELL], stored[CELL] = "", proven[CELL];
	time_cell(s, "next", next);
	last_cell(json_object_get(s, "last"), last);
	duration_cell(good, "pause_ms", pause);
	if (json_is_object(good))
		units_size(jsonx_u64_or(good, "stored_bytes", 0), stored);
	time_cell(s, "newest_proven", proven);
	const char *state = text(s, "running") ? text(s, "running") : is(s, "paused") ? "paused" : text(s, "waits_for") ? "waits" : "idle";
	const char *cell[] = { text(s, "name"), text(s, "instance"), state, or_dash(next), or_dash(last), or_dash(pause), or_dash(stored),
		               or_dash(proven) };
	return table_row(t, cell, err);
}

static void said(struct buf *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void said(struct buf *out, const char *fmt, ...)
{
	struct buf line = BUF_INIT(LINE), clean = BUF_INIT(LINE);
	va_list ap;
	va_start(ap, fmt);
	buf_addv(&line, fmt, ap);
	va_end(ap);
	text_add(&clean, buf_str(&line));
	buf_adds(out, "  - ");
	options_wrap(out, buf_str(&clean), strlen("  - "));
	buf_free(&line);
	buf_free(&clean);
}

static void say_error(struct buf *out, const char *of, const json_t *error)
{
	const char *hint = jsonx_str_or(error, "hint", "");
	if (json_is_object(error))
		said(out, "%s: %s%s%s%s", of, jsonx_str_or(error, "message", "?"), *hint ? " (" : "", hint, *hint ? ")" : "");
}

/* "; 12 MiB of about 60 MiB so far", once the rows are on their way; an estimate that was too low says nothing. */
static void say_progress(struct buf *line, const json_t *p)
{
	char done[UNITS_TEXT], total[UNITS_TEXT];
	uint64_t so_far = jsonx_u64_or(p, "bytes_done", 0), all = jsonx_u64_or(p, "bytes_total", 0);
	if (!json_is_object(p))
		return;
	bool known = all && all >= so_far;
	units_size(so_far, done);
	units_size(all, total);
	buf_addf(line, "; %s%s%s so far", done, known ? " of about " : "", known ? total : "");
}

static void say_running(struct buf *out, const json_t *run)
{
	const json_t *phase = json_object_get(run, "phase");
	struct buf progress = BUF_INIT(2 * UNITS_TEXT + 32);
	if (strcmp(jsonx_str_or(run, "state", ""), "running") != 0)
		return;
	say_progress(&progress, json_object_get(run, "progress"));
	const char *told = text(run, "told_to_end");
	said(out, "%s of %s runs%s%s%s%s%s", jsonx_str_or(run, "id", "?"), jsonx_str_or(run, "snapshot", "?"), json_is_object(phase) ? ": " : "",
	     jsonx_str_or(phase, "text", jsonx_str_or(phase, "name", "")), buf_str(&progress), told ? "; told to end at " : "", told ? told : "");
	buf_free(&progress);
}

/* The table shows the applier, which may run and have nothing to do. */
static void say_receivers(struct buf *out, const json_t *instance)
{
	size_t i;
	json_t *channel;
	json_array_foreach(json_object_get(json_object_get(instance, "observation"), "channels"), i, channel) {
		const json_t *receiver = json_object_get(channel, "receiver");
		const char *name = jsonx_str_or(channel, "name", ""), *why = jsonx_str_or(receiver, "error", "");
		if (json_is_object(receiver) && !is(receiver, "running"))
			said(out, "%s: nothing new arrives%s%s, the receiver %s%s%s", jsonx_str_or(instance, "name", "?"), *name ? " on channel " : "", name,
			     *why ? "has an error" : "is not connected", *why ? ": " : "", why);
	}
}

/* What the tables have no room for. */
static void notes(struct buf *out, const json_t *view)
{
	size_t i;
	char missed[UNITS_TEXT];
	json_t *item;
	json_array_foreach(json_object_get(view, "runs"), i, item)
		say_running(out, item);
	json_array_foreach(json_object_get(view, "instances"), i, item) {
		say_error(out, jsonx_str_or(item, "name", "?"), json_object_get(item, "error"));
		say_receivers(out, item);
	}
	json_array_foreach(json_object_get(view, "repositories"), i, item)
		say_error(out, jsonx_str_or(item, "store", "?"), json_object_get(item, "error"));
	json_array_foreach(json_object_get(view, "snapshots"), i, item) {
		const char *name = jsonx_str_or(item, "name", "?");
		if (text(item, "waits_for"))
			said(out, "%s waits: %s", name, text(item, "waits_for"));
		say_error(out, name, json_object_get(json_object_get(item, "last"), "error"));
		say_error(out, name, json_object_get(json_object_get(item, "last_proof"), "error"));
		text_count(jsonx_u64_or(item, "missed", 0), "due time", missed);
		if (json_is_object(json_object_get(item, "last_missed")))
			said(out, "%s has missed %s; the newest was %s: %s", name, missed,
			     jsonx_str_or(json_object_get(item, "last_missed"), "due", "?"), jsonx_str_or(json_object_get(item, "last_missed"), "why", "?"));
	}
}

enum status output_agent(struct buf *out, const json_t *view, struct error *err)
{
	agent(out, view);
	enum status st = rows(out, instance_header, json_object_get(view, "instances"), instance_row, err);
	if (!st)
		st = rows(out, snapshot_header, json_object_get(view, "snapshots"), snapshot_row, err);
	size_t before = out->len;
	buf_addc(out, '\n');
	if (!st)
		notes(out, view);
	if (out->len == before + 1)
		out->data[out->len = before] = '\0';
	return st;
}
