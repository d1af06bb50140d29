/* SPDX-License-Identifier: Apache-2.0 */
#include "applier/quiesce.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

const struct quiesce_row quiesce_table[] = {
	{ Q_BEGIN, E_BEGIN, Q_PREFLIGHT, quiesce_preflight, "rights, versions, settings and gaps are looked at, nothing is touched" },
	{ Q_PREFLIGHT, E_DONE, Q_ARMED, quiesce_arm, "a dead-man's switch is set inside the server, which starts the applier if we vanish" },
	{ Q_PREFLIGHT, E_IDLE, Q_STILL, quiesce_prove, "no applier runs here: there is nothing to stop" },
	{ Q_PREFLIGHT, E_FAILED, Q_RESUMING, quiesce_resume, "refused: nothing was touched" },

	{ Q_ARMED, E_DONE, Q_WATCHING, quiesce_watch, "the applier runs, until what it has in flight is young enough to be waited for" },
	{ Q_ARMED, E_FAILED, Q_RESUMING, quiesce_resume, "the switch could not be set: nothing was stopped" },

	{ Q_WATCHING, E_DONE, Q_STOPPING, quiesce_stop, "the applier of each running channel is told to finish what it has begun and stop" },
	{ Q_WATCHING, E_IDLE, Q_STILL, quiesce_prove, "somebody else stopped the applier meanwhile: there is nothing left to stop" },
	{ Q_WATCHING, E_FAILED, Q_RESUMING, quiesce_resume, "given up while waiting: nothing was stopped" },

	{ Q_STOPPING, E_DONE, Q_STILL, quiesce_prove, "all channels have stopped: what they say of themselves is put to the proof" },
	{ Q_STOPPING, E_AGAIN, Q_RESUMING, quiesce_resume, "the stop did not come about: the applier goes on" },
	{ Q_STOPPING, E_FAILED, Q_RESUMING, quiesce_resume, "the stop failed: the applier goes on" },

	{ Q_CLOSING, E_DONE, Q_WATCHING, quiesce_watch, "the gap is closed and the applier runs: waiting for the moment to stop again" },
	{ Q_CLOSING, E_FAILED, Q_RESUMING, quiesce_resume, "the gap could not be closed: the applier is set going as far as it goes" },

	{ Q_STILL, E_DONE, Q_CAPTURED, quiesce_capture, "GTID set, coordinates and relay logs agree: the snapshot is fixed" },
	{ Q_STILL, E_GAP, Q_CLOSING, quiesce_close_gap, "transactions are missing in the middle: the applier is started to close the gap" },
	{ Q_STILL, E_STALE, Q_CLOSING, quiesce_close_gap, "the coordinates are behind the GTID set: a plain start brings them up" },
	{ Q_STILL, E_AGAIN, Q_RESUMING, quiesce_resume, "could not be proven this time: the applier goes on" },
	{ Q_STILL, E_FAILED, Q_RESUMING, quiesce_resume, "could not be proven: the applier goes on" },

	{ Q_CAPTURED, E_DONE, Q_RESUMING, quiesce_resume, "the snapshot is fixed and nothing was written meanwhile: the applier goes on" },
	{ Q_CAPTURED, E_MOVED, Q_STILL, quiesce_prove, "something was written meanwhile: proof and snapshot are done again" },
	{ Q_CAPTURED, E_AGAIN, Q_RESUMING, quiesce_resume, "this stillness is of no use: the applier goes on" },
	{ Q_CAPTURED, E_FAILED, Q_RESUMING, quiesce_resume, "the snapshot could not be fixed: the applier goes on" },

	{ Q_RESUMING, E_DONE, Q_RUNNING, quiesce_report, "every channel that ran when we came runs again" },
	{ Q_RESUMING, E_AGAIN, Q_ARMED, quiesce_arm, "every channel runs again: another window is tried" },
	{ Q_RESUMING, E_FAILED, Q_RUNNING, quiesce_report, "not every channel could be started again" },

	{ Q_RUNNING, E_DONE, Q_END, NULL, NULL },
};
const size_t quiesce_rows = sizeof quiesce_table / sizeof quiesce_table[0];

const char *quiesce_state_name(enum quiesce_state s)
{
	static const char *const names[] = { "BEGIN", "PREFLIGHT", "ARMED", "WATCHING", "STOPPING", "CLOSING",
		                             "STILL", "CAPTURED", "RESUMING", "RUNNING", "END" };
	return names[s];
}

