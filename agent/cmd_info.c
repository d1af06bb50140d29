/* SPDX-License-Identifier: Apache-2.0 */
/* info: one snapshot: its manifest and its checkpoint. */
#include "cmd.h"
#include "keys.h"
#include "output_checkpoint.h"
#include "output_json.h"
#include "output_proof.h"
#include "output_text.h"
#include "slackwater/retention.h"
#include "slackwater/units.h"
#include "table.h"
#include "work.h"

static const struct option_group *const groups[] = { &config_from, &config_s3, &config_decryption, &config_output, NULL };

static enum status objects(struct buf *out, const struct manifest *m, struct error *err)
{
	static const char *const header[] = { "OBJECT", ">SIZE", ">ENTRIES", ">ROWS", "SHA-256", NULL };
	struct table t;
	enum status st = table_init(&t, header, err);
	for (size_t i = 0; !st && i < m->objects.n; i++) {
		const struct stream_object *o = &m->objects.item[i];
		char size[UNITS_TEXT], entries[UNITS_TEXT], rows[UNITS_TEXT];
		units_size(o->size, size);
		units_count(o->entries, entries);
		units_count(o->rows, rows);
		const char *cell[] = { o->key, size, o->entries ? entries : NULL, o->rows ? rows : NULL, o->sha256 };
		st = table_row(&t, cell, err);
	}
	buf_addc(out, '\n');
	if (!st)
		table_print(&t, "", out);
	table_free(&t);
	return st;
}

static void pin_line(struct buf *out, const struct pin *p)
{
	char since[UNITS_TEXT];
	units_time(p->pinned_ms, since);
	if (p->reason)
		output_text_line(out, "pinned", "%s%s%s", p->pinned_ms ? since : "yes", *p->reason ? ": " : "", p->reason);
}

static enum status show(struct app *app, const struct manifest *m, const struct checkpoint *cp, const struct pin *pin,
                        const struct proof_standing *proof, struct error *err)
{
	if (app->config.json) {
		enum status st = output_json_manifest(&app->doc, "manifest", m, err);
		if (!st)
			st = output_json_pin(&app->doc, pin, err);
		if (!st)
			st = output_proof_standing(&app->doc, proof, err);
		if (!st && !cp)
			return output_json_set(&app->doc, "checkpoint", json_null(), err);
		return st ? st : output_json_checkpoint(&app->doc, cp, err);
	}
	output_text_manifest(&app->text, m);
	pin_line(&app->text, pin);
	output_proof_lines(&app->text, proof);
	if (cp)
		output_checkpoint_print(&app->text, cp, true);
	else
		output_text_line(&app->text, "applier", "its position is encrypted: --identity or SLACKWATER_PASSPHRASE shows it");
	output_text_list(&app->text, "Notes", cp && manifest_encrypted(m) ? &cp->notes : &m->notes);
	output_text_list(&app->text, "Warnings", cp && manifest_encrypted(m) ? &cp->warnings : &m->warnings);
	return objects(&app->text, m, err);
}

static enum status info_run(struct app *app, struct error *err)
{
	const struct config *c = &app->config;
	struct store_options options = work_store_options(c);
	struct store *store = NULL;
	struct manifest *m = NULL;
	struct checkpoint *cp = NULL;
	struct pin pin = { 0 };
	struct proof_standing proof = { .proven = false };
	struct age_keyring *keyring = NULL;
	enum status st = app_require_repository(app, err);
	if (!st)
		st = store_open(c->from, STORE_READ, &options, &app->run, &store, err);
	if (!st)
		st = catalog_find(store, c->instance, c->id, &m, err);
	if (!st)
		st = keys_ring(c, &app->run, &app->sink.base, &keyring, err);
	if (!st)
		m->objects.keyring = keyring;
	/* Without a key there is still the manifest. */
	if (!st && (keyring || !manifest_encrypted(m)))
		st = catalog_checkpoint(store, m, &cp, err);
	if (!st)
		st = pin_get(store, m->instance, m->id, &pin, err);
	if (!st)
		st = proof_get(store, m->instance, m->id, &proof, err);
	if (!st)
		st = show(app, m, cp, &pin, &proof, err);
	pin_free(&pin);
	checkpoint_free(cp);
	manifest_free(m);
	store_free(store);
	age_keyring_free(keyring);
	return st;
}

const struct verb cmd_info = {
	.name = "info",
	.summary = "show one snapshot: where the applier stood, pause, sizes, objects",
	.synopsis = "--from URL [--instance NAME] [ID|latest] [--json]",
	.about = "Shows the manifest and the checkpoint: per channel the source and the executed coordinates, proven or not and "
	         "why, the GTID set, and what was compared with what. Without ID the latest snapshot is shown.",
	.example = "  slackwater info --from file:///backup latest\n",
	.groups = groups,
	.takes_id = true,
	.log_level = LOG_LEVEL_WARNING,
	.run = info_run,
};
