/* SPDX-License-Identifier: Apache-2.0 */
#include "check_config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "conf/settings.h"
#include "connection.h"
#include "exitcode.h"
#include "output_json.h"
#include "output_text.h"
#include "slackwater/engine.h"
#include "text.h"
#include "work.h"

enum { CHECK_PATH_MAX = 4096, CHECK_STORE_RETRY_MS = 10000 };

struct check {
	struct app *app;
	const struct settings *settings;
	json_t *list;        /* of the section that is at work */
	bool *reached;       /* by instance */
	struct error first;  /* refusal */
	char first_name[80];
	unsigned refused;
};

/* ---- results ---- */

/* One thing that was looked at; detail (may be NULL) is a document whose members are added and whose reference is taken. */
static enum status result(struct check *c, const char *kind, const char *name, const char *said, const struct error *refusal, json_t *detail,
                          struct error *err)
{
	struct app *app = c->app;
	json_t *doc = detail ? detail : json_object();
	enum status st = ST_OK;
	if (refusal->kind) {
		if (!c->refused++) {
			c->first = *refusal;
			snprintf(c->first_name, sizeof c->first_name, "%s %.64s", kind, name);
		}
		output_text_line(&app->text, kind, "%s: refused: %s", name, refusal->message);
		if (*refusal->hint)
			output_text_line(&app->text, "", "hint: %s", refusal->hint);
	} else {
		output_text_line(&app->text, kind, "%s: %s", name, said);
	}
	st = output_json_set(&doc, "name", json_string(name), err);
	if (!st)
		st = output_json_set(&doc, "ok", json_boolean(!refusal->kind), err);
	if (!st)
		st = refusal->kind ? output_json_error(&doc, refusal, exitcode_of(refusal->kind, 0), err)
		                   : output_json_set(&doc, "error", json_null(), err);
	if (st) {
		json_decref(doc);
		return st;
	}
	return json_array_append_new(c->list, doc) ? error_oom(err) : ST_OK;
}

/* An interruption ends everything; whatever else is wrong with one of them is its result. */
static bool ends_all(const struct error *e)
{
	return e->kind == ERR_INTERRUPTED;
}

static enum status parse(const struct option_group *const *groups, const struct strlist *options, struct config *ret, struct error *err)
{
	struct options_rest rest;
	return options_parse(groups, (int)options->n, options->item, ret, &rest, err);
}

/* ---- instances ---- */

static enum status instance(struct check *c, size_t i, struct error *err)
{
	const struct settings_instance *in = &c->settings->instance[i];
	struct conn_options server = { .host = NULL };
	struct window_options window = window_defaults;
	struct preflight *p = NULL;
	struct error refusal = ERROR_INIT;
	char said[300] = "";
	json_t *detail = NULL;
	enum status st = connection_of_instance(&in->options, &c->app->sink.base, &c->app->run, NULL, &server, &refusal);
	if (!st)
		st = window_preflight(&server, &window, &c->app->run, &p, &refusal);
	if (!st) {
		refusal = ERROR_INIT;
		c->reached[i] = true;
		snprintf(said, sizeof said, "ready: %.120s, %zu channel%s", p->server.version_text, p->state->nchannels,
		         p->state->nchannels == 1 ? "" : "s");
	}
	st = p ? output_json_check(&detail, p, &refusal, err) : ST_OK;
	if (!st && ends_all(&refusal)) {
		*err = refusal;
		st = ST_FAILED;
	}
	if (st)
		json_decref(detail);
	else
		st = result(c, "instance", in->name, said, &refusal, detail, err);
	for (size_t k = 0; p && k < p->warnings.n; k++)
		output_text_line(&c->app->text, "", "warning: %s", p->warnings.item[k]);
	preflight_free(p);
	conn_options_free(&server);
	return st;
}

/* ---- stores ---- */

/* Names of variables the library reads. Nothing of ours reads the environment meanwhile: the only other thread waits for signals. */
static void set_environment(const struct strlist *variables, bool set)
{
	for (size_t i = 0; i < variables->n; i++) {
		char name[80];
		const char *equals = strchr(variables->item[i], '=');
		snprintf(name, sizeof name, "%.*s", (int)(equals - variables->item[i]), variables->item[i]);
		if (set)
			setenv(name, equals + 1, 1);
		else
			unsetenv(name);
	}
}

static bool see_one(void *arg, const struct store_object *obj)
{
	(void)obj;
	*(bool *)arg = true;
	return false;
}

