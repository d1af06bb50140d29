/* SPDX-License-Identifier: Apache-2.0 */
#include "memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "slackwater/fs.h"
#include "slackwater/jsonx.h"
#include "slackwater/slot.h"

enum { MEMORY_FORMAT = 1, MEMORY_FILE_MAX = 64 << 20, MEMORY_MODE = 0640 };

/* Milliseconds: a pause is tens, a run hours. */
static const int64_t buckets[MEMORY_BUCKETS] = { 10, 25, 50, 100, 250, 500, 1000, 2500, 10000, 60000, 300000, 1800000, 7200000, 43200000 };

static const char *const figures[MEMORY_FIGURES] = { "pause", "wait", "in_flight", "duration", "proof" };
enum { FIGURE_PAUSE, FIGURE_WAIT, FIGURE_IN_FLIGHT, FIGURE_DURATION, FIGURE_PROOF };

static const char *const outcomes[] = { "succeeded", "failed", "cancelled" };

static void job_free(struct memory_job *j)
{
	if (!j)
		return;
	free(j->name);
	free(j->schedule);
	free(j->proof_schedule);
	free(j->missed_why);
	json_decref(j->last);
	json_decref(j->last_success);
	json_decref(j->last_proof);
	free(j);
}

void memory_free(struct memory *m)
{
	for (size_t i = 0; i < m->n; i++)
		job_free(m->job[i]);
	free(m->job);
	free(m->path);
	json_decref(m->runs);
	json_decref(m->open);
	*m = (struct memory){ 0 };
}

enum status memory_job(struct memory *m, const char *name, int64_t now_ms, struct memory_job **ret, struct error *err)
{
	for (size_t i = 0; i < m->n; i++)
		if (!strcmp(m->job[i]->name, name)) {
			*ret = m->job[i];
			return ST_OK;
		}
	struct memory_job **list = reallocarray(m->job, m->n + 1, sizeof *list);
	if (!list)
		return error_oom(err);
	m->job = list;
	struct memory_job *j = calloc(1, sizeof *j);
	if (!j || !(j->name = strdup(name))) {
		job_free(j);
		return error_oom(err);
	}
	j->backup.since_ms = j->proof.since_ms = now_ms;
	m->job[m->n++] = *ret = j;
	return ST_OK;
}

static enum status change_schedule(char **slot, struct plan_memory *p, const char *schedule, const char *zone, int64_t now_ms, struct error *err)
{
	char *text = NULL;
	if (schedule ? asprintf(&text, "%s, %s", schedule, zone) < 0 : !(text = strdup("")))
		return error_oom(err);
	if (*slot && strcmp(*slot, text) != 0) {
		p->since_ms = now_ms;
		p->attempts = 0;
	}
	free(*slot);
	*slot = text;
	return ST_OK;
}

enum status memory_schedule(struct memory_job *j, const char *schedule, const char *zone, int64_t now_ms, struct error *err)
{
	return change_schedule(&j->schedule, &j->backup, schedule, zone, now_ms, err);
}

enum status memory_proof_schedule(struct memory_job *j, const char *schedule, const char *zone, int64_t now_ms, struct error *err)
{
	return change_schedule(&j->proof_schedule, &j->proof, schedule, zone, now_ms, err);
}

struct plan_memory *memory_plan(struct memory_job *j, enum run_kind kind)
{
	return kind == RUN_BACKUP ? &j->backup : kind == RUN_PROOF ? &j->proof : NULL;
}

/* ---- figures ---- */

static void count(struct memory_figure *f, const json_t *of, const char *name)
{
	const json_t *value = json_object_get(of, name);
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return;
	int64_t ms = json_integer_value(value);
	f->count++;
	f->sum_ms += (uint64_t)ms;
	for (unsigned i = 0; i < MEMORY_BUCKETS; i++)
		f->bucket[i] += ms <= buckets[i];
}

static void count_run(struct memory_job *j, enum run_kind kind, const json_t *run)
{
	const json_t *result = json_object_get(run, "result");
	const char *state = jsonx_str_or(run, "state", "");
	for (unsigned i = 0; i < 3; i++)
		j->runs[kind][i] += !strcmp(state, outcomes[i]);
	j->retries += !strcmp(jsonx_str_or(run, "trigger", ""), plan_trigger_name(PLAN_BY_RETRY));
	if (strcmp(state, outcomes[0]) != 0)
		return;
	if (kind == RUN_PROOF)
		count(&j->figure[FIGURE_PROOF], result, "elapsed_ms");
	if (kind != RUN_BACKUP)
		return;
	count(&j->figure[FIGURE_PAUSE], result, "pause_ms");
	count(&j->figure[FIGURE_WAIT], result, "wait_ms");
	count(&j->figure[FIGURE_IN_FLIGHT], result, "in_flight_ms");
	count(&j->figure[FIGURE_DURATION], result, "elapsed_ms");
	j->bytes += jsonx_u64_or(result, "bytes", 0);
	j->bytes_stored += jsonx_u64_or(result, "stored_bytes", 0);
	j->rows += jsonx_u64_or(result, "rows", 0);
}

