/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The story of seeding:
 *
 *   snapshot and target opened -> everything that can be known beforehand is checked -> the target is marked and taken
 *   -> loaded -> told where to go on -> started -> proven -> compared -> the mark goes.
 *
 * Without a source (standalone) it ends after the load: counted, and given the GTIDs that make it a source itself.
 *
 * Takes options from the agent, a snapshot from the store; must never touch a target that is refused, never leave a target half
 * loaded without its mark, and never leave off what was switched off for the load.
 */
#include "slackwater/seed.h"

#include "seed/alone.h"
#include "seed/checksum.h"
#include "seed/configure.h"
#include "seed/filters.h"
#include "seed/job.h"
#include "seed/links.h"
#include "seed/prove.h"
#include "seed/rights.h"
#include "seed/settings.h"
#include "seed/source.h"
#include "seed/target.h"
#include "slackwater/proof.h"
#include "slackwater/stored.h"

/* "latest" is what is asked for in a hurry, and may be the one that a proof has failed on. A record that cannot be read is no reason to stop. */
static void recall_trial(struct seed_job *j)
{
	struct proof_standing p = { .tried = false };
	struct error ignored;
	if (j->o->own_target || j->spool || proof_get(j->store, j->manifest->instance, j->manifest->id, &p, &ignored))
		return;
	if (p.tried && p.trial.result == PROOF_FAILED)
		seed_warn(j, "the last proof of this snapshot failed%s%s; `slackwater list` shows which are proven", *p.trial.reason ? ": " : "", p.trial.reason);
}

/* Before a byte is loaded: exit 9 with a reason and a hint, or exit 8 where the snapshot itself is damaged. */
static enum status preflight(struct seed_job *j, struct error *err)
{
	enum status st = j->o->load_only ? seed_links_none(j) : seed_links_pair(j, err);
	if (!st)
		st = seed_settings_target(j, err);
	if (!st)
		st = j->loader->ops->plan(j->loader, j->target, j->run, err);
	if (!st)
		st = seed_target_check(j, err);
	if (!st)
		st = seed_rights_check(j, err);
	if (!st && !j->o->load_only)
		st = seed_filters_check(j, err);
	if (!st)
		st = seed_source_check(j, err);
	if (!st)
		st = seed_checksum_check(j, err);
	return st;
}

static enum status verify(struct seed_job *j, struct error *err)
{
	struct verify_report r = { 0 };
	if (!j->o->verify_full)
		return ST_OK;
	return snapshot_verify(j->store, j->manifest, j->lo.threads, j->run, &r, err);
}

/* What was switched off is on again afterwards, on a run that no cancel reaches. */
static enum status load(struct seed_job *j, struct error *err)
{
	struct run shield = { 0 };
	struct error second = ERROR_INIT;
	enum status st = seed_target_take(j, err);
	if (!st)
		st = j->loader->ops->load(j->loader, j->run, err);
	enum status finished = run_shield(&shield, j->run, st ? &second : err);
	if (!finished)
		finished = j->loader->ops->finish(j->loader, &shield, st ? &second : err);
	run_destroy(&shield);
	j->loader->ops->report(j->loader, &j->report->load);
	if (!st && !finished)
		st = seed_target_again(j, err);
	if (st && finished)
		error_hint(err, "%s", second.hint[0] ? second.hint : second.message);
	else if (st && j->touched)
		seed_midway(err);
	return st ? st : finished;
}

static enum status replicate(struct seed_job *j, struct error *err)
{
	enum status st = seed_configure_apply(j, err);
	if (!st)
		st = seed_configure_start(j, err);
	if (!st)
		st = seed_prove(j, err);
	if (!st && j->o->checksum)
		st = seed_checksum(j, err);
	if (!st)
		st = seed_configure_delay(j, err);
	return st;
}

enum status seed_run(const struct seed_options *o, struct run *run, struct seed_report *ret, struct error *err)
{
	*ret = (struct seed_report){ 0 };
	struct seed_job j = { .o = o, .run = run, .report = ret };

	enum status st = seed_job_open(&j, err);
	if (!st)
		recall_trial(&j);
	if (!st)
		st = preflight(&j, err);
	if (!st)
		st = verify(&j, err);
	if (!st && (!o->load_only || o->standalone))
		st = seed_configure_list(&j, err);
	if (!st && !o->dry_run)
		st = load(&j, err);
	if (!st && !o->dry_run && !o->no_start && !o->load_only)
		st = replicate(&j, err);
	if (!st && !o->dry_run && o->standalone)
		st = seed_alone(&j, err);
	if (!st && !o->dry_run)
		st = seed_target_release(&j, err);
	seed_job_close(&j);
	return st;
}

void seed_report_free(struct seed_report *r)
{
	strlist_free(&r->statements);
	strlist_free(&r->held);
	strlist_free(&r->not_carried);
	strlist_free(&r->warnings);
	*r = (struct seed_report){ 0 };
}
