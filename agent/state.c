/* SPDX-License-Identifier: Apache-2.0 */
#include "state.h"

#include <stdlib.h>
#include <string.h>

#include "slackwater/claim.h"
#include "slackwater/journal.h"

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

static void say(struct event_sink *to, const struct journal_report *r)
{
	for (size_t i = 0; i < r->started.n; i++)
		event_warning(to, "journal", "%s had been stopped by a run that died: it has been started again", r->started.item[i]);
	for (size_t i = 0; i < r->running.n; i++)
		event_info(to, "journal", "%s had been stopped by a run that died, and runs again", r->running.item[i]);
	for (size_t i = 0; i < r->left.n; i++)
		event_warning(to, "journal", "left alone: %s", r->left.item[i]);
	for (size_t i = 0; i < r->foreign.n; i++)
		event_warning(to, "journal", "%s", r->foreign.item[i]);
}

enum status state_finish_under(struct run *run, const char *dir, const struct conn_options *server, struct error *err)
{
	struct journal_report r = { 0 };
	enum status st = journal_finish(dir, server, run, &r, err);
	say(run->events, &r);
	journal_report_free(&r);
	return st;
}

enum status state_finish(struct app *app, const char *dir, const struct conn_options *server, struct error *err)
{
	return state_finish_under(&app->run, dir, server, err);
}
