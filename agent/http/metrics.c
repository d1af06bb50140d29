/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exposition.h"
#include "metrics_read.h"
#include "slackwater/jsonx.h"

enum { LABELS_MAX = 1 << 20 };

/* What a sample is of, and which labels that gives it. */
enum scope { OF_AGENT, OF_INSTANCE, OF_CHANNEL, OF_SNAPSHOT, OF_RUNNING, OF_REPOSITORY, SCOPES };

struct element {
	const json_t *of, *counters; /* counters: of a snapshot */
	char *labels;
};

struct elements {
	struct element *item;
	size_t n;
};

struct family {
	const char *name, *type;
	enum scope scope;
	bool (*read)(const json_t *of, const char *path, double *ret);
	const char *path, *help;
};

/*
 * The label of a replica is not called instance: Prometheus has a label of its own of that name, and would rename ours.
 */
static const struct family families[] = {
	{ "slackwater_agent_start_time_seconds", "gauge", OF_AGENT, metrics_read_time, "started", "When the agent was started." },
	{ "slackwater_agent_view_timestamp_seconds", "gauge", OF_AGENT, metrics_read_time, "now", "When these figures were gathered." },
	{ "slackwater_agent_ready", "gauge", OF_AGENT, metrics_read_truth, "ready", "1 once every replica has been looked at." },
	{ "slackwater_agent_paused", "gauge", OF_AGENT, metrics_read_truth, "paused", "1 while a person has paused all schedules." },
	{ "slackwater_agent_stopping", "gauge", OF_AGENT, metrics_read_truth, "stopping", "1 while the agent is ending." },
	{ "slackwater_config_last_reload_successful", "gauge", OF_AGENT, metrics_read_absent, "config.error",
	  "0 when the configuration could not be loaded again, and the one before is in force." },
	{ "slackwater_config_last_reload_success_timestamp_seconds", "gauge", OF_AGENT, metrics_read_time, "config.loaded",
	  "When the configuration that is in force was loaded." },
	{ "slackwater_proof_age_limit_seconds", "gauge", OF_AGENT, metrics_read_ms, "proof_age_ms",
	  "How old the newest proven snapshot may become, as configured." },

	{ "slackwater_replica_up", "gauge", OF_INSTANCE, metrics_read_truth, "reachable", "1 when the last look at the replica was answered." },
	{ "slackwater_replica_last_look_timestamp_seconds", "gauge", OF_INSTANCE, metrics_read_time, "looked", "When the replica was looked at last." },
	{ "slackwater_replica_look_duration_seconds", "gauge", OF_INSTANCE, metrics_read_ms, "took_ms", "How long the last look took." },
	{ "slackwater_replica_busy", "gauge", OF_INSTANCE, metrics_read_present, "busy", "1 while a run of ours holds the replica." },
	{ "slackwater_replica_journal_open", "gauge", OF_INSTANCE, metrics_read_truth, "journal",
	  "1 when a run that died has left its journal: an applier may stand still because of it." },
	{ "slackwater_replica_lag_seconds", "gauge", OF_INSTANCE, metrics_read_ms, "lag_ms", "How far the replica is behind its source." },
	{ "slackwater_replica_gap_transactions", "gauge", OF_INSTANCE, metrics_read_number, "gap_transactions",
	  "Transactions not applied while later ones are, at the moment of the look." },
	{ "slackwater_replica_behind_transactions", "gauge", OF_INSTANCE, metrics_read_number, "behind_transactions",
	  "Transactions received and not applied." },

	{ "slackwater_channel_lag_seconds", "gauge", OF_CHANNEL, metrics_read_lag, NULL, "How far the channel is behind its source." },
	{ "slackwater_channel_delay_seconds", "gauge", OF_CHANNEL, metrics_read_number, "delay_s", "By how much the channel is delayed on purpose." },
	{ "slackwater_channel_gap_transactions", "gauge", OF_CHANNEL, metrics_read_number, "gap_transactions",
	  "Transactions not applied while later ones are, at the moment of the look." },
	{ "slackwater_channel_behind_transactions", "gauge", OF_CHANNEL, metrics_read_number, "behind_transactions",
	  "Transactions received and not applied." },
	{ "slackwater_channel_behind_files", "gauge", OF_CHANNEL, metrics_read_number, "behind_files",
	  "Binary log files of the source between what was received and what is applied." },
	{ "slackwater_channel_behind_bytes", "gauge", OF_CHANNEL, metrics_read_number, "behind_bytes",
	  "Bytes received and not applied, while both are in one file of the source." },
	{ "slackwater_channel_applier_error_code", "gauge", OF_CHANNEL, metrics_read_number, "applier.errno",
	  "Error number of the applier, 0 when it has none." },
	{ "slackwater_channel_receiver_error_code", "gauge", OF_CHANNEL, metrics_read_number, "receiver.errno",
	  "Error number of the receiver, 0 when it has none." },
	{ "slackwater_channel_workers", "gauge", OF_CHANNEL, metrics_read_number, "workers_configured", "Parallel workers as configured." },
	{ "slackwater_channel_workers_busy", "gauge", OF_CHANNEL, metrics_read_busy, "busy", "Workers with a transaction in hand." },
	{ "slackwater_channel_workers_waiting_for_row", "gauge", OF_CHANNEL, metrics_read_busy, "waits_for_row",
	  "Workers that wait for a row that another transaction has locked." },
	{ "slackwater_channel_oldest_transaction_seconds", "gauge", OF_CHANNEL, metrics_read_oldest, NULL,
	  "How long the oldest transaction in a worker's hand has been applied for." },
	{ "slackwater_channel_transactions_total", "counter", OF_CHANNEL, metrics_read_committed, "transactions",
	  "Transactions committed since the applier started." },
	{ "slackwater_channel_queue_overruns_total", "counter", OF_CHANNEL, metrics_read_committed, "overruns",
	  "How often a worker's queue came near its limit since the applier started." },

	{ "slackwater_snapshot_paused", "gauge", OF_SNAPSHOT, metrics_read_truth, "paused", "1 while a person has paused this schedule." },
	{ "slackwater_snapshot_running", "gauge", OF_SNAPSHOT, metrics_read_present, "running", "1 while it runs." },
	{ "slackwater_snapshot_waiting", "gauge", OF_SNAPSHOT, metrics_read_present, "waits_for", "1 while it is due and waits for something." },
	{ "slackwater_snapshot_next_run_timestamp_seconds", "gauge", OF_SNAPSHOT, metrics_read_time, "next", "When the next backup is due." },
	{ "slackwater_snapshot_next_proof_timestamp_seconds", "gauge", OF_SNAPSHOT, metrics_read_time, "next_proof", "When the next proof is due." },
	{ "slackwater_snapshot_consecutive_failures", "gauge", OF_SNAPSHOT, metrics_read_number, "failures", "Backups failed in a row." },
	{ "slackwater_snapshot_last_run_timestamp_seconds", "gauge", OF_SNAPSHOT, metrics_read_time, "last.started", "Start of the last backup." },
	{ "slackwater_snapshot_last_run_successful", "gauge", OF_SNAPSHOT, metrics_read_succeeded, "last.state", "1 when the last backup succeeded." },
	{ "slackwater_snapshot_last_success_timestamp_seconds", "gauge", OF_SNAPSHOT, metrics_read_time, "last_success.started",
	  "Start of the last backup that succeeded: the data are about as old." },
	{ "slackwater_snapshot_last_duration_seconds", "gauge", OF_SNAPSHOT, metrics_read_ms, "last_success.result.elapsed_ms",
	  "Duration of the last backup that succeeded." },
	{ "slackwater_snapshot_last_pause_seconds", "gauge", OF_SNAPSHOT, metrics_read_ms, "last_success.result.pause_ms",
	  "How long the applier stood still for it." },
	{ "slackwater_snapshot_last_wait_seconds", "gauge", OF_SNAPSHOT, metrics_read_ms, "last_success.result.wait_ms",
	  "How long a quiet moment was waited for." },
	{ "slackwater_snapshot_last_in_flight_seconds", "gauge", OF_SNAPSHOT, metrics_read_ms, "last_success.result.in_flight_ms",
	  "Part of the pause in which the applier finished what it had in hand." },
	{ "slackwater_snapshot_last_gap_rounds", "gauge", OF_SNAPSHOT, metrics_read_number, "last_success.result.gap_rounds",
	  "How often the applier had to be started again to close a gap." },
	{ "slackwater_snapshot_last_data_bytes", "gauge", OF_SNAPSHOT, metrics_read_number, "last_success.result.bytes", "Data before compression." },
	{ "slackwater_snapshot_last_stored_bytes", "gauge", OF_SNAPSHOT, metrics_read_number, "last_success.result.stored_bytes", "Bytes in the store." },
	{ "slackwater_snapshot_last_rows", "gauge", OF_SNAPSHOT, metrics_read_number, "last_success.result.rows", "Rows." },
	{ "slackwater_snapshot_last_rate_bytes_per_second", "gauge", OF_SNAPSHOT, metrics_read_rate, "last_success.result",
	  "Data before compression, by the duration." },
	{ "slackwater_snapshot_last_warnings", "gauge", OF_SNAPSHOT, metrics_read_size, "last_success.result.warnings", "Warnings of that backup." },
	{ "slackwater_snapshot_last_proof_timestamp_seconds", "gauge", OF_SNAPSHOT, metrics_read_time, "last_proof.started", "Start of the last proof." },
	{ "slackwater_snapshot_last_proof_successful", "gauge", OF_SNAPSHOT, metrics_read_succeeded, "last_proof.state", "1 when the last proof succeeded." },
	{ "slackwater_snapshot_newest_proven_timestamp_seconds", "gauge", OF_SNAPSHOT, metrics_read_time, "newest_proven",
	  "When the newest snapshot was taken that a restore has proven." },

	{ "slackwater_run_start_time_seconds", "gauge", OF_RUNNING, metrics_read_time, "started", "Start of the run that is under way." },
	{ "slackwater_run_told_to_end_timestamp_seconds", "gauge", OF_RUNNING, metrics_read_time, "told_to_end", "Since when it has been told to end and has not." },
	{ "slackwater_run_done_bytes", "gauge", OF_RUNNING, metrics_read_number, "progress.bytes_done", "Bytes it has done." },
	{ "slackwater_run_expected_bytes", "gauge", OF_RUNNING, metrics_read_number, "progress.bytes_total", "Bytes it has to do, as estimated; 0 when unknown." },
	{ "slackwater_run_done_rows", "gauge", OF_RUNNING, metrics_read_number, "progress.rows_done", "Rows it has done." },

	{ "slackwater_repository_last_list_timestamp_seconds", "gauge", OF_REPOSITORY, metrics_read_time, "listed", "When the repository was listed last." },
	{ "slackwater_repository_up", "gauge", OF_REPOSITORY, metrics_read_absent, "error", "1 when it could be listed the last time." },
	{ "slackwater_repository_snapshots", "gauge", OF_REPOSITORY, metrics_read_size, "snapshots", "Snapshots of the replica in the store." },
	{ "slackwater_repository_snapshots_proven", "gauge", OF_REPOSITORY, metrics_read_proven, "snapshots", "Those that a restore has proven." },
	{ "slackwater_repository_stored_bytes", "gauge", OF_REPOSITORY, metrics_read_stored, "snapshots", "What they take up in the store." },
	{ "slackwater_repository_newest_timestamp_seconds", "gauge", OF_REPOSITORY, metrics_read_newest, "snapshots", "When the newest one was taken." },
	{ "slackwater_repository_oldest_timestamp_seconds", "gauge", OF_REPOSITORY, metrics_read_oldest_kept, "snapshots", "When the oldest one was taken." },
};

