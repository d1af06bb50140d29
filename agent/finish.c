/* SPDX-License-Identifier: Apache-2.0 */
#include "finish.h"

#include "conf/settings.h"
#include "connection.h"
#include "output_json.h"
#include "output_text.h"
#include "slackwater/journal.h"
#include "state.h"

enum { FINISH_LOOK_MS = 200 };

/* A run that is alive starts its applier itself. It may be waited for: after the agent it has been told to end, and has no more to live than we have. */
static enum status finish_patiently(struct app *app, const char *dir, const struct conn_options *server, struct error *err)
{
	struct journal_report last = { 0 };
	int64_t until = run_now_ms(&app->run) + app->config.wait_lock_ms;
	enum status st = state_finish_again(&app->run, dir, server, &last, err);
	while (!st && last.alive && run_now_ms(&app->run) < until) {
		st = run_sleep_ms(&app->run, FINISH_LOOK_MS, err);
		if (!st)
			st = state_finish_again(&app->run, dir, server, &last, err);
	}
	if (!st && last.alive)
		event_warning(&app->sink.base, "journal", "a run is alive that has an applier stopped: left to it");
	journal_report_free(&last);
	return st;
}

static enum status finish_instance(struct app *app, const char *dir, const struct settings_instance *in, struct error *err)
{
	struct conn_options server = { .host = NULL };
	enum status st = connection_of_instance(&in->options, &app->sink.base, &app->run, NULL, &server, err);
	if (!st)
		st = finish_patiently(app, dir, &server, err);
	conn_options_free(&server);
	return st ? error_prefix(err, "instance %s", in->name) : ST_OK;
}

/* How many journals there are: 0 after all instances is what was wanted. */
static enum status count(const char *dir, size_t *ret, struct error *err)
{
	struct strlist paths = { 0 };
	enum status st = journal_list(dir, &paths, err);
	*ret = paths.n;
	strlist_free(&paths);
	return st;
}

static enum status show(struct app *app, size_t found, size_t left, struct error *err)
{
	if (!app->config.json) {
		output_text_line(&app->text, "journals", "%zu found, %zu left; no server was diagnosed", found, left);
		return ST_OK;
	}
	enum status st = output_json_set(&app->doc, "journals", json_integer((json_int_t)found), err);
	return st ? st : output_json_set(&app->doc, "left", json_integer((json_int_t)left), err);
}

enum status finish_all(struct app *app, const char *config_file, struct error *err)
{
	struct error first = ERROR_INIT, why;
	struct settings *s = NULL;
	size_t found = 0, left = 0;
	enum status st = settings_read(config_file, &s, NULL, err);
	if (!st)
		st = count(s->agent.state_dir, &found, err);
	for (size_t i = 0; !st && found && i < s->ninstances; i++) {
		why = ERROR_INIT;
		if (!finish_instance(app, s->agent.state_dir, &s->instance[i], &why))
			continue;
		if (first.kind == ERR_NONE)
			first = why;
		else
			event_warning(&app->sink.base, "journal", "%s", why.message);
	}
	if (!st)
		st = count(s->agent.state_dir, &left, err);
	if (!st)
		st = show(app, found, left, err);
	settings_free(s);
	if (!st && first.kind != ERR_NONE) {
		*err = first;
		st = first.status;
	}
	return st;
}
