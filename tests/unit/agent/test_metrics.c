/* SPDX-License-Identifier: Apache-2.0 */
/* A view's figures as Prometheus reads them: literal views, literal lines. That promtool takes the whole is seen in integration/test_http.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "http/metrics.h"
#include "slackwater/jsonx.h"

static struct buf text = BUF_INIT(1 << 20);

static const char *metrics(const char *view)
{
	json_error_t why;
	json_t *doc = json_loads(view, 0, &why);
	if (!doc)
		fail_msg("%s", why.text);
	buf_free(&text);
	metrics_write(doc, &text);
	json_decref(doc);
	assert_int_equal(text.bad, 0);
	return buf_str(&text);
}

/* The line stands there once, from its beginning to its end. */
static void has(const char *line)
{
	char whole[512];
	snprintf(whole, sizeof whole, "\n%s\n", line);
	const char *at = strstr(buf_str(&text), whole);
	if (!at)
		fail_msg("%s\nis not in\n%s", line, buf_str(&text));
	if (strstr(at + 1, whole))
		fail_msg("%s is there twice", line);
}

static void has_not(const char *part)
{
	if (strstr(buf_str(&text), part))
		fail_msg("%s is in\n%s", part, buf_str(&text));
}

static void of_nothing_there_is_only_the_version(void **state)
{
	(void)state;
	assert_string_equal(metrics("{}"), "# HELP slackwater_build_info Version of the agent.\n# TYPE slackwater_build_info gauge\n"
	                                   "slackwater_build_info{version=\"\"} 1\n");
}

static void the_agent(void **state)
{
	(void)state;
	metrics("{\"agent\": {\"version\": \"0.1.0\", \"started\": \"1970-01-02T00:00:01.250Z\", \"now\": \"2026-11-26T22:00:00.000Z\", \"paused\": false,"
	        " \"ready\": true, \"stopping\": null, \"proof_age_ms\": 3600000, \"config\": {\"loaded\": \"2000-03-01T00:00:00Z\", \"error\": \"line 3\"}}}");
	has("# TYPE slackwater_agent_start_time_seconds gauge");
	has("slackwater_build_info{version=\"0.1.0\"} 1");
	has("slackwater_agent_start_time_seconds 86401.25");
	has("slackwater_agent_view_timestamp_seconds 1795730400");
	has("slackwater_agent_paused 0");
	has("slackwater_proof_age_limit_seconds 3600");
	has("slackwater_agent_ready 1");
	has("slackwater_config_last_reload_successful 0");
	has("slackwater_config_last_reload_success_timestamp_seconds 951868800");
	has_not("slackwater_agent_stopping");
}

#define CHANNEL(more) "{\"name\": \"\", \"applier\": {\"running\": true, \"errno\": 0}, \"receiver\": {\"running\": false, \"errno\": 2003}, " \
	"\"lag_ms\": null, \"lag_s\": 7, \"gap_transactions\": null, \"behind_transactions\": 12, \"workers\": [" \
	"{\"busy\": true, \"age_ms\": 1500, \"waits_for_row\": true}, {\"busy\": true, \"age_ms\": null}, {\"busy\": false, \"age_ms\": 9000}]" more "}"
#define INSTANCE(name, channels) "{\"name\": \"" name "\", \"reachable\": true, \"looked\": null, \"took_ms\": 6, \"busy\": null, \"applier\": \"no replica\"," \
	" \"lag_ms\": null, \"gap_transactions\": 3, \"journal\": true, \"observation\": {\"server\": {\"flavor\": \"mysql\", \"version\": \"9.7.1\"}, \"channels\": [" channels "]}}"