static const struct { const char *figure, *name, *help; } histograms[] = {
	{ "pause", "slackwater_backup_pause_seconds", "How long the applier stood still, for each backup that succeeded." },
	{ "wait", "slackwater_backup_wait_seconds", "How long a quiet moment was waited for." },
	{ "in_flight", "slackwater_backup_in_flight_seconds", "Part of the pause in which the applier finished what it had in hand." },
	{ "duration", "slackwater_backup_duration_seconds", "How long a backup took." },
	{ "proof", "slackwater_proof_duration_seconds", "How long a proof took." },
};

static const struct { const char *member, *name, *help; } totals[] = {
	{ "missed", "slackwater_snapshot_missed_runs_total", "Due times of backups that were dropped." },
	{ "retries", "slackwater_snapshot_retries_total", "Backups begun because the one before had failed." },
	{ "bytes", "slackwater_snapshot_data_bytes_total", "Data of all backups, before compression." },
	{ "stored_bytes", "slackwater_snapshot_stored_bytes_total", "Bytes that all backups have put into the store." },
	{ "rows", "slackwater_snapshot_rows_total", "Rows of all backups." },
};

static const char *const applier_states[] = { "running", "stopped", "error", "no replica", "unknown", NULL };
static const char *const thread_states[] = { "running", "stopped", "error", NULL };
static const char *const wait_reasons[] = { "queue_full", "queue_memory", "dependency", "no_worker", "commit_order", "no_work" };

