/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The story of a proof by restoring:
 *
 *   snapshot opened -> a server program that can load it -> room for it -> the source looked at -> every digest checked -> scratch server started
 *   -> seeded as a replica is: loaded, replicating, caught up, compared -> (without a source: every row counted) -> server and directory gone
 *   -> recorded.
 *
 * Takes options from the agent, a snapshot from the store; must never leave a process or a directory behind, never touch another server than
 * its own (the window on the snapshotted replica apart, where checksums are asked for), and never record as proven what was not replicated.
 */
#include "slackwater/proof.h"

#include <stdio.h>

#include "proof/binary.h"
#include "proof/count.h"
#include "proof/judge.h"
#include "proof/peek.h"
#include "proof/scratch.h"
#include "proof/start.h"

static enum status open_snapshot(struct proof_job *j, struct error *err)
{
	const struct proof_options *o = j->o;
	enum status st = store_open(o->from, STORE_CHANGE, &o->store, j->run, &j->store, err);
	if (!st)
		st = catalog_find(j->store, o->instance, o->id, &j->report->manifest, err);
	if (st)
		return st;
	j->report->manifest->objects.keyring = o->keyring;
	return catalog_checkpoint(j->store, j->report->manifest, &j->cp, err);
}

/* All that can be known before a process is started. */
static enum status prepare(struct proof_job *j, struct error *err)
{
	enum status st = open_snapshot(j, err);
	if (!st)
		st = proof_binary_choose(j, err);
	if (!st)
		st = proof_scratch_check(j, err);
	if (!st)
		st = proof_peek(j, err);
	if (!st)
		event_state(j->run->events, "proof", "VERIFYING", "every object is read and its digest checked, before a server is started");
	if (!st)
		st = snapshot_verify(j->store, j->report->manifest, j->o->threads, j->run, &j->report->verified, err);
	return st;
}

static enum status restore(struct proof_job *j, struct error *err)
{
	event_state(j->run->events, "proof", "RESTORING", "the scratch server is seeded, and compared where that is asked for");
	enum status st = proof_judge_seed(j, err);
	if (!st && !j->o->nsources)
		st = proof_count(j, err);
	if (st)
		proof_start_explain(j, err);
	return st;
}

static enum status prove(struct proof_job *j, struct error *err)
{
	enum status st = prepare(j, err);
	if (!st)
		st = proof_scratch_make(j, err);
	if (!st)
		event_state(j->run->events, "proof", "STARTING", "a scratch server is initialised and started");
	if (!st)
		st = proof_start(j, err);
	return st ? st : restore(j, err);
}

/* Whatever happened. */
static enum status tidy(struct proof_job *j, struct error *err)
{
	if (*j->scratch.top)
		event_state(j->run->events, "proof", "ENDING", "the scratch server is shut down and its files are removed");
	proof_start_end(j);
	enum status st = proof_scratch_end(j, err);
	if (st)
		event_warning(j->run->events, "proof", "%s", err->message);
	return st;
}

enum status proof_run(const struct proof_options *o, struct run *run, struct proof_report *ret, struct error *err)
{
	*ret = (struct proof_report){ .manifest = NULL };
	struct proof_job j = { .o = o, .run = run, .report = ret, .scratch = { .lock = -1 } };
	struct error mine = ERROR_INIT, left = ERROR_INIT;
	int64_t start = run_now_ms(run);

	enum status st = prove(&j, &mine);
	ret->record.elapsed_ms = run_now_ms(run) - start;
	enum status tidied = tidy(&j, &left);
	if (!st)
		mine = ERROR_INIT; /* what a retry has mended is no failure */
	enum status recorded = proof_judge_record(&j, &mine);
	if (st || recorded)
		*err = mine;
	else if (tidied)
		*err = left;
	st = st ? st : recorded ? recorded : tidied;
	conn_options_free(&j.login);
	strlist_free(&j.mirrored);
	checkpoint_free(j.cp);
	store_free(j.store);
	return st;
}

void proof_report_free(struct proof_report *r)
{
	manifest_free(r->manifest);
	strlist_free(&r->warnings);
	*r = (struct proof_report){ .manifest = NULL };
}
