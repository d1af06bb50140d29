/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/checkpoint_parts.h"
#include "recover/task.h"
#include "slackwater/dialect.h"

enum { START_TRIES = 5 };

/*
 * One packet: once the server has it, what is stopped is started again even when we are gone. No cancel reaches it. A START does nothing
 * to a thread that runs.
 */
static enum status send(struct recover_task *j, const struct buf *sql, struct error *err)
{
	struct conn *c = NULL;
	enum status st = conn_open(&c, &j->o->server, CONN_MULTI | CONN_SHIELDED, &j->shield, err);
	if (!st)
		st = conn_exec_buf(c, sql, err);
	conn_free(c);
	/* The server may lose a session of ours in the middle of it; whether it works is seen on the other one. */
	if (st && err->kind != ERR_PREFLIGHT && err->kind != ERR_UNEXPECTED)
		err->kind = ERR_APPLIER;
	return st;
}

static void compose(const struct recover_task *j, const struct channel *ch, enum recover_step step, struct buf *sql)
{
	const struct server_info *s = &j->in.server;
	const char *name = ch->cp.name;
	if (step == RECOVER_START) {
		dialect_start_sql(sql, s, name);
		return;
	}
	if (step == RECOVER_FETCH && !ch->io_stopped) {
		dialect_stop_io(sql, s, name);
		buf_adds(sql, "; ");
	}
	if (step == RECOVER_RESET) {
		dialect_stop_both(sql, s, name);
		buf_adds(sql, "; ");
		dialect_reset_replica(sql, s, name);
		buf_adds(sql, "; ");
	}
	dialect_start_both(sql, s, name);
}

/* What we stopped and could not start again as meant: at least the receiver, which ran. */
static void give_back(struct recover_task *j, const struct channel *ch, enum recover_step step)
{
	struct buf sql = BUF_INIT(16384);
	struct error ignored = ERROR_INIT;
	if (step != RECOVER_START && !ch->io_stopped) {
		dialect_start_io(&sql, &j->in.server, ch->cp.name);
		(void)send(j, &sql, &ignored);
	}
	buf_free(&sql);
}

/* An OK of a START proves nothing (facts/servers 1): until the threads are seen to run, and to go on running. */
static enum status start(struct recover_task *j, const struct channel *ch, enum recover_step step, struct buf *out,
                         struct error *err)
{
	struct buf sql = BUF_INIT(16384);
	bool running = false;
	compose(j, ch, step, &sql);
	event_info(j->run->events, "recover", "%s", buf_str(&sql));
	struct error why = ERROR_INIT;
	enum status st = send(j, &sql, &why);
	j->started_ms = run_now_ms(j->run);
	if (st && err)
		*err = why;
	if (st && why.kind == ERR_APPLIER && why.my_errno && recover_refused(j, ch->cp.name, &why, err))
		return ST_FAILED;
	if (st)
		give_back(j, ch, step);
	else
		buf_addf(out, "%s", buf_str(&sql));
	for (unsigned i = 0; !st && i < START_TRIES; i++) {
		st = recover_settle(j, ch->cp.name, step != RECOVER_START, &running, err);
		if (st || running)
			break;
		buf_clear(&sql);
		if (step == RECOVER_START)
			dialect_start_sql(&sql, &j->in.server, ch->cp.name);
		else
			dialect_start_both(&sql, &j->in.server, ch->cp.name);
		st = send(j, &sql, err);
	}
	buf_free(&sql);
	if (st || running)
		return st;
	error_set(err, ST_FAILED, ERR_APPLIER, "after %d STARTs it does not run, and no error is given", START_TRIES);
	error_hint(err, "does somebody else stop it, or is a STOP still in progress? See the process list");
	return ST_FAILED;
}

static enum status attempt(struct recover_task *j, struct recover_finding *f, struct buf *out, struct error *err)
{
	const struct channel *ch = channels_find(&j->ch, f->channel);
	enum status st = ST_OK;
	if (!ch)
		return error_set(err, ST_FAILED, ERR_APPLIER, "the channel is gone");
	const struct gap *gap = &j->gaps.item[ch - j->ch.item];
	const char *holes = ch == recover_fetcher(&j->ch, j->gaps.holes) ? j->gaps.holes : NULL;
	if (f->step == RECOVER_RESET)
		st = recover_source_has_all(j, ch, err);
	if (!st)
		st = start(j, ch, f->step, out, err);
	if (st && f->step == RECOVER_RESET && err->kind == ERR_PREFLIGHT) {
		err->kind = ERR_APPLIER;
		error_hint(err, "an account that has the right RELOAD can do it; slackwater does not ask for it otherwise");
	}
	if (st)
		return st;
	st = recover_wait_closed(j, f->channel, gap, holes, out, err);
	/* It runs and still lacks something: that no look at a running applier shows any more. */
	f->last_word = st && !err->my_errno;
	return st;
}

enum status recover_repair(struct recover_task *j, struct recover_finding *f, struct error *err)
{
	struct error why = ERROR_INIT;
	struct buf out = BUF_INIT(BUF_MAX_SQL);
	f->tried = true;
	enum status st = attempt(j, f, &out, &why);
	f->outcome = st ? RECOVER_FAILED : RECOVER_REPAIRED;
	if (st)
		buf_addf(&out, "%s%s%s%s", out.len ? "; " : "", why.message, why.hint[0] ? ": " : "", why.hint);
	if (buf_check(&out, "a result", err) || checkpoint_set(&f->result, buf_str(&out), err)) {
		buf_free(&out);
		return ST_FAILED;
	}
	event_info(j->run->events, "recover", "%s: %s: %s", f->label, recover_outcome_name(f->outcome), f->result);
	buf_free(&out);
	if (!st || why.kind == ERR_APPLIER)
		return ST_OK;
	if (err)
		*err = why;
	return st;
}