/* The directory of a store that is one; "" when it is not. */
static void local_dir(const char *url, char out[CHECK_PATH_MAX])
{
	const char *path = !strncmp(url, "file://", 7) ? url + 7 : url;
	snprintf(out, CHECK_PATH_MAX, "%s", strstr(path, "://") || strchr(path, '%') ? "" : path);
}

/* One that is not there is made by the first backup, if that may be. */
static enum status missing_dir(const char *path, char said[300], struct error *err)
{
	char dir[CHECK_PATH_MAX];
	struct stat sb;
	snprintf(dir, sizeof dir, "%s", path);
	for (size_t len = strlen(dir); len > 1 && dir[len - 1] == '/'; len--)
		dir[len - 1] = '\0';
	char *slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir] = '\0';
	if (stat(dir, &sb)) {
		error_sys(err, ST_FAILED, ERR_STORE, errno, "%s is not there, and cannot be made in %s", path, dir);
		return error_hint(err, "a repository is made in a directory that is there: is the file system mounted?");
	}
	if (access(dir, W_OK | X_OK))
		return error_sys(err, ST_FAILED, ERR_STORE, errno, "%s is not there, and cannot be made in %s", path, dir);
	snprintf(said, 300, "not there yet: made by the first backup");
	return ST_OK;
}

static enum status open_and_list(struct check *c, const struct settings_store *s, const char *dir, char said[300], struct error *err)
{
	static const struct option_group *const groups[] = { &config_s3, NULL };
	struct config config;
	struct store *store = NULL;
	bool any = false;
	config_init(&config);
	enum status st = parse(groups, &s->options, &config, err);
	/* Whoever asks for a check does not wait for as long as a run at night would. */
	if (config.s3_retry_ms > CHECK_STORE_RETRY_MS)
		config.s3_retry_ms = CHECK_STORE_RETRY_MS;
	struct store_options options = work_store_options(&config);
	if (!st)
		st = store_open(s->url, *dir ? STORE_CHANGE : STORE_WRITE, &options, &c->app->run, &store, err);
	if (!st)
		st = store->ops->list(store, "", see_one, &any, err);
	if (!st && *dir && access(dir, W_OK | X_OK))
		st = error_sys(err, ST_FAILED, ERR_STORE, errno, "%s cannot be written to", dir);
	if (!st)
		snprintf(said, 300, "can be listed and written to%s", any ? "" : "; empty");
	store_free(store);
	config_free(&config);
	return st;
}

static enum status store(struct check *c, const struct settings_store *s, struct error *err)
{
	struct error refusal = ERROR_INIT;
	char dir[CHECK_PATH_MAX], said[300] = "";
	struct stat sb;
	local_dir(s->url, dir);
	set_environment(&s->environment, true);
	enum status st = *dir && stat(dir, &sb) && errno == ENOENT ? missing_dir(dir, said, &refusal) : open_and_list(c, s, dir, said, &refusal);
	set_environment(&s->environment, false);
	if (!st)
		refusal = ERROR_INIT;
	if (ends_all(&refusal)) {
		*err = refusal;
		return st;
	}
	return result(c, "store", s->name, said, &refusal, NULL, err);
}

/* ---- snapshots ---- */

/* Whether what it asks for can be captured there is the engine's to say. */
static enum status probe(struct check *c, const struct settings_snapshot *n, struct error *err)
{
	struct config config;
	struct engine_options eo = { 0 };
	struct engine *engine = NULL;
	struct conn_options server = { .host = NULL };
	config_init(&config);
	enum status st = parse(cmd_backup.groups, &n->options, &config, err);
	if (!st)
		st = connection_of_instance(&c->settings->instance[n->instance].options, &c->app->sink.base, &c->app->run, NULL, &server, err);
	if (!st)
		st = work_engine_options(&config, &eo, err);
	if (!st)
		st = engine_logical_new(&server, &eo, &engine, err);
	if (!st)
		st = engine->ops->probe(engine, &c->app->run, err);
	engine_free(engine);
	work_engine_options_free(&eo);
	conn_options_free(&server);
	config_free(&config);
	return st;
}

/* What is wrong has been said of its instance. */
static enum status skipped(struct check *c, const char *name, struct error *err)
{
	json_t *doc = json_pack("{s:s, s:b, s:n, s:b}", "name", name, "ok", 0, "error", "skipped", 1);
	output_text_line(&c->app->text, "snapshot", "%s: not looked at, as its instance is refused", name);
	return json_array_append_new(c->list, doc) ? error_oom(err) : ST_OK;
}

