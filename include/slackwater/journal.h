/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal: which channels are ours to start again, on disk for as long as they may be stopped. It covers what the switch inside the
 * server cannot: that the server itself is restarted in the window (with skip_replica_start, say) while the agent is gone as well.
 *
 * Written before the first STOP (new file, fsync, rename, fsync of the directory), removed after the last START. One that is found by
 * somebody who holds the claim was left by a run that is dead: journal_finish does what that run can no longer do.
 */
#pragma once

#include "slackwater/conn.h"
#include "slackwater/strlist.h"

/* A record as it is on disk. Strings are owned. */
struct journal_record {
	char *path;
	char *identity;          /* the server's, at that time */
	char *endpoint;          /* how it was reached: "tcp HOST:PORT" or "unix PATH" */
	struct strlist channels; /* ours to start; "" is the default channel */
	int64_t written_ms;      /* wall clock of the agent's host, UTC */
	int64_t server_start_s;  /* the server's own clock: when it had been started, Unix time */
	uint64_t connection;     /* the number of our session there: a server that was restarted counts from the beginning */
	bool guarded;            /* a dead-man's switch was set that is sure to have started them */
	int64_t max_pause_ms;    /* ... and fires after this */
	unsigned pid;            /* of the agent */
};
void journal_record_free(struct journal_record *r);

struct journal;
/* Where the window writes; nothing is written yet. c is used once, to read when the server was started. state_dir is made when absent. */
enum status journal_new(const char *state_dir, const struct conn_options *o, struct conn *c, struct journal **ret,
                        struct error *err);
/* ST_OK only once it is on the disk. May be called again. ERR_STORE. */
enum status journal_write(struct journal *j, const char *const *channels, size_t n, bool guarded, int64_t max_pause_ms,
                          struct error *err);
/* Everything runs again. Removing what is not there is fine. */
enum status journal_close(struct journal *j, struct error *err);
void journal_free(struct journal *j); /* leaves the file alone */

/* Paths of the journals in a state directory, which need not exist: of runs that are alive, or were. */
enum status journal_list(const char *state_dir, struct strlist *ret, struct error *err);

/* What was found of dead runs that concerns this server. */
struct journal_report {
	struct strlist started;   /* labels of channels that were started now */
	struct strlist running;   /* ... that run again already: the switch, or the server, did it */
	struct strlist left;      /* one line each: left alone, and why */
	struct strlist foreign;   /* journals of this endpoint that are about another server: reported, never replayed */
	unsigned found;           /* journals about this server */
	unsigned kept;            /* ... that are still there, and foreign ones; of a server that is away, those of its endpoint */
	bool alive;               /* a run is at work there: nothing was looked at */
};
void journal_report_free(struct journal_report *r);

/*
 * Finish what dead runs left open on the server that o reaches. Takes the local half of the claim for as long as it works; when a run is alive
 * on this host it does nothing (found = 0). A channel is started when it was ours, is stopped without an error, and the server was restarted
 * since (or no switch was sure to do it): if the switch was set and the server is the same, the switch has started it, and whoever stopped it
 * since meant it. Nothing open: no connection is made. Channels that could not be started: ERR_APPLIER.
 */
enum status journal_finish(const char *state_dir, const struct conn_options *o, struct run *run, struct journal_report *ret,
                           struct error *err);
