/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent remembers: as text and back, bounded, and begun anew when it is damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/memory.h"
#include "scratch.h"
#include "slackwater/jsonx.h"

static struct memory opened(struct scratch *s, unsigned history)
{
	struct memory m;
	struct error err = ERROR_INIT, damage = ERROR_INIT;
	char *moved;
	OK(memory_open(s->dir, history, &m, &moved, &damage, &err));
	assert_null(moved);
	return m;
}

static json_t *a_run(int number, const char *state, const char *trigger)
{
	char id[32];
	snprintf(id, sizeof id, "backup-%d", number);
	return json_pack("{ss ss ss ss s{si si si si si si si}}", "id", id, "kind", "backup", "state", state, "trigger", trigger, "result", "pause_ms",
	                 12 * number, "wait_ms", 5, "in_flight_ms", 1, "elapsed_ms", 90000, "bytes", 1000, "stored_bytes", 100, "rows", 10);
}

static void add(struct memory *m, struct memory_job *j, int number, const char *state, const char *trigger)
{
	struct error err = ERROR_INIT;
	json_t *run = a_run(number, state, trigger);
	OK(memory_open_run(m, run, &err));
	OK(memory_add_run(m, j, RUN_BACKUP, run, &err));
	json_decref(run);
}

static void all_of_it_comes_back(void **state)
{
	struct scratch *s = *state;
	struct memory m = opened(s, 3);
	struct memory_job *j, *again;
	struct error err = ERROR_INIT;
	OK(memory_job(&m, "nightly", 1000, &j, &err));
	assert_int_equal(j->backup.since_ms, 1000);
	j->paused = true;
	j->backup = (struct plan_memory){ .since_ms = 1, .due_ms = 2, .started_ms = 3, .ended_ms = 4, .succeeded_ms = 5, .failures = 6, .attempts = 4294967295u, .dropped = 8 };
	j->proof.due_ms = 77;
	OK(memory_schedule(j, "0 2 * * *", "UTC", 900, &err));
	OK(memory_proof_schedule(j, NULL, "UTC", 900, &err));
	for (int i = 1; i <= 5; i++)
		add(&m, j, i, i == 3 ? "failed" : i == 4 ? "cancelled" : "succeeded", i == 5 ? "retry" : "schedule");
	OK(memory_drop(j, 4711, 3, "it could not start", &err));
	json_t *open = a_run(6, "running", "schedule");
	OK(memory_open_run(&m, open, &err));
	json_decref(open);
	m.sequence = 99;
	OK(memory_save(&m, &err));
	json_t *before = memory_to_json(&m);
	memory_free(&m);

	m = opened(s, 3);
	json_t *after = memory_to_json(&m);
	assert_true(json_equal(before, after));
	assert_int_equal(m.sequence, 99);
	assert_int_equal(json_array_size(m.open), 1);
	assert_int_equal(json_array_size(m.runs), 3);
	assert_string_equal(jsonx_str_or(json_array_get(m.runs, 0), "id", ""), "backup-5");
	OK(memory_job(&m, "nightly", 2000, &again, &err));
	assert_true(again->paused);
	assert_int_equal(again->backup.attempts, 4294967295u);
	assert_int_equal(again->missed, 3);
	assert_string_equal(again->missed_why, "it could not start");
	assert_string_equal(jsonx_str_or(again->last_success, "id", ""), "backup-5");
	json_decref(before);
	json_decref(after);
	memory_free(&m);
}

/* An agent that reads 03:00 where 02:00 was must neither run at once nor miss what was never due. */
static void another_schedule_has_missed_nothing(void **state)
{
	struct scratch *s = *state;
	struct memory m = opened(s, 3);
	struct memory_job *j;
	struct error err = ERROR_INIT;
	OK(memory_job(&m, "nightly", 1000, &j, &err));
	j->backup = (struct plan_memory){ .since_ms = 1, .due_ms = 2, .attempts = 2, .failures = 2 };
	OK(memory_schedule(j, "0 2 * * *", "UTC", 5000, &err)); /* memory of a version that did not note it */
	assert_int_equal(j->backup.since_ms, 1);
	OK(memory_save(&m, &err));
	memory_free(&m);
	m = opened(s, 3);
	OK(memory_job(&m, "nightly", 1000, &j, &err));
	OK(memory_schedule(j, "0 2 * * *", "UTC", 6000, &err));
	assert_int_equal(j->backup.since_ms, 1);
	assert_int_equal(j->backup.attempts, 2);
	OK(memory_schedule(j, "0 2 * * *", "Europe/Berlin", 7000, &err));
	assert_int_equal(j->backup.since_ms, 7000);
	assert_int_equal(j->backup.attempts, 0);
	assert_int_equal(j->backup.failures, 2);
	OK(memory_schedule(j, "0 3 * * *", "Europe/Berlin", 8000, &err));
	assert_int_equal(j->backup.since_ms, 8000);
	OK(memory_schedule(j, NULL, NULL, 9000, &err));
	OK(memory_schedule(j, "0 3 * * *", "Europe/Berlin", 10000, &err));
	assert_int_equal(j->backup.since_ms, 10000);
	OK(memory_proof_schedule(j, NULL, "UTC", 11000, &err));
	OK(memory_proof_schedule(j, "@weekly", "UTC", 12000, &err));
	assert_int_equal(j->proof.since_ms, 12000);
	assert_int_equal(j->backup.since_ms, 10000);
	memory_free(&m);
}

