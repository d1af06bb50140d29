/* SPDX-License-Identifier: Apache-2.0 */
/* expire: what the rules do not keep is removed from a repository. */
#include "cmd.h"
#include "output_json.h"
#include "slackwater/retention.h"
#include "slackwater/units.h"
#include "table.h"
#include "work.h"

static const struct option_group *const groups[] = { &config_from, &config_s3, &config_rules, &config_output, NULL };

static const char *fate_name(enum expire_fate f)
{
	switch (f) {
	case EXPIRE_KEPT: return "kept";
	case EXPIRE_EXPIRED: return "expired";
	case EXPIRE_REMOVED: return "removed";
	case EXPIRE_HELD: return "held";
	}
	return "";
}

static size_t count(const struct expire_report *r, enum expire_fate f)
{
	size_t n = 0;
	for (size_t i = 0; i < r->n; i++)
		n += r->item[i].fate == f;
	return n;
}

/* "newest, daily"; of one that no rule keeps what that comes to. */
static void reasons_text(const struct expire_item *it, struct buf *out)
{
	for (unsigned i = 0; i < RETENTION_REASONS; i++)
		if (it->keep & 1u << i)
			buf_addf(out, "%s%s", out->len ? ", " : "", retention_reason_name(1u << i));
	if (it->fate == EXPIRE_HELD)
		buf_adds(out, "the store does not let it go");
	else if (!it->keep)
		buf_adds(out, "no rule keeps it");
}

static enum status table_line(struct table *t, const struct expire_item *it, struct error *err)
{
	char begun[UNITS_TEXT], bytes[UNITS_TEXT];
	struct buf why = BUF_INIT(512);
	units_time(it->time_ms, begun);
	units_size(it->bytes, bytes);
	reasons_text(it, &why);
	const char *cell[] = { it->instance, it->id, begun, bytes, it->partial ? "no" : "yes", fate_name(it->fate), buf_str(&why) };
	enum status st = table_row(t, cell, err);
	buf_free(&why);
	return st;
}

static void summary(struct app *app, const struct expire_report *r)
{
	char bytes[UNITS_TEXT];
	uint64_t expired = 0;
	for (size_t i = 0; i < r->n; i++)
		expired += r->item[i].fate == EXPIRE_EXPIRED ? r->item[i].bytes : 0;
	units_size(app->config.dry_run ? expired : r->bytes, bytes);
	if (app->config.dry_run)
		buf_addf(&app->text, "\n%zu kept, %zu would be removed (%s); nothing was\n", count(r, EXPIRE_KEPT), count(r, EXPIRE_EXPIRED), bytes);
	else
		buf_addf(&app->text, "\n%zu kept, %zu removed (%s)\n", count(r, EXPIRE_KEPT), count(r, EXPIRE_REMOVED), bytes);
	if (count(r, EXPIRE_HELD) || r->held_objects)
		buf_addf(&app->text, "%zu snapshots and %u objects are held by the store and stay until it lets them go\n", count(r, EXPIRE_HELD),
		         r->held_objects);
	if (r->swept_objects || r->swept_uploads)
		buf_addf(&app->text, "%u objects and %u unfinished uploads that dead runs had left were removed\n", r->swept_objects, r->swept_uploads);
}

static enum status show_text(struct app *app, const struct expire_report *r, struct error *err)
{
	static const char *const header[] = { "INSTANCE", "ID", "BEGUN (UTC)", ">SIZE", "COMPLETE", "FATE", "WHY", NULL };
	struct table t;
	enum status st = table_init(&t, header, err);
	for (size_t i = 0; !st && i < r->n; i++)
		st = table_line(&t, &r->item[i], err);
	if (!st && r->n)
		table_print(&t, "", &app->text);
	else if (!st)
		buf_adds(&app->text, "no snapshots\n");
	if (!st)
		summary(app, r);
	table_free(&t);
	return st;
}

