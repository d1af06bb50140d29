/* SPDX-License-Identifier: Apache-2.0 */
/* run, pause, resume, cancel: telling the running agent. */
#include <stdio.h>
#include <string.h>

#include "remote.h"
#include "cmd.h"
#include "output_json.h"
#include "slackwater/units.h"

enum { CONTROL_POLL_MS = 500, CONTROL_AWAY_MS = 60000, CONTROL_PATH = 200 };

static const struct option_group *const groups[] = { &config_control, &config_output, NULL };
static const struct option_group *const run_groups[] = { &config_control, &config_wait, &config_output, NULL };

static enum status tell(struct app *app, struct remote *c, const char *path, json_t **ret, struct error *err)
{
	json_t *body = app->config.snapshot ? json_pack("{so}", "snapshot", jsonx_text(app->config.snapshot)) : json_object();
	enum status st = body ? remote_post(c, path, body, ret, err) : error_oom(err);
	json_decref(body);
	return st;
}

/* ---- pause, resume, cancel ---- */

static void show(struct app *app, const json_t *answer, const char *done)
{
	json_t *list = json_object_get(answer, "snapshots");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *s = json_array_get(list, i);
		const char *run = jsonx_str_or(s, "run", NULL);
		buf_addf(&app->text, "%s: %s%s%s\n", jsonx_str_or(s, "name", "?"), done, run ? " " : "", run ? run : "");
	}
	if (!json_array_size(list))
		buf_addf(&app->text, "nothing: every snapshot was so already\n");
}

static enum status tell_and_show(struct app *app, const char *path, const char *done, struct error *err)
{
	struct remote *c = NULL;
	json_t *answer = NULL;
	enum status st = remote_open(&app->config, &app->run, &c, err);
	if (!st)
		st = tell(app, c, path, &answer, err);
	if (!st && app->config.json)
		app->doc = json_incref(answer);
	else if (!st)
		show(app, answer, done);
	json_decref(answer);
	remote_free(c);
	return st;
}

static enum status pause_run(struct app *app, struct error *err)
{
	return tell_and_show(app, "/api/v1/pause", "paused; what runs goes on", err);
}

static enum status resume_run(struct app *app, struct error *err)
{
	return tell_and_show(app, "/api/v1/resume", "goes on", err);
}

static enum status cancel_run(struct app *app, struct error *err)
{
	return tell_and_show(app, "/api/v1/cancel", "told to end", err);
}

/* ---- run ---- */

static const json_t *find(const json_t *list, const char *member, const char *value)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!strcmp(jsonx_str_or(json_array_get(list, i), member, ""), value))
			return json_array_get(list, i);
	return NULL;
}

/* *ret is set once the run has ended. A run that waits for its turn is in no list yet, but its snapshot knows of it. */
static enum status look(struct remote *c, const char *id, json_t **ret, struct error *err)
{
	json_t *view = NULL;
	enum status st = remote_get(c, "/api/v1/status", &view, err);
	const json_t *run = find(json_object_get(view, "runs"), "id", id);
	if (!st && run && strcmp(jsonx_str_or(run, "state", ""), "running") != 0)
		*ret = json_deep_copy(run);
	if (!st && !run && !find(json_object_get(view, "snapshots"), "asked", id))
		st = error_set(err, ST_FAILED, ERR_INTERRUPTED, "%s is gone: it was cancelled before it began, or the agent was restarted", id);
	json_decref(view);
	return st;
}

static enum status wait_for(struct app *app, struct remote *c, const char *id, json_t **ret, struct error *err)
{
	int64_t heard = run_now_ms(&app->run);
	enum status st = ST_OK;
	while (!st && !*ret) {
		st = look(c, id, ret, err);
		if (!st)
			heard = run_now_ms(&app->run);
		else if (st == ST_RETRY && run_now_ms(&app->run) - heard < CONTROL_AWAY_MS)
			st = ST_OK; /* restarting; the run's fate is asked of the next one */
		if (!st && !*ret)
			st = run_sleep_ms(&app->run, CONTROL_POLL_MS, err);
	}
	if (st && run_cancelled(&app->run))
		error_hint(err, "the run goes on: slackwater cancel ends it");
	return st;
}