/* ---- what there is ---- */

static bool known(const struct elements *list, const char *labels)
{
	for (size_t i = 0; i < list->n; i++)
		if (!strcmp(list->item[i].labels, labels))
			return true;
	return false;
}

/* Two elements of the same labels would make the whole scrape invalid: the first counts. Takes the labels. */
static void add(struct elements *list, struct buf *out, const json_t *of, const json_t *counters, struct buf *labels)
{
	bool twice = known(list, buf_str(labels));
	struct element *grown = twice ? NULL : reallocarray(list->item, list->n + 1, sizeof *grown);
	if (grown) {
		list->item = grown;
		if (!labels->len)
			buf_adds(labels, "");
		grown[list->n] = (struct element){ of, counters, buf_take(labels) };
		list->n += grown[list->n].labels != NULL;
	}
	if (!twice && (!grown || labels->bad))
		out->bad = 1;
	buf_free(labels);
}

static void label(struct buf *labels, const char *name, const json_t *of, const char *member)
{
	exposition_label(labels, name, jsonx_str_or(of, member, ""));
}

static void gather_instances(const json_t *view, struct elements list[SCOPES], struct buf *out)
{
	size_t i, k;
	json_t *instance, *channel;
	json_array_foreach(json_object_get(view, "instances"), i, instance) {
		struct buf labels = BUF_INIT(LABELS_MAX);
		label(&labels, "replica", instance, "name");
		add(&list[OF_INSTANCE], out, instance, NULL, &labels);
		json_array_foreach(json_object_get(json_object_get(instance, "observation"), "channels"), k, channel) {
			struct buf both = BUF_INIT(LABELS_MAX);
			label(&both, "replica", instance, "name");
			label(&both, "channel", channel, "name");
			add(&list[OF_CHANNEL], out, channel, NULL, &both);
		}
	}
}

