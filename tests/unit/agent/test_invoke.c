/* SPDX-License-Identifier: Apache-2.0 */
/* The words that runs are started with parse as what was meant, and what a run leaves behind is told right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "daemon/invoke.h"
#include "daemon/outcome.h"
#include "help.h"
#include "scratch.h"
#include "slackwater/jsonx.h"

static struct settings_instance instance[] = { { .name = "db1" }, { .name = "db 2" } };
static struct settings_store store[] = { { .name = "main", .url = "s3://bucket/x" } };
static struct settings_snapshot snapshot[] = { { .name = "nightly", .instance = 1 } };
static struct settings settings = {
	.agent = { .state_dir = "/var/lib/slackwater", .log_level = LOG_LEVEL_INFO },
	.instance = instance, .store = store, .snapshot = snapshot, .ninstances = 2, .nstores = 1, .nsnapshots = 1,
};

static void add(struct strlist *l, const char *word)
{
	struct error err = ERROR_INIT;
	OK(strlist_add(l, word, &err));
}

static int setup(void **state)
{
	(void)state;
	add(&instance[1].options, "--defaults-file=/etc/db2.cnf");
	add(&store[0].options, "--s3-endpoint=http://127.0.0.1:9000");
	add(&store[0].environment, "AWS_PROFILE=backup");
	add(&snapshot[0].options, "--pause-budget=200ms");
	add(&snapshot[0].options, "--state-dir=/elsewhere");
	add(&snapshot[0].retention, "--keep-daily=7");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	strlist_free(&instance[1].options);
	strlist_free(&store[0].options);
	strlist_free(&store[0].environment);
	strlist_free(&snapshot[0].options);
	strlist_free(&snapshot[0].retention);
	return 0;
}

static void parsed(enum run_kind kind, struct config *ret, struct strlist *words)
{
	struct error err = ERROR_INIT;
	struct options_rest rest;
	OK(invoke_words(&settings, 0, kind, 50, words, &err));
	assert_string_equal(words->item[0], "slackwater");
	const struct verb *verb = help_find_verb(words->item[1]);
	assert_non_null(verb);
	config_init(ret);
	OK(options_parse(verb->groups, (int)words->n - 2, words->item + 2, ret, &rest, &err));
	assert_null(rest.argument);
	assert_true(ret->json);
	assert_int_equal(ret->events_fd, 3);
}

static void a_backup(void **state)
{
	(void)state;
	struct strlist words = { 0 };
	struct config c;
	parsed(RUN_BACKUP, &c, &words);
	assert_string_equal(c.defaults_file, "/etc/db2.cnf");
	assert_string_equal(c.to, "s3://bucket/x");
	assert_string_equal(c.instance, "db 2");
	assert_string_equal(c.s3_endpoint, "http://127.0.0.1:9000");
	assert_int_equal(c.pause_budget_ms, 200);
	assert_int_equal(c.wait_lock_ms, 60000);
	/* the agent finishes the journals in its own */
	assert_string_equal(c.state_dir, "/var/lib/slackwater");
	assert_int_equal(c.log_level, LOG_LEVEL_INFO);
	config_free(&c);
	strlist_free(&words);
}

static void an_expire_and_a_list(void **state)
{
	(void)state;
	struct strlist words = { 0 };
	struct config c;
	parsed(RUN_EXPIRE, &c, &words);
	assert_string_equal(c.from, "s3://bucket/x");
	assert_int_equal(c.keep_daily, 7);
	config_free(&c);
	strlist_free(&words);
	parsed(RUN_LIST, &c, &words);
	assert_string_equal(c.from, "s3://bucket/x");
	assert_int_equal(c.newest, 50);
	assert_true(c.brief);
	assert_int_equal(c.log_level, LOG_LEVEL_WARNING);
	config_free(&c);
	strlist_free(&words);
}

static void the_store_has_an_environment(void **state)
{
	(void)state;
	struct strlist env = { 0 };
	struct error err = ERROR_INIT;
	setenv("AWS_PROFILE", "of the agent", 1);
	setenv("WATCHDOG_USEC", "1", 1);
	setenv("WATCHDOG_USECS", "not ours", 1);
	OK(invoke_environment(&settings, 0, &env, &err));
	assert_true(strlist_has(&env, "AWS_PROFILE=backup"));
	assert_false(strlist_has(&env, "AWS_PROFILE=of the agent"));
	assert_false(strlist_has(&env, "WATCHDOG_USEC=1"));
	assert_true(strlist_has(&env, "WATCHDOG_USECS=not ours"));
	strlist_free(&env);
	unsetenv("AWS_PROFILE");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_USECS");
}

static void failed_with(int code, const char *doc_text, const char *kind, const char *message)
{
	json_t *doc = doc_text ? json_loads(doc_text, 0, NULL) : NULL, *e = outcome_failure(code, doc);
	assert_string_equal(jsonx_str_or(e, "kind", ""), kind);
	assert_int_equal(json_integer_value(json_object_get(e, "code")), code);
	if (!strstr(jsonx_str_or(e, "message", ""), message))
		fail_msg("%s", jsonx_str_or(e, "message", ""));
	json_decref(e);
	json_decref(doc);
}

static void failures_are_told(void **state)
{
	(void)state;
	failed_with(4, "{\"error\": {\"kind\": \"no-quiet-moment\", \"message\": \"m\", \"hint\": \"h\"}}", "no-quiet-moment", "m");
	failed_with(5, NULL, "unexpected", "ended with 5");
	failed_with(5, "{}", "unexpected", "ended with 5");
	failed_with(137, NULL, "unexpected", "out of memory");
	failed_with(139, NULL, "unexpected", "signal 11");
	failed_with(143, NULL, "interrupted", "signal 15");
	failed_with(0, NULL, "unexpected", "could not be read");
}

/* Whatever is large or nested stays out of the history. */
static void results_are_small(void **state)
{
	(void)state;
	json_t *doc = json_pack("{ss si s[ss] s{si} s{si}}", "id", "x", "bytes_stored", 5, "warnings", "a", "b", "checkpoint", "gap_rounds", 3, "error", "code", 1);
	char *huge = calloc(1, 5001);
	memset(huge, 'h', 5000);
	json_object_set_new(doc, "huge", json_string(huge));
	json_t *r = outcome_result(RUN_BACKUP, doc);
	assert_int_equal(json_object_size(r), 5); /* id bytes_stored warnings stored_bytes gap_rounds */
	assert_int_equal(jsonx_u64_or(r, "gap_rounds", 0), 3);
	for (int i = 0; i < 50; i++)
		outcome_add_warning(r, "w");
	assert_int_equal(json_array_size(json_object_get(r, "warnings")), 20);
	outcome_add_warning(NULL, "w");
	json_decref(r);
	json_decref(doc);
	free(huge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_backup),
		cmocka_unit_test(an_expire_and_a_list),
		cmocka_unit_test(the_store_has_an_environment),
		cmocka_unit_test(failures_are_told),
		cmocka_unit_test(results_are_small),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
