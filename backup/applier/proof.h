/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proof: do GTID set, coordinates and relay log of a channel that stands still agree (facts/servers 3)? What was compared with
 * what goes into the checkpoint, literally.
 */
#pragma once

#include "applier/channels.h"
#include "applier/imprint.h"
#include "applier/gaps.h"

enum proof_verdict {
	PROOF_GOOD,  /* what has to agree in this mode agrees; coordinates may still be stale or unavailable where they are an extra */
	PROOF_STALE, /* the coordinates are behind what is executed: one plain START brings them up */
	PROOF_OPEN   /* does not agree, or could not be seen: coordinates_why says what */
};

/* What was found behind a position. Filled by proof_look. */
struct proof_next {
	bool found;             /* a transaction; else the end of the relay logs was reached */
	bool unreadable;        /* the server would not show the relay log: why */
	struct buf gtid;        /* of that transaction; "" = it has none */
	struct buf relay_file;  /* where it begins, or where the relay logs end */
	uint64_t relay_pos;
	struct buf source_file; /* the source's binary log at that point, followed through Rotate events */
	uint64_t source_pos;    /* where the event before it ended in the source's log */
	uint64_t start;         /* where it begins there: End_log_pos minus its length; 0 = not known */
	bool jumped;            /* the receiver left something out on the way (another file, events it ignores) */
	struct buf why;         /* a contradiction met on the way; "" = none */
	struct buf executed;    /* MariaDB: a later transaction in the relay log that is executed already; "" = none seen */
};

void proof_next_free(struct proof_next *n);
/* slave_pos: MariaDB, to look for executed ones further behind; NULL = stop at the first transaction. */
enum status proof_look(struct conn *c, const struct checkpoint_channel *cp, const char *slave_pos,
                       struct proof_next *ret, struct error *err);
/* Both of the above for one channel, and MariaDB's position table. */
enum status proof_channel(struct conn *c, const struct instance *in, const struct imprint *f, const struct gap *g,
                          struct checkpoint_channel *cp, enum proof_verdict *ret, struct error *err);
