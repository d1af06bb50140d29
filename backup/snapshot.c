/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The story of a backup:
 *
 *   preflight -> engine prepares -> window { stop, prove, engine captures } -> applier goes on -> engine reads, stream writes
 *   -> checkpoint -> manifest, last of all.
 *
 * Takes options from the agent, hands a published snapshot to the store; must never leave the applier otherwise than it was
 * found (applier/ sees to that), nor anything in the store that could be taken for a snapshot.
 */
#include "slackwater/snapshot.h"

#include <stdlib.h>

#include "snapshot_parts.h"

/* A replicated DDL may void an attempt; each starts from nothing, with a window of its own. */
enum { SNAPSHOT_ATTEMPTS = 5 };

static enum status capture(void *arg, const struct checkpoint *cp, struct run *run, struct error *err)
{
	struct engine *engine = arg;
	return engine->ops->capture(engine, cp, run, err);
}

static bool beyond_innodb(void *arg)
{
	const struct engine *engine = arg;
	struct engine_report r;
	engine->ops->report(engine, &r);
	return r.nontransactional_tables > 0;
}

static void drop(void *arg)
{
	struct engine *engine = arg;
	engine->ops->drop(engine);
}

/* One attempt, from the first session to the last shard. ST_RETRY: void, another may succeed. */
static enum status snapshot_attempt(struct snapshot *s, struct run *run, struct error *err)
{
	struct engine *e = s->engine;
	struct window_capture in_the_window = { .capture = capture, .beyond_innodb = beyond_innodb, .drop = drop, .arg = e };
	struct stream_options so = { .shards = s->shards, .recipients = s->o->recipients };

	enum status st = stream_writer_open(s->store, buf_str(&s->prefix), &so, run, &s->writer, err);
	if (!st)
		st = e->ops->prepare(e, run, err);
	if (!st)
		st = e->ops->emit_before(e, s->writer, run, err);
	if (!st)
		st = window_run(&s->o->server, &s->window, &in_the_window, run, &s->checkpoint, err);
	if (!st)
		st = snapshot_put_checkpoint(s, err);
	if (!st)
		st = e->ops->emit_after(e, s->writer, run, err);
	e->ops->release(e);
	if (!st)
		st = stream_writer_finish(s->writer, &s->manifest->objects, err);
	if (st)
		snapshot_drop_attempt(s);
	return st;
}

static enum status snapshot_attempts(struct snapshot *s, struct run *run, struct error *err)
{
	enum status st = ST_RETRY;
	for (unsigned i = 1; st == ST_RETRY && i <= SNAPSHOT_ATTEMPTS; i++) {
		st = snapshot_attempt(s, run, err);
		if (st == ST_RETRY && s->sequential) {
			error_prefix(err, "a pipe cannot be started over");
			err->kind = ERR_INCONSISTENT;
			return err->status = ST_FAILED;
		}
		if (st == ST_RETRY && i < SNAPSHOT_ATTEMPTS)
			event_warning(run->events, "backup", "attempt %u of %d is void, starting over: %s", i, SNAPSHOT_ATTEMPTS,
			              err->message);
	}
	if (st == ST_RETRY) {
		error_set(err, st = ST_FAILED, ERR_INCONSISTENT, "%d attempts were void, the last one: %s", SNAPSHOT_ATTEMPTS,
		          err->message);
		error_hint(err, "take the backup at a time with less DDL, or raise --ddl-max-wait");
	}
	return st;
}

enum status snapshot_take(const struct snapshot_options *o, struct run *run, struct manifest **ret_manifest,
                          struct checkpoint **ret_cp, struct error *err)
{
	struct snapshot s = { .o = o };
	snapshot_begin(&s, run);

	enum status st = snapshot_preflight(&s, run, err);
	if (!st)
		st = snapshot_claim(&s, run, err);
	if (!st)
		st = snapshot_open(&s, run, err);
	if (!st)
		st = snapshot_attempts(&s, run, err);
	if (!st)
		st = snapshot_describe(&s, run, err);
	if (!st)
		st = run_check(run, err);
	if (!st)
		st = snapshot_publish(&s, err);
	if (!st) {
		*ret_manifest = s.manifest;
		*ret_cp = s.checkpoint;
		s.manifest = NULL;
		s.checkpoint = NULL;
	}
	snapshot_end(&s, run);
	return st;
}