static void remember(json_t **slot, json_t *run)
{
	json_incref(run);
	json_decref(*slot);
	*slot = run;
}

enum status memory_open_run(struct memory *m, json_t *run, struct error *err)
{
	return json_array_append(m->open, run) ? error_oom(err) : ST_OK;
}

static void forget_open(struct memory *m, const char *id)
{
	for (size_t i = json_array_size(m->open); i-- > 0;)
		if (!strcmp(jsonx_str_or(json_array_get(m->open, i), "id", ""), id))
			json_array_remove(m->open, i);
}

enum status memory_add_run(struct memory *m, struct memory_job *j, enum run_kind kind, json_t *run, struct error *err)
{
	bool succeeded = !strcmp(jsonx_str_or(run, "state", ""), outcomes[0]);
	if (json_array_insert(m->runs, 0, run))
		return error_oom(err);
	forget_open(m, jsonx_str_or(run, "id", ""));
	while (json_array_size(m->runs) > m->history)
		json_array_remove(m->runs, json_array_size(m->runs) - 1);
	count_run(j, kind, run);
	if (kind == RUN_BACKUP)
		remember(&j->last, run);
	if (kind == RUN_BACKUP && succeeded)
		remember(&j->last_success, run);
	if (kind == RUN_PROOF)
		remember(&j->last_proof, run);
	return ST_OK;
}

enum status memory_drop(struct memory_job *j, int64_t due_ms, unsigned n, const char *why, struct error *err)
{
	enum status st = slot_set(&j->missed_why, why, err);
	if (st)
		return st;
	j->missed_due_ms = due_ms;
	j->missed += n;
	return ST_OK;
}

/* ---- out ---- */

static void member(json_t *doc, const char *name, json_t *value)
{
	(void)json_object_set_new(doc, name, value);
}

static void number(json_t *doc, const char *name, uint64_t n)
{
	member(doc, name, json_integer((json_int_t)n));
}

static json_t *figure_out(const struct memory_figure *f)
{
	json_t *doc = json_object(), *list = json_array();
	for (unsigned i = 0; i < MEMORY_BUCKETS; i++)
		(void)json_array_append_new(list, json_pack("[II]", (json_int_t)buckets[i], (json_int_t)f->bucket[i]));
	member(doc, "buckets", list);
	number(doc, "sum_ms", f->sum_ms);
	number(doc, "count", f->count);
	return doc;
}

json_t *memory_counters(const struct memory_job *j)
{
	json_t *doc = json_object(), *runs = json_object();
	for (unsigned i = 0; i < MEMORY_FIGURES; i++)
		member(doc, figures[i], figure_out(&j->figure[i]));
	for (enum run_kind k = RUN_BACKUP; k <= RUN_PROOF; k++) {
		json_t *of_kind = json_object();
		for (unsigned i = 0; i < 3; i++)
			number(of_kind, outcomes[i], j->runs[k][i]);
		member(runs, run_kind_name(k), of_kind);
	}
	member(doc, "runs", runs);
	number(doc, "missed", j->missed);
	number(doc, "retries", j->retries);
	number(doc, "bytes", j->bytes);
	number(doc, "stored_bytes", j->bytes_stored);
	number(doc, "rows", j->rows);
	return doc;
}

static json_t *plan_out(const struct plan_memory *p)
{
	return json_pack("{sI sI sI sI sI sI sI sI}", "since_ms", (json_int_t)p->since_ms, "due_ms", (json_int_t)p->due_ms, "started_ms",
	                 (json_int_t)p->started_ms, "ended_ms", (json_int_t)p->ended_ms, "succeeded_ms", (json_int_t)p->succeeded_ms, "failures",
	                 (json_int_t)p->failures, "attempts", (json_int_t)p->attempts, "dropped", (json_int_t)p->dropped);
}