static void a_replica_and_its_channel(void **state)
{
	(void)state;
	metrics("{\"instances\": [" INSTANCE("db2", CHANNEL("")) "]}");
	has("slackwater_replica_info{replica=\"db2\",flavor=\"mysql\",version=\"9.7.1\"} 1");
	has("slackwater_replica_up{replica=\"db2\"} 1");
	has("slackwater_replica_look_duration_seconds{replica=\"db2\"} 0.006");
	has("slackwater_replica_busy{replica=\"db2\"} 0");
	has("slackwater_replica_journal_open{replica=\"db2\"} 1");
	has("slackwater_replica_gap_transactions{replica=\"db2\"} 3");
	has("slackwater_replica_applier_state{replica=\"db2\",state=\"no replica\"} 1");
	has("slackwater_replica_applier_state{replica=\"db2\",state=\"running\"} 0");
	has("slackwater_channel_applier_state{replica=\"db2\",channel=\"\",state=\"running\"} 1");
	has("slackwater_channel_receiver_state{replica=\"db2\",channel=\"\",state=\"error\"} 1");
	has("slackwater_channel_receiver_error_code{replica=\"db2\",channel=\"\"} 2003");
	has("slackwater_channel_lag_seconds{replica=\"db2\",channel=\"\"} 7");
	has("slackwater_channel_behind_transactions{replica=\"db2\",channel=\"\"} 12");
	has("slackwater_channel_workers_busy{replica=\"db2\",channel=\"\"} 2");
	has("slackwater_channel_workers_waiting_for_row{replica=\"db2\",channel=\"\"} 1");
	has("slackwater_channel_oldest_transaction_seconds{replica=\"db2\",channel=\"\"} 1.5");
}

/* null is not 0: a gap that could not be read must not look like none. */
static void what_is_not_known_makes_no_sample(void **state)
{
	(void)state;
	metrics("{\"instances\": [" INSTANCE("db2", CHANNEL("")) "]}");
	has_not("slackwater_replica_lag_seconds");
	has_not("slackwater_replica_last_look");
	has_not("slackwater_channel_gap_transactions");
	has_not("slackwater_channel_wait");
}

#define WAITS(since, span) ", \"waits\": {\"since_start\": " since ", \"span_ms\": " span ", \"transactions\": 40, \"dependency\": {\"count\": 5, \"ms\": 2500}," \
	" \"no_work\": {\"count\": null, \"ms\": null}}"

static void waits_are_counters_only_while_they_grow(void **state)
{
	(void)state;
	metrics("{\"instances\": [" INSTANCE("a", CHANNEL(WAITS("true", "10000"))) ", " INSTANCE("b", CHANNEL(WAITS("false", "5000"))) "]}");
	has("# TYPE slackwater_channel_wait_seconds_total counter");
	has("slackwater_channel_wait_seconds_total{replica=\"a\",channel=\"\",reason=\"dependency\"} 2.5");
	has("slackwater_channel_waits_total{replica=\"a\",channel=\"\",reason=\"dependency\"} 5");
	has("slackwater_channel_transactions_total{replica=\"a\",channel=\"\"} 40");
	has("slackwater_channel_wait_ratio{replica=\"a\",channel=\"\",reason=\"dependency\"} 0.25");
	has("slackwater_channel_wait_ratio{replica=\"b\",channel=\"\",reason=\"dependency\"} 0.5");
	has_not("total{replica=\"b\"");
	has_not("no_work");
}

