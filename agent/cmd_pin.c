/* SPDX-License-Identifier: Apache-2.0 */
/* pin, unpin: a snapshot that expire leaves alone, and one that it does not any more. */
#include "cmd.h"
#include "output_json.h"
#include "output_text.h"
#include "slackwater/retention.h"
#include "work.h"

static const struct option_group *const pin_groups[] = { &config_from, &config_s3, &config_pin, &config_output, NULL };
static const struct option_group *const unpin_groups[] = { &config_from, &config_s3, &config_output, NULL };

static enum status show(struct app *app, const struct manifest *m, bool pinned, struct error *err)
{
	if (!app->config.json) {
		output_text_line(&app->text, pinned ? "pinned" : "unpinned", "%s of %s", m->id, m->instance);
		return ST_OK;
	}
	enum status st = output_json_set(&app->doc, "instance", jsonx_text(m->instance), err);
	if (!st)
		st = output_json_set(&app->doc, "id", json_string(m->id), err);
	return st ? st : output_json_set(&app->doc, "pinned", json_boolean(pinned), err);
}

static enum status run(struct app *app, bool pinned, struct error *err)
{
	const struct config *c = &app->config;
	struct store_options options = work_store_options(c);
	struct store *store = NULL;
	struct manifest *m = NULL;
	enum status st = app_require_repository(app, err);
	if (!st && !c->id) {
		st = error_set(err, ST_FAILED, ERR_USAGE, "which snapshot? %s needs an ID, or latest", app->verb->name);
		error_hint(err, "slackwater list shows what there is");
	}
	if (!st)
		st = store_open(c->from, STORE_CHANGE, &options, &app->run, &store, err);
	if (!st)
		st = catalog_find(store, c->instance, c->id, &m, err);
	if (!st)
		st = pinned ? pin_put(store, m->instance, m->id, c->reason ? c->reason : "", err) : pin_remove(store, m->instance, m->id, err);
	if (!st)
		st = show(app, m, pinned, err);
	manifest_free(m);
	store_free(store);
	return st;
}

static enum status pin_run(struct app *app, struct error *err)
{
	return run(app, true, err);
}

static enum status unpin_run(struct app *app, struct error *err)
{
	return run(app, false, err);
}

const struct verb cmd_pin = {
	.name = "pin",
	.summary = "keep a snapshot from being expired",
	.synopsis = "--from URL [--instance NAME] ID|latest [--reason TEXT]",
	.about = "Puts a pin beside the manifest; expire leaves the snapshot alone until unpin takes it away. A second pin replaces "
	         "the first.",
	.example = "  slackwater pin --from file:///backup latest --reason 'before the upgrade'\n",
	.groups = pin_groups,
	.takes_id = true,
	.log_level = LOG_LEVEL_WARNING,
	.run = pin_run,
};

const struct verb cmd_unpin = {
	.name = "unpin",
	.summary = "let a pinned snapshot be expired again",
	.synopsis = "--from URL [--instance NAME] ID|latest",
	.about = "Removes the pin. A snapshot without one is left as it is.",
	.example = "  slackwater unpin --from file:///backup 20261120T133701Z-9f3a1c\n",
	.groups = unpin_groups,
	.takes_id = true,
	.log_level = LOG_LEVEL_WARNING,
	.run = unpin_run,
};
