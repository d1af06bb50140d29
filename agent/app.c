/* SPDX-License-Identifier: Apache-2.0 */
#include "app.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exitcode.h"
#include "help.h"
#include "objectstore.h"
#include "output_json.h"
#include "state.h"
#include "text.h"

enum { APP_TEXT_MAX = 256 << 20, APP_NUMBER = 16 };

bool app_json_asked(int argc, char *const *argv)
{
	for (int i = 0; i < argc; i++)
		if (!strcmp(argv[i], "--json"))
			return true;
	return false;
}

enum status app_require(const char *value, const char *option, const char *example, struct error *err)
{
	if (value)
		return ST_OK;
	error_set(err, ST_FAILED, ERR_USAGE, "--%s is missing", option);
	return error_hint(err, "for example --%s %s", option, example);
}

enum status app_require_repository(const struct app *app, struct error *err)
{
	enum status st = app_require(app->config.from, "from", "file:///backup", err);
	if (st || strcmp(app->config.from, "-") != 0)
		return st;
	error_set(err, ST_FAILED, ERR_USAGE, "%s needs a repository, not a pipe", app->verb->name);
	return error_hint(err, "unpack the snapshot: slackwater restore --from - --to-dir DIR");
}

static void print_error(const char *verb, const struct error *err)
{
	struct buf out = BUF_INIT(8192);
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
	bool colour = isatty(STDERR_FILENO) && !(no_colour && *no_colour) && term && strcmp(term, "dumb") != 0;
	buf_addf(&out, "%sslackwater%s%s:%s ", colour ? "\033[1;31m" : "", verb ? " " : "", verb ? verb : "", colour ? "\033[0m" : "");
	text_add(&out, err->message);
	if (*err->hint) {
		buf_adds(&out, "\n  hint: ");
		text_add(&out, err->hint);
	}
	buf_addc(&out, '\n');
	fputs(buf_str(&out), stderr);
	buf_free(&out);
}

static void log_error(struct app *a, const struct error *err, int code)
{
	char number[APP_NUMBER], mysql[APP_NUMBER];
	snprintf(number, sizeof number, "%d", code);
	snprintf(mysql, sizeof mysql, "%u", err->my_errno);
	const struct log_field field[] = {
		{ "area", a->verb->name },         { "kind", exitcode_find(err->kind)->name },
		{ "exit", number },                { "mysql_errno", err->my_errno ? mysql : NULL },
		{ "msg", err->message },           { "hint", *err->hint ? err->hint : NULL },
	};
	sink_log(&a->sink, LOG_LEVEL_ERROR, field, sizeof field / sizeof field[0]);
}

/* People get plain text; where standard error is a log that a machine reads, the error is a line of that log. */
static void report_error(struct app *a, const struct error *err, int code)
{
	bool own_log = a->sink.log.own;
	if (own_log || (!isatty(STDERR_FILENO) && err->kind != ERR_USAGE))
		log_error(a, err, code);
	if (own_log || isatty(STDERR_FILENO) || err->kind == ERR_USAGE)
		print_error(a->verb->name, err);
}

static enum status print_result(FILE *to, const struct buf *text, struct error *err)
{
	if (text->len && (fwrite(text->data, 1, text->len, to) != text->len || fflush(to)))
		return error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot write the result");
	return ST_OK;
}

static enum status print_doc(struct app *a, FILE *to, const struct error *failure, int code, struct error *err)
{
	struct buf text = BUF_INIT(APP_TEXT_MAX);
	enum status st = output_json_error(&a->doc, failure, code, err);
	if (!st && a->doc)
		st = a->doc_per_line ? jsonx_dump_line(a->doc, &text, err) : jsonx_dump(a->doc, &text, err);
	if (!st)
		st = print_result(to, &text, err);
	buf_free(&text);
	return st;
}

/* The result, then the error: one that printing itself meets counts only when there was none before. */
static int finish(struct app *a, struct error *err)
{
	struct error late = ERROR_INIT;
	FILE *to = a->result_to_stderr ? stderr : stdout;
	int code = exitcode_of(err->kind, atomic_load(&a->run.signo));
	enum status st = a->config.json ? print_doc(a, to, err, code, &late) : buf_check(&a->text, "the result", &late);
	if (!st && !a->config.json)
		st = print_result(to, &a->text, &late);
	if (st && err->kind == ERR_NONE) {
		*err = late;
		code = exitcode_of(err->kind, 0);
	}
	if (err->kind != ERR_NONE)
		report_error(a, err, code);
	return code;
}

int app_refuse(const char *verb, const struct error *err, bool json)
{
	static const struct verb nameless = { .name = "" };
	struct app a = { .verb = &nameless, .text = BUF_INIT(APP_TEXT_MAX) };
	struct error ignored;
	int code = exitcode_of(err->kind, 0);
	if (json)
		(void)print_doc(&a, stdout, err, code, &ignored);
	print_error(verb, err);
	json_decref(a.doc);
	return code;
}