static enum status snapshot(struct check *c, const struct settings_snapshot *n, struct error *err)
{
	struct error refusal = ERROR_INIT;
	char said[300];
	snprintf(said, sizeof said, "%.100s, %.60s", n->schedule_text ? n->schedule_text : "only when asked", n->zone_name);
	if (!c->reached[n->instance])
		return skipped(c, n->name, err);
	enum status st = probe(c, n, &refusal);
	if (!st)
		refusal = ERROR_INIT;
	if (ends_all(&refusal)) {
		*err = refusal;
		return st;
	}
	return result(c, "snapshot", n->name, said, &refusal, NULL, err);
}

/* ---- all of it ---- */

/* What "FILE:LINE: text" is made of; without a line it is about the file as a whole. */
static json_t *mistake_json(const char *text)
{
	for (const char *c = strchr(text, ':'); c; c = strchr(c + 1, ':')) {
		char *end;
		unsigned long line = strtoul(c + 1, &end, 10);
		if (end > c + 1 && end[0] == ':' && end[1] == ' ')
			return json_pack("{s:s%, s:i, s:s}", "file", text, (size_t)(c - text), "line", (int)line, "text", end + 2);
	}
	return json_pack("{s:n, s:n, s:s}", "file", "line", "text", text);
}

static enum status show_mistakes(struct app *app, const struct strlist *mistakes, struct error *err)
{
	json_t *list = json_array();
	enum status st = list ? ST_OK : error_oom(err);
	for (size_t i = 0; i < mistakes->n && !st; i++) {
		text_add(&app->text, mistakes->item[i]);
		buf_addc(&app->text, '\n');
		if (json_array_append_new(list, mistake_json(mistakes->item[i])))
			st = error_oom(err);
	}
	if (!st)
		st = output_json_set(&app->doc, "mistakes", json_incref(list), err);
	json_decref(list);
	return st;
}

/* Each of a kind by fn, gathered under `member`. */
static enum status begin_list(struct check *c, const char *member, struct error *err)
{
	c->list = json_array();
	return output_json_set(&c->app->doc, member, c->list, err); /* the document's from here on */
}

static enum status look_at_all(struct check *c, struct error *err)
{
	const struct settings *s = c->settings;
	enum status st = begin_list(c, "instances", err);
	for (size_t i = 0; i < s->ninstances && !st; i++)
		st = instance(c, i, err);
	if (!st)
		st = begin_list(c, "stores", err);
	for (size_t i = 0; i < s->nstores && !st; i++)
		st = store(c, &s->store[i], err);
	if (!st)
		st = begin_list(c, "snapshots", err);
	for (size_t i = 0; i < s->nsnapshots && !st; i++)
		st = snapshot(c, &s->snapshot[i], err);
	return st;
}

static enum status verdict(const struct check *c, struct error *err)
{
	if (!c->refused)
		return ST_OK;
	*err = c->first;
	err->kind = ERR_PREFLIGHT;
	(void)error_prefix(err, "%s", c->first_name);
	if (c->refused > 1)
		(void)error_prefix(err, "%u are refused; %s", c->refused, "the first");
	return ST_FAILED;
}

enum status check_config(struct app *app, struct error *err)
{
	struct settings *s = NULL;
	struct strlist mistakes = { 0 };
	struct error late = ERROR_INIT;
	enum status st = settings_inspect(app->config.config_file, &s, &mistakes, err);
	struct check c = { .app = app, .settings = s, .reached = calloc(s ? s->ninstances + 1 : 1, sizeof *c.reached) };
	if (!st && !c.reached)
		st = error_oom(err);
	if (show_mistakes(app, &mistakes, &late) && !st) {
		*err = late;
		st = ST_FAILED;
	}
	if (st && mistakes.n) {
		error_set(err, ST_FAILED, ERR_USAGE, "%s has %zu mistake%s", app->config.config_file, mistakes.n, mistakes.n == 1 ? "" : "s");
	} else if (!st && !app->config.file_only) {
		st = look_at_all(&c, err);
		if (!st)
			st = verdict(&c, err);
	}
	if (!st)
		buf_addf(&app->text, "\n%s is in order.\n", app->config.config_file);
	free(c.reached);
	strlist_free(&mistakes);
	settings_free(s);
	return st;
}
