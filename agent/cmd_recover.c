/* SPDX-License-Identifier: Apache-2.0 */
/* recover: an applier that somebody else broke, explained and, where that is surely safe, put right. */
#include <stdlib.h>

#include "cmd.h"
#include "connection.h"
#include "finish.h"
#include "output_recover.h"
#include "prompt.h"
#include "slackwater/recover.h"
#include "state.h"
#include "text.h"

static const struct option_group *const groups[] = { &config_connection, &config_recovery, &config_finish, &config_state, &config_lock, &config_output, NULL };

static enum status ask(void *arg, const struct recover_finding *f, bool *ret, struct error *err)
{
	struct app *app = arg;
	struct buf question = BUF_INIT(1u << 16);
	text_add(&question, f->label);
	buf_adds(&question, ": ");
	text_add(&question, f->text);
	buf_adds(&question, "\nStart it? [y/N] ");
	enum status st = buf_check(&question, "the question", err);
	if (!st)
		st = prompt_yes(buf_str(&question), &app->run, ret, err);
	buf_free(&question);
	return st;
}

static enum status show(struct app *app, const struct recover_report *r, const struct error *verdict, int64_t elapsed_ms,
                        struct error *err)
{
	if (app->config.json)
		return output_recover_json(&app->doc, r, verdict->kind == ERR_NONE, elapsed_ms, err);
	output_recover_text(&app->text, r, app->config.apply);
	return ST_OK;
}

/* "Repaired, exit 0" is what --apply would be taken to say, where nobody has looked at any applier. */
static enum status finish(struct app *app, struct error *err)
{
	const struct config *c = &app->config;
	if (!c->apply)
		return finish_all(app, c->config_file, err);
	error_set(err, ST_FAILED, ERR_USAGE, "--config only finishes what dead runs have left; --apply repairs one server, and cannot go with it");
	error_hint(err, "name the server instead: --defaults-file=FILE, and --state-dir where an agent runs");
	return ST_FAILED;
}

static enum status recover_verb_run(struct app *app, struct error *err)
{
	const struct config *c = &app->config;
	struct recover_options o = {
		.apply = c->apply,
		.deadline_ms = c->recover_deadline_ms,
		.wait_lock_ms = c->wait_lock_ms,
		.no_named_lock = c->no_guard,
	};
	struct recover_report report = { .n = 0 };
	struct error printing = ERROR_INIT;
	struct optfile *files = NULL;
	char *dir = NULL;
	int64_t begun = run_now_ms(&app->run);

	if (c->config_file)
		return finish(app, err);
	enum status st = connection_files(c, &app->sink.base, &files, err);
	if (!st)
		st = connection_options(c, files, &app->run, &o.server, err);
	if (!st)
		st = state_dir(c, &dir, err);
	o.state_dir = dir;
	if (!st && !c->json && prompt_possible()) {
		o.ask = ask;
		o.ask_arg = app;
	}
	if (!st)
		st = recover_run(&o, &app->run, &report, err);
	if (*report.server.version_text &&
	    show(app, &report, st ? err : &(struct error){ .kind = ERR_NONE }, run_now_ms(&app->run) - begun, &printing) && !st) {
		*err = printing;
		st = ST_FAILED;
	}
	recover_report_free(&report);
	free(dir);
	conn_options_free(&o.server);
	optfile_free(files);
	return st;
}

const struct verb cmd_recover = {
	.name = "recover",
	.summary = "explain what is wrong with replication, and put right what can be",
	.synopsis = "[CONNECTION | --config FILE] [--apply] [--json]",
	.about = "Looks at every channel for interrupted workers and the gap they left, transactions that were never received, a "
	         "stopped applier, and errors of applier and receiver, and says what to do. With --apply it repairs what is surely "
	         "safe: it starts the applier, waits for the gap to close and shows that it has. It never skips a transaction and "
	         "never ends anybody's session. Exit 0: healthy or repaired; 5: a person is needed. With --config it only does "
	         "what a service manager wants done after the agent: it starts the appliers that dead runs have left stopped.",
	.example = "  slackwater recover -h db2 -u backup -p\n"
	           "  slackwater recover --defaults-file=/root/replica.cnf --apply\n",
	.groups = groups,
	.log_level = LOG_LEVEL_INFO,
	.run = recover_verb_run,
};
