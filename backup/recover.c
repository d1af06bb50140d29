/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The story of a recovery:
 *
 *   what a dead run of ours left open is finished -> every channel is looked at and explained -> what is surely safe to repair is
 *   repaired, with --apply or when a person says yes -> looked at again, until nothing is left that could be tried.
 *
 * Nothing is started before the instance is claimed, and what was seen before the claim is looked at again: an applier that stands
 * still may be in the window of a backup.
 */
#include "slackwater/recover.h"

#include "recover/task.h"

static enum status diagnose_channel(struct recover_task *j, size_t i, struct recover_findings *now, struct error *err)
{
	const struct channel *ch = &j->ch.item[i];
	bool fetches = ch == recover_fetcher(&j->ch, j->gaps.holes);
	size_t before = now->n;
	struct recover_view v = {
		.in = &j->in,
		.ch = ch,
		.gap = &j->gaps.item[i],
		.holes = fetches ? j->gaps.holes : NULL,
		.domains = j->domains,
		.hit = &j->hit[i],
		.gaps_unreadable = j->gaps_unreadable,
	};
	enum status st = recover_diagnose(&v, now, err);
	if (!st && now->n == before && !recover_unsettled(j->report, ch->cp.name)) {
		char label[160];
		st = strlist_add(&j->report->healthy, channels_label(&ch->cp, label), err);
	}
	return st;
}

static enum status look(struct recover_task *j, struct error *err)
{
	struct recover_findings now = { 0 };
	enum status st = recover_look(j, err);
	strlist_free(&j->report->healthy);
	for (size_t i = 0; !st && i < j->ch.n; i++)
		st = diagnose_channel(j, i, &now, err);
	if (!st)
		st = recover_merge(j, &now, err);
	recover_findings_free(&now);
	return st;
}

static enum status claim(struct recover_task *j, struct error *err)
{
	struct claim_how how = { j->state_dir, j->o->wait_lock_ms, j->o->no_named_lock };
	enum status st = claim_take(&how, &j->o->server, &j->c->server, j->run, &j->claim, err);
	j->deadline_ms = run_now_ms(j->run) + j->o->deadline_ms;
	return st ? st : look(j, err);
}

/* Each finding is tried once; one that a repair brings to light is tried as well. */
static enum status repair(struct recover_task *j, struct error *err)
{
	struct recover_finding *f;
	enum status st = recover_ask(j, err);
	while (!st && (f = recover_wanted(j))) {
		if (!j->claim) {
			st = claim(j, err);
			continue;
		}
		st = recover_repair(j, f, err);
		if (!st)
			st = look(j, err);
	}
	return st;
}

enum status recover_run(const struct recover_options *o, struct run *run, struct recover_report *ret, struct error *err)
{
	*ret = (struct recover_report){ 0 };
	struct recover_task j = { 0 };

	enum status st = recover_task_open(&j, o, run, ret, err);
	if (!st)
		st = recover_journal(&j, err);
	if (!st)
		st = look(&j, err);
	if (!st)
		st = repair(&j, err);
	if (!st)
		st = recover_verdict(&j, err);
	recover_task_close(&j);
	return st;
}

void recover_report_free(struct recover_report *r)
{
	struct recover_findings all = { r->finding, r->n };
	recover_findings_free(&all);
	strlist_free(&r->healthy);
	strlist_free(&r->notes);
	strlist_free(&r->journal);
	*r = (struct recover_report){ 0 };
}
