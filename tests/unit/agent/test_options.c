/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config.h"
#include "objectstore.h"
#include "others.h"
#include "text.h"

/* As many options as a verb can have. */
static const struct option_group *const all[] = {
	&config_connection, &config_to, &config_status, &config_window, &config_data, &config_work, &config_sources, &config_output,
	NULL,
};

static struct config config;
static struct options_rest rest;
static struct error err;

static enum status parse(const char *const *argv)
{
	int argc = 0;
	while (argv[argc])
		argc++;
	config_free(&config);
	config_init(&config);
	err = ERROR_INIT;
	return options_parse(all, argc, (char *const *)argv, &config, &rest, &err);
}

#define PARSE(...) parse((const char *const[]){ __VA_ARGS__, NULL })

static void assert_refused(enum status st, const char *message, const char *hint)
{
	assert_int_equal(st, ST_FAILED);
	assert_int_equal(err.kind, ERR_USAGE);
	if (message && !strstr(err.message, message))
		fail_msg("\"%s\" lacks \"%s\"", err.message, message);
	if (hint && !strstr(err.hint, hint))
		fail_msg("hint \"%s\" lacks \"%s\"", err.hint, hint);
}

static void every_way_of_writing(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--host=db2", "--port", "3307", "-ubackup", "-S", "/run/x.sock", "--json"), ST_OK);
	assert_string_equal(config.host, "db2");
	assert_int_equal(config.port, 3307);
	assert_string_equal(config.user, "backup");
	assert_string_equal(config.socket, "/run/x.sock");
	assert_true(config.json);
	assert_int_equal(PARSE("-P3308", "-h", "::1", "--ssl_mode=required", "--defaults_file", "/x"), ST_OK);
	assert_int_equal(config.port, 3308);
	assert_string_equal(config.host, "::1");
	assert_int_equal(config.ssl_mode, 2);
	assert_string_equal(config.defaults_file, "/x");
	assert_int_equal(PARSE("--pause-budget=1.5s", "--chunk-size", "1M", "--on-deadline", "stop", "--max-history=100000000000"), ST_OK);
	assert_int_equal(config.pause_budget_ms, 1500);
	assert_int_equal(config.chunk_bytes, 1 << 20);
	assert_int_equal(config.on_deadline, 1);
	assert_int_equal(config.max_history, 100000000000);
	assert_int_equal(PARSE("--include", "a", "--include=b.*", "--no-users", "--ddl", "retry", "--ddl=hold"), ST_OK);
	assert_int_equal(config.include.n, 2);
	assert_string_equal(config.include.item[1], "b.*");
	assert_false(config.users);
	assert_int_equal(config.ddl, 0);
	assert_int_equal(PARSE("latest", "--json"), ST_OK);
	assert_string_equal(rest.argument, "latest");
	assert_int_equal(PARSE("--to", "-", "--", "--odd"), ST_OK);
	assert_string_equal(config.to, "-");
	assert_string_equal(rest.argument, "--odd");
}

static void mistakes_are_named(void **state)
{
	(void)state;
	assert_refused(PARSE("--pause-buget=1s"), "unknown option --pause-buget", "did you mean --pause-budget?");
	assert_string_equal(rest.unknown, "pause-buget");
	assert_refused(PARSE("--deadlien", "1s"), "--deadlien", "did you mean --deadline?");
	assert_refused(PARSE("--default-file=x"), "--default-file", "did you mean --defaults-file?");
	assert_refused(PARSE("--zzzzzz"), "--zzzzzz", NULL);
	assert_string_equal(err.hint, "");
	assert_refused(PARSE("-x"), "unknown option -x", NULL);
	assert_refused(PARSE("--port"), "--port needs a value", "--port N");
	assert_refused(PARSE("--port="), "empty value", NULL);
	assert_refused(PARSE("--port=0"), "at least 1", NULL);
	assert_refused(PARSE("--port=70000"), "at most 65535", NULL);
	assert_refused(PARSE("--port=33o6"), "\"33o6\" is not a whole number", NULL);
	assert_refused(PARSE("--threads=-1"), "\"-1\" is not a whole number", "without a sign");
	assert_refused(PARSE("--threads=99999999999999999999"), "at most 64", NULL);
	assert_refused(PARSE("--threads=0"), "at least 1", NULL);
	assert_refused(PARSE("--deadline", "500"), "is not a duration", "500ms");
	assert_refused(PARSE("--max-pause=1s"), "at least 2s", NULL);
	assert_refused(PARSE("--chunk-size=1k"), "at least 64K", NULL);
	assert_refused(PARSE("--chunk-size=lots"), "is not a size", "16M");
	assert_refused(PARSE("--ddl=hodl"), "--ddl cannot be \"hodl\"", "did you mean hold?");
	assert_refused(PARSE("--on-deadline=kill"), "cannot be", "one of: give-up, stop");
	assert_refused(PARSE("--json=yes"), "takes no value", NULL);
	assert_refused(PARSE("latest", "earliest"), "too many arguments", NULL);
}

