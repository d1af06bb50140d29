/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "slackwater/jsonx.h"
#include "slackwater/observe.h"
#include "slackwater/run.h"

static json_t *figure(int64_t n)
{
	return n == OBSERVE_UNKNOWN ? json_null() : json_integer(n);
}

static json_t *time_json(int64_t wall_ms)
{
	char out[32];
	run_format_time(wall_ms, out);
	return json_string(out);
}

static json_t *worker_json(const struct observed_worker *w)
{
	const struct jsonx_member m[] = {
		{ "id", figure(w->id) },
		{ "thread", w->thread ? jsonx_count(w->thread) : json_null() },
		{ "running", json_boolean(w->running) },
		{ "busy", json_boolean(w->busy) },
		{ "waits_for_row", json_boolean(w->waits_for_row) },
		{ "applying", jsonx_text_or_null(w->applying) },
		{ "statement", jsonx_text_or_null(w->statement) },
		{ "state", jsonx_text_or_null(w->state) },
		{ "age_ms", figure(w->age_ms) },
		{ "age_max_ms", figure(w->age_max_ms) },
		{ "lag_ms", figure(w->lag_ms) },
		{ "size_bytes", figure(w->size_bytes) },
		{ "done_bytes", figure(w->done_bytes) },
		{ "retries", figure(w->retries) },
		{ "last_applied", jsonx_text_or_null(w->last_applied) },
		{ "errno", json_integer(w->error_no) },
		{ "error", jsonx_text_or_null(w->error) },
	};
	return JSONX_MAKE(m);
}

static json_t *workers_json(const struct observed_worker *w, size_t n)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < n; i++)
		list = jsonx_append(list, worker_json(&w[i]));
	return list;
}

static json_t *wait_json(struct observed_wait w)
{
	const struct jsonx_member m[] = { { "count", figure(w.count) }, { "ms", figure(w.ms) } };
	return JSONX_MAKE(m);
}

static json_t *waits_json(const struct observed_waits *w)
{
	static const char *const from[] = { NULL, "component", "performance_schema.error_log", "error log file" };
	if (w->from == OBSERVED_NOWHERE)
		return json_null();
	const struct jsonx_member m[] = {
		{ "from", jsonx_text_or_null(from[w->from]) },
		{ "since_start", json_boolean(w->since_start) },
		{ "span_ms", figure(w->span_ms) },
		{ "logged_at", jsonx_text_or_null(w->logged_at) },
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
	return JSONX_MAKE(m);
}

static json_t *thread_json(bool running, unsigned no, const char *error)
{
	const struct jsonx_member m[] = {
		{ "running", json_boolean(running) },
		{ "errno", json_integer(no) },
		{ "error", jsonx_text_or_null(error) },
	};
	return JSONX_MAKE(m);
}

static json_t *position_json(const char *file, uint64_t pos)
{
	if (!file)
		return json_null();
	const struct jsonx_member m[] = { { "file", jsonx_text_or_null(file) }, { "pos", jsonx_count(pos) } };
	return JSONX_MAKE(m);
}

static json_t *channel_json(const struct observed_channel *ch)
{
	const struct jsonx_member m[] = {
		{ "name", jsonx_text_or_null(ch->name) },
		{ "mode", jsonx_text_or_null(ch->mode) },
		{ "source_host", jsonx_text_or_null(ch->source_host) },
		{ "source_port", json_integer(ch->source_port) },
		{ "receiver", thread_json(ch->receiver_running, ch->receiver_errno, ch->receiver_error) },
		{ "applier", thread_json(ch->applier_running, ch->applier_errno, ch->applier_error) },
		{ "coordinator", jsonx_text_or_null(ch->coordinator) },
		{ "workers_configured", json_integer(ch->workers) },
		{ "commit_order", json_boolean(ch->commit_order) },
		{ "delay_s", json_integer(ch->delay_s) },
		{ "workers", workers_json(ch->worker, ch->nworkers) },
		{ "gap_transactions", figure(ch->gap_transactions) },
		{ "gap", jsonx_text_or_null(ch->gap) },
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
	return JSONX_MAKE(m);
}

static json_t *channels_json(const struct observation *o)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < o->nchannels; i++)
		list = jsonx_append(list, channel_json(&o->channel[i]));
	return list;
}

static json_t *server_json(const struct server_info *s)
{
	const struct jsonx_member m[] = {
		{ "flavor", json_string(s->flavor == FLAVOR_MARIADB ? "mariadb" : "mysql") },
		{ "version", jsonx_text_or_null(s->version_text) },
		{ "hostname", jsonx_text_or_null(s->hostname) },
		{ "port", json_integer(s->port) },
		{ "server_id", jsonx_count(s->server_id) },
		{ "identity", jsonx_text_or_null(s->identity) },
	};
	return JSONX_MAKE(m);
}

static json_t *settings_json(const struct observed_settings *s)
{
	const struct jsonx_member m[] = {
		{ "workers", figure(s->workers) },
		{ "pending_bytes", figure(s->pending_bytes) },
		{ "log_level", figure(s->log_level) },
		{ "parallel", jsonx_text_or_null(*s->parallel ? s->parallel : NULL) },
	};
	return JSONX_MAKE(m);
}

json_t *observation_to_json(const struct observation *o)
{
	const struct jsonx_member m[] = {
		{ "server", server_json(&o->server) },
		{ "taken", time_json(o->taken_ms) },
		{ "took_ms", json_integer(o->took_ms) },
		{ "behind_stop", json_boolean(o->behind_stop) },
		{ "stop_s", o->behind_stop ? json_integer(o->stop_s) : json_null() },
		{ "settings", settings_json(&o->settings) },
		{ "channels", channels_json(o) },
		{ "pool", workers_json(o->pool, o->npool) },
		{ "executed_set", jsonx_text_or_null(o->executed_set) },
		{ "holes", jsonx_text_or_null(o->holes) },
		{ "notes", jsonx_from_strlist(&o->notes) },
	};
	return JSONX_MAKE(m);
}
