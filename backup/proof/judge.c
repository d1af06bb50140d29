/* SPDX-License-Identifier: Apache-2.0 */
#include "judge.h"

#include <errno.h>
#include <stdio.h>

#include "count.h"
#include "record.h"
#include "seed/links.h"

static struct seed_options judge_options(const struct proof_job *j)
{
	const struct proof_options *o = j->o;
	return (struct seed_options){
		.target = j->login, /* borrowed: seed_run frees nothing of it */
		.from = o->from,
		.instance = j->report->manifest->instance,
		.id = j->report->manifest->id,
		.keyring = o->keyring,
		.store = o->store,
		.source = o->source,
		.nsources = o->nsources,
		.load_only = !o->nsources,
		.own_target = true,
		.from_replica = o->from_replica,
		.threads = o->threads,
		.catch_up_timeout_ms = o->catch_up_timeout_ms,
		.checksum = o->checksum,
		.checksum_server = o->checksum_server,
		.window = o->window,
		.wait_lock_ms = o->wait_lock_ms,
	};
}

/* To a proof it is all the same: from here no replica can be made. But what a seed advises about its target has no meaning here. */
static void judge_kind(struct error *err)
{
	if (err->kind == ERR_SERVER || err->kind == ERR_NOT_PROVEN)
		error_hint(err, "--keep-scratch leaves the scratch server's files for looking; --catch-up-timeout says how long it may take");
	if (err->kind == ERR_SEED_REFUSED || err->kind == ERR_SERVER)
		err->kind = ERR_NOT_PROVEN;
}

enum status proof_judge_seed(struct proof_job *j, struct error *err)
{
	const struct seed_options o = judge_options(j);
	struct proof_record *r = &j->report->record;
	struct seed_report seeded = { .backlog = 0 };
	enum status st = seed_run(&o, j->run, &seeded, err);
	r->tables = seeded.load.tables;
	r->rows = seeded.load.rows;
	r->bytes = seeded.load.bytes;
	r->load_ms = seeded.load.elapsed_ms;
	r->catch_up_ms = seeded.catch_up_ms;
	r->compared = seeded.checksum_tables;
	if (r->compared) {
		const struct seed_source with = { .login = o.checksum_server };
		seed_links_address(&with, r->compared_with);
	}
	if (!st)
		st = strlist_add_all(&j->report->warnings, &seeded.warnings, err);
	if (!st)
		r->transactions = o.nsources ? proof_count_transactions(j) : 0;
	else
		judge_kind(err);
	seed_report_free(&seeded);
	return st;
}

/* Names of tables are data: where those are encrypted, so is what a message says. */
static const char *judge_reason(const struct proof_job *j, const struct error *err)
{
	return manifest_encrypted(j->report->manifest) ? "not told here, for the snapshot is encrypted: see the log of the run" : err->message;
}

/* A key that is not its own, or what only a later release can read, says something about us. Once its checkpoint was opened, the key is its own. */
static bool judge_is_damage(const struct proof_job *j, const struct error *err)
{
	return err->kind == ERR_SNAPSHOT && err->sys_errno != ENOTSUP && (err->sys_errno != ENOKEY || j->cp);
}

enum status proof_judge_record(struct proof_job *j, struct error *err)
{
	struct proof_record *r = &j->report->record;
	const struct manifest *m = j->report->manifest;
	bool fine = err->kind == ERR_NONE, damaged = judge_is_damage(j, err);
	if (!m || (!fine && !damaged && err->kind != ERR_NOT_PROVEN))
		return ST_OK;
	r->result = !fine ? PROOF_FAILED : j->o->nsources ? PROOF_PROVEN : PROOF_RESTORED;
	r->at_ms = run_wall_ms(j->run);
	snprintf(r->server, sizeof r->server, "%s", j->binary.server.version_text);
	if (!fine)
		snprintf(r->reason, sizeof r->reason, "%s", judge_reason(j, err));
	struct error mine = ERROR_INIT;
	enum status st = proof_record_put(j->store, m->instance, m->id, r, damaged, &mine);
	j->report->tried = true;
	if (!st)
		return ST_OK;
	if (!fine) {
		event_warning(j->run->events, "proof", "the failure cannot be recorded: %s", mine.message);
		return ST_OK;
	}
	*err = mine;
	return st;
}