static void figures_count_what_succeeded(void **state)
{
	struct scratch *s = *state;
	struct memory m = opened(s, 10);
	struct memory_job *j;
	struct error err = ERROR_INIT;
	OK(memory_job(&m, "hourly", 0, &j, &err));
	add(&m, j, 1, "succeeded", "schedule"); /* pause 12 ms */
	add(&m, j, 2, "failed", "schedule");
	add(&m, j, 10, "succeeded", "retry");   /* pause 120 ms */
	json_t *c = memory_counters(j), *pause = json_object_get(c, "pause");
	assert_int_equal(jsonx_u64_or(pause, "count", 9), 2);
	assert_int_equal(jsonx_u64_or(pause, "sum_ms", 9), 132);
	static const int bound_ms[] = { 10, 25, 50, 100, 250 }, expected[] = { 0, 1, 1, 1, 2 };
	for (size_t i = 0; i < 5; i++) {
		const json_t *pair = json_array_get(json_object_get(pause, "buckets"), i);
		assert_int_equal(json_integer_value(json_array_get(pair, 0)), bound_ms[i]);
		assert_int_equal(json_integer_value(json_array_get(pair, 1)), expected[i]);
	}
	assert_int_equal(jsonx_u64_or(json_object_get(json_object_get(c, "runs"), "backup"), "succeeded", 9), 2);
	assert_int_equal(jsonx_u64_or(json_object_get(json_object_get(c, "runs"), "backup"), "failed", 9), 1);
	assert_int_equal(jsonx_u64_or(c, "retries", 9), 1);
	assert_int_equal(jsonx_u64_or(c, "bytes", 9), 2000);
	assert_int_equal(jsonx_u64_or(c, "stored_bytes", 9), 200);
	assert_int_equal(jsonx_u64_or(c, "rows", 9), 20);
	json_decref(c);
	json_t *proof = a_run(11, "failed", "schedule");
	OK(memory_add_run(&m, j, RUN_PROOF, proof, &err));
	assert_ptr_equal(j->last_proof, proof);
	assert_string_equal(jsonx_str_or(j->last, "id", ""), "backup-10");
	json_decref(proof);
	memory_free(&m);
}

static void damaged(struct scratch *s, const char *text, const char *why)
{
	struct error err = ERROR_INIT, damage = ERROR_INIT;
	struct memory m;
	char *moved = NULL;
	const char *path = scratch_path(s, "agent.json");
	scratch_write(path, text, strlen(text));
	OK(memory_open(s->dir, 5, &m, &moved, &damage, &err));
	assert_non_null(moved);
	assert_non_null(strstr(moved, "agent.json.damaged"));
	assert_int_equal(access(moved, F_OK), 0);
	assert_int_not_equal(access(path, F_OK), 0);
	if (!strstr(damage.message, why))
		fail_msg("%s", damage.message);
	assert_int_equal(m.n, 0);
	assert_int_equal(json_array_size(m.runs), 0);
	OK(memory_save(&m, &err));
	free(moved);
	memory_free(&m);
}

static void a_damaged_file_is_moved_aside(void **state)
{
	struct scratch *s = *state;
	damaged(s, "", "agent.json");
	damaged(s, "{\"format\": 1, ", "agent.json");
	damaged(s, "[]", "agent.json");
	damaged(s, "{\"format\": 2}", "another version");
	damaged(s, "{\"format\": 1, \"sequence\": 4}", "paused");
	damaged(s, "{\"format\": 1, \"sequence\": 4, \"paused\": false, \"jobs\": [{}], \"runs\": [], \"open\": []}", "name");
	damaged(s, "{\"format\": 1, \"sequence\": 4, \"paused\": false, \"jobs\": [], \"runs\": [5], \"open\": []}", "no object");
	/* and nothing of what was good before the damage is kept */
	damaged(s, "{\"format\": 1, \"sequence\": 4, \"paused\": false, \"jobs\": [{\"name\": \"a\", \"backup\": {}, \"proof\": {}}], \"runs\": [{}], \"open\": [5]}",
	        "no object");
}

static void what_cannot_be_written_is_said(void **state)
{
	struct scratch *s = *state;
	struct error err = ERROR_INIT;
	struct memory m = opened(s, 5);
	free(m.path);
	m.path = strdup("/nonexistent/agent.json");
	FAILS(ERR_STORE, memory_save(&m, &err));
	memory_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_of_it_comes_back, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(another_schedule_has_missed_nothing, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(figures_count_what_succeeded, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(a_damaged_file_is_moved_aside, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_written_is_said, scratch_setup, scratch_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
