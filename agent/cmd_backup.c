/* SPDX-License-Identifier: Apache-2.0 */
/* backup: one snapshot of a replica. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "connection.h"
#include "keys.h"
#include "output_json.h"
#include "output_text.h"
#include "state.h"
#include "work.h"

static const struct option_group *const groups[] = {
	&config_connection, &config_to, &config_s3, &config_s3_write, &config_encryption, &config_window, &config_data, &config_work, &config_state,
	&config_lock, &config_output, NULL,
};

static enum status check_usage(struct app *app, struct error *err)
{
	struct store_options options = work_store_options(&app->config);
	enum status st = app_require(app->config.to, "to", "file:///backup", err);
	if (!st)
		st = store_check_url(app->config.to, &options, err);
	if (st)
		return st;
	app->result_to_stderr = !strcmp(app->config.to, "-");
	if (!app->result_to_stderr || !isatty(STDOUT_FILENO))
		return ST_OK;
	error_set(err, ST_FAILED, ERR_USAGE, "a snapshot is not written to a terminal");
	return error_hint(err, "--to - is for a pipe: slackwater backup --to - | ssh HOST 'cat > snapshot.tar'");
}

static enum status show(struct app *app, const struct manifest *m, const struct checkpoint *cp, int64_t elapsed_ms,
                        struct error *err)
{
	if (app->config.json)
		return output_json_backup(&app->doc, m, cp, app->config.to, elapsed_ms, err);
	output_text_backup(&app->text, m, cp, app->config.to, elapsed_ms);
	return ST_OK;
}

static enum status backup_run(struct app *app, struct error *err)
{
	const struct config *c = &app->config;
	struct snapshot_options o = { .to = c->to, .instance = c->instance, .shards = c->shards };
	struct optfile *files = NULL;
	struct age_recipients *recipients = NULL;
	struct manifest *m = NULL;
	struct checkpoint *cp = NULL;
	char *dir = NULL;
	int64_t start = run_now_ms(&app->run);

	enum status st = check_usage(app, err);
	if (!st)
		st = connection_files(c, &app->sink.base, &files, err);
	if (!st)
		st = connection_options(c, files, &app->run, &o.server, err);
	if (!st)
		st = work_engine_options(c, &o.engine, err);
	if (!st)
		st = state_dir(c, &dir, err);
	if (!st)
		st = state_finish(app, dir, &o.server, err);
	o.window = work_window_options(c);
	o.window.state_dir = dir;
	o.wait_lock_ms = c->wait_lock_ms;
	o.store = work_store_options(c);
	if (!st)
		st = keys_recipients(c, &app->run, &recipients, err);
	o.recipients = recipients;
	if (!st)
		st = snapshot_take(&o, &app->run, &m, &cp, err);
	if (!st)
		st = show(app, m, cp, run_now_ms(&app->run) - start, err);
	manifest_free(m);
	checkpoint_free(cp);
	free(dir);
	age_recipients_free(recipients);
	work_engine_options_free(&o.engine);
	conn_options_free(&o.server);
	optfile_free(files);
	return st;
}

const struct verb cmd_backup = {
	.name = "backup",
	.summary = "take a snapshot of a replica, with its applier's checkpoint",
	.synopsis = "[CONNECTION] --to URL [OPTIONS]",
	.about = "Waits for a moment in which the applier can be stopped quickly, proves that it has no gap, opens "
	         "consistent read views, lets the applier go on, and then reads the data in parallel.",
	.example = "  slackwater backup --defaults-file=/root/replica.cnf --to file:///backup\n",
	.groups = groups,
	.log_level = LOG_LEVEL_INFO,
	.run = backup_run,
};
