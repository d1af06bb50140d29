/* SPDX-License-Identifier: Apache-2.0 */
/*
 * applier: the window. Brings the parallel applier of all running channels to a proven, gap-free stillness, lets the caller
 * fix its snapshot there, and sets the applier going again.
 *
 * Takes connection options from the agent, hands a checkpoint to the stories; must never KILL, never touch an IO thread, never
 * leave a channel stopped that it found running, never start one that it found stopped, and knows nothing of engines or stores.
 */
#pragma once

#include "slackwater/checkpoint.h"
#include "slackwater/conn.h"

enum on_deadline { ON_DEADLINE_GIVE_UP, ON_DEADLINE_STOP };

struct window_options {
	int64_t pause_budget_ms; /* default 500: STOP only when what is in flight is younger */
	int64_t deadline_ms;     /* default 600000: bounds waiting of every kind */
	int64_t max_pause_ms;    /* default 60000: when the guard in the server starts the applier by itself */
	enum on_deadline on_deadline;
	bool refuse_prepared;    /* a logical snapshot: wait for a moment without XA-prepared transactions and temporary tables */
	bool no_guard;           /* do without the dead-man's switch, where a proxy refuses what it is made of; the journal is left */
	bool group_member;       /* a member of a replication group is accepted: its group channels are never touched */
	const char *state_dir;   /* where the journal is kept; NULL = none is */
};
extern const struct window_options window_defaults;

/*
 * Called while the applier is still, with the state that was proven; cp is valid during the call only and may still lack
 * pause_ms. May be called again in the same stillness (then everything fixed by the call before must be dropped) when the
 * writer fingerprint moved meanwhile. ST_RETRY = please call again; anything else but ST_OK ends the window, the applier is
 * resumed and the error is returned. run is cancelled when the user is impatient: return quickly.
 *
 * beyond_innodb is asked after a capture: does what it fixed hold tables of other engines? Then a writer who leaves InnoDB alone counts, too.
 *
 * drop is called, still in the stillness, when what capture fixed does not count and the applier is set going without it: every
 * lock and snapshot has to be given up before it returns, or a replicated DDL would wait for us while we wait for it.
 */
struct window_capture {
	enum status (*capture)(void *arg, const struct checkpoint *cp, struct run *run, struct error *err);
	bool (*beyond_innodb)(void *arg);
	void (*drop)(void *arg);
	void *arg;
};

/*
 * Run the window from PREFLIGHT to RUNNING. Opens its own sessions with o. On ST_OK *ret_cp is the checkpoint of the capture,
 * owned by the caller. Whatever it returns, each channel that was running runs again, or the error says which does not and why.
 */
enum status window_run(const struct conn_options *o, const struct window_options *w, const struct window_capture *capture,
                       struct run *run, struct checkpoint **ret_cp, struct error *err);

/* PREFLIGHT alone, for `slackwater check` and at the start of a backup: touches nothing. */
struct preflight {
	struct server_info server;
	struct checkpoint *state;   /* channels as they are now; coordinates not proven */
	struct strlist notes;       /* what will be done, one line each */
	struct strlist warnings;
	uint64_t gap_transactions;  /* known missing transactions over all channels; 0 = none seen now */
	bool gap_unknown;           /* a hole that was not received, or that could not be counted */
	struct strlist gaps;        /* one line per channel with a gap: what is missing */
};
/* ERR_PREFLIGHT for what is refused (Galera, group replication member, missing rights, repositories not TABLE ...), ERR_APPLIER when a
 * channel has stopped with an error or its applier stands still over a gap; *ret is filled in that case too, and only then and on ST_OK. */
enum status window_preflight(const struct conn_options *o, const struct window_options *w, struct run *run, struct preflight **ret,
                             struct error *err);
void preflight_free(struct preflight *p);