static void gather(const json_t *view, struct elements list[SCOPES], struct buf *out)
{
	const json_t *counters = json_object_get(view, "counters");
	struct buf labels = BUF_INIT(LABELS_MAX);
	size_t i;
	json_t *of;
	add(&list[OF_AGENT], out, json_object_get(view, "agent"), NULL, &labels);
	gather_instances(view, list, out);
	json_array_foreach(json_object_get(view, "snapshots"), i, of) {
		label(&labels, "snapshot", of, "name");
		add(&list[OF_SNAPSHOT], out, of, json_object_get(counters, jsonx_str_or(of, "name", "")), &labels);
	}
	json_array_foreach(json_object_get(view, "runs"), i, of) {
		if (strcmp(jsonx_str_or(of, "state", ""), "running") != 0)
			continue;
		label(&labels, "snapshot", of, "snapshot");
		label(&labels, "kind", of, "kind");
		add(&list[OF_RUNNING], out, of, NULL, &labels);
	}
	json_array_foreach(json_object_get(view, "repositories"), i, of) {
		label(&labels, "store", of, "store");
		label(&labels, "replica", of, "instance");
		add(&list[OF_REPOSITORY], out, of, NULL, &labels);
	}
}

/* ---- families ---- */

static void sample_with(struct exposition *e, const char *suffix, const struct element *of, const char *name, const char *value, double figure)
{
	struct buf labels = BUF_INIT(LABELS_MAX);
	buf_adds(&labels, of->labels);
	exposition_label(&labels, name, value);
	if (labels.bad)
		e->out->bad = labels.bad;
	exposition_sample(e, suffix, buf_str(&labels), figure);
	buf_free(&labels);
}

