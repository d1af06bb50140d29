/* SPDX-License-Identifier: Apache-2.0 */
/* list: the snapshots of a repository. */
#include "cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output_json.h"
#include "output_proof.h"
#include "slackwater/retention.h"
#include "slackwater/units.h"
#include "table.h"
#include "work.h"

static const struct option_group *const groups[] = { &config_from, &config_s3, &config_list, &config_output, NULL };

struct beside {
	struct pin pin;
	struct proof_standing proof;
};

/* "pinned: before the upgrade; proven 2026-11-20 13:37:01; encrypted" */
static void marks(const struct catalog_item *it, const struct manifest *m, const struct beside *by, struct buf *out)
{
	const struct pin *pin = &by->pin;
	if (it->pinned)
		buf_addf(out, "pinned%s%.60s", pin->reason && *pin->reason ? ": " : "", pin->reason ? pin->reason : "");
	output_proof_marks(out, &by->proof);
	if (m && manifest_encrypted(m))
		buf_addf(out, "%sencrypted", out->len ? "; " : "");
}

static enum status table_line(struct table *t, const struct catalog_item *it, const struct manifest *m, const struct beside *by,
                              struct error *err)
{
	char taken[UNITS_TEXT], stored[UNITS_TEXT], bytes[UNITS_TEXT], rows[UNITS_TEXT], pause[UNITS_TEXT];
	struct buf mark = BUF_INIT(512);
	enum status st;
	marks(it, m, by, &mark);
	if (m) {
		units_time(m->taken_ms, taken);
		units_size(m->bytes_stored, stored);
		units_size(m->bytes, bytes);
		units_count(m->rows, rows);
		units_duration(m->pause_ms, pause);
		const char *cell[] = { m->instance, m->id, taken, m->server_version, rows, bytes, stored, pause, m->partial ? "no" : "yes", buf_str(&mark) };
		st = table_row(t, cell, err);
	} else {
		const char *cell[] = { it->instance, it->id, "damaged", NULL, NULL, NULL, NULL, NULL, NULL, buf_str(&mark) };
		st = table_row(t, cell, err);
	}
	buf_free(&mark);
	return st;
}

static enum status json_item(json_t *list, const struct catalog_item *it, const struct manifest *m, const struct beside *by, bool brief,
                             struct error *err)
{
	json_t *doc = NULL;
	enum status st = output_json_set(&doc, "instance", jsonx_text(it->instance), err);
	if (!st)
		st = output_json_set(&doc, "id", json_string(it->id), err);
	if (!st)
		st = output_json_set(&doc, "pinned", json_boolean(it->pinned), err);
	if (!st)
		st = output_json_pin(&doc, &by->pin, err);
	if (!st)
		st = output_json_set(&doc, "proven", json_boolean(it->proven), err);
	if (!st)
		st = output_proof_standing(&doc, &by->proof, err);
	if (!st)
		st = output_json_set(&doc, "damaged", json_boolean(!m), err);
	if (!st && m)
		st = brief ? output_json_brief(&doc, "manifest", m, err) : output_json_manifest(&doc, "manifest", m, err);
	if (st) {
		json_decref(doc);
		return st;
	}
	return json_array_append_new(list, doc) ? error_oom(err) : ST_OK;
}

/* Waiting for answers of a store costs nothing, and there may be thousands. */
enum { LIST_THREADS = 16 };

struct listing {
	struct app *app;
	struct store *store;
	struct catalog catalog;
	struct table table;
	json_t *list;
	size_t damaged;
};

static enum status one(void *arg, size_t i, const struct manifest *m, const struct error *damage, struct error *err)
{
	struct listing *l = arg;
	const struct catalog_item *it = &l->catalog.item[i];
	if (!m)
		event_warning(&l->app->sink.base, "list", "%s of %s: %s", it->id, it->instance, damage->message);
	l->damaged += !m;
	struct beside by = { .pin = { 0 } };
	enum status st = it->pinned ? pin_get(l->store, it->instance, it->id, &by.pin, err) : ST_OK;
	if (!st && (it->proven || it->tried))
		st = proof_get(l->store, it->instance, it->id, &by.proof, err);
	if (!st && l->app->config.json)
		st = json_item(l->list, it, m, &by, l->app->config.brief, err);
	else if (!st)
		st = table_line(&l->table, it, m, &by, err);
	pin_free(&by.pin);
	return st;
}

/* Ordered by instance, then time: all but the last n of each go, before anything of them is read. */
static void keep_newest(struct catalog *c, unsigned n)
{
	size_t kept = 0;
	for (size_t i = 0; i < c->n; i++) {
		size_t last = i;
		while (last + 1 < c->n && last - i < n && !strcmp(c->item[last + 1].instance, c->item[i].instance))
			last++;
		if (last - i < n)
			c->item[kept++] = c->item[i];
		else
			free(c->item[i].instance);
	}
	c->n = kept;
}

static enum status show(struct listing *l, size_t n, struct error *err)
{
	if (l->app->config.json)
		return output_json_set(&l->app->doc, "snapshots", json_incref(l->list), err);
	if (n)
		table_print(&l->table, "", &l->app->text);
	else
		buf_adds(&l->app->text, "no snapshots\n");
	return ST_OK;
}

static enum status verdict(const struct listing *l, struct error *err)
{
	if (!l->damaged)
		return ST_OK;
	error_set(err, ST_FAILED, ERR_SNAPSHOT, "%zu of the manifests are damaged", l->damaged);
	return error_hint(err, "slackwater verify says what is wrong; a snapshot without its manifest does not exist");
}

static enum status list_run(struct app *app, struct error *err)
{
	static const char *const header[] = {
		"INSTANCE", "ID", "TAKEN (UTC)", "SERVER", ">ROWS", ">DATA", ">STORED", ">PAUSE", "COMPLETE", "MARKS", NULL,
	};
	struct store_options options = work_store_options(&app->config);
	struct listing l = { .app = app, .list = json_array() };
	enum status st = app_require_repository(app, err);
	if (!st)
		st = table_init(&l.table, header, err);
	if (!st)
		st = store_open(app->config.from, STORE_READ, &options, &app->run, &l.store, err);
	if (!st)
		st = catalog_list(l.store, app->config.instance, &l.catalog, err);
	if (!st && app->config.newest)
		keep_newest(&l.catalog, app->config.newest);
	if (!st)
		st = catalog_each(l.store, &l.catalog, l.store->ops->features & STORE_LOCAL ? 1 : LIST_THREADS, one, &l, err);
	if (!st)
		st = show(&l, l.catalog.n, err);
	if (!st)
		st = verdict(&l, err);
	catalog_free(&l.catalog);
	store_free(l.store);
	table_free(&l.table);
	json_decref(l.list);
	return st;
}

const struct verb cmd_list = {
	.name = "list",
	.summary = "list the snapshots of a repository",
	.synopsis = "--from URL [--instance NAME] [--json]",
	.about = "One line for each snapshot, ordered by instance and time. A snapshot exists when its manifest does.",
	.example = "  slackwater list --from file:///backup\n",
	.groups = groups,
	.log_level = LOG_LEVEL_WARNING,
	.run = list_run,
};
