/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "slackwater/jsonx.h"
#include "slackwater/observe.h"
#include "slackwater/run.h"

struct member {
	const char *name;
	json_t *value;
};

/* A new object; NULL when any of its values is, or memory runs out. Takes the values in every case. */
static json_t *object(const struct member *m, size_t n)
{
	json_t *o = json_object();
	for (size_t i = 0; i < n; i++) {
		if (!o) {
			json_decref(m[i].value);
		} else if (json_object_set_new(o, m[i].name, m[i].value)) {
			json_decref(o);
			o = NULL;
		}
	}
	return o;
}

#define OBJECT(members) object(members, sizeof(members) / sizeof((members)[0]))

static json_t *figure(int64_t n)
{
	return n == OBSERVE_UNKNOWN ? json_null() : json_integer(n);
}

static json_t *text(const char *s)
{
	return s ? jsonx_text(s) : json_null();
}

static json_t *count(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static json_t *time_json(int64_t wall_ms)
{
	char out[32];
	run_format_time(wall_ms, out);
	return json_string(out);
}

static json_t *worker_json(const struct observed_worker *w)
{
	const struct member m[] = {
		{ "id", figure(w->id) },
		{ "thread", w->thread ? count(w->thread) : json_null() },
		{ "running", json_boolean(w->running) },
		{ "busy", json_boolean(w->busy) },
		{ "waits_for_row", json_boolean(w->waits_for_row) },
		{ "applying", text(w->applying) },
		{ "statement", text(w->statement) },
		{ "state", text(w->state) },
		{ "age_ms", figure(w->age_ms) },
		{ "age_max_ms", figure(w->age_max_ms) },
		{ "lag_ms", figure(w->lag_ms) },
		{ "size_bytes", figure(w->size_bytes) },
		{ "done_bytes", figure(w->done_bytes) },
		{ "retries", figure(w->retries) },
		{ "last_applied", text(w->last_applied) },
		{ "errno", json_integer(w->error_no) },
		{ "error", text(w->error) },
	};
	return OBJECT(m);
}

static json_t *workers_json(const struct observed_worker *w, size_t n)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < n; i++) {
		if (json_array_append_new(list, worker_json(&w[i]))) {
			json_decref(list);
			list = NULL;
		}
	}
	return list;
}

static json_t *wait_json(struct observed_wait w)
{
	const struct member m[] = { { "count", figure(w.count) }, { "ms", figure(w.ms) } };
	return OBJECT(m);
}

static json_t *waits_json(const struct observed_waits *w)
{
	static const char *const from[] = { NULL, "component", "performance_schema.error_log", "error log file" };
	if (w->from == OBSERVED_NOWHERE)
		return json_null();
	const struct member m[] = {
		{ "from", text(from[w->from]) },
		{ "since_start", json_boolean(w->since_start) },
		{ "span_ms", figure(w->span_ms) },
		{ "logged_at", text(w->logged_at) },
		{ "transactions", figure(w->transactions) },
		{ "events", figure(w->events) },
		{ "overruns", figure(w->overruns) },
		{ "queue_full", wait_json(w->queue_full) },
		{ "queue_memory", wait_json(w->queue_memory) },
		{ "dependency", wait_json(w->dependency) },
		{ "no_worker", wait_json(w->no_worker) },
		{ "commit_order", wait_json(w->commit_order) },
		{ "no_work", wait_json(w->no_work) },
	};
	return OBJECT(m);
}

static json_t *thread_json(bool running, unsigned no, const char *error)
{
	const struct member m[] = {
		{ "running", json_boolean(running) },
		{ "errno", json_integer(no) },
		{ "error", text(error) },
	};
	return OBJECT(m);
}

static json_t *position_json(const char *file, uint64_t pos)
{
	if (!file)
		return json_null();
	const struct member m[] = { { "file", text(file) }, { "pos", count(pos) } };
	return OBJECT(m);
}

static json_t *channel_json(const struct observed_channel *ch)
{
	const struct member m[] = {
		{ "name", text(ch->name) },
		{ "mode", text(ch->mode) },
		{ "source_host", text(ch->source_host) },
		{ "source_port", json_integer(ch->source_port) },
		{ "receiver", thread_json(ch->receiver_running, ch->receiver_errno, ch->receiver_error) },
		{ "applier", thread_json(ch->applier_running, ch->applier_errno, ch->applier_error) },
		{ "coordinator", text(ch->coordinator) },
		{ "workers_configured", json_integer(ch->workers) },
		{ "commit_order", json_boolean(ch->commit_order) },
		{ "delay_s", json_integer(ch->delay_s) },
		{ "workers", workers_json(ch->worker, ch->nworkers) },
		{ "gap_transactions", figure(ch->gap_transactions) },
		{ "gap", text(ch->gap) },
		{ "low_water_mark", position_json(ch->low_water_file, ch->low_water_pos) },
		{ "received", position_json(ch->received_file, ch->received_pos) },
		{ "behind_transactions", figure(ch->behind_transactions) },
		{ "behind_files", figure(ch->behind_files) },
		{ "behind_bytes", figure(ch->behind_bytes) },
		{ "lag_s", figure(ch->lag_s) },
		{ "lag_ms", figure(ch->lag_ms) },
		{ "waits", waits_json(&ch->waits) },
		{ "reasons", jsonx_from_strlist(&ch->reasons) },
	};
	return OBJECT(m);
}

static json_t *channels_json(const struct observation *o)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < o->nchannels; i++) {
		if (json_array_append_new(list, channel_json(&o->channel[i]))) {
			json_decref(list);
			list = NULL;
		}
	}
	return list;
}

static json_t *server_json(const struct server_info *s)
{
	const struct member m[] = {
		{ "flavor", json_string(s->flavor == FLAVOR_MARIADB ? "mariadb" : "mysql") },
		{ "version", text(s->version_text) },
		{ "hostname", text(s->hostname) },
		{ "port", json_integer(s->port) },
		{ "server_id", count(s->server_id) },
		{ "identity", text(s->identity) },
	};
	return OBJECT(m);
}

static json_t *settings_json(const struct observed_settings *s)
{
	const struct member m[] = {
		{ "workers", figure(s->workers) },
		{ "pending_bytes", figure(s->pending_bytes) },
		{ "log_level", figure(s->log_level) },
		{ "parallel", text(*s->parallel ? s->parallel : NULL) },
	};
	return OBJECT(m);
}

json_t *observation_to_json(const struct observation *o)
{
	const struct member m[] = {
		{ "server", server_json(&o->server) },
		{ "taken", time_json(o->taken_ms) },
		{ "took_ms", json_integer(o->took_ms) },
		{ "behind_stop", json_boolean(o->behind_stop) },
		{ "stop_s", o->behind_stop ? json_integer(o->stop_s) : json_null() },
		{ "settings", settings_json(&o->settings) },
		{ "channels", channels_json(o) },
		{ "pool", workers_json(o->pool, o->npool) },
		{ "executed_set", text(o->executed_set) },
		{ "holes", text(o->holes) },
		{ "notes", jsonx_from_strlist(&o->notes) },
	};
	return OBJECT(m);
}