static void write_families(struct exposition *e, const struct elements list[SCOPES])
{
	for (size_t f = 0; f < sizeof families / sizeof families[0]; f++) {
		const struct elements *of = &list[families[f].scope];
		exposition_family(e, families[f].name, families[f].type, families[f].help);
		for (size_t i = 0; i < of->n; i++) {
			double value;
			if (families[f].read(of->item[i].of, families[f].path, &value))
				exposition_sample(e, NULL, of->item[i].labels, value);
		}
	}
}

/* One series for each state, exactly one of them 1. */
static void write_states(struct exposition *e, const struct elements *list, const char *const *states, const char *(*state)(const json_t *, const char *),
                         const char *path)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *now = state(list->item[i].of, path);
		for (const char *const *s = states; now && *s; s++)
			sample_with(e, NULL, &list->item[i], "state", *s, !strcmp(now, *s));
	}
}

static void write_all_states(struct exposition *e, const struct elements list[SCOPES])
{
	exposition_family(e, "slackwater_replica_applier_state", "gauge", "State of the replica's appliers together: 1 for the one it is in.");
	write_states(e, &list[OF_INSTANCE], applier_states, metrics_state_of, "applier");
	exposition_family(e, "slackwater_channel_applier_state", "gauge", "State of the channel's applier: 1 for the one it is in.");
	write_states(e, &list[OF_CHANNEL], thread_states, metrics_state_of_thread, "applier");
	exposition_family(e, "slackwater_channel_receiver_state", "gauge", "State of the channel's receiver: 1 for the one it is in.");
	write_states(e, &list[OF_CHANNEL], thread_states, metrics_state_of_thread, "receiver");
}

static void write_wait(struct exposition *e, const struct elements *list,
                       bool (*read)(const json_t *of, const char *path, double *ret))
{
	for (size_t i = 0; i < list->n; i++)
		for (size_t r = 0; r < sizeof wait_reasons / sizeof wait_reasons[0]; r++) {
			double value;
			if (read(list->item[i].of, wait_reasons[r], &value))
				sample_with(e, NULL, &list->item[i], "reason", wait_reasons[r], value);
		}
}

static void write_waits(struct exposition *e, const struct elements *channels)
{
	exposition_family(e, "slackwater_channel_waits_total", "counter", "How often coordinator and workers waited, since the applier started.");
	write_wait(e, channels, metrics_read_waits);
	exposition_family(e, "slackwater_channel_wait_seconds_total", "counter", "How long coordinator and workers waited, since the applier started.");
	write_wait(e, channels, metrics_read_wait_time);
	exposition_family(e, "slackwater_channel_wait_ratio", "gauge", "Share of the time that was waited, of the span the server counts over.");
	write_wait(e, channels, metrics_read_wait_share);
}

/* ---- counters since the state directory was made ---- */

static void write_histogram(struct exposition *e, const struct element *of, const json_t *figure)
{
	size_t i;
	json_t *pair;
	double count, sum;
	if (!metrics_read_number(figure, "count", &count) || !metrics_read_ms(figure, "sum_ms", &sum))
		return;
	json_array_foreach(json_object_get(figure, "buckets"), i, pair) {
		char le[32];
		if (!json_is_number(json_array_get(pair, 0)))
			continue;
		snprintf(le, sizeof le, "%.15g", json_number_value(json_array_get(pair, 0)) / 1000);
		sample_with(e, "_bucket", of, "le", le, json_number_value(json_array_get(pair, 1)));
	}
	sample_with(e, "_bucket", of, "le", "+Inf", count);
	exposition_sample(e, "_sum", of->labels, sum);
	exposition_sample(e, "_count", of->labels, count);
}

