/* SPDX-License-Identifier: Apache-2.0 */
/* seed: an empty server becomes a replica that resumes where the snapshot was taken. */
#include <stdlib.h>

#include "cmd.h"
#include "connection.h"
#include "keys.h"
#include "output_json.h"
#include "output_text.h"
#include "sources.h"
#include "state.h"
#include "work.h"

static const struct option_group *const groups[] = {
	&config_connection, &config_from, &config_s3, &config_decryption, &config_sources, &config_seeding, &config_state, &config_lock, &config_output, NULL,
};

/* What speaks of a source, or of replicating. */
static enum status check_standalone(const struct config *c, struct error *err)
{
	const struct { bool given; const char *name; } wrong[] = {
		{ c->source.n, "source" },
		{ c->source_user, "source-user" },
		{ c->source_ssl_mode >= 0, "source-ssl-mode" },
		{ c->source_ssl_ca, "source-ssl-ca" },
		{ c->source_ssl_cert, "source-ssl-cert" },
		{ c->source_ssl_key, "source-ssl-key" },
		{ c->source_public_key, "source-public-key" },
		{ c->from_replica, "from-replica" },
		{ c->no_start, "no-start" },
		{ c->checksum, "checksum" },
	};
	for (size_t i = 0; c->standalone && i < sizeof wrong / sizeof wrong[0]; i++)
		if (wrong[i].given)
			return error_set(err, ST_FAILED, ERR_USAGE, "--standalone is for a server that has no source; it cannot go with --%s", wrong[i].name);
	return ST_OK;
}

static enum status check_usage(const struct config *c, struct error *err)
{
	struct store_options options = work_store_options(c);
	enum status st = app_require(c->from, "from", "file:///backup", err);
	if (!st)
		st = store_check_url(c->from, &options, err);
	if (!st)
		st = check_standalone(c, err);
	if (!st && c->dry_run && c->no_start)
		st = error_set(err, ST_FAILED, ERR_USAGE, "--dry-run loads nothing, --no-start loads everything: give one of them");
	if (!st && c->checksum && (c->dry_run || c->no_start))
		st = error_set(err, ST_FAILED, ERR_USAGE, "--checksum compares a seed that replicates; it cannot go with %s",
		               c->dry_run ? "--dry-run" : "--no-start");
	return st;
}

static enum status collect(struct app *app, const struct optfile *files, struct seed_options *o, struct error *err)
{
	const struct config *c = &app->config;
	enum status st = c->standalone ? ST_OK : sources_read(c, files, &o->source, &o->nsources, err);
	if (!st)
		st = connection_options(c, files, &app->run, &o->target, err);
	if (!st && c->checksum)
		st = connection_elsewhere(c->checksum, c, files, &o->target, &o->checksum_server, err);
	o->checksum = c->checksum != NULL;
	o->window = work_window_options(c);
	return st;
}

static enum status show(struct app *app, const struct seed_options *o, const struct seed_report *r, int64_t elapsed_ms,
                        struct error *err)
{
	if (app->config.json)
		return output_json_seed(&app->doc, r, elapsed_ms, err);
	output_text_seed(&app->text, o, r, elapsed_ms);
	return ST_OK;
}

static enum status seed_verb_run(struct app *app, struct error *err)
{
	const struct config *c = &app->config;
	struct seed_options o = {
		.from = c->from,
		.store = work_store_options(c),
		.instance = c->instance,
		.id = c->id,
		.from_replica = c->from_replica,
		.load_only = c->standalone,
		.standalone = c->standalone,
		.replace = c->replace,
		.no_start = c->no_start,
		.dry_run = c->dry_run,
		.verify_full = c->verify == CONFIG_VERIFY_FULL,
		.keep_redo_log = c->keep_redo_log,
		.threads = config_threads(c),
		.catch_up_timeout_ms = c->catch_up_timeout_ms,
	};
	struct seed_report report = { .backlog = 0 };
	struct optfile *files = NULL;
	char *dir = NULL;
	int64_t start = run_now_ms(&app->run);

	enum status st = check_usage(c, err);
	if (!st)
		st = connection_files(c, &app->sink.base, &files, err);
	if (!st)
		st = collect(app, files, &o, err);
	if (!st)
		st = state_dir(c, &dir, err);
	if (!st)
		st = state_finish(app, dir, &o.target, err);
	o.window.state_dir = dir;
	o.wait_lock_ms = c->wait_lock_ms;
	if (!st)
		st = keys_ring(c, &app->run, &app->sink.base, &o.keyring, err);
	if (!st)
		st = seed_run(&o, &app->run, &report, err);
	if (!st)
		st = show(app, &o, &report, run_now_ms(&app->run) - start, err);
	else if (c->json && *report.id)
		(void)show(app, &o, &report, run_now_ms(&app->run) - start, &(struct error){ .kind = ERR_NONE });
	seed_report_free(&report);
	age_keyring_free(o.keyring);
	free(dir);
	sources_free(o.source, o.nsources);
	conn_options_free(&o.target);
	conn_options_free(&o.checksum_server);
	optfile_free(files);
	return st;
}

const struct verb cmd_seed = {
	.name = "seed",
	.summary = "make an empty server a replica that resumes at the snapshot",
	.synopsis = "[CONNECTION] --from URL [ID|latest] {--source [CHANNEL=]HOST[:PORT] --source-user NAME | --standalone} [OPTIONS]",
	.about = "CONNECTION is the server to be seeded. Everything that can be known beforehand is checked before a byte is "
	         "loaded (exit 9); then the snapshot is loaded in parallel, replication is configured and started, and the seed is "
	         "proven: it has connected, applied what was waiting, and caught up without an error (else exit 10). With "
	         "--standalone there is no source: the snapshot is loaded, its rows are counted, and the server gets the "
	         "snapshot's GTIDs, so that it can be the source of others.",
	.example = "  slackwater seed --defaults-file=/root/new.cnf --from file:///backup \\\n"
	           "      --source db1:3306 --source-user repl\n"
	           "  slackwater seed --defaults-file=/root/new.cnf --from /backup --standalone\n",
	.groups = groups,
	.takes_id = true,
	.log_level = LOG_LEVEL_INFO,
	.run = seed_verb_run,
};