static json_t *job_out(const struct memory_job *j)
{
	json_t *doc = json_object();
	member(doc, "name", jsonx_text(j->name));
	member(doc, "paused", json_boolean(j->paused));
	member(doc, "backup", plan_out(&j->backup));
	member(doc, "proof", plan_out(&j->proof));
	if (j->schedule)
		member(doc, "schedule", jsonx_text(j->schedule));
	if (j->proof_schedule)
		member(doc, "proof_schedule", jsonx_text(j->proof_schedule));
	number(doc, "missed_due_ms", (uint64_t)j->missed_due_ms);
	if (j->missed_why)
		member(doc, "missed_why", jsonx_text(j->missed_why));
	if (j->last)
		member(doc, "last", json_incref(j->last));
	if (j->last_success)
		member(doc, "last_success", json_incref(j->last_success));
	if (j->last_proof)
		member(doc, "last_proof", json_incref(j->last_proof));
	member(doc, "counters", memory_counters(j));
	return doc;
}

json_t *memory_to_json(const struct memory *m)
{
	json_t *doc = json_object(), *jobs = json_array();
	for (size_t i = 0; i < m->n; i++)
		(void)json_array_append_new(jobs, job_out(m->job[i]));
	number(doc, "format", MEMORY_FORMAT);
	number(doc, "sequence", m->sequence);
	member(doc, "paused", json_boolean(m->paused));
	member(doc, "jobs", jobs);
	member(doc, "open", json_incref(m->open));
	member(doc, "runs", json_incref(m->runs));
	return doc;
}

enum status memory_save(const struct memory *m, struct error *err)
{
	struct buf text = BUF_INIT(MEMORY_FILE_MAX);
	json_t *doc = memory_to_json(m);
	enum status st = doc ? jsonx_dump_line(doc, &text, err) : error_oom(err);
	if (!st)
		st = fs_write_file_atomic(m->path, text.data, text.len, MEMORY_MODE, err);
	json_decref(doc);
	buf_free(&text);
	return st;
}

/* ---- in ---- */

static void figure_in(const json_t *doc, struct memory_figure *f)
{
	const json_t *list = json_object_get(doc, "buckets");
	f->count = jsonx_u64_or(doc, "count", 0);
	f->sum_ms = jsonx_u64_or(doc, "sum_ms", 0);
	for (unsigned i = 0; i < MEMORY_BUCKETS; i++) {
		const json_t *pair = json_array_get(list, i);
		/* buckets of another version of us are begun anew */
		if (json_integer_value(json_array_get(pair, 0)) == buckets[i])
			f->bucket[i] = (uint64_t)json_integer_value(json_array_get(pair, 1));
	}
}

static void counters_in(const json_t *doc, struct memory_job *j)
{
	for (unsigned i = 0; i < MEMORY_FIGURES; i++)
		figure_in(json_object_get(doc, figures[i]), &j->figure[i]);
	for (enum run_kind k = RUN_BACKUP; k <= RUN_PROOF; k++)
		for (unsigned i = 0; i < 3; i++)
			j->runs[k][i] = jsonx_u64_or(json_object_get(json_object_get(doc, "runs"), run_kind_name(k)), outcomes[i], 0);
	j->missed = jsonx_u64_or(doc, "missed", 0);
	j->retries = jsonx_u64_or(doc, "retries", 0);
	j->bytes = jsonx_u64_or(doc, "bytes", 0);
	j->bytes_stored = jsonx_u64_or(doc, "stored_bytes", 0);
	j->rows = jsonx_u64_or(doc, "rows", 0);
}

static int64_t time_in(const json_t *doc, const char *name)
{
	uint64_t ms = jsonx_u64_or(doc, name, 0);
	return ms > INT64_MAX / 2 ? 0 : (int64_t)ms;
}

static void plan_in(const json_t *doc, struct plan_memory *p)
{
	p->since_ms = time_in(doc, "since_ms");
	p->due_ms = time_in(doc, "due_ms");
	p->started_ms = time_in(doc, "started_ms");
	p->ended_ms = time_in(doc, "ended_ms");
	p->succeeded_ms = time_in(doc, "succeeded_ms");
	p->failures = (unsigned)jsonx_u64_or(doc, "failures", 0);
	p->attempts = (unsigned)jsonx_u64_or(doc, "attempts", 0);
	p->dropped = (unsigned)jsonx_u64_or(doc, "dropped", 0);
}

static json_t *run_in(const json_t *doc, const char *name)
{
	json_t *run = json_object_get(doc, name);
	return json_is_object(run) ? json_incref(run) : NULL;
}