static void write_runs(struct exposition *e, const struct element *of)
{
	const char *kind, *result;
	json_t *results, *count;
	json_object_foreach(json_object_get(of->counters, "runs"), kind, results) {
		json_object_foreach(results, result, count) {
			struct buf labels = BUF_INIT(LABELS_MAX);
			buf_adds(&labels, of->labels);
			exposition_label(&labels, "kind", kind);
			exposition_label(&labels, "result", result);
			exposition_sample(e, NULL, buf_str(&labels), json_number_value(count));
			buf_free(&labels);
		}
	}
}

static void write_counters(struct exposition *e, const struct elements *snapshots)
{
	double value;
	exposition_family(e, "slackwater_runs_total", "counter", "Runs that have ended, by kind and result.");
	for (size_t i = 0; i < snapshots->n; i++)
		write_runs(e, &snapshots->item[i]);
	for (size_t t = 0; t < sizeof totals / sizeof totals[0]; t++) {
		exposition_family(e, totals[t].name, "counter", totals[t].help);
		for (size_t i = 0; i < snapshots->n; i++)
			if (metrics_read_number(snapshots->item[i].counters, totals[t].member, &value))
				exposition_sample(e, NULL, snapshots->item[i].labels, value);
	}
	for (size_t h = 0; h < sizeof histograms / sizeof histograms[0]; h++) {
		exposition_family(e, histograms[h].name, "histogram", histograms[h].help);
		for (size_t i = 0; i < snapshots->n; i++)
			write_histogram(e, &snapshots->item[i], json_object_get(snapshots->item[i].counters, histograms[h].figure));
	}
}

/* ---- what is known by name only ---- */

static void write_info(struct exposition *e, const struct elements list[SCOPES])
{
	static const char *const of_snapshot[] = { "instance", "store", "schedule", "timezone" };
	struct buf labels = BUF_INIT(LABELS_MAX);
	exposition_family(e, "slackwater_build_info", "gauge", "Version of the agent.");
	label(&labels, "version", list[OF_AGENT].n ? list[OF_AGENT].item[0].of : NULL, "version");
	exposition_sample(e, NULL, buf_str(&labels), 1);
	exposition_family(e, "slackwater_replica_info", "gauge", "What the replica says of itself.");
	for (size_t i = 0; i < list[OF_INSTANCE].n; i++) {
		const json_t *server = json_object_get(json_object_get(list[OF_INSTANCE].item[i].of, "observation"), "server");
		buf_clear(&labels);
		buf_adds(&labels, list[OF_INSTANCE].item[i].labels);
		label(&labels, "flavor", server, "flavor");
		label(&labels, "version", server, "version");
		if (json_is_object(server))
			exposition_sample(e, NULL, buf_str(&labels), 1);
	}
	exposition_family(e, "slackwater_snapshot_info", "gauge", "What a snapshot is configured to be.");
	for (size_t i = 0; i < list[OF_SNAPSHOT].n; i++) {
		buf_clear(&labels);
		buf_adds(&labels, list[OF_SNAPSHOT].item[i].labels);
		for (size_t k = 0; k < sizeof of_snapshot / sizeof of_snapshot[0]; k++)
			label(&labels, k ? of_snapshot[k] : "replica", list[OF_SNAPSHOT].item[i].of, of_snapshot[k]);
		exposition_sample(e, NULL, buf_str(&labels), 1);
	}
	buf_free(&labels);
}

void metrics_write(const json_t *view, struct buf *out)
{
	struct elements list[SCOPES] = { 0 };
	struct exposition e = { .out = out };
	gather(view, list, out);
	write_info(&e, list);
	write_families(&e, list);
	write_all_states(&e, list);
	write_waits(&e, &list[OF_CHANNEL]);
	write_counters(&e, &list[OF_SNAPSHOT]);
	for (size_t s = 0; s < SCOPES; s++) {
		for (size_t i = 0; i < list[s].n; i++)
			free(list[s].item[i].labels);
		free(list[s].item);
	}
}