/* Habits of other programs; "--parallel" is nearer to --s3-parallel than to what is meant. */
static void words_of_other_programs(void **state)
{
	(void)state;
	static const struct option_group *const restoring[] = { &config_from, &config_s3, &config_to_dir, NULL };
	static const struct option_group *const backup[] = { &config_to, &config_s3, &config_data, &config_work, NULL };
	assert_refused(PARSE("--parallel=4"), "unknown option --parallel", "did you mean --threads?");
	assert_refused(PARSE("--databases", "shop"), "--databases", "did you mean --include?");
	assert_refused(PARSE("--compress"), "--compress", "did you mean --zstd-level?");
	assert_refused(PARSE("--stdout"), "--stdout", "did you mean --to -?");
	assert_string_equal(others_option(backup, "parallel"), "threads");
	assert_string_equal(others_option(backup, "target-dir"), "to");
	assert_string_equal(others_option(restoring, "target-dir"), "to-dir");
	assert_null(others_option(restoring, "parallel"));
	const char *const argv[] = { "--parallel=4", NULL };
	config_free(&config);
	config_init(&config);
	err = ERROR_INIT;
	assert_refused(options_parse(restoring, 1, (char *const *)argv, &config, &rest, &err), "--parallel", NULL);
	assert_string_equal(err.hint, "");
}

/* Each option once, for objectstore. */
static void what_was_given_is_known(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--to", "/b", "--threads=2", "--json", "--threads", "3"), ST_OK);
	assert_int_equal(rest.ngiven, 3);
	assert_string_equal(rest.given[0]->name, "to");
	assert_string_equal(rest.given[1]->name, "threads");
	assert_string_equal(rest.given[2]->name, "json");
}

static enum status store_options(const char *from, const char *to, const char *option)
{
	static const struct option_group *const copying[] = { &config_s3, &config_s3_write, NULL };
	const char *const argv[] = { option };
	config_free(&config);
	config_init(&config);
	err = ERROR_INIT;
	assert_int_equal(options_parse(copying, 1, (char *const *)argv, &config, &rest, &err), ST_OK);
	config.from = from;
	config.to = to;
	return objectstore_check(&rest, &config, &err);
}

/* What a directory cannot do is not dropped in silence. */
static void options_of_object_stores(void **state)
{
	(void)state;
	assert_refused(store_options(NULL, "/backup", "--s3-object-lock=compliance:30d"),
	               "--s3-object-lock is for s3://, and --to is a directory: nothing would be locked", NULL);
	assert_refused(store_options(NULL, "file:///backup", "--s3-sse=AES256"), "--to is a directory: nothing would be encrypted", NULL);
	assert_refused(store_options(NULL, "-", "--upload-limit=1M"), "--to is a pipe: nothing would be slowed down", NULL);
	assert_refused(store_options("/backup", NULL, "--s3-parallel=4"), "--from is a directory: it would do nothing", NULL);
	assert_refused(store_options("s3://b", "/backup", "--s3-tags=a=b"), "--to is a directory: nothing would be tagged", NULL);
	assert_int_equal(store_options("s3://b", "/backup", "--s3-parallel=8"), ST_OK);
	assert_int_equal(store_options("/backup", "s3://b/x", "--s3-parallel=8"), ST_OK);
	assert_int_equal(store_options("/backup", "s3://b/x", "--upload-limit=1M"), ST_OK);
	assert_int_equal(store_options("s3://b", NULL, "--s3-endpoint=https://x"), ST_OK);
	assert_refused(store_options("/a", "/b", "--s3-region=x"), "--to is a directory", NULL);
	assert_int_equal(store_options(NULL, "ftp://x", "--s3-region=x"), ST_OK); /* the store's own check says what is wrong with it */
}

static void an_interval_needs_no_value(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--json"), ST_OK);
	assert_int_equal(config.watch_ms, 0);
	assert_int_equal(PARSE("--watch"), ST_OK);
	assert_int_equal(config.watch_ms, 1000);
	assert_int_equal(PARSE("--watch", "--json"), ST_OK);
	assert_int_equal(config.watch_ms, 1000);
	assert_true(config.json);
	assert_int_equal(PARSE("--watch", "2s", "--json"), ST_OK);
	assert_int_equal(config.watch_ms, 2000);
	assert_int_equal(PARSE("--watch=500ms"), ST_OK);
	assert_int_equal(config.watch_ms, 500);
	assert_refused(PARSE("--watch", "2"), "is not a duration", "500ms");
	assert_refused(PARSE("--watch=1ms"), "at least 100ms", NULL);
	assert_refused(PARSE("--watch="), "empty value", NULL);
}

