/* SPDX-License-Identifier: Apache-2.0 */
/* restore: a snapshot unpacked into a directory that myloader and the plain client understand. */
#include "cmd.h"
#include "keys.h"
#include "output_json.h"
#include "output_text.h"
#include "slackwater/stored.h"
#include "work.h"

static const struct option_group *const groups[] = { &config_from, &config_s3, &config_decryption, &config_to_dir, &config_readers, &config_output, NULL };

static enum status restore_run(struct app *app, struct error *err)
{
	const struct config *c = &app->config;
	struct store_options options = work_store_options(c);
	struct store *store = NULL;
	struct manifest *m = NULL;
	struct age_keyring *keyring = NULL;
	int64_t start = run_now_ms(&app->run);

	enum status st = app_require(c->from, "from", "file:///backup", err);
	if (!st)
		st = app_require(c->to_dir, "to-dir", "/restore", err);
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
		if (!st)
			st = snapshot_restore(store, m, c->to_dir, config_threads(c), &app->run, err);
	}
	int64_t elapsed = run_now_ms(&app->run) - start;
	if (!st && c->json)
		st = output_json_restore(&app->doc, m, c->to_dir, elapsed, err);
	else if (!st)
		output_text_restore(&app->text, m, c->to_dir, elapsed);
	manifest_free(m);
	store_free(store);
	age_keyring_free(keyring);
	return st;
}

const struct verb cmd_restore = {
	.name = "restore",
	.summary = "unpack a snapshot into a directory of SQL files",
	.synopsis = "--from URL [--instance NAME] [ID|latest] --to-dir DIR",
	.about = "Checks the snapshot, then unpacks it into a directory in mydumper's layout: schema files, compressed "
	         "data files, metadata, checkpoint.json. No server is involved. A damaged snapshot leaves nothing "
	         "behind.",
	.example = "  slackwater restore --from file:///backup latest --to-dir /restore\n",
	.groups = groups,
	.takes_id = true,
	.log_level = LOG_LEVEL_INFO,
	.run = restore_run,
};
