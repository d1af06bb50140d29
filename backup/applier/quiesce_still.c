/* SPDX-License-Identifier: Apache-2.0 */
/* CLOSING, STILL, CAPTURED: what happens between the stop and the start. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/checkpoint_parts.h"
#include "applier/proof.h"
#include "applier/quiesce.h"
#include "slackwater/slot.h"

enum { ROUNDS = 5, WINDOWS = 3, MOVES = 5, OPENS = 3, CLOSE_POLL_MS = 25, TELL_EVERY_MS = 2000 };

/* ---- CLOSING ---- */

static bool is_ours(const struct quiesce *q, const char *name)
{
	for (size_t i = 0; i < q->nours; i++) {
		if (!q->ours[i].dropped && strcmp(q->ours[i].name, name) == 0)
			return true;
	}
	return false;
}

static enum status gap_error(struct quiesce *q, const char *what, struct error *err)
{
	struct strlist lines = { 0 };
	struct buf text = BUF_INIT(4096);
	(void)gaps_describe(&q->gaps, &q->now, &lines, NULL);
	for (size_t i = 0; i < lines.n; i++)
		buf_addf(&text, "%s%s", i ? "; " : "", lines.item[i]);
	error_set(err, ST_FAILED, ERR_APPLIER, "%s: %.800s", what, buf_str(&text));
	if (q->gaps.holes)
		error_hint(err, "if those transactions no longer exist anywhere, take their place with empty ones; if they do, let the "
		                "receiver fetch them again: stop and start the replica as a whole");
	else
		error_hint(err, "see why the applier does not get over it: its last error, and the server's error log");
	buf_free(&text);
	strlist_free(&lines);
	return ST_FAILED;
}

/* The applier runs; until what was missing is there. */
static enum status wait_closed(struct quiesce *q, struct error *err)
{
	struct gaps now = { 0 };
	bool closed = false;
	int64_t told = run_now_ms(q->run);
	enum status st = ST_OK;
	while (!st && !closed) {
		st = quiesce_read_channels(q, err);
		for (size_t i = 0; !st && i < q->now.n; i++) {
			const struct channel *ch = &q->now.item[i];
			if (is_ours(q, ch->cp.name) && !ch->sql_running && ch->sql_errno)
				st = channels_error(ch, err);
		}
		if (!st)
			st = gaps_read(q->watch, &q->in, &q->now, &now, err);
		if (!st)
			st = gaps_closed(&q->gaps, &now, &q->now, &closed, err);
		if (st || closed)
			break;
		int64_t t = run_now_ms(q->run);
		if (t >= q->deadline_ms)
			st = gap_error(q, "the gap was not closed before the deadline", err);
		else
			st = run_sleep_ms(q->run, CLOSE_POLL_MS, err);
		if (t - told >= TELL_EVERY_MS) {
			told = t;
			event_info(q->run->events, "window", "waiting for the gap to close");
		}
	}
	gaps_free(&now);
	return st;
}

/*
 * Every mode closes a gap by a plain START: with positions the server fills the gap first, one transaction after the other, before it
 * goes on; with GTIDs it applies what is missing. UNTIL SQL_AFTER_MTS_GAPS would have a thread stop by itself later, when nobody
 * watches any more, does not end on a drained relay log, and lies with GTIDs (facts/servers 2).
 */
enum quiesce_event quiesce_close_gap(struct quiesce *q)
{
	struct error e = ERROR_INIT;
	enum status st = quiesce_start_all(q, &e);
	if (!st)
		st = quiesce_unsecure(q, &e);
	if (!st && gaps_any(&q->gaps)) {
		if (++q->rounds > ROUNDS)
			st = gap_error(q, "a gap was there after every round of closing it", &e);
		else
			st = wait_closed(q, &e);
	}
	return st ? quiesce_fail(q, &e) : E_DONE;
}

/* ---- STILL ---- */

/* Is everything that has to stand still standing still? *ret_again: somebody has started it, another stillness is needed. */
static enum status look_still(struct quiesce *q, bool *ret_again, struct error *err)
{
	char label[160];
	*ret_again = false;
	for (size_t i = 0; i < q->now.n; i++) {
		const struct channel *ch = &q->now.item[i];
		if (ch->sql_running) {
			snprintf(q->why, sizeof q->why, "%s was started by somebody else, or by the dead-man's switch after --max-pause",
			         channels_label(&ch->cp, label));
			*ret_again = true;
			return ST_OK;
		}
		if (ch->sql_errno)
			return channels_error(ch, err);
	}
	return ST_OK;
}

