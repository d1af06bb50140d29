/* SPDX-License-Identifier: Apache-2.0 */
/* status: what the parallel applier of a server does now, or what the agent does, once or again and again; touches nothing. */
#include "cmd.h"
#include "conf/settings.h"
#include "connection.h"
#include "output_agent.h"
#include "output_schedule.h"
#include "output_status.h"
#include "remote.h"
#include "slackwater/observe.h"
#include "watch.h"

static const struct option_group *const groups[] = { &config_connection, &config_status, &config_control, &config_state, &config_output, NULL };

struct looker {
	struct observer *server; /* one of the two */
	struct remote *agent;
};

/* Into app's result. */
static enum status look_at_server(struct app *app, struct observer *ob, struct error *err)
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

static enum status look_at_agent(struct app *app, struct remote *agent, struct error *err)
{
	json_t *view = NULL;
	enum status st = remote_get(agent, "/api/v1/status", &view, err);
	if (!st && app->config.json)
		app->doc = json_incref(view);
	else if (!st)
		st = output_agent(&app->text, view, err);
	json_decref(view);
	return st;
}

static enum status look(struct app *app, const struct looker *l, struct error *err)
{
	return l->agent ? look_at_agent(app, l->agent, err) : look_at_server(app, l->server, err);
}

static enum status look_again(struct app *app, const struct looker *l, struct error *err)
{
	struct watch w;
	enum status st = ST_OK;
	watch_init(&w, app);
	while (!st) {
		int64_t next = run_now_ms(&app->run) + app->config.watch_ms;
		st = look(app, l, err);
		if (!st)
			st = watch_show(&w, app, err);
		if (!st)
			st = run_sleep_ms(&app->run, next - run_now_ms(&app->run), err);
	}
	return st;
}

/* No agent answers: what would be due is still worth knowing. */
static enum status next_runs(struct app *app, const struct error *why, struct error *err)
{
	struct settings *s = NULL;
	enum status st = settings_read(app->config.config_file, &s, NULL, err);
	if (!st)
		event_warning(&app->sink.base, "agent", "%s; what follows is what the configuration says", why->message);
	if (!st && app->config.json)
		st = output_schedule_json(&app->doc, s, run_wall_ms(&app->run), err);
	else if (!st)
		output_schedule(&app->text, s, run_wall_ms(&app->run));
	settings_free(s);
	return st;
}

static enum status status_of_agent(struct app *app, struct error *err)
{
	struct looker l = { .server = NULL };
	struct error why = ERROR_INIT;
	enum status st = remote_open(&app->config, &app->run, &l.agent, &why);
	if (!st)
		st = app->config.watch_ms ? look_again(app, &l, &why) : look(app, &l, &why);
	remote_free(l.agent);
	if (st == ST_RETRY && why.kind == ERR_PREFLIGHT && app->config.config_file && !app->config.watch_ms)
		return next_runs(app, &why, err);
	*err = why;
	return st;
}

static enum status status_of_server(struct app *app, struct error *err)
{
	struct optfile *files = NULL;
	struct conn_options server = { .host = NULL };
	struct observe_options opt = { .error_log = app->config.error_log };
	struct looker l = { .agent = NULL };
	enum status st = connection_files(&app->config, &app->sink.base, &files, err);
	if (!st)
		st = connection_options(&app->config, files, &app->run, &server, err);
	if (!st)
		st = observer_open(&server, &opt, &app->run, &l.server, err);
	if (!st)
		st = app->config.watch_ms ? look_again(app, &l, err) : look(app, &l, err);
	observer_free(l.server);
	conn_options_free(&server);
	optfile_free(files);
	return st;
}

static enum status status_run(struct app *app, struct error *err)
{
	bool agent = app->config.config_file || app->config.control_socket;
	return agent ? status_of_agent(app, err) : status_of_server(app, err);
}

const struct verb cmd_status = {
	.name = "status",
	.summary = "show what the parallel applier does now, or what the agent does",
	.synopsis = "[CONNECTION | --config FILE] [--watch [D]] [--error-log FILE] [--json]",
	.about = "Shows for each channel what each worker applies and for how long, the gap at this moment, the low-water mark, "
	         "how far the applier is behind what has been received, lag, and what it has waited for; explains in words what a "
	         "high figure points at. Reads only. What the account may not read is left out and named. With --config or "
	         "--control-socket it asks the agent for instances, snapshots, next runs and last results; if none answers, it "
	         "computes from the configuration when snapshots are due next.",
	.example = "  slackwater status -h db2 -u backup -p --watch 2s\n"
	           "  slackwater status --config /etc/slackwater/slackwater.conf\n",
	.groups = groups,
	.log_level = LOG_LEVEL_WARNING,
	.run = status_run,
};
