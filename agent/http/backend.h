/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backend: what the HTTP server asks the daemon. The control socket speaks the same HTTP: `slackwater run` and the page are clients alike.
 *
 * The view is one JSON document, never changed once it is given out (a new one takes its place), from which /metrics, the API and the
 * page are made. Its members may grow, never change. Times are "2026-11-20T13:37:01.123Z" or null, durations milliseconds in members
 * that end in _ms.
 *
 *   agent         { version, pid, now, started, config: { file, loaded, error: text|null }, paused, ready: every instance has been looked at, and it is not
 *                   ending, stopping, proof_age_ms: limit|null, list_ms }
 *   instances[]   { name, endpoint, reachable, looked, took_ms, error: ERROR|null, busy: run id|null,
 *                   applier: "running" | "stopped" | "error" | "no replica" | "unknown", lag_ms, gap_transactions, behind_transactions,
 *                   journal: bool (a run that died has left one: an applier may stand still because of us) or null,
 *                   observation: as `slackwater status --json` gives it, or null }
 *   snapshots[]   { name, instance, store, schedule, timezone, paused, next, next_proof, missed, failures (in a row), waits_for: text|null,
 *                   running: run id|null, asked: id of a run that waits for its turn|null, last: RUN|null, last_success: RUN|null,
 *                   last_proof: RUN|null, newest_proven: time|null, last_missed: { due, why }|null, proof_schedule: text|null }
 *   repositories[] { store, instance, listed, error: ERROR|null, snapshots: [ { id, time, bytes, pause_ms, duration_ms, encrypted, partial,
 *                   pinned, proven: time|true|null } ] newest first, at most 1000 }
 *   runs[]        RUN, newest first
 *   counters      { SNAPSHOT: { pause, wait, in_flight, duration, proof: { buckets: [ [le_ms, n]... ], sum_ms, count },
 *                   runs: { KIND: { succeeded, failed, cancelled } }, missed, retries, bytes, stored_bytes, rows } }, since the state directory was
 *                   made. A bucket's n counts everything of at most le_ms; count counts longer ones as well. missed: due times that were dropped
 *
 *   RUN   { id, kind: "backup" | "expire" | "proof" | "list", snapshot, instance, trigger, due, started, ended, told_to_end: since when it
 *           has been told to and has not|null, state: "running" | "succeeded" | "failed" | "cancelled", exit, phase: { area, name, text }|null,
 *           progress: { area, bytes_done, bytes_total, rows_done, rows_total }|null,
 *           result: { id, pause_ms, wait_ms, in_flight_ms, gap_rounds, bytes, stored_bytes, rows, elapsed_ms, warnings[] }|null, error: ERROR|null }
 *   ERROR { kind, code, message, hint }
 */
#pragma once

#include <jansson.h>

#include "slackwater/error.h"

struct http_backend {
	/* New reference. Never blocks for longer than it takes to copy a pointer. */
	json_t *(*view)(void *arg);
	/*
	 * The answer to run, pause, resume and cancel: { command, snapshots: [ { name, run: id|null } ] }, those that it concerns.
	 * { "command": "run" | "pause" | "resume" | "cancel" | "reload", "snapshot": name or absent for all }: *ret is the answer, the
	 * caller's. ERR_USAGE: unknown name, nothing to cancel, and the like. At most 5 s.
	 */
	enum status (*command)(void *arg, const json_t *request, json_t **ret, struct error *err);
	void *arg;
};
