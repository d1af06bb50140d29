/* SPDX-License-Identifier: Apache-2.0 */
/* status: what the parallel applier of a server does now, once or again and again; touches nothing. */
#include "cmd.h"
#include "connection.h"
#include "output_json.h"
#include "output_schedule.h"
#include "output_status.h"
#include "slackwater/observe.h"
#include "watch.h"

static const struct option_group *const groups[] = { &config_connection, &config_status, &config_agent, &config_state, &config_output, NULL };

/* Into app's result. */
static enum status look(struct app *app, struct observer *ob, struct error *err)
{
	struct observation *o = NULL;
	enum status st = observer_look(ob, &o, err);
	if (!st && app->config.json && !(app->doc = observation_to_json(o)))
		st = error_oom(err);
	else if (!st && !app->config.json)
		st = output_status(&app->text, o, err);
	observation_free(o);
	return st;
}

static enum status look_again(struct app *app, struct observer *ob, struct error *err)
{
	struct watch w;
	enum status st = ST_OK;
	watch_init(&w, app);
	while (!st) {
		int64_t next = run_now_ms(&app->run) + app->config.watch_ms;
		st = look(app, ob, err);
		if (!st)
			st = watch_show(&w, app, err);
		if (!st)
			st = run_sleep_ms(&app->run, next - run_now_ms(&app->run), err);
	}
	return st;
}

static enum status next_runs(struct app *app, struct error *err)
{
	struct settings *s = NULL;
	enum status st = settings_read(app->config.config_file, &s, NULL, err);
	if (!st && app->config.json)
		st = output_schedule_json(&app->doc, s, run_wall_ms(&app->run), err);
	else if (!st)
		output_schedule(&app->text, s, run_wall_ms(&app->run));
	settings_free(s);
	return st;
}

static enum status status_of_server(struct app *app, struct error *err)
{
	struct optfile *files = NULL;
	struct conn_options server = { .host = NULL };
	struct observe_options opt = { .error_log = app->config.error_log };
	struct observer *ob = NULL;
	enum status st = connection_files(&app->config, &app->sink.base, &files, err);
	if (!st)
		st = connection_options(&app->config, files, &app->run, &server, err);
	if (!st)
		st = observer_open(&server, &opt, &app->run, &ob, err);
	if (!st)
		st = app->config.watch_ms ? look_again(app, ob, err) : look(app, ob, err);
	observer_free(ob);
	conn_options_free(&server);
	optfile_free(files);
	return st;
}

static enum status status_run(struct app *app, struct error *err)
{
	return app->config.config_file ? next_runs(app, err) : status_of_server(app, err);
}

const struct verb cmd_status = {
	.name = "status",
	.summary = "show what the parallel applier does now, and what holds it up",
	.synopsis = "[CONNECTION] [--watch [D]] [--error-log FILE] [--json] | --config FILE [--json]",
	.about = "Shows for each channel what each worker applies and for how long, the gap at this moment, low-water mark, "
	         "how far the applier is behind what has been received, lag, and what it has waited for; says in words what "
	         "a high figure points at. Reads only. What the account may not read is left out and named. "
	         "With --config: when the agent's snapshots are due next.",
	.example = "  slackwater status -h db2 -u backup -p --watch 2s\n",
	.groups = groups,
	.log_level = LOG_LEVEL_WARNING,
	.run = status_run,
};
