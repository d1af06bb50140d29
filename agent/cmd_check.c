/* SPDX-License-Identifier: Apache-2.0 */
/* check: what stands in the way of a backup of this server now; touches nothing, but for what a run that died has left stopped. */
#include <stdlib.h>

#include "check_config.h"
#include "cmd.h"
#include "connection.h"
#include "output_checkpoint.h"
#include "output_json.h"
#include "slackwater/engine.h"
#include "state.h"
#include "work.h"

static const struct option_group *const groups[] = { &config_connection, &config_window, &config_data, &config_state, &config_lock, &config_agent,
	                                                 &config_file_only, &config_output, NULL };

static enum status show(struct app *app, const struct preflight *p, const struct error *verdict, struct error *err)
{
	if (app->config.json)
		return output_json_check(&app->doc, p, verdict, err);
	enum status st = output_checkpoint_preflight(&app->text, p, verdict->kind == ERR_NONE, err);
	if (!st && verdict->kind == ERR_NONE)
		buf_adds(&app->text, "\nReady for a backup.\n");
	return st;
}

/* Whether the data can be captured without loss is the engine's to say. */
static enum status probe_engine(struct app *app, const struct conn_options *server, struct error *err)
{
	struct engine_options eo = { 0 };
	struct engine *engine = NULL;
	enum status st = work_engine_options(&app->config, &eo, err);
	if (!st)
		st = engine_logical_new(server, &eo, &engine, err);
	if (!st)
		st = engine->ops->probe(engine, &app->run, err);
	engine_free(engine);
	work_engine_options_free(&eo);
	return st;
}

static enum status check_server(struct app *app, struct error *err)
{
	struct optfile *files = NULL;
	struct conn_options server = { .host = NULL };
	struct preflight *p = NULL;
	struct error printing = ERROR_INIT;
	struct window_options window = work_window_options(&app->config);
	char *dir = NULL;

	enum status st = connection_files(&app->config, &app->sink.base, &files, err);
	if (!st)
		st = connection_options(&app->config, files, &app->run, &server, err);
	if (!st)
		st = state_dir(&app->config, &dir, err);
	if (!st)
		st = state_finish(app, dir, &server, err);
	if (!st)
		st = window_preflight(&server, &window, &app->run, &p, err);
	if (!st)
		st = probe_engine(app, &server, err);
	if (p && show(app, p, st ? err : &(struct error){ .kind = ERR_NONE }, &printing) && !st) {
		*err = printing;
		st = ST_FAILED;
	}
	preflight_free(p);
	free(dir);
	conn_options_free(&server);
	optfile_free(files);
	return st;
}

static enum status check_run(struct app *app, struct error *err)
{
	if (app->config.config_file)
		return check_config(app, err);
	if (app->config.file_only)
		return error_set(err, ST_FAILED, ERR_USAGE, "--file-only needs --config FILE");
	return check_server(app, err);
}

const struct verb cmd_check = {
	.name = "check",
	.summary = "say whether a backup of this server would work, and touch nothing",
	.synopsis = "[CONNECTION] [--json] | --config FILE [--file-only] [--json]",
	.about = "Logs in and reports the server, its replication channels, gaps at this moment, missing rights, and what a backup "
	         "would do. Exit 0: ready; 3: refused, with the reason; 5: the applier is broken or has a gap. With --config it "
	         "checks the agent's configuration: the file, what it names, each instance, snapshot and store (--file-only: not these). "
	         "Exit 2: mistakes in the file, each with its line; 3: a server or a store refuses.",
	.example = "  slackwater check -h db2 -u backup -p\n",
	.groups = groups,
	.log_level = LOG_LEVEL_WARNING,
	.run = check_run,
};
