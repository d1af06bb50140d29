/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app: what surrounds every verb: options, log, cancel token, signals, and at the end the result, the error and the exit code.
 *
 * A verb fills text (for people) or doc (for --json) with its result, as far as it got; app prints one of them, then the error. It never
 * prints by itself, watch.c apart: while it works standard error belongs to the log and the progress line, standard output to a snapshot in a pipe.
 */
#pragma once

#include <jansson.h>

#include "config.h"
#include "signals.h"
#include "sink.h"

struct app;

struct verb {
	const char *name;
	const char *summary;  /* one line, in the list of verbs */
	const char *synopsis; /* behind "slackwater NAME" */
	const char *about;    /* paragraphs of the help */
	const char *example;  /* lines of the help */
	const struct option_group *const *groups; /* NULL-terminated */
	bool takes_id;        /* [ID|latest] */
	bool takes_name;      /* [SNAPSHOT], of the agent's configuration */
	bool own_signals;     /* it takes SIGINT, SIGTERM and SIGHUP by itself */
	enum log_level log_level; /* without --log-level */
	enum status (*run)(struct app *app, struct error *err);
};

struct app {
	const struct verb *verb;
	struct config config;
	struct sink sink;
	struct run run;
	struct signals signals;
	bool result_to_stderr; /* standard output carries a snapshot */
	bool doc_per_line;     /* several documents come, one a line: the one at the end too */
	struct buf text;
	json_t *doc;
};

/* The whole process for one verb; argv without program and verb. Returns the exit code. */
int app_main(const struct verb *verb, int argc, char *const *argv);
/* An error before there is an app: usage of the program itself. Returns the exit code. */
int app_refuse(const char *verb, const struct error *err, bool json);
bool app_json_asked(int argc, char *const *argv);
/* ERR_USAGE naming the option when value is NULL. */
enum status app_require(const char *value, const char *option, const char *example, struct error *err);
/* ERR_USAGE when --from is missing, or a pipe: it holds one snapshot, read once, and can be neither listed nor looked up in. */
enum status app_require_repository(const struct app *app, struct error *err);