static void a_snapshot(void **state)
{
	(void)state;
	metrics("{\"snapshots\": [{\"name\": \"shop\", \"instance\": \"db2\", \"store\": \"vault\", \"schedule\": \"15 */4 * * *\", \"timezone\": \"Europe/Berlin\","
	        " \"paused\": true, \"next\": \"2026-11-27T01:15:00.000Z\", \"next_proof\": null, \"failures\": 2, \"running\": \"r7\", \"waits_for\": null,"
	        " \"last\": {\"state\": \"failed\", \"started\": \"2026-11-26T22:00:00.000Z\"}, \"last_proof\": null, \"newest_proven\": null,"
	        " \"last_success\": {\"state\": \"succeeded\", \"started\": \"2026-11-26T21:00:00.000Z\", \"result\": {\"pause_ms\": 14, \"wait_ms\": 820,"
	        " \"in_flight_ms\": 8, \"gap_rounds\": 1, \"bytes\": 3000, \"stored_bytes\": 1000, \"rows\": 9, \"elapsed_ms\": 1500, \"warnings\": [\"a\", \"b\"]}}}],"
	        " \"runs\": [{\"state\": \"running\", \"kind\": \"backup\", \"snapshot\": \"shop\", \"progress\": {\"bytes_done\": 5, \"bytes_total\": 10}},"
	        " {\"state\": \"failed\", \"kind\": \"proof\", \"snapshot\": \"shop\"}]}");
	has("slackwater_snapshot_info{snapshot=\"shop\",replica=\"db2\",store=\"vault\",schedule=\"15 */4 * * *\",timezone=\"Europe/Berlin\"} 1");
	has("slackwater_snapshot_paused{snapshot=\"shop\"} 1");
	has("slackwater_snapshot_running{snapshot=\"shop\"} 1");
	has("slackwater_snapshot_waiting{snapshot=\"shop\"} 0");
	has("slackwater_snapshot_consecutive_failures{snapshot=\"shop\"} 2");
	has("slackwater_snapshot_next_run_timestamp_seconds{snapshot=\"shop\"} 1795742100");
	has("slackwater_snapshot_last_run_successful{snapshot=\"shop\"} 0");
	has("slackwater_snapshot_last_success_timestamp_seconds{snapshot=\"shop\"} 1795726800");
	has("slackwater_snapshot_last_pause_seconds{snapshot=\"shop\"} 0.014");
	has("slackwater_snapshot_last_wait_seconds{snapshot=\"shop\"} 0.82");
	has("slackwater_snapshot_last_in_flight_seconds{snapshot=\"shop\"} 0.008");
	has("slackwater_snapshot_last_rate_bytes_per_second{snapshot=\"shop\"} 2000");
	has("slackwater_snapshot_last_warnings{snapshot=\"shop\"} 2");
	has("slackwater_run_done_bytes{snapshot=\"shop\",kind=\"backup\"} 5");
	has_not("newest_proven");
	has_not("last_proof");
	has_not("kind=\"proof\"");
}

static void counters_and_histograms(void **state)
{
	(void)state;
	metrics("{\"snapshots\": [{\"name\": \"shop\"}, {\"name\": \"new\"}], \"counters\": {\"shop\": {\"missed\": 3, \"retries\": 1, \"rows\": 9007199254740991,"
	        " \"runs\": {\"backup\": {\"succeeded\": 5, \"failed\": 1}, \"proof\": {\"succeeded\": 2}},"
	        " \"pause\": {\"buckets\": [[10, 1], [2500, 4]], \"sum_ms\": 1066, \"count\": 5}}, \"gone\": {\"missed\": 8}}}");
	has("# TYPE slackwater_backup_pause_seconds histogram");
	has("slackwater_backup_pause_seconds_bucket{snapshot=\"shop\",le=\"0.01\"} 1");
	has("slackwater_backup_pause_seconds_bucket{snapshot=\"shop\",le=\"2.5\"} 4");
	has("slackwater_backup_pause_seconds_bucket{snapshot=\"shop\",le=\"+Inf\"} 5");
	has("slackwater_backup_pause_seconds_sum{snapshot=\"shop\"} 1.066");
	has("slackwater_backup_pause_seconds_count{snapshot=\"shop\"} 5");
	has("slackwater_runs_total{snapshot=\"shop\",kind=\"backup\",result=\"failed\"} 1");
	has("slackwater_runs_total{snapshot=\"shop\",kind=\"proof\",result=\"succeeded\"} 2");
	has("slackwater_snapshot_missed_runs_total{snapshot=\"shop\"} 3");
	has("slackwater_snapshot_rows_total{snapshot=\"shop\"} 9.00719925474099e+15");
	has_not("slackwater_backup_wait_seconds");
	has_not("gone");
}

