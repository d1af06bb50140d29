/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The servers' numbers, those of MySQL 8.0 and later beside the old ones (13114 = 1236, 13117 = 1593, 13121 = 1594, 13124 = 1872). One number
 * may stand for several troubles, which only its text tells apart: the first row that fits counts.
 */
#include "recover/classify.h"

#include <string.h>

struct rule {
	unsigned no[2];   /* 0 = any */
	const char *with; /* in the text; NULL = whatever it says */
	struct recover_cause cause;
};

#define NEXT_COMPARE                                                                                                       \
	"do not skip it unseen: compare the replica with its source, find out who wrote here (or with which position it was "  \
	"seeded), put the rows right and start the applier; or seed the replica anew: slackwater seed --replace"
#define NEXT_SEED                                                                                                          \
	"seed the replica anew from a newer snapshot (slackwater seed --replace), or let it fetch what is missing from another "\
	"server that still has it"
#define NEXT_SKIPPED "see the server's error log, put the reason right and start the applier"

static const struct rule applier[] = {
	{ { 1317 }, NULL,
	  { RECOVER_INTERRUPTED, "somebody interrupted a statement of a replication thread (a tool that ends long-running queries?)", NULL } },
	{ { 1927 }, NULL,
	  { RECOVER_INTERRUPTED, "somebody ended the session of a replication thread (a tool that ends long-running sessions?)", NULL } },
	{ { 1756 }, NULL, { RECOVER_INTERRUPTED, "workers were stopped in the middle of their work, which may leave a gap", NULL } },
	{ { 1964 }, NULL, { RECOVER_INTERRUPTED, "a worker gave up because the one before it did", NULL } },
	{ { 1969 }, NULL, { RECOVER_INTERRUPTED, "a replicated statement took longer than max_statement_time", NULL } },
	{ { 1205 }, NULL, { RECOVER_INTERRUPTED, "a worker waited for a lock longer than its retries allow", NULL } },
	{ { 1213 }, NULL, { RECOVER_INTERRUPTED, "a worker lost more deadlocks than its retries allow", NULL } },
	{ { 1053 }, NULL, { RECOVER_INTERRUPTED, "the server was being shut down", NULL } },
	{ { 1032 }, NULL, { RECOVER_CONFLICT, "a row that the source changed or deleted is not on this replica", NEXT_COMPARE } },
	{ { 1062 }, NULL, { RECOVER_CONFLICT, "a row that the source inserted is on this replica already", NEXT_COMPARE } },
	{ { 1872, 13124 }, NULL, { RECOVER_METADATA, "the applier's metadata cannot be used: relay logs that it names are missing", NULL } },
	{ { 1871, 1201 }, NULL, { RECOVER_METADATA, "the replica's metadata cannot be used: relay logs that it names are missing, or it is damaged", NULL } },
	{ { 1594, 13121 }, NULL, { RECOVER_RELAY_LOG, "a relay log cannot be read: it is damaged, or the source's binary log is", NULL } },
	{ { 0 }, NULL, { RECOVER_APPLIER, "the applier has stopped with an error", NEXT_SKIPPED } },
};

#define NEXT_DIVERGED                                                                                                      \
	"find out which transactions those are (GTID_SUBTRACT, or mysqlbinlog on both sides): either they belong on the source, or "  \
	"the replica has to be seeded anew: slackwater seed --replace"
#define NEXT_UUID                                                                                                          \
	"the data directory was copied together with auto.cnf: stop the server that is the copy, move its auto.cnf away and start "  \
	"it; it then makes a server_uuid of its own. Then start the receiver"
#define CAUSE_AWAY "the source cannot be reached; the receiver tries again by itself"
#define NEXT_AWAY "check that the source is up and reachable from this host"
#define NEXT_ID "give each server a server_id of its own (it can be set at run time and belongs into the option file), then start the receiver"

static const struct rule receiver[] = {
	{ { 1236, 13114 }, "max_allowed_packet",
	  { RECOVER_RECEIVER, "an event of the source is larger than max_allowed_packet",
	    "raise max_allowed_packet on the source and slave_max_allowed_packet (replica_max_allowed_packet) here, then start the receiver" } },
	{ { 1236, 13114 }, "more GTIDs than", { RECOVER_PURGED, "this replica has transactions that its source does not have", NEXT_DIVERGED } },
	{ { 1236, 13114 }, "diverged", { RECOVER_PURGED, "this replica has transactions that its source does not have", NEXT_DIVERGED } },
	{ { 1236, 13114 }, "impossible position",
	  { RECOVER_PURGED, "the source's binary log ends before what this replica has read: it lost its end, in a crash perhaps", NEXT_DIVERGED } },
	{ { 1236, 13114 }, "position > file size",
	  { RECOVER_PURGED, "the source's binary log ends before what this replica has read: it lost its end, in a crash perhaps", NEXT_DIVERGED } },
	{ { 1236, 13114 }, NULL, { RECOVER_PURGED, "the source no longer has what this replica still needs", NEXT_SEED } },
	{ { 1593, 13117 }, "server UUIDs", { RECOVER_SAME_SERVER, "source and replica have the same server_uuid", NEXT_UUID } },
	{ { 1593, 13117 }, "server ids", { RECOVER_SAME_SERVER, "source and replica have the same server_id", NEXT_ID } },
	{ { 1045, 1698 }, NULL,
	  { RECOVER_RECEIVER, "the source refuses the replication account",
	    "check its password and that it may log in from this host; CHANGE the password of the channel if need be, then start the receiver" } },
	{ { 2003, 2005 }, NULL, { RECOVER_RECEIVER, CAUSE_AWAY, NEXT_AWAY } },
	{ { 2013, 2006 }, "connecting to", { RECOVER_RECEIVER, CAUSE_AWAY, NEXT_AWAY } }, /* it had just gone when it was tried again [run 5.6.24, MariaDB 10.11.19] */
	{ { 0 }, NULL,
	  { RECOVER_RECEIVER, "the receiver has met an error", "see the server's error log, put the reason right and start the receiver" } },
};

static const struct recover_cause *find(const struct rule *rule, unsigned no, const char *text)
{
	for (;; rule++) {
		bool number = !rule->no[0] || no == rule->no[0] || (rule->no[1] && no == rule->no[1]);
		if (number && (!rule->with || (text && strcasestr(text, rule->with))))
			return &rule->cause;
	}
}

const struct recover_cause *recover_classify_applier(unsigned my_errno, const char *text)
{
	return find(applier, my_errno, text);
}

const struct recover_cause *recover_classify_receiver(unsigned my_errno, const char *text)
{
	return find(receiver, my_errno, text);
}

const char *recover_class_name(enum recover_class c)
{
	static const char *const names[] = { "interrupted", "stopped",     "until",   "hole",     "conflict",         "purged",
		                             "metadata",    "relay-log",   "same-server", "applier", "receiver", "receiver-stopped" };
	return names[c];
}

const char *recover_step_name(enum recover_step s)
{
	static const char *const names[] = { "explain", "start", "fetch", "reset" };
	return names[s];
}

const char *recover_outcome_name(enum recover_outcome o)
{
	static const char *const names[] = { "open", "repaired", "failed", "gone" };
	return names[o];
}
