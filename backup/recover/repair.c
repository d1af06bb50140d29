/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "applier/restart.h"
#include "recover/task.h"
#include "slackwater/dialect.h"
#include "slackwater/slot.h"

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

struct again {
	struct recover_task *j;
	const struct channel *ch;
	enum recover_step step;
};

static enum status start_again(void *arg, struct error *err)
{
	const struct again *a = arg;
	struct buf sql = BUF_INIT(16384);
	recover_start_statement(&a->j->in.server, a->ch, a->step, &sql);
	enum status st = send(a->j, &sql, err);
	buf_free(&sql);
	return st;
}

static enum status start(struct recover_task *j, const struct channel *ch, enum recover_step step, struct buf *out,
                         struct error *err)
{
	struct again again = { j, ch, step };
	struct buf sql = BUF_INIT(16384);
	struct error why = ERROR_INIT;
	recover_step_statements(&j->in.server, ch, step, &sql);
	event_info(j->run->events, "recover", "%s", buf_str(&sql));
	enum status st = send(j, &sql, &why);
	j->started_ms = run_now_ms(j->run);
	if (!st)
		buf_addf(out, "%s", buf_str(&sql));
	buf_free(&sql);
	if (!st)
		return restart_seen(j->c, ch->cp.name, step != RECOVER_START, start_again, &again, err);
	if (err)
		*err = why;
	if (why.kind == ERR_APPLIER && why.my_errno && recover_refused(j, ch->cp.name, &why, err))
		return ST_FAILED;
	give_back(j, ch, step);
	return st;
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
	if (buf_check(&out, "a result", err) || slot_set(&f->result, buf_str(&out), err)) {
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
