/* SPDX-License-Identifier: Apache-2.0 */
/* restore: a snapshot unpacked into a directory that myloader and the plain client understand. */
#include <string.h>

#include "cmd.h"
#include "keys.h"
#include "output_json.h"
#include "output_text.h"
#include "slackwater/stored.h"
#include "work.h"

static const struct option_group *const groups[] = {
	&config_from, &config_s3, &config_decryption, &config_to_dir, &config_choice, &config_readers, &config_output, NULL,
};

static bool is_partial(const struct config *c)
{
	return c->include.n || c->exclude.n || c->tables_from_file;
}

/* What there is to be told of afterwards is in *ret_m, and how many tables are not there in *ret_left_out. */
static enum status restore_chosen(struct app *app, struct store *store, struct manifest *m, uint64_t *ret_left_out, struct error *err)
{
	const struct config *c = &app->config;
	struct engine_options eo = { 0 };
	struct restore_part part = { .tables = 0 };
	enum status st = work_engine_options(c, &eo, err);
	if (!st)
		st = engine_logical_choose(store, m, &eo, &part, err);
	if (!st)
		st = snapshot_restore_part(store, m, &part, c->to_dir, config_threads(c), &app->run, err);
	if (!st) {
		m->tables = part.tables;
		m->rows = part.rows;
		*ret_left_out = part.left_out;
	}
	restore_part_free(&part);
	work_engine_options_free(&eo);
	return st;
}

static enum status check_usage(const struct config *c, struct error *err)
{
	enum status st = app_require(c->from, "from", "file:///backup", err);
	if (!st)
		st = app_require(c->to_dir, "to-dir", "/restore", err);
	if (st || strcmp(c->from, "-") != 0 || !is_partial(c))
		return st;
	error_set(err, ST_FAILED, ERR_USAGE, "tables are chosen from a repository; a pipe is unpacked whole");
	return error_hint(err, "leave out --include, --exclude and --tables-from-file");
}

static enum status restore_run(struct app *app, struct error *err)
{
	const struct config *c = &app->config;
	struct store_options options = work_store_options(c);
	struct store *store = NULL;
	struct manifest *m = NULL;
	struct age_keyring *keyring = NULL;
	uint64_t left_out = 0;
	int64_t start = run_now_ms(&app->run);

	enum status st = check_usage(c, err);
	if (!st)
		st = keys_ring(c, &app->run, &app->sink.base, &keyring, err);
	if (!st)
		st = store_open(c->from, STORE_READ, &options, &app->run, &store, err);
	if (!st && (store->ops->features & STORE_SEQUENTIAL)) {
		st = snapshot_unpack_stream(store, keyring, c->to_dir, &app->run, &m, err);
	} else if (!st) {
		st = catalog_find(store, c->instance, c->id, &m, err);
		if (!st)
			m->objects.keyring = keyring;
		if (!st && is_partial(c))
			st = restore_chosen(app, store, m, &left_out, err);
		else if (!st)
			st = snapshot_restore(store, m, c->to_dir, config_threads(c), &app->run, err);
	}
	int64_t elapsed = run_now_ms(&app->run) - start;
	if (!st && c->json)
		st = output_json_restore(&app->doc, m, c->to_dir, left_out, elapsed, err);
	else if (!st)
		output_text_restore(&app->text, m, c->to_dir, left_out, elapsed);
	manifest_free(m);
	store_free(store);
	age_keyring_free(keyring);
	return st;
}

const struct verb cmd_restore = {
	.name = "restore",
	.summary = "unpack a snapshot into a directory of SQL files",
	.synopsis = "--from URL [--instance NAME] [ID|latest] --to-dir DIR [--include P ...]",
	.about = "Checks the snapshot, then unpacks it into a directory in mydumper's layout: schema files, compressed "
	         "data files, metadata, checkpoint.json. No server is involved. A damaged snapshot leaves nothing "
	         "behind. With --include and the like only some of the tables are written, for getting one of them back; all is "
	         "read and checked nevertheless.",
	.example = "  slackwater restore --from file:///backup latest --to-dir /restore\n"
	           "  slackwater restore --from /backup --to-dir /one --include shop.orders\n",
	.groups = groups,
	.takes_id = true,
	.log_level = LOG_LEVEL_INFO,
	.run = restore_run,
};
