/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quiesce: the state machine of the window (design "The window"). A row of the table is {state, event, next, function, comment}: when
 * the function of a state returns an event, the row says where to go, the comment is what the log prints, and the row's
 * function does what is to be done in the new state. From every state a row leads to RESUMING.
 */
#pragma once

#include "applier/channels.h"
#include "applier/imprint.h"
#include "applier/gaps.h"
#include "applier/guard.h"
#include "applier/inflight.h"
#include "applier/job.h"
#include "applier/prepared.h"
#include "slackwater/applier.h"
#include "slackwater/journal.h"

/* What the server says to a STOP that is refused, or to one that cannot be waited for any longer. */
enum { ER_CANT_STOP_HERE = 1192, ER_STOP_TIMEOUT = 1875, ER_BACKUP_LOCK = 3857 };

enum quiesce_state { Q_BEGIN, Q_PREFLIGHT, Q_ARMED, Q_WATCHING, Q_STOPPING, Q_CLOSING, Q_STILL, Q_CAPTURED, Q_RESUMING,
	             Q_RUNNING, Q_END };
enum quiesce_event {
	E_BEGIN,  /* at the start of it all */
	E_DONE,   /* what the state is for has been achieved */
	E_IDLE,   /* no applier runs: nothing to stop */
	E_GAP,    /* transactions are missing in the middle */
	E_STALE,  /* the coordinates are behind what is executed */
	E_MOVED,  /* something was written meanwhile: prove and capture again, while it is still */
	E_AGAIN,  /* this stillness is of no use: resume, and wait for another one */
	E_FAILED  /* q->error says why; the applier has to run again all the same */
};

struct quiesce;
typedef enum quiesce_event (*quiesce_fn)(struct quiesce *q);

struct quiesce_row {
	enum quiesce_state state;
	enum quiesce_event event;
	enum quiesce_state next;
	quiesce_fn function;
	const char *comment;
};
extern const struct quiesce_row quiesce_table[];
extern const size_t quiesce_rows;
const char *quiesce_state_name(enum quiesce_state s);

/* A channel that ran when we came: to be stopped, and started again. */
struct ours {
	char *name;
	struct job job;      /* its session and thread for STOP and START */
	bool dropped;        /* somebody stopped it before we did, or took it over since: not ours any more */
	bool io_ran;         /* its receiver ran when the STOP was sent */
	bool stopping;       /* a STOP was sent and the thread has not been seen still since */
	bool stopped;        /* ... it has: a START is owed */
	struct error stop_error; /* what STOP said, when it said no */
};

struct quiesce {
	const struct conn_options *o;
	const struct window_options *w;
	const struct window_capture *capture;
	struct run *run;     /* the caller's: may be cancelled at any time */
	struct run shield;   /* for what has to be finished all the same */
	struct conn *watch;
	int done_fd;         /* STOP or START returned */

	struct instance in;
	struct channels described, now;
	struct gaps gaps;
	struct ours *ours;
	size_t nours;
	const char **names;  /* of ours, for the guard */
	bool *which;
	struct guard *guard;     /* NULL with no_guard */
	struct journal *journal; /* NULL without a state directory */
	bool secured;            /* both are set: what is stopped now is started again, whatever becomes of us */
	bool reopened;           /* the server was lost, and has come back */
	int64_t reopen_until_ms; /* for how long RESUMING waits for that; 0: it was not lost */
	struct inflight inflight;
	struct prepared prepared;
	struct imprint before;
	bool no_xa_right;

	struct checkpoint *cp;
	bool fixed;          /* capture was called, and what it fixed is held */
	bool captured;       /* cp is the one of a capture that counts */
	bool again;          /* after RESUMING: another window */
	struct error error;  /* what ended the window */
	struct strlist warnings;

	int64_t deadline_ms, armed_ms, still_ms; /* monotonic; still_ms: first STOP of this stillness */
	int64_t pause_ms, in_flight_ms, wait_ms;
	uint64_t newest;     /* highest number in the process list before the STOP; 0: not needed */
	unsigned windows, moves, opens, rounds, stale_rounds;
	char why[512];       /* why the stillness before was of no use */
};

enum status quiesce_open(struct quiesce *q, struct error *err);
void quiesce_close(struct quiesce *q);
/* Walk the table from BEGIN to END. */
enum status quiesce_run(struct quiesce *q, struct error *err);

/* The functions of the table; quiesce_begin.c, quiesce_arm.c, quiesce_watch.c, quiesce_still.c, quiesce_resume.c. */
enum quiesce_event quiesce_preflight(struct quiesce *q);
enum quiesce_event quiesce_arm(struct quiesce *q);
enum quiesce_event quiesce_watch(struct quiesce *q);
enum quiesce_event quiesce_stop(struct quiesce *q);
enum quiesce_event quiesce_close_gap(struct quiesce *q);
enum quiesce_event quiesce_prove(struct quiesce *q);
enum quiesce_event quiesce_capture(struct quiesce *q);
enum quiesce_event quiesce_resume(struct quiesce *q);
enum quiesce_event quiesce_report(struct quiesce *q);

/* Shared by them. */
enum status quiesce_read_channels(struct quiesce *q, struct error *err); /* into q->now */
enum status quiesce_start_all(struct quiesce *q, struct error *err);     /* every START that is owed, seen running */
bool quiesce_owes_start(const struct quiesce *q);
/* Set journal and switch for the channels that are still ours; and let both go, when none of them is stopped by us (any more). */
enum status quiesce_secure(struct quiesce *q, struct error *err);
enum status quiesce_unsecure(struct quiesce *q, struct error *err);
/* What could not be started, though the server is there: the switch can do no better and is let go, which the journal has to know. */
enum status quiesce_leave_to_journal(struct quiesce *q, struct error *err);
/* Has the channel been started, by the switch or by a person, since its STOP was sent? Then it may never be seen standing. */
enum status quiesce_restarted(struct quiesce *q, const struct ours *o, bool *ret, struct error *err);
/* Is the channel pointed at another source than when we looked first? */
bool quiesce_redirected(const struct quiesce *q, const struct channel *ch);
/* E_FAILED; the first error is kept, except that an applier left stopped is always said. */
enum quiesce_event quiesce_fail(struct quiesce *q, const struct error *e);
