/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recover: an applier that somebody else broke, explained, and put right where that is surely safe. Start reading in backup/recover.c.
 *
 * Takes a server from the agent, hands it a report; must never KILL, never skip or alter a transaction, never take a channel to another
 * source or position, and without consent never start anything.
 */
#pragma once

#include "slackwater/conn.h"
#include "slackwater/strlist.h"

enum recover_class {
	RECOVER_INTERRUPTED,      /* a worker's statement or thread was ended by somebody, or it gave up: 1317, 1927, 1756, 1205 ... */
	RECOVER_STOPPED,          /* the applier is stopped, without an error */
	RECOVER_UNTIL,            /* it has stopped where a START ... UNTIL told it to */
	RECOVER_HOLE,             /* transactions are missing that no receiver has fetched */
	RECOVER_CONFLICT,         /* 1032, 1062: the data are not what the source had */
	RECOVER_PURGED,           /* 1236: the source does not have what the receiver asks for */
	RECOVER_METADATA,         /* 1872: the applier's metadata and the relay logs do not belong together */
	RECOVER_RELAY_LOG,        /* a relay log cannot be read */
	RECOVER_SAME_SERVER,      /* source and replica have the same server UUID, or the same server_id */
	RECOVER_APPLIER,          /* any other error of the applier */
	RECOVER_RECEIVER,         /* any other error of the receiver */
	RECOVER_RECEIVER_STOPPED  /* the receiver is stopped, without an error */
};
const char *recover_class_name(enum recover_class c); /* "interrupted", ... as in the JSON */

/* What can be done about it without a person. */
enum recover_step {
	RECOVER_EXPLAIN, /* nothing */
	RECOVER_START,   /* start the applier */
	RECOVER_FETCH,   /* stop and start the receiver too, which then fetches again what is missing */
	RECOVER_RESET    /* RESET REPLICA, which keeps connection and data and has all relay logs fetched again; auto-position only */
};
const char *recover_step_name(enum recover_step s); /* "explain", "start", "fetch", "reset" */

enum recover_outcome {
	RECOVER_OPEN,     /* still so */
	RECOVER_REPAIRED,
	RECOVER_FAILED,   /* tried, and result says why it did not help */
	RECOVER_GONE      /* no longer so: it went by itself, or with the repair of something else */
};
const char *recover_outcome_name(enum recover_outcome o); /* "open", "repaired", "failed", "gone" */

/* Strings are owned. */
struct recover_finding {
	char *channel;          /* "" = default */
	char label[160];        /* "channel 'x'" */
	enum recover_class class;
	enum recover_step step;
	bool consent;           /* nothing broke: somebody may have stopped it on purpose, so a person is asked */
	unsigned my_errno;      /* 0 = none */
	char *error;            /* the server's words; NULL = none */
	char *text;             /* what is the matter, one line */
	char *next;             /* what a person does about it */
	struct strlist details; /* who was hit, what is missing */
	uint64_t gap;           /* transactions received and not applied below the newest applied one */
	bool gap_unknown;       /* ... and more that could not be counted, or that nobody has received */
	enum recover_outcome outcome;
	char *result;           /* what was done and seen; NULL = nothing */
	bool agreed, tried;
	bool last_word;         /* FAILED, and the channel's looking well afterwards does not change that */
};

struct recover_report {
	struct server_info server;
	size_t channels;                 /* 0: no replica */
	struct recover_finding *finding; /* in the order they were met */
	size_t n;
	struct strlist healthy;          /* labels of channels with nothing to find */
	struct strlist notes;
	struct strlist journal;          /* what was found of runs of ours that are dead, one line each */
};
void recover_report_free(struct recover_report *r);

struct recover_options {
	struct conn_options server;
	const char *state_dir;    /* NULL: claim_default_dir */
	bool apply;               /* repair, without asking */
	int64_t deadline_ms;      /* longest wait until a gap has closed */
	int64_t wait_lock_ms;     /* for another run to let the instance go */
	bool no_named_lock;       /* as in struct claim_how */
	/* Asked about findings that need consent when apply is off; NULL = there is nobody to ask. *ret = the answer. */
	enum status (*ask)(void *arg, const struct recover_finding *f, bool *ret, struct error *err);
	void *ask_arg;
};

/*
 * Look, explain, repair, look again. ST_OK: every channel runs without an error. ERR_APPLIER: a person is needed, or --apply. Repairs
 * take the claim (ERR_BUSY). *ret is filled as far as it got, also on failure; free it with recover_report_free.
 */
enum status recover_run(const struct recover_options *o, struct run *run, struct recover_report *ret, struct error *err);