static const struct quiesce_row *find_row(enum quiesce_state s, enum quiesce_event e)
{
	for (size_t i = 0; i < quiesce_rows; i++) {
		if (quiesce_table[i].state == s && quiesce_table[i].event == e)
			return &quiesce_table[i];
	}
	return NULL;
}

enum quiesce_event quiesce_fail(struct quiesce *q, const struct error *e)
{
	if (!q->error.status)
		q->error = *e;
	return E_FAILED;
}

enum status quiesce_run(struct quiesce *q, struct error *err)
{
	enum quiesce_state state = Q_BEGIN;
	enum quiesce_event event = E_BEGIN;
	while (state != Q_END) {
		const struct quiesce_row *row = find_row(state, event);
		if (!row) { /* a defect, but not one to leave an applier stopped for */
			struct error e;
			error_set(&e, ST_FATAL, ERR_UNEXPECTED, "state %s has no row for event %d", quiesce_state_name(state), (int)event);
			quiesce_fail(q, &e);
			if (quiesce_owes_start(q))
				(void)quiesce_resume(q);
			break;
		}
		state = row->next;
		if (row->function) {
			event_state(q->run->events, "window", quiesce_state_name(state), row->comment);
			event = row->function(q);
		}
	}
	if (q->error.status && err)
		*err = q->error;
	return q->error.status;
}

bool quiesce_owes_start(const struct quiesce *q)
{
	for (size_t i = 0; i < q->nours; i++) {
		if (q->ours[i].stopping || q->ours[i].stopped)
			return true;
	}
	return false;
}

enum status quiesce_open(struct quiesce *q, struct error *err)
{
	q->done_fd = -1;
	enum status st = run_shield(&q->shield, q->run, err);
	if (st)
		return st;
	q->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->done_fd < 0)
		return error_sys(err, ST_FAILED, ERR_UNEXPECTED, errno, "cannot make an event descriptor");
	return ST_OK;
}

void quiesce_close(struct quiesce *q)
{
	guard_free(q->guard);
	journal_free(q->journal);
	for (size_t i = 0; i < q->nours; i++) {
		job_close(&q->ours[i].job);
		free(q->ours[i].name);
	}
	free(q->ours);
	free(q->names);
	free(q->which);
	conn_free(q->watch);
	gaps_free(&q->gaps);
	channels_free(&q->now);
	channels_free(&q->described);
	inflight_free(&q->inflight);
	prepared_free(&q->prepared);
	imprint_free(&q->before);
	instance_free(&q->in);
	strlist_free(&q->warnings);
	checkpoint_free(q->cp);
	if (q->done_fd >= 0)
		close(q->done_fd);
	run_destroy(&q->shield);
}

bool quiesce_redirected(const struct quiesce *q, const struct channel *ch)
{
	const struct channel *was = channels_find(&q->described, ch->cp.name);
	const char *host = ch->cp.source_host ? ch->cp.source_host : "";
	return was && (was->cp.source_port != ch->cp.source_port || strcmp(was->cp.source_host ? was->cp.source_host : "", host) != 0);
}

enum status quiesce_read_channels(struct quiesce *q, struct error *err)
{
	enum status st = channels_read(q->watch, &q->now, err);
	if (!st)
		st = channels_inherit(&q->now, &q->described, &q->in, err);
	for (size_t i = 0; !st && i < q->nours; i++) {
		struct channel *ch = channels_find(&q->now, q->ours[i].name);
		if (!ch) {
			st = error_set(err, ST_FAILED, ERR_INCONSISTENT, "channel '%s' was removed while we looked at it", q->ours[i].name);
		} else if (quiesce_redirected(q, ch)) {
			error_set(err, st = ST_FAILED, ERR_INCONSISTENT, "channel '%s' was pointed at another source meanwhile: %s:%u", q->ours[i].name,
			          ch->cp.source_host ? ch->cp.source_host : "", ch->cp.source_port);
			error_hint(err, "take the backup again when the change is done");
		} else {
			ch->cp.was_running = !q->ours[i].dropped;
		}
	}
	if (!st && q->now.n != q->described.n)
		st = error_set(err, ST_FAILED, ERR_INCONSISTENT, "there are %zu channels now, there were %zu", q->now.n, q->described.n);
	return st;
}