static void a_repository(void **state)
{
	(void)state;
	metrics("{\"repositories\": [{\"store\": \"vault\", \"instance\": \"db2\", \"listed\": \"2026-11-26T22:00:00.000Z\", \"error\": null, \"snapshots\": ["
	        "{\"time\": \"2026-11-26T22:00:00.000Z\", \"bytes\": 20, \"proven\": null}, {\"time\": \"2026-11-25T22:00:00.000Z\", \"bytes\": 10,"
	        " \"proven\": \"2026-11-26T00:00:00.000Z\"}]}, {\"store\": \"vault\", \"instance\": \"db3\", \"error\": {}, \"snapshots\": []}]}");
	has("slackwater_repository_up{store=\"vault\",replica=\"db2\"} 1");
	has("slackwater_repository_up{store=\"vault\",replica=\"db3\"} 0");
	has("slackwater_repository_snapshots{store=\"vault\",replica=\"db2\"} 2");
	has("slackwater_repository_snapshots{store=\"vault\",replica=\"db3\"} 0");
	has("slackwater_repository_snapshots_proven{store=\"vault\",replica=\"db2\"} 1");
	has("slackwater_repository_stored_bytes{store=\"vault\",replica=\"db2\"} 30");
	has("slackwater_repository_newest_timestamp_seconds{store=\"vault\",replica=\"db2\"} 1795730400");
	has("slackwater_repository_oldest_timestamp_seconds{store=\"vault\",replica=\"db2\"} 1795644000");
	has_not("newest_timestamp_seconds{store=\"vault\",replica=\"db3\"");
}

static void label_values_are_escaped(void **state)
{
	(void)state;
	metrics("{\"instances\": [" INSTANCE("a\\\"b\\\\c\\nd", "") "]}");
	has("slackwater_replica_up{replica=\"a\\\"b\\\\c\\nd\"} 1");
}

/* One series twice, and Prometheus throws the whole scrape away. */
static void the_same_labels_come_once(void **state)
{
	(void)state;
	metrics("{\"instances\": [" INSTANCE("db2", CHANNEL("") ", " CHANNEL("")) ", " INSTANCE("db2", "") "], \"runs\": [{\"state\": \"running\", \"kind\": \"list\","
	        " \"started\": \"2026-11-26T22:00:00.000Z\"}, {\"state\": \"running\", \"kind\": \"list\", \"started\": \"2026-11-26T23:00:00.000Z\"}]}");
	has("slackwater_replica_up{replica=\"db2\"} 1");
	has("slackwater_channel_workers_busy{replica=\"db2\",channel=\"\"} 2");
	has("slackwater_run_start_time_seconds{snapshot=\"\",kind=\"list\"} 1795730400");
	has_not("1795734000");
}

static void types_that_are_wrong_do_no_harm(void **state)
{
	(void)state;
	metrics("{\"agent\": [], \"instances\": {}, \"snapshots\": [1, \"a\", null, {\"name\": 5, \"next\": \"yesterday\", \"last\": \"x\", \"failures\": \"2\"}],"
	        " \"repositories\": 3, \"runs\": [[]], \"counters\": []}");
	has_not("next_run");
	has_not("failures{");
}

static int done(void **state)
{
	(void)state;
	buf_free(&text);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_nothing_there_is_only_the_version),
		cmocka_unit_test(the_agent),
		cmocka_unit_test(a_replica_and_its_channel),
		cmocka_unit_test(what_is_not_known_makes_no_sample),
		cmocka_unit_test(waits_are_counters_only_while_they_grow),
		cmocka_unit_test(a_snapshot),
		cmocka_unit_test(counters_and_histograms),
		cmocka_unit_test(a_repository),
		cmocka_unit_test(label_values_are_escaped),
		cmocka_unit_test(the_same_labels_come_once),
		cmocka_unit_test(types_that_are_wrong_do_no_harm),
	};
	return cmocka_run_group_tests(tests, NULL, done);
}