/* The dead-man's switch has ended the stillness. A capture that takes longer than that once will do so again. */
static enum quiesce_event on_fired(struct quiesce *q, int64_t capture_ms, struct error *e)
{
	snprintf(q->why, sizeof q->why, "the dead-man's switch went off: the stillness took longer than --max-pause");
	if (capture_ms <= q->w->max_pause_ms && ++q->windows < WINDOWS) {
		q->again = true;
		return E_AGAIN;
	}
	if (capture_ms > q->w->max_pause_ms)
		error_set(e, ST_FAILED, ERR_NO_QUIET, "the capture took %.1f s, longer than --max-pause: the dead-man's switch has started the applier",
		          (double)capture_ms / 1000);
	else
		error_set(e, ST_FAILED, ERR_NO_QUIET, "%s, %d times", q->why, WINDOWS);
	error_hint(e, "raise --max-pause, or have less copied while the applier stands still: --nontransactional=skip, where those tables do not count");
	return quiesce_fail(q, e);
}

static enum status copy_instance(struct quiesce *q, struct checkpoint *cp, struct error *err)
{
	const struct imprint *f = &q->before;
	cp->server = q->in.server;
	cp->taken_ms = run_wall_ms(q->run);
	cp->log_bin = q->in.log_bin;
	cp->log_replica_updates = q->in.log_updates;
	cp->binlog_pos = f->pos;
	cp->in_flight_ms = q->in_flight_ms;
	cp->wait_ms = q->wait_ms;
	cp->gap_rounds = q->rounds;
	enum status st = slot_set(&cp->gtid_mode, q->in.gtid_mode, err);
	if (!st)
		st = slot_set(&cp->gtid_executed, f->gtids, err);
	if (!st)
		st = slot_set(&cp->gtid_purged, f->purged, err);
	if (!st)
		st = slot_set(&cp->gtid_slave_pos, f->slave_pos, err);
	if (!st)
		st = slot_set(&cp->gtid_binlog_pos, f->binlog_gtids, err);
	if (!st)
		st = slot_set(&cp->gtid_current_pos, f->current_pos, err);
	if (!st)
		st = slot_set(&cp->binlog_file, f->file, err);
	return st ? st : strlist_add_all(&cp->warnings, &q->warnings, err);
}

static enum status build(struct quiesce *q, struct error *err)
{
	struct checkpoint *cp = calloc(1, sizeof *cp);
	if (!cp)
		return error_oom(err);
	checkpoint_free(q->cp);
	q->cp = cp;
	enum status st = copy_instance(q, cp, err);
	if (!st && q->now.n && !(cp->channel = calloc(q->now.n, sizeof *cp->channel)))
		st = error_oom(err);
	for (; !st && cp->nchannels < q->now.n; cp->nchannels++)
		st = checkpoint_channel_copy(&cp->channel[cp->nchannels], &q->now.item[cp->nchannels].cp, err);
	if (!st && q->gaps.permanent)
		st = strlist_addf(&cp->warnings, err,
		                  "holes in gtid_executed taken as permanent, because a connected receiver has gone past them: %s", q->gaps.permanent);
	if (!st && !q->now.n)
		st = strlist_add(&cp->proof, "the server has no replication channel: nothing had to be stopped", err);
	return st;
}

/* *ret: the worst over all channels. */
static enum status prove_channels(struct quiesce *q, enum proof_verdict *ret, struct error *err)
{
	enum status st = ST_OK;
	*ret = PROOF_GOOD;
	for (size_t i = 0; !st && i < q->now.n; i++) {
		enum proof_verdict one = PROOF_OPEN;
		struct checkpoint_channel *cp = &q->now.item[i].cp;
		st = proof_channel(q->watch, &q->in, &q->before, &q->gaps.item[i], cp, &one, err);
		if (st || one == PROOF_GOOD)
			continue;
		snprintf(q->why, sizeof q->why, "channel '%.100s': %.380s", cp->name, cp->coordinates_why);
		if (one == PROOF_STALE && !is_ours(q, cp->name))
			continue; /* a stopped channel is not started for the sake of its coordinates: the GTID set counts */
		*ret = one > *ret ? one : *ret;
	}
	return st;
}

static enum status open_error(struct quiesce *q, struct error *err)
{
	error_set(err, ST_FAILED, ERR_APPLIER, "the state of the applier cannot be proven: %.900s", q->why);
	return error_hint(err, "stop and start the replica as a whole, so that it writes its coordinates anew, and try again");
}

/* What is missing in a channel that is not ours to start is for a person. */
static enum quiesce_event on_gap(struct quiesce *q, struct error *e)
{
	for (size_t i = 0; i < q->gaps.n; i++) {
		if (q->gaps.item[i].text && !is_ours(q, q->now.item[i].cp.name)) {
			gap_error(q, "an applier that was stopped before us stands over a gap", e);
			return quiesce_fail(q, e);
		}
	}
	if (!q->nours || !quiesce_owes_start(q)) {
		gap_error(q, "nothing that is ours to start can close a gap", e);
		return quiesce_fail(q, e);
	}
	return E_GAP;
}