static json_t *reasons(unsigned keep)
{
	json_t *list = json_array();
	for (unsigned i = 0; list && i < RETENTION_REASONS; i++)
		if (keep & 1u << i && json_array_append_new(list, json_string(retention_reason_name(1u << i)))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *json_item(const struct expire_item *it)
{
	const struct jsonx_member member[] = {
		{ "instance", jsonx_text(it->instance) },
		{ "id", json_string(it->id) },
		{ "bytes", jsonx_count(it->bytes) },
		{ "partial", json_boolean(it->partial) },
		{ "fate", json_string(fate_name(it->fate)) },
		{ "reasons", reasons(it->keep) },
	};
	return JSONX_MAKE(member);
}

static enum status show_json(struct app *app, const struct expire_report *r, struct error *err)
{
	const struct { const char *name; uint64_t n; } figure[] = {
		{ "kept", count(r, EXPIRE_KEPT) },       { "expired", count(r, EXPIRE_EXPIRED) },  { "removed", count(r, EXPIRE_REMOVED) },
		{ "held", count(r, EXPIRE_HELD) },       { "held_objects", r->held_objects },      { "swept_objects", r->swept_objects },
		{ "swept_uploads", r->swept_uploads },   { "bytes_removed", r->bytes },
	};
	json_t *list = json_array();
	enum status st = list ? ST_OK : error_oom(err);
	for (size_t i = 0; !st && i < r->n; i++)
		if (json_array_append_new(list, json_item(&r->item[i])))
			st = error_oom(err);
	if (!st)
		st = output_json_set(&app->doc, "snapshots", json_incref(list), err);
	for (size_t i = 0; !st && i < sizeof figure / sizeof figure[0]; i++)
		st = output_json_set(&app->doc, figure[i].name, json_integer((json_int_t)figure[i].n), err);
	if (!st)
		st = output_json_set(&app->doc, "dry_run", json_boolean(app->config.dry_run), err);
	json_decref(list);
	return st;
}

static enum status check_rules(const struct retention_rules *r, struct error *err)
{
	if (retention_any(r))
		return ST_OK;
	error_set(err, ST_FAILED, ERR_USAGE, "no rule says what to keep");
	return error_hint(err, "for example --keep-last 3 --keep-daily 7 --keep-weekly 4; with --dry-run nothing is removed");
}

static enum status expire_run(struct app *app, struct error *err)
{
	const struct config *c = &app->config;
	struct expire_options o = {
		.instance = c->instance, .dry_run = c->dry_run, .threads = config_threads(c),
		.rules = { .last = c->keep_last, .daily = c->keep_daily, .weekly = c->keep_weekly, .monthly = c->keep_monthly,
		           .within_ms = c->keep_within_ms },
	};
	struct store_options options = work_store_options(c);
	struct store *store = NULL;
	struct expire_report report = { 0 };
	struct error late = ERROR_INIT;

	enum status st = app_require_repository(app, err);
	if (!st)
		st = check_rules(&o.rules, err);
	if (!st)
		st = store_open(c->from, c->dry_run ? STORE_READ : STORE_CHANGE, &options, &app->run, &store, err);
	if (!st)
		st = catalog_expire(store, &o, &report, err);
	/* What was done before a failure is part of the result. */
	if (!st || report.n) {
		enum status shown = c->json ? show_json(app, &report, &late) : show_text(app, &report, &late);
		if (!st && shown) {
			*err = late;
			st = shown;
		}
	}
	expire_free(&report);
	store_free(store);
	return st;
}

const struct verb cmd_expire = {
	.name = "expire",
	.summary = "remove the snapshots that no rule keeps",
	.synopsis = "--from URL [--instance NAME] --keep-last N | --keep-daily N | --keep-weekly N | --keep-monthly N | --keep-within D ... [--dry-run]",
	.about = "Rules apply to each instance by itself; a snapshot is kept when any rule keeps it. Always kept are the newest, "
	         "the newest proven one, and pinned ones; partial snapshots are counted apart from complete ones; damaged ones and "
	         "those dated in the future are kept and reported. Leftovers of dead runs are removed once they are a week old. "
	         "Nothing is removed unless everything could be read.",
	.example = "  slackwater expire --from file:///backup --keep-daily 7 --keep-weekly 5\n",
	.groups = groups,
	.log_level = LOG_LEVEL_INFO,
	.run = expire_run,
};
