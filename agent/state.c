/* SPDX-License-Identifier: Apache-2.0 */
#include "state.h"

#include <stdlib.h>
#include <string.h>

#include "slackwater/claim.h"

enum status state_dir(const struct config *c, char **ret, struct error *err)
{
	if (!c->state_dir)
		return claim_default_dir(ret, err);
	*ret = strdup(c->state_dir);
	return *ret ? ST_OK : error_oom(err);
}

void state_warn(struct app *app)
{
	struct strlist paths = { 0 };
	struct error ignored;
	char *dir = NULL;
	if (!state_dir(&app->config, &dir, &ignored) && !journal_list(dir, &paths, &ignored) && paths.n)
		event_warning(&app->sink.base, "journal",
		              "%s is there: unless a backup is running now, one has died with an applier stopped; slackwater recover, or the "
		              "next check, backup or seed of that server, starts it",
		              paths.item[0]);
	strlist_free(&paths);
	free(dir);
}

static void say_new(struct event_sink *to, const struct strlist *now, const struct strlist *last, const char *before)
{
	for (size_t i = 0; i < now->n; i++)
		if (!strlist_has(last, now->item[i]))
			event_warning(to, "journal", "%s%s", before, now->item[i]);
}

static void say(struct event_sink *to, const struct journal_report *r, const struct journal_report *last)
{
	for (size_t i = 0; i < r->started.n; i++)
		event_warning(to, "journal", "%s had been stopped by a run that died: it has been started again", r->started.item[i]);
	for (size_t i = 0; i < r->running.n; i++)
		event_info(to, "journal", "%s had been stopped by a run that died, and runs again", r->running.item[i]);
	say_new(to, &r->left, &last->left, "left alone: ");
	say_new(to, &r->foreign, &last->foreign, "");
}

enum status state_finish_again(struct run *run, const char *dir, const struct conn_options *server, struct journal_report *last,
                               struct error *err)
{
	struct journal_report now = { 0 };
	enum status st = journal_finish(dir, server, run, &now, err);
	say(run->events, &now, last);
	journal_report_free(last);
	*last = now;
	return st;
}

enum status state_finish(struct app *app, const char *dir, const struct conn_options *server, struct error *err)
{
	struct journal_report none = { 0 };
	enum status st = state_finish_again(&app->run, dir, server, &none, err);
	journal_report_free(&none);
	return st;
}