static enum status show_run(struct app *app, json_t *run, struct error *err)
{
	const json_t *result = json_object_get(run, "result"), *error = json_object_get(run, "error");
	char pause[UNITS_TEXT], bytes[UNITS_TEXT];
	if (app->config.json && !app->doc)
		app->doc = json_incref(run);
	units_duration((int64_t)jsonx_u64_or(result, "pause_ms", 0), pause);
	units_size(jsonx_u64_or(result, "stored_bytes", 0), bytes);
	if (json_is_object(result))
		buf_addf(&app->text, "%s: %s, snapshot %s, %s stored, pause %s\n", jsonx_str_or(run, "snapshot", "?"), jsonx_str_or(run, "state", "?"),
		         jsonx_str_or(result, "id", "?"), bytes, pause);
	return json_is_object(error) ? remote_error(error, err) : ST_OK;
}

static enum status wait_all(struct app *app, struct remote *c, const json_t *answer, struct error *err)
{
	json_t *list = json_object_get(answer, "snapshots");
	enum status first = ST_OK;
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct error why = ERROR_INIT;
		json_t *run = NULL;
		enum status st = wait_for(app, c, jsonx_str_or(json_array_get(list, i), "run", ""), &run, &why);
		if (!st)
			st = show_run(app, run, &why);
		if (st && !first) {
			first = st;
			*err = why;
		}
		json_decref(run);
	}
	return first;
}

static enum status run_run(struct app *app, struct error *err)
{
	struct remote *c = NULL;
	json_t *answer = NULL;
	enum status st = app->config.snapshot ? ST_OK : ST_FAILED;
	if (st) {
		error_set(err, ST_FAILED, ERR_USAGE, "run needs the name of a snapshot section");
		error_hint(err, "slackwater status --config FILE lists them");
		return st;
	}
	st = remote_open(&app->config, &app->run, &c, err);
	if (!st)
		st = tell(app, c, "/api/v1/run", &answer, err);
	if (!st && app->config.wait)
		st = wait_all(app, c, answer, err);
	else if (!st && app->config.json)
		app->doc = json_incref(answer);
	else if (!st)
		show(app, answer, "asked for, as");
	json_decref(answer);
	remote_free(c);
	return st;
}

const struct verb cmd_run = {
	.name = "run",
	.summary = "have the agent take a snapshot now",
	.synopsis = "SNAPSHOT [--wait] [--config FILE | --control-socket PATH]",
	.about = "Asks the running agent for a run of [snapshot SNAPSHOT], whatever its schedule, hours and lag gate say, and even "
	         "when paused; only another run of the same instance goes first. With --wait the exit code is that of the run.",
	.example = "  slackwater run nightly --wait\n",
	.groups = run_groups,
	.takes_name = true,
	.log_level = LOG_LEVEL_WARNING,
	.run = run_run,
};

const struct verb cmd_pause = {
	.name = "pause",
	.summary = "have the agent start nothing for now",
	.synopsis = "[SNAPSHOT] [--config FILE | --control-socket PATH]",
	.about = "The running agent starts no more runs of [snapshot SNAPSHOT], or of any, until resume; a run in progress goes "
	         "on. The pause survives a restart of the agent. It has nothing to do with the applier.",
	.example = "  slackwater pause nightly\n",
	.groups = groups,
	.takes_name = true,
	.log_level = LOG_LEVEL_WARNING,
	.run = pause_run,
};

const struct verb cmd_resume = {
	.name = "resume",
	.summary = "have the agent go on after pause",
	.synopsis = "[SNAPSHOT] [--config FILE | --control-socket PATH]",
	.about = "Lifts the pause of [snapshot SNAPSHOT], or the one of everything; snapshots paused by name then stay paused, and "
	         "while everything is, no single one can be resumed. "
	         "What fell due meanwhile is made up for once, unless catch-up is off.",
	.example = "  slackwater resume nightly\n",
	.groups = groups,
	.takes_name = true,
	.log_level = LOG_LEVEL_WARNING,
	.run = resume_run,
};

const struct verb cmd_cancel = {
	.name = "cancel",
	.summary = "have the agent end what runs",
	.synopsis = "[SNAPSHOT] [--config FILE | --control-socket PATH]",
	.about = "Ends the run of [snapshot SNAPSHOT], or every run. A backup always starts its applier first. The run is not "
	         "retried before the next due time.",
	.example = "  slackwater cancel nightly\n",
	.groups = groups,
	.takes_name = true,
	.log_level = LOG_LEVEL_WARNING,
	.run = cancel_run,
};
