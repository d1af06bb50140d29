/* SPDX-License-Identifier: Apache-2.0 */
/* verify: every digest of a stored snapshot, or of one that comes through a pipe; with --restore a proof by restoring it. */
#include <stdlib.h>

#include "cmd.h"
#include "connection.h"
#include "keys.h"
#include "output_json.h"
#include "output_proof.h"
#include "output_text.h"
#include "slackwater/stored.h"
#include "sources.h"
#include "state.h"
#include "work.h"

static const struct option_group *const groups[] = {
	&config_from,  &config_s3,    &config_decryption, &config_readers, &config_proof,
	&config_sources, &config_files, &config_state,      &config_output,  NULL,
};

/* ---- reading alone ---- */

static enum status needs_restore(const struct config *c, struct error *err)
{
	const struct { bool given; const char *option; } only[] = {
		{ c->source.n, "source" },           { c->checksum, "checksum" },       { c->server_binary, "server-binary" },
		{ c->scratch_dir, "scratch-dir" },   { c->keep_scratch, "keep-scratch" }, { c->scratch_options.n, "scratch-option" },
		{ c->from_replica, "from-replica" },
	};
	for (size_t i = 0; i < sizeof only / sizeof only[0]; i++)
		if (only[i].given)
			return error_set(err, ST_FAILED, ERR_USAGE, "--%s is for --restore, which was not given", only[i].option);
	return ST_OK;
}

static enum status read_through(struct app *app, struct error *err)
{
	const struct config *c = &app->config;
	struct store_options options = work_store_options(c);
	struct store *store = NULL;
	struct manifest *m = NULL;
	struct age_keyring *keyring = NULL;
	struct verify_report report = { 0 };
	int64_t start = run_now_ms(&app->run);

	enum status st = needs_restore(c, err);
	if (!st)
		st = app_require(c->from, "from", "file:///backup", err);
	if (!st)
		st = keys_ring(c, &app->run, &app->sink.base, &keyring, err);
	if (!st)
		st = store_open(c->from, STORE_READ, &options, &app->run, &store, err);
	if (!st && (store->ops->features & STORE_SEQUENTIAL)) {
		st = snapshot_verify_stream(store, keyring, &app->run, &m, &report, err);
	} else if (!st) {
		st = catalog_find(store, c->instance, c->id, &m, err);
		if (!st)
			m->objects.keyring = keyring;
		if (!st)
			st = snapshot_verify(store, m, config_threads(c), &app->run, &report, err);
	}
	int64_t elapsed = run_now_ms(&app->run) - start;
	if (!st && c->json)
		st = output_json_verify(&app->doc, m, &report, elapsed, err);
	else if (!st)
		output_text_verify(&app->text, m, &report, elapsed);
	manifest_free(m);
	store_free(store);
	age_keyring_free(keyring);
	return st;
}

/* ---- restoring ---- */

/* The account for --checksum is [slackwater-checksum]'s, else the one that a backup would use. */
static enum status checksum_server(struct app *app, const struct optfile *files, struct proof_options *o, struct error *err)
{
	const struct config *c = &app->config;
	struct conn_options base = { .host = NULL };
	if (!c->checksum)
		return ST_OK;
	if (!o->nsources) {
		error_set(err, ST_FAILED, ERR_USAGE, "--checksum compares a server that replicates: give --source as well");
		return ST_FAILED;
	}
	o->checksum = true;
	enum status st = connection_options(c, files, &app->run, &base, err);
	if (!st)
		st = connection_elsewhere(c->checksum, c, files, &base, &o->checksum_server, err);
	if (!st)
		st = state_finish(app, o->window.state_dir, &o->checksum_server, err);
	conn_options_free(&base);
	return st;
}

static enum status collect(struct app *app, const struct optfile *files, struct proof_options *o, struct error *err)
{
	const struct config *c = &app->config;
	bool named = false;
	enum status st = sources_named(c, files, &named, err);
	if (!st && named)
		st = sources_read(c, files, &o->source, &o->nsources, err);
	if (!st && !named)
		event_warning(&app->sink.base, "proof", "no --source: the snapshot is restored and counted; whether a replica can go on from it is not tried");
	if (!st)
		st = checksum_server(app, files, o, err);
	if (!st)
		st = keys_ring(c, &app->run, &app->sink.base, &o->keyring, err);
	return st;
}

static enum status show(struct app *app, const struct proof_report *r, int64_t elapsed_ms, struct error *err)
{
	if (app->config.json)
		return output_proof_json(&app->doc, r, elapsed_ms, err);
	output_proof_text(&app->text, r, elapsed_ms);
	return ST_OK;
}

static enum status prove(struct app *app, struct error *err)
{
	const struct config *c = &app->config;
	struct proof_options o = {
		.from = c->from,
		.instance = c->instance,
		.id = c->id,
		.store = work_store_options(c),
		.from_replica = c->from_replica,
		.window = work_window_options(c),
		.wait_lock_ms = c->catch_up_timeout_ms,
		.catch_up_timeout_ms = c->catch_up_timeout_ms,
		.threads = config_threads(c),
		.binary = c->server_binary,
		.dir = c->scratch_dir,
		.user = c->scratch_user,
		.settings = &c->scratch_options,
		.memory_bytes = c->scratch_memory,
		.nice = c->scratch_nice,
		.keep = c->keep_scratch,
	};
	struct proof_report report = { .manifest = NULL };
	struct optfile *files = NULL;
	char *dir = NULL;
	int64_t start = run_now_ms(&app->run);

	enum status st = app_require_repository(app, err);
	if (!st)
		st = connection_files(c, &app->sink.base, &files, err);
	if (!st)
		st = state_dir(c, &dir, err);
	o.window.state_dir = dir;
	if (!st)
		st = collect(app, files, &o, err);
	if (!st)
		st = proof_run(&o, &app->run, &report, err);
	enum status shown = show(app, &report, run_now_ms(&app->run) - start, st ? &(struct error){ .kind = ERR_NONE } : err);
	proof_report_free(&report);
	age_keyring_free(o.keyring);
	sources_free(o.source, o.nsources);
	conn_options_free(&o.checksum_server);
	optfile_free(files);
	free(dir);
	return st ? st : shown;
}

static enum status verify_run(struct app *app, struct error *err)
{
	return app->config.restore ? prove(app, err) : read_through(app, err);
}

const struct verb cmd_verify = {
	.name = "verify",
	.summary = "check every digest of a snapshot; with --restore prove it by restoring",
	.synopsis = "--from URL [--instance NAME] [ID|latest] [--restore [--source HOST[:PORT]] [OPTIONS]]",
	.about = "Reads every object of the snapshot and compares sizes and SHA-256 digests with its manifest. Exit 0: whole; 8: "
	         "missing or damaged, naming the object. --from - reads a snapshot from standard input. The digests of an "
	         "encrypted snapshot are checked without a key; with one, everything inside as well. With --restore a scratch "
	         "server without a network port is then started, seeded from the snapshot, and replicates from --source until it "
	         "has caught up; afterwards it is removed with its files. The result is recorded beside the manifest: proven, or "
	         "failed (exit 10) and why. Without --source the rows are counted, which is recorded as restored, not as proven.",
	.example = "  slackwater verify --from file:///backup latest\n"
	           "  slackwater verify --from file:///backup latest --restore --source db1:3306 \\\n"
	           "      --source-user repl --checksum replica1:3306\n",
	.groups = groups,
	.takes_id = true,
	.log_level = LOG_LEVEL_INFO,
	.run = verify_run,
};
