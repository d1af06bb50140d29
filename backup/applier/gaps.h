/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gaps: transactions that were not applied while later ones of the same source were (facts/servers 2). Seen by GTID sets where
 * GTIDs arrive, by worker rows where there are only positions; MariaDB has none inside a domain.
 */
#pragma once

#include "applier/channels.h"
#include "applier/gaps_position.h"
#include "slackwater/gtid.h"

/* One channel's. */
struct gap {
	char *channel;          /* whose; NULL where nothing could be read */
	uint64_t known;         /* transactions that were received and are missing */
	bool unknown;           /* something is missing that could not be counted */
	char *text;             /* what is missing, one line; NULL when nothing is */
	struct gtid_set *set;   /* by GTID: the missing ones */
	struct gaps_at lwm;     /* by position: low-water mark, ... */
	struct gaps_at target;  /* ... and the farthest that a worker has applied: what was open is closed when the mark has got here */
	size_t workers_ahead;   /* worker rows behind the low-water mark; 0 = free of gaps, definitively */
};

struct gaps {
	struct gap *item; /* one per channel, same order */
	size_t n;
	uint64_t known;   /* sums */
	bool unknown;
	char *holes;      /* GTIDs missing in gtid_executed that nobody has received and that may yet come; NULL = none */
	char *permanent;  /* missing for good: a connected receiver has fetched later ones; NULL = none */
};

void gaps_free(struct gaps *g);
static inline bool gap_any(const struct gap *g) { return g->known || g->unknown; }
static inline bool gaps_any(const struct gaps *g) { return g->known || g->unknown; }

const struct gap *gaps_find(const struct gaps *g, const char *channel); /* NULL = none */

/*
 * Look. ch must have just been read on c; its low-water marks and worker rows are filled in. *ret is replaced. While an applier runs,
 * what is seen is a moment's picture: transactions being applied out of order look like a gap.
 */
enum status gaps_read(struct conn *c, const struct instance *in, struct channels *ch, struct gaps *ret, struct error *err);
/* Is what a channel `was` missing applied by now? now: its gap in a later reading, or NULL; executed: gtid_executed then. Pure. */
bool gaps_one_closed(const struct gap *was, const struct gap *now, const struct gtid_set *executed);
/* The same of all channels, and no hole is left. ch and now are a later reading. Pure. */
enum status gaps_closed(const struct gaps *was, const struct gaps *now, const struct channels *ch, bool *ret,
                        struct error *err);
/*
 * By position: may the server still be filling, one transaction after the other, the gap that `was` was read over? ch is a later
 * reading of a running channel. A STOP now could ruin it: MySQL 5.6 marks what it has filled in no worker's bitmap, and its next
 * START applied a transaction twice (1062, run 5.6.24). An applier that runs normally has passed this within a checkpoint
 * period (300 ms). Pure.
 */
bool gaps_filling(const struct gap *was, const struct channel *ch);
/* "channel 'x': 2 transactions received and not applied: uuid:5-6" for messages; one line per channel with a gap, and the holes. */
enum status gaps_describe(const struct gaps *g, const struct channels *ch, struct strlist *ret, struct error *err);

/* gaps_gtid.c, pure: fills known, unknown, text and set of each GTID channel, and the holes. */
enum status gaps_by_gtid(const struct channels *ch, struct gaps *g, struct error *err);
/* gaps_rows.c: the same from the repositories' tables, for channels that have only positions. */
enum status gaps_by_rows(struct conn *c, const struct instance *in, struct channels *ch, struct gaps *g,
                         struct error *err);
bool gaps_needs_rows(const struct instance *in, const struct checkpoint_channel *cp);
