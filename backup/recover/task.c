/* SPDX-License-Identifier: Apache-2.0 */
#include "recover/task.h"

#include <stdlib.h>

#include "slackwater/journal.h"
#include "slackwater/slot.h"

enum status recover_task_open(struct recover_task *j, const struct recover_options *o, struct run *run,
                             struct recover_report *report, struct error *err)
{
	j->o = o;
	j->run = run;
	j->report = report;
	enum status st = run_shield(&j->shield, run, err);
	if (!st)
		st = o->state_dir ? slot_set(&j->state_dir, o->state_dir, err) : claim_default_dir(&j->state_dir, err);
	if (!st)
		st = conn_open(&j->c, &o->server, 0, run, err);
	if (!st)
		report->server = j->c->server;
	return st;
}

void recover_task_close(struct recover_task *j)
{
	for (size_t i = 0; j->hit && i < j->ch.n; i++)
		strlist_free(&j->hit[i]);
	free(j->hit);
	free(j->gaps_unreadable);
	free(j->refused.channel);
	free(j->refused.text);
	gaps_free(&j->gaps);
	channels_free(&j->ch);
	instance_free(&j->in);
	conn_free(j->c);
	claim_free(j->claim);
	free(j->state_dir);
	run_destroy(&j->shield);
}

static enum status add_lines(struct strlist *to, const char *what, const struct strlist *from, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < from->n; i++)
		st = strlist_addf(to, err, "%s%s", from->item[i], what);
	return st;
}

static enum status say(struct recover_task *j, const struct journal_report *r, struct error *err)
{
	struct strlist *to = &j->report->journal;
	enum status st = add_lines(to, ": started; a run that is dead had left it stopped", &r->started, err);
	if (!st)
		st = add_lines(to, ": a run that is dead had stopped it; it runs again", &r->running, err);
	if (!st)
		st = add_lines(to, "", &r->left, err);
	return st ? st : add_lines(to, "", &r->foreign, err);
}

enum status recover_journal(struct recover_task *j, struct error *err)
{
	struct journal_report r = { 0 };
	struct error why = ERROR_INIT;
	enum status st = journal_finish(j->state_dir, &j->o->server, j->run, &r, &why), said = say(j, &r, err);
	journal_report_free(&r);
	if (said)
		return said;
	/* A channel that cannot be started is what this run is for. */
	if (st && why.kind == ERR_APPLIER)
		return strlist_add(&j->report->journal, why.message, err);
	if (st && err)
		*err = why;
	return st;
}
