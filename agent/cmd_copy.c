/* SPDX-License-Identifier: Apache-2.0 */
/* copy: snapshots from one repository into another. */
#include "cmd.h"

#include <string.h>

#include "output_json.h"
#include "output_text.h"
#include "slackwater/stored.h"
#include "slackwater/units.h"
#include "work.h"

static const struct option_group *const groups[] = { &config_from, &config_copy, &config_s3, &config_s3_write, &config_output, NULL };

struct copying {
	struct app *app;
	struct store *from, *to;
	json_t *list;
	size_t copied, there, damaged;
	uint64_t bytes;
};

static enum status one_shown(struct copying *c, const struct catalog_item *it, const struct copy_report *r, struct error *err)
{
	char bytes[UNITS_TEXT];
	units_size(r->bytes, bytes);
	if (!c->app->config.json) {
		output_text_line(&c->app->text, r->was_there ? "there" : "copied", "%s of %s, %s sent", it->id, it->instance, bytes);
		return ST_OK;
	}
	const struct jsonx_member member[] = {
		{ "instance", jsonx_text(it->instance) },
		{ "id", json_string(it->id) },
		{ "objects", jsonx_count(r->objects) },
		{ "bytes", jsonx_count(r->bytes) },
		{ "was_there", json_boolean(r->was_there) },
	};
	return json_array_append_new(c->list, JSONX_MAKE(member)) ? error_oom(err) : ST_OK;
}

static enum status one(struct copying *c, const struct catalog_item *it, struct error *err)
{
	struct copy_report r = { 0 };
	enum status st = snapshot_copy(c->from, c->to, it, config_threads(&c->app->config), &c->app->run, &r, err);
	if (st)
		return st;
	c->copied += !r.was_there;
	c->there += r.was_there;
	c->bytes += r.bytes;
	return one_shown(c, it, &r, err);
}

static enum status named(struct copying *c, struct error *err)
{
	struct manifest *m = NULL;
	enum status st = catalog_find(c->from, c->app->config.instance, c->app->config.id, &m, err);
	if (st)
		return st;
	struct catalog_item it = { .instance = m->instance };
	memcpy(it.id, m->id, sizeof it.id);
	st = one(c, &it, err);
	manifest_free(m);
	return st;
}

/* One that is damaged does not keep the others from being copied; the exit code tells of it all the same. */
static enum status all(struct copying *c, struct error *err)
{
	struct catalog catalog = { 0 };
	enum status st = catalog_list(c->from, c->app->config.instance, &catalog, err);
	for (size_t i = 0; !st && i < catalog.n; i++) {
		st = one(c, &catalog.item[i], err);
		if (!st || err->kind != ERR_SNAPSHOT)
			continue;
		event_warning(&c->app->sink.base, "copy", "%s of %s is not copied: %s", catalog.item[i].id, catalog.item[i].instance, err->message);
		c->damaged++;
		st = ST_OK;
	}
	if (!st && c->damaged) {
		st = error_set(err, ST_FAILED, ERR_SNAPSHOT, "%zu of %zu snapshots are damaged and were not copied", c->damaged, catalog.n);
		error_hint(err, "slackwater verify says what is wrong with each");
	}
	catalog_free(&catalog);
	return st;
}

static enum status finish(struct copying *c, int64_t elapsed_ms, struct error *err)
{
	char bytes[UNITS_TEXT], took[UNITS_TEXT];
	units_size(c->bytes, bytes);
	units_duration(elapsed_ms, took);
	if (c->app->config.json) {
		enum status st = output_json_set(&c->app->doc, "snapshots", json_incref(c->list), err);
		return st ? st : output_json_set(&c->app->doc, "elapsed_ms", json_integer(elapsed_ms), err);
	}
	buf_addf(&c->app->text, "%zu copied, %zu were there already; %s in %s\n", c->copied, c->there, bytes, took);
	return ST_OK;
}

static enum status check(const struct app *app, struct error *err)
{
	const struct config *c = &app->config;
	enum status st = app_require_repository(app, err);
	if (!st)
		st = app_require(c->to, "to", "file:///other", err);
	if (!st && strcmp(c->to, "-") == 0)
		st = error_set(err, ST_FAILED, ERR_USAGE, "copy writes into a repository, not into a pipe");
	if (!st && c->all && c->id)
		st = error_set(err, ST_FAILED, ERR_USAGE, "either --all or the ID of one snapshot");
	return st;
}

static enum status copy_run(struct app *app, struct error *err)
{
	struct store_options options = work_store_options(&app->config);
	struct copying c = { .app = app, .list = json_array() };
	struct error late = ERROR_INIT;
	int64_t start = run_now_ms(&app->run);
	enum status st = check(app, err);
	if (!st)
		st = store_open(app->config.from, STORE_READ, &options, &app->run, &c.from, err);
	if (!st)
		st = store_open(app->config.to, STORE_WRITE, &options, &app->run, &c.to, err);
	if (!st)
		st = app->config.all ? all(&c, err) : named(&c, err);
	if (!st || c.copied || c.there) {
		enum status shown = finish(&c, run_now_ms(&app->run) - start, &late);
		if (!st && shown) {
			*err = late;
			st = shown;
		}
	}
	json_decref(c.list);
	store_free(c.from);
	store_free(c.to);
	return st;
}

const struct verb cmd_copy = {
	.name = "copy",
	.summary = "copy snapshots into another repository",
	.synopsis = "--from URL --to URL [--instance NAME] [ID|latest|--all]",
	.about = "Every digest is checked on the way, and the manifest goes last. An interrupted copy continues when it is run "
	         "again: what is there is read, not sent again. Proofs are copied, pins are not. Without ID the latest snapshot is "
	         "copied.",
	.example = "  slackwater copy --from file:///backup --to file:///mnt/vault --all\n",
	.groups = groups,
	.takes_id = true,
	.log_level = LOG_LEVEL_INFO,
	.run = copy_run,
};
