/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "work.h"

static const struct option_group *const groups[] = { &config_connection, &config_window, &config_data, &config_work, NULL };
static const struct option_group *const seed_groups[] = { &config_sources, &config_seeding, NULL };

static struct config config;
static struct error err;

static void parse(const struct option_group *const *g, const char *option, const char *value)
{
	struct options_rest rest;
	char *const argv[] = { (char *)option, (char *)value };
	config_free(&config);
	config_init(&config);
	if (options_parse(g, 2, argv, &config, &rest, &err))
		fail_msg("%s", err.message);
}

/* The words of the command line stand in the order of the enums they become. */
static void words_become_the_right_enum(void **state)
{
	(void)state;
	static const struct { const char *word; enum ssl_mode mode; } ssl[] = {
		{ "DISABLED", SSL_DISABLED },   { "PREFERRED", SSL_PREFERRED },
		{ "REQUIRED", SSL_REQUIRED },   { "VERIFY_CA", SSL_VERIFY_CA },
		{ "VERIFY_IDENTITY", SSL_VERIFY_IDENTITY },
	};
	for (size_t i = 0; i < sizeof ssl / sizeof ssl[0]; i++) {
		parse(groups, "--ssl-mode", ssl[i].word);
		assert_int_equal(config.ssl_mode + 1, ssl[i].mode);
		parse(seed_groups, "--source-ssl-mode", ssl[i].word);
		assert_int_equal(config.source_ssl_mode + 1, ssl[i].mode);
	}
	struct engine_options e;
	static const struct { const char *word; enum nontransactional is; } tables[] = {
		{ "copy", NONTRANSACTIONAL_COPY }, { "refuse", NONTRANSACTIONAL_REFUSE }, { "skip", NONTRANSACTIONAL_SKIP },
	};
	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
		parse(groups, "--nontransactional", tables[i].word);
		assert_int_equal(work_engine_options(&config, &e, &err), ST_OK);
		assert_int_equal(e.nontransactional, tables[i].is);
	}
	parse(groups, "--json-types", "refuse");
	assert_int_equal(work_engine_options(&config, &e, &err), ST_OK);
	assert_int_equal(e.json_types, JSON_TYPES_REFUSE);
	parse(groups, "--json-types", "warn");
	assert_int_equal(work_engine_options(&config, &e, &err), ST_OK);
	assert_int_equal(e.json_types, JSON_TYPES_WARN);
	parse(groups, "--ddl", "retry");
	assert_int_equal(work_engine_options(&config, &e, &err), ST_OK);
	assert_int_equal(e.ddl, DDL_RETRY);
	parse(groups, "--ddl", "hold");
	assert_int_equal(work_engine_options(&config, &e, &err), ST_OK);
	assert_int_equal(e.ddl, DDL_HOLD);
	parse(groups, "--on-deadline", "stop");
	assert_int_equal(work_window_options(&config).on_deadline, ON_DEADLINE_STOP);
	parse(groups, "--on-deadline", "give-up");
	assert_int_equal(work_window_options(&config).on_deadline, ON_DEADLINE_GIVE_UP);
	parse(seed_groups, "--verify", "entry");
	assert_int_equal(config.verify, CONFIG_VERIFY_ENTRY);
}

/* What the manual promises when nothing is said. */
static void defaults(void **state)
{
	(void)state;
	struct engine_options e;
	config_free(&config);
	config_init(&config);
	assert_int_equal(work_engine_options(&config, &e, &err), ST_OK);
	assert_true(e.threads >= 1 && e.threads <= 4);
	assert_int_equal(e.chunk_bytes, 16 << 20);
	assert_int_equal(e.zstd_level, 1);
	assert_int_equal(e.ddl, DDL_HOLD);
	assert_int_equal(e.ddl_max_wait_ms, 60000);
	assert_int_equal(e.nontransactional, NONTRANSACTIONAL_COPY);
	assert_int_equal(e.json_types, JSON_TYPES_WARN);
	assert_true(e.users);
	assert_int_equal(e.max_history, 0);
	struct window_options w = work_window_options(&config);
	assert_int_equal(w.pause_budget_ms, 500);
	assert_int_equal(w.deadline_ms, 600000);
	assert_int_equal(w.max_pause_ms, 60000);
	assert_int_equal(w.max_pause_ms, window_defaults.max_pause_ms);
	assert_int_equal(w.on_deadline, ON_DEADLINE_GIVE_UP);
	assert_int_equal(config.catch_up_timeout_ms, 3600000);
	assert_int_equal(config.verify, CONFIG_VERIFY_FULL);
}

static void table_lists_are_read(void **state)
{
	(void)state;
	struct strlist l = { .n = 0 };
	assert_int_equal(work_parse_tables("# all of it\n\n shop.orders \r\nshop.a.b\n\tx.y", "f", &l, &err), ST_OK);
	assert_int_equal(l.n, 3);
	assert_string_equal(l.item[0], "shop.orders");
	assert_string_equal(l.item[1], "shop.a.b");
	assert_string_equal(l.item[2], "x.y");
	static const char *const bad[] = { "shop\n", "a.b\n.x", "a.b\nx.", "." };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(work_parse_tables(bad[i], "list.txt", &l, &err), ST_FAILED);
		assert_int_equal(err.kind, ERR_USAGE);
		assert_non_null(strstr(err.message, "list.txt, line"));
	}
	strlist_free(&l);
	parse(groups, "--tables-from-file", "/nowhere/at/all");
	struct engine_options e;
	assert_int_equal(work_engine_options(&config, &e, &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_USAGE);
	work_engine_options_free(&e);
	config_free(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_become_the_right_enum),
		cmocka_unit_test(defaults),
		cmocka_unit_test(table_lists_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
