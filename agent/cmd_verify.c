/* SPDX-License-Identifier: Apache-2.0 */
/* verify: every digest of a stored snapshot, or of one that comes through a pipe. */
#include <string.h>

#include "cmd.h"
#include "keys.h"
#include "output_json.h"
#include "output_text.h"
#include "slackwater/stored.h"
#include "work.h"

static const struct option_group *const groups[] = { &config_from, &config_s3, &config_decryption, &config_readers, &config_output, NULL };

static enum status verify_run(struct app *app, struct error *err)
{
	const struct config *c = &app->config;
	struct store_options options = work_store_options(c);
	struct store *store = NULL;
	struct manifest *m = NULL;
	struct age_keyring *keyring = NULL;
	struct verify_report report = { 0 };
	int64_t start = run_now_ms(&app->run);

	enum status st = app_require(c->from, "from", "file:///backup", err);
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

const struct verb cmd_verify = {
	.name = "verify",
	.summary = "read a snapshot through and check every digest",
	.synopsis = "--from URL [--instance NAME] [ID|latest]",
	.about = "Reads every object of the snapshot and compares sizes and SHA-256 digests with its manifest. Exit 0: "
	         "whole; 8: missing or damaged, naming the object. With --from - a snapshot on standard input is read. "
	         "Of an encrypted snapshot the digests are checked without a key; with one, everything inside, too.",
	.example = "  slackwater verify --from file:///backup latest\n",
	.groups = groups,
	.takes_id = true,
	.log_level = LOG_LEVEL_INFO,
	.run = verify_run,
};
