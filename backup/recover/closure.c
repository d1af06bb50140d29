/* SPDX-License-Identifier: Apache-2.0 */
/* What runs again had a gap: until that is closed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/restart.h"
#include "recover/task.h"
#include "slackwater/gtid.h"

enum {
	SILENCE_MS = 30000,    /* a connected receiver that gets nothing at all for so long: its source has no more to send */
	QUIET_MS = 5000,       /* for a look without any gap, other than those of the moment */
	POLL_MS = 50,
	TELL_EVERY_MS = 5000
};

/* *ret is replaced; *ret_ch points into it. */
static enum status read_one(struct recover_task *j, const char *channel, struct channels *ret, const struct channel **ret_ch,
                            struct error *err)
{
	enum status st = channels_read(j->c, ret, err);
	if (!st)
		st = channels_inherit(ret, &j->ch, &j->in, err);
	*ret_ch = st ? NULL : channels_find(ret, channel);
	if (!st && !*ret_ch)
		st = error_set(err, ST_FAILED, ERR_APPLIER, "the channel is gone");
	return st;
}

struct wait {
	struct recover_task *j;
	const char *channel;
	const struct gap *was;
	struct gtid_set *holes; /* NULL = none */
	struct channels ch;
	struct gaps gaps;
	const struct channel *now; /* into ch */
	char *received;            /* the received set when it last grew ... */
	int64_t grown_ms;          /* ... and when that was */
};

static enum status read_gaps(struct wait *w, struct error *err)
{
	enum status st = read_one(w->j, w->channel, &w->ch, &w->now, err);
	if (!st)
		st = restart_error(w->now, w->holes != NULL, err);
	return st ? st : gaps_read(w->j->c, &w->j->in, &w->ch, &w->gaps, err);
}

static const struct gap *gap_now(const struct wait *w)
{
	return &w->gaps.item[w->now - w->ch.item];
}

/* This channel alone, whatever others do. */
static enum status is_closed(const struct wait *w, bool *ret, struct error *err)
{
	struct gtid_set *executed = NULL;
	enum status st = gtid_set_parse(w->ch.executed_set ? w->ch.executed_set : "", &executed, err);
	*ret = !st && gaps_one_closed(w->was, gap_now(w), executed) && (!w->holes || gtid_set_contains(executed, w->holes));
	gtid_set_free(executed);
	return st;
}

/* What of the holes is in text (a set; NULL = none), as text; *ret NULL when nothing is. Owned by the caller. */
static enum status among_holes(const struct wait *w, const char *text, char **ret, struct error *err)
{
	struct gtid_set *set = NULL;
	enum status st = gtid_set_parse(text ? text : "", &set, err);
	*ret = NULL;
	if (!st)
		st = gtid_set_intersect(set, w->holes, err);
	if (!st && !gtid_set_empty(set))
		st = gtid_set_text(set, ret, err);
	gtid_set_free(set);
	return st;
}

/* Has the received set stood still for long, with the receiver connected? */
static enum status is_silent(struct wait *w, bool *ret, struct error *err)
{
	const char *received = w->now->cp.received_set ? w->now->cp.received_set : "";
	int64_t t = run_now_ms(w->j->run);
	*ret = false;
	if (w->received && strcmp(w->received, received) == 0 && w->now->cp.io_running) {
		*ret = t - w->grown_ms >= SILENCE_MS;
		return ST_OK;
	}
	free(w->received);
	w->received = strdup(received);
	w->grown_ms = t;
	return w->received ? ST_OK : error_oom(err);
}

/* A receiver that has gone past the holes, or has nothing more to get, will never get them. */
static enum status never_sent(struct wait *w, struct error *err)
{
	char *left = NULL;
	bool silent = false;
	if (!w->holes)
		return ST_OK;
	enum status st = is_silent(w, &silent, err);
	if (!st)
		st = among_holes(w, w->gaps.permanent, &left, err);
	if (!st && !left && silent)
		st = among_holes(w, w->gaps.holes, &left, err);
	if (!st && left) {
		st = error_set(err, ST_FAILED, ERR_APPLIER, "the receiver is connected, and its source does not send what is missing: %.700s", left);
		error_hint(err, "if those transactions no longer exist anywhere, take their place with empty ones (SET gtid_next; BEGIN; COMMIT); "
		                "or seed the replica anew");
	}
	free(left);
	return st;
}

static enum status too_late(const struct wait *w, struct error *err)
{
	error_set(err, ST_FAILED, ERR_APPLIER, "it runs, but the gap was not closed before the deadline");
	return error_hint(err, "%s", w->now->cp.delay_s ? "the channel is delayed on purpose: look again later"
	                                                : "see what the applier waits for; then look again, with a longer --deadline");
}

static enum status until_closed(struct wait *w, struct error *err)
{
	struct run *run = w->j->run;
	int64_t told = run_now_ms(run);
	bool closed = false;
	for (;;) {
		enum status st = read_gaps(w, err);
		if (!st)
			st = is_closed(w, &closed, err);
		if (st || closed)
			return st;
		st = never_sent(w, err);
		int64_t t = run_now_ms(run);
		if (!st && t >= w->j->deadline_ms)
			st = too_late(w, err);
		if (!st && t - told >= TELL_EVERY_MS) {
			told = t;
			event_info(run->events, "recover", "waiting for the gap to close");
		}
		if (!st)
			st = run_sleep_ms(run, POLL_MS, err);
		if (st)
			return st;
	}
}

/* With commits out of order an applier at work always shows gaps of the moment; one look without any is enough. */
static enum status until_none(struct wait *w, struct buf *out, struct error *err)
{
	int64_t until = run_now_ms(w->j->run) + QUIET_MS;
	enum status st = ST_OK;
	while (!st && gap_any(gap_now(w)) && run_now_ms(w->j->run) < until) {
		st = run_sleep_ms(w->j->run, POLL_MS, err);
		if (!st)
			st = read_gaps(w, err);
	}
	if (!st && gap_any(gap_now(w)))
		buf_adds(out, "; what the applier is at now is applied out of order, as it is set up to");
	else if (!st)
		buf_adds(out, "; no gap is seen now");
	return st;
}

static void say_closed(const struct wait *w, const char *holes, int64_t ms, struct buf *out)
{
	const struct gap *g = w->was;
	if (g->set || holes) {
		buf_adds(out, "; gap closed: in gtid_executed is now ");
		if (g->set)
			gtid_set_format(g->set, out);
		buf_addf(out, "%s%s", g->set && holes ? "," : "", holes ? holes : "");
	} else if (gap_any(g) && g->target.file) {
		buf_addf(out, "; gap closed: low-water mark %s:%" PRIu64 ", which is not before %s:%" PRIu64, gap_now(w)->lwm.file,
		         gap_now(w)->lwm.pos, g->target.file, g->target.pos);
	}
	buf_addf(out, "; seen running without an error, %" PRId64 " ms after the start", ms);
}

enum status recover_wait_closed(struct recover_task *j, const char *channel, const struct gap *was, const char *holes,
                                struct buf *out, struct error *err)
{
	struct wait w = { .j = j, .channel = channel, .was = was };
	enum status st = holes ? gtid_set_parse(holes, &w.holes, err) : ST_OK;
	if (!st)
		st = until_closed(&w, err);
	if (!st)
		say_closed(&w, holes, run_now_ms(j->run) - j->started_ms, out);
	if (!st)
		st = until_none(&w, out, err);
	gtid_set_free(w.holes);
	channels_free(&w.ch);
	gaps_free(&w.gaps);
	free(w.received);
	return st;
}