/* A password on the command line is refused, and neither message nor hint repeats it. */
static void passwords_are_refused_and_not_repeated(void **state)
{
	(void)state;
	static const char *const tries[][4] = {
		{ "-pHunter2", NULL },           { "--password=Hunter2", NULL },        { "-uroot", "-pHunter2", NULL },
		{ "--source-password=Hunter2", NULL }, { "--source-password", "Hunter2", NULL }, { "a", "-p", "Hunter2", NULL },
		{ "--passwrod=Hunter2", NULL },  { "--password=", NULL },
	};
	for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
		assert_refused(parse(tries[i]), NULL, NULL);
		assert_null(strstr(err.message, "Hunter2"));
		assert_null(strstr(err.hint, "Hunter2"));
	}
	assert_refused(PARSE("-pHunter2"), "not taken from the command line", "SLACKWATER_PASSWORD");
	assert_refused(PARSE("--source-password=x"), "not taken from the command line", "SLACKWATER_SOURCE_PASSWORD");
	assert_int_equal(PARSE("-p"), ST_OK);
	assert_true(config.ask_password);
	assert_int_equal(PARSE("-p", "Hunter2"), ST_OK); /* app.c refuses it: only it knows whether the verb takes an argument */
	assert_true(rest.argument_after_password);
	assert_int_equal(PARSE("--json", "Hunter2"), ST_OK);
	assert_false(rest.argument_after_password);
}

static void help_shows_defaults_and_stays_narrow(void **state)
{
	(void)state;
	struct config defaults;
	struct buf out = BUF_INIT(64 << 10);
	config_init(&defaults);
	options_help(all, &defaults, &out);
	assert_non_null(strstr(buf_str(&out), "(default 500ms)"));
	assert_non_null(strstr(buf_str(&out), "(default 16M)"));
	assert_non_null(strstr(buf_str(&out), "(default give-up)"));
	assert_non_null(strstr(buf_str(&out), "  -P, --port N"));
	assert_null(strstr(buf_str(&out), "source-password"));
	for (const char *line = buf_str(&out); line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		assert_true(strcspn(line, "\n") <= 80);
	buf_free(&out);
	config_free(&defaults);
}

static void tables_are_sound(void **state)
{
	(void)state;
	for (size_t g = 0; all[g]; g++)
		for (size_t i = 0; i < all[g]->n; i++) {
			const struct option *o = &all[g]->option[i];
			assert_ptr_equal(options_find(all, o->name), o); /* no name twice in one verb */
			assert_true(o->offset < sizeof(struct config));
			bool flag = o->type == OPTION_FLAG || o->type == OPTION_CLEAR || o->type == OPTION_PASSWORD || o->type == OPTION_REFUSED;
			assert_int_equal(flag, o->value == NULL);
			assert_int_equal(o->type == OPTION_CHOICE, o->choices != NULL);
			for (size_t h = 0; o->letter && all[h]; h++)
				for (size_t j = 0; j < all[h]->n; j++)
					assert_true(&all[h]->option[j] == o || all[h]->option[j].letter != o->letter);
		}
}

static void words_are_compared(void **state)
{
	(void)state;
	assert_int_equal(text_distance("backup", "backup"), 0);
	assert_int_equal(text_distance("bakcup", "backup"), 1);
	assert_int_equal(text_distance("", "seed"), 4);
	assert_int_equal(text_distance("Seed", "seed"), 0);
	assert_int_equal(text_distance("kitten", "sitting"), 3);
	assert_true(text_similar("back", "backup"));
	assert_false(text_similar("recover", "seed"));
	assert_false(text_similar("ls", "seed"));
	assert_false(text_similar("form", "port"));
	assert_true(text_similar("form", "from"));
}

static int end(void **state)
{
	(void)state;
	config_free(&config);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_of_writing),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(words_of_other_programs),
		cmocka_unit_test(what_was_given_is_known),
		cmocka_unit_test(options_of_object_stores),
		cmocka_unit_test(an_interval_needs_no_value),
		cmocka_unit_test(passwords_are_refused_and_not_repeated),
		cmocka_unit_test(help_shows_defaults_and_stays_narrow),
		cmocka_unit_test(tables_are_sound),
		cmocka_unit_test(words_are_compared),
	};
	return cmocka_run_group_tests(tests, NULL, end);
}