static char *text_in(const json_t *doc, const char *name)
{
	const char *text = jsonx_str_or(doc, name, NULL);
	return text ? strdup(text) : NULL;
}

static enum status job_in(const json_t *doc, struct memory *m, struct error *err)
{
	const char *name;
	json_t *backup, *proof;
	struct memory_job *j;
	enum status st = jsonx_str(doc, "name", &name, err);
	if (!st)
		st = jsonx_object(doc, "backup", &backup, err);
	if (!st)
		st = jsonx_object(doc, "proof", &proof, err);
	if (!st)
		st = memory_job(m, name, 0, &j, err);
	if (st)
		return st;
	plan_in(backup, &j->backup);
	plan_in(proof, &j->proof);
	j->paused = json_is_true(json_object_get(doc, "paused"));
	j->missed_due_ms = time_in(doc, "missed_due_ms");
	j->missed_why = text_in(doc, "missed_why");
	j->schedule = text_in(doc, "schedule");
	j->proof_schedule = text_in(doc, "proof_schedule");
	j->last = run_in(doc, "last");
	j->last_success = run_in(doc, "last_success");
	j->last_proof = run_in(doc, "last_proof");
	counters_in(json_object_get(doc, "counters"), j);
	return ST_OK;
}

static enum status runs_in(const json_t *from, size_t max, json_t *to, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < json_array_size(from) && i < max; i++)
		if (!json_is_object(json_array_get(from, i)))
			st = error_set(err, ST_FAILED, ERR_SNAPSHOT, "a run in it is no object");
		else if (json_array_append(to, json_array_get(from, i)))
			st = error_oom(err);
	return st;
}

static enum status memory_from_json(const json_t *doc, struct memory *m, struct error *err)
{
	uint64_t format;
	json_t *jobs, *runs, *open;
	enum status st = jsonx_u64(doc, "format", &format, err);
	if (!st && format != MEMORY_FORMAT)
		st = error_set(err, ST_FAILED, ERR_SNAPSHOT, "it was written by another version: its format is %llu", (unsigned long long)format);
	if (!st)
		st = jsonx_u64(doc, "sequence", &m->sequence, err);
	if (!st)
		st = jsonx_bool(doc, "paused", &m->paused, err);
	if (!st)
		st = jsonx_array(doc, "jobs", &jobs, err);
	if (!st)
		st = jsonx_array(doc, "runs", &runs, err);
	for (size_t i = 0; !st && i < json_array_size(jobs); i++)
		st = job_in(json_array_get(jobs, i), m, err);
	if (!st)
		st = jsonx_array(doc, "open", &open, err);
	if (!st)
		st = runs_in(runs, m->history, m->runs, err);
	return st ? st : runs_in(open, json_array_size(open), m->open, err);
}

static enum status begin(struct memory *m, struct error *err)
{
	char *path = m->path;
	unsigned history = m->history;
	m->path = NULL;
	memory_free(m);
	*m = (struct memory){ .path = path, .history = history, .runs = json_array(), .open = json_array() };
	return m->runs && m->open ? ST_OK : error_oom(err);
}

static enum status move_aside(const char *path, char **ret_moved, struct error *err)
{
	char *to = NULL;
	if (asprintf(&to, "%s.damaged", path) < 0)
		return error_oom(err);
	if (rename(path, to)) {
		enum status st = error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot move %s aside", path);
		free(to);
		return st;
	}
	*ret_moved = to;
	return ST_OK;
}

enum status memory_open(const char *state_dir, unsigned history, struct memory *ret, char **ret_moved, struct error *damage,
                        struct error *err)
{
	struct memory m = { .history = history };
	struct buf text = BUF_INIT(MEMORY_FILE_MAX);
	json_t *doc = NULL;
	*ret_moved = NULL;
	if (asprintf(&m.path, "%s/agent.json", state_dir) < 0)
		return error_oom(err);
	enum status st = begin(&m, err);
	if (!st && !access(m.path, F_OK)) {
		enum status bad = fs_read_file(m.path, &text, damage);
		if (!bad)
			bad = jsonx_parse(buf_str(&text), text.len, m.path, &doc, damage);
		if (!bad)
			bad = memory_from_json(doc, &m, damage);
		if (bad && damage->kind == ERR_UNEXPECTED)
			st = error_oom(err);
		else if (bad)
			st = move_aside(m.path, ret_moved, err);
		if (bad && !st)
			st = begin(&m, err);
	}
	json_decref(doc);
	buf_free(&text);
	if (!st)
		*ret = m;
	else
		memory_free(&m);
	return st;
}