enum quiesce_event quiesce_prove(struct quiesce *q)
{
	struct error e = ERROR_INIT;
	enum proof_verdict verdict = PROOF_GOOD;
	bool again = false;
	enum status st = run_check(q->run, &e);
	if (!st)
		st = imprint_take(q->watch, &q->in, &q->before, &e);
	if (!st)
		st = quiesce_read_channels(q, &e);
	if (!st)
		st = look_still(q, &again, &e);
	if (!st && guard_fired(q->guard))
		return on_fired(q, 0, &e);
	if (!st && !again)
		st = gaps_read(q->watch, &q->in, &q->now, &q->gaps, &e);
	if (!st && !again && gaps_any(&q->gaps))
		return on_gap(q, &e);
	if (!st && !again)
		st = prove_channels(q, &verdict, &e);
	if (!st && verdict == PROOF_STALE && q->stale_rounds++ < 1)
		return E_STALE;
	if (!st && verdict == PROOF_OPEN && ++q->opens >= OPENS)
		st = open_error(q, &e);
	if (!st && (again || verdict == PROOF_OPEN)) {
		q->again = true;
		return E_AGAIN;
	}
	if (!st)
		st = build(q, &e);
	return st ? quiesce_fail(q, &e) : E_DONE;
}

/* ---- CAPTURED ---- */

static enum status unproven(struct quiesce *q, struct error *err)
{
	struct buf who = BUF_INIT(4096);
	imprint_suspects(q->watch, &q->in, &who);
	error_set(err, ST_FAILED, ERR_INCONSISTENT, "something else writes while the applier stands still: %.800s", q->why);
	error_hint(err, "the replica must have no other writer for a few milliseconds; suspects: %.400s",
	           who.len ? buf_str(&who) : "none that the server shows");
	buf_free(&who);
	return ST_FAILED;
}

/* Moved: once more while it is still, then in another window, then not at all. An error is the engine's, which asked for it and knows why. */
static enum quiesce_event on_moved(struct quiesce *q, struct error *e)
{
	int64_t spent = q->still_ms ? run_now_ms(q->run) - q->still_ms : 0;
	event_debug(q->run->events, "window", "to be captured again: %s", q->why);
	if (++q->moves < MOVES && spent < 2 * q->w->pause_budget_ms)
		return E_MOVED;
	if (++q->windows >= WINDOWS) {
		if (e->status)
			e->status = ST_FAILED;
		else
			unproven(q, e);
		return quiesce_fail(q, e);
	}
	q->again = true;
	return E_AGAIN;
}

static enum status compare(struct quiesce *q, enum imprint_moved *ret, struct error *err)
{
	struct imprint after = { 0 };
	struct buf why = BUF_INIT(1u << 16);
	enum status st = imprint_take(q->watch, &q->in, &after, err);
	if (!st) {
		*ret = imprint_compare(&q->before, &after, q->capture->beyond_innodb(q->capture->arg), &why);
		if (*ret == IMPRINT_SAME)
			st = strlist_addf(&q->cp->proof, err, "before the first and after the last snapshot: %s", buf_str(&why));
		else
			snprintf(q->why, sizeof q->why, "%s", buf_str(&why));
	}
	imprint_free(&after);
	buf_free(&why);
	return st;
}

static enum status look_prepared(struct quiesce *q, bool *ret_again, struct error *err)
{
	*ret_again = false;
	if (!q->w->refuse_prepared)
		return ST_OK;
	enum status st = prepared_look(q->watch, &q->no_xa_right, &q->prepared, err);
	if (!st && prepared_any(&q->prepared)) {
		snprintf(q->why, sizeof q->why, "%s", buf_str(&q->prepared.text));
		*ret_again = true;
		return ST_OK;
	}
	if (!st)
		st = strlist_addf(&q->cp->proof, err, "%s no prepared transaction, and no replicated session has an open temporary table",
		                  q->prepared.by_innodb ? "information_schema.innodb_trx shows" : "XA RECOVER shows");
	return st;
}

enum quiesce_event quiesce_capture(struct quiesce *q)
{
	struct error e = ERROR_INIT;
	enum imprint_moved moved = IMPRINT_SAME;
	bool again = false;
	enum status st = look_prepared(q, &again, &e);
	if (!st)
		st = run_check(q->run, &e);
	if (!st && again) {
		q->again = true;
		return E_AGAIN;
	}
	q->fixed = q->fixed || !st;
	int64_t begun = run_now_ms(q->run);
	if (!st)
		st = q->capture->capture(q->capture->arg, q->cp, q->run, &e);
	int64_t took_ms = run_now_ms(q->run) - begun;
	if (st == ST_RETRY) {
		snprintf(q->why, sizeof q->why, "the snapshot asked to be taken again: %.400s", e.message);
		return on_moved(q, &e);
	}
	if (!st)
		st = compare(q, &moved, &e);
	if (!st && guard_fired(q->guard)) /* first: what it has started does move something */
		return on_fired(q, took_ms, &e);
	if (!st && moved != IMPRINT_SAME)
		return on_moved(q, &e);
	if (st)
		return quiesce_fail(q, &e);
	q->captured = true;
	return E_DONE;
}
