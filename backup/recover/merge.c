/* SPDX-License-Identifier: Apache-2.0 */
/* The report over several looks: what was found, what became of it, what is left to be tried. */
#include <stdlib.h>
#include <string.h>

#include "recover/task.h"
#include "slackwater/slot.h"

/* The one of the list that is the same trouble of the same channel; NULL = none. */
static struct recover_finding *same(struct recover_finding *list, size_t n, const struct recover_finding *f)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].class == f->class && strcmp(list[i].channel, f->channel) == 0)
			return &list[i];
	return NULL;
}

static enum status append(struct recover_report *r, struct recover_finding *f, struct error *err)
{
	struct recover_finding *grown = reallocarray(r->finding, r->n + 1, sizeof *grown);
	if (!grown)
		return error_oom(err);
	r->finding = grown;
	grown[r->n++] = *f;
	*f = (struct recover_finding){ 0 };
	return ST_OK;
}

/* Met again: its words are renewed, what was tried stays said. */
static enum status renew(struct recover_finding *was, struct recover_finding *f, struct error *err)
{
	struct recover_finding now = *f;
	*f = (struct recover_finding){ 0 };
	now.agreed = was->agreed;
	now.tried = was->tried;
	now.last_word = was->last_word;
	now.outcome = was->tried ? RECOVER_FAILED : RECOVER_OPEN;
	now.result = was->result;
	was->result = NULL;
	bool back = was->outcome == RECOVER_REPAIRED;
	recover_finding_free(was);
	*was = now;
	return back ? slot_set(&was->result, "it was put right, and is so again", err) : ST_OK;
}

enum status recover_merge(struct recover_task *j, struct recover_findings *now, struct error *err)
{
	struct recover_report *r = j->report;
	enum status st = ST_OK;
	for (size_t i = 0; i < r->n; i++) {
		struct recover_finding *f = &r->finding[i];
		if (f->outcome != RECOVER_REPAIRED && !f->last_word && !same(now->item, now->n, f))
			f->outcome = RECOVER_GONE;
	}
	/* Those that are new are moved out of now; what is left in it is freed by the caller. */
	for (size_t i = 0; !st && i < now->n; i++) {
		struct recover_finding *was = same(r->finding, r->n, &now->item[i]);
		st = was ? renew(was, &now->item[i], err) : append(r, &now->item[i], err);
	}
	return st;
}

bool recover_unsettled(const struct recover_report *r, const char *channel)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->finding[i].last_word && strcmp(r->finding[i].channel, channel) == 0)
			return true;
	return false;
}

static bool could_be_tried(const struct recover_finding *f)
{
	return f->outcome == RECOVER_OPEN && !f->tried && f->step != RECOVER_EXPLAIN;
}

struct recover_finding *recover_wanted(struct recover_task *j)
{
	for (size_t i = 0; i < j->report->n; i++) {
		struct recover_finding *f = &j->report->finding[i];
		if (could_be_tried(f) && (j->o->apply || f->agreed))
			return f;
	}
	return NULL;
}

enum status recover_ask(struct recover_task *j, struct error *err)
{
	enum status st = ST_OK;
	if (j->o->apply || !j->o->ask)
		return ST_OK;
	for (size_t i = 0; !st && i < j->report->n; i++) {
		struct recover_finding *f = &j->report->finding[i];
		if (could_be_tried(f) && f->consent)
			st = j->o->ask(j->o->ask_arg, f, &f->agreed, err);
	}
	return st;
}

enum status recover_verdict(const struct recover_task *j, struct error *err)
{
	const struct recover_finding *worst = NULL;
	for (size_t i = 0; i < j->report->n; i++) {
		const struct recover_finding *f = &j->report->finding[i];
		bool open = f->outcome == RECOVER_OPEN || f->outcome == RECOVER_FAILED;
		if (open && (!worst || f->class < worst->class))
			worst = f; /* the applier's own troubles come first */
	}
	if (!worst)
		return ST_OK;
	error_set(err, ST_FAILED, ERR_APPLIER, "%s: %.400s%s%.400s", worst->label, worst->text, worst->result ? "; " : "",
	          worst->result ? worst->result : "");
	err->my_errno = worst->my_errno;
	if (could_be_tried(worst))
		error_hint(err, "slackwater recover --apply puts it right; what it does stands in the report");
	else
		error_hint(err, "%s", worst->next);
	return ST_FAILED;
}