static enum status check_argument(struct app *a, const struct options_rest *rest, struct error *err)
{
	if (!rest->argument)
		return ST_OK;
	bool like_id = !strcmp(rest->argument, "latest") || (*rest->argument >= '0' && *rest->argument <= '9' && strchr(rest->argument, 'T'));
	/* "-p SECRET": the word is a password that must not be repeated */
	if (rest->argument_after_password && !(a->verb->takes_id && like_id)) {
		error_set(err, ST_FAILED, ERR_USAGE, "what stands behind -p or --passphrase looks like a secret; one is not taken from the command line");
		return error_hint(err, "alone the option asks for it; or set SLACKWATER_PASSWORD or SLACKWATER_PASSPHRASE, or use an option file with mode 0600");
	}
	if (a->verb->takes_id) {
		a->config.id = rest->argument;
		return ST_OK;
	}
	if (a->verb->takes_name) {
		a->config.snapshot = rest->argument;
		return ST_OK;
	}
	error_set(err, ST_FAILED, ERR_USAGE, "%s takes no argument, but \"%.60s\" was given", a->verb->name, rest->argument);
	return error_hint(err, "every value follows its option: --name VALUE");
}

static enum status parse(struct app *a, int argc, char *const *argv, struct error *err)
{
	struct options_rest rest;
	enum status st = options_parse(a->verb->groups, argc, argv, &a->config, &rest, err);
	if (st && *rest.unknown)
		help_option_of_others(a->verb, rest.unknown, err);
	if (!st)
		st = check_argument(a, &rest, err);
	return st ? st : objectstore_check(&rest, &a->config, err);
}

static int print_help(const struct verb *v, bool version)
{
	struct buf out = BUF_INIT(64 << 10);
	struct error err = ERROR_INIT;
	if (version)
		help_version(&out);
	else
		help_verb(v, &out);
	(void)print_result(stdout, &out, &err);
	buf_free(&out);
	return exitcode_of(err.kind, 0);
}

/* The library knows a number, people know names. */
static void name_signal(const struct app *a, struct error *err)
{
	char number[64], text[sizeof err->message];
	int signo = atomic_load(&a->run.signo);
	int len = snprintf(number, sizeof number, "interrupted by signal %d", signo);
	char *at = strstr(err->message, number);
	if (err->kind != ERR_INTERRUPTED || !at)
		return;
	snprintf(text, sizeof text, "%.*sinterrupted by %s%s", (int)(at - err->message), err->message, signals_name(signo), at + len);
	snprintf(err->message, sizeof err->message, "%s", text);
}

/* What is damaged has no other way out, and whoever reads this may have no time to look for it. */
static void name_way_out(struct error *err)
{
	if (err->kind == ERR_SNAPSHOT && !*err->hint)
		error_hint(err, "use another snapshot, or a copy of this one; `slackwater list` shows what there is");
}

/* Those that take a server into their hands do it themselves. */
static bool finishes_journals(const struct verb *v)
{
	for (const struct option_group *const *g = v->groups; *g; g++)
		if (*g == &config_lock)
			return true;
	return false;
}

static int work(struct app *a)
{
	struct error err = ERROR_INIT;
	struct log log;
	struct feed feed;
	enum log_level level = a->config.log_level < 0 ? a->verb->log_level : (enum log_level)a->config.log_level;
	if (log_open(&log, a->config.log_file, level, &err))
		return app_refuse(a->verb->name, &err, a->config.json);
	if (feed_open(&feed, a->config.events_fd, &err)) {
		log_close(&log);
		return app_refuse(a->verb->name, &err, a->config.json);
	}
	sink_init(&a->sink, &log, &feed);
	enum status st = run_init(&a->run, NULL, NULL, &a->sink.base, &err);
	if (!st && !a->verb->own_signals)
		st = signals_start(&a->signals, &a->run, &a->sink.base, &err);
	if (!st && !finishes_journals(a->verb))
		state_warn(a);
	if (!st)
		st = a->verb->run(a, &err);
	if (st && err.kind == ERR_NONE)
		error_set(&err, st, ERR_UNEXPECTED, "%s failed without saying why", a->verb->name);
	if (!st)
		err = ERROR_INIT; /* what a retry has mended is no failure */
	name_signal(a, &err);
	name_way_out(&err);
	signals_stop(&a->signals);
	sink_finish(&a->sink);
	int code = finish(a, &err);
	run_destroy(&a->run);
	sink_destroy(&a->sink);
	return code;
}

int app_main(const struct verb *verb, int argc, char *const *argv)
{
	struct app a = { .verb = verb, .text = BUF_INIT(APP_TEXT_MAX) };
	struct error err = ERROR_INIT;
	int code;
	config_init(&a.config);
	enum status st = parse(&a, argc, argv, &err);
	if (a.config.help || (a.config.version && !st))
		code = print_help(verb, a.config.version && !a.config.help);
	else if (st)
		code = app_refuse(verb->name, &err, app_json_asked(argc, argv));
	else
		code = work(&a);
	config_free(&a.config);
	buf_free(&a.text);
	json_decref(a.doc);
	return code;
}
