/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channels: what the server says of its replication channels.
 *
 * The status statement gives what moves; instance.c and channels_describe what does not, read once, before anything is
 * touched, and laid over each later reading by channels_inherit, so that a reading inside the window is one round trip.
 */
#pragma once

#include "applier/instance.h"
#include "slackwater/checkpoint.h"

struct channel {
	struct checkpoint_channel cp;
	bool sql_running;
	bool io_stopped; /* says "No", which "Connecting" and "Preparing" are not either */
	unsigned sql_errno, io_errno;
	char *sql_error, *io_error;
	char *until;     /* Until_Condition; "None" or "" when there is none */
	char *sql_state; /* what the applier's coordinator says it does */
	int64_t lag_s;   /* Seconds_Behind_Source; -1 = the server says NULL */
};

struct channels {
	struct channel *item;
	size_t n;
	char *executed_set; /* MySQL: Executed_Gtid_Set of the same answer; NULL elsewhere or without channels */
};

void channels_free(struct channels *c); /* what is inside; leaves a zeroed list */
/* One status statement. *ret is replaced. */
enum status channels_read(struct conn *c, struct channels *ret, struct error *err);
/* Fill in what does not move: workers, commit order, delay, accounts, filters, heartbeat, and choose the mode. */
enum status channels_describe(struct conn *c, const struct instance *in, struct channels *ch, struct error *err);
/* Lay what `from` knows by description over `to`, channel by channel of the same name; unknown channels get the instance's. */
enum status channels_inherit(struct channels *to, const struct channels *from, const struct instance *in,
                             struct error *err);
struct channel *channels_find(const struct channels *c, const char *name); /* NULL = none */
enum applier_mode channels_mode(const struct instance *in, const struct checkpoint_channel *cp); /* pure */
bool channels_mode_is_gtid(enum applier_mode m);     /* gaps are seen by GTID sets */
bool channels_mode_is_position(enum applier_mode m); /* gaps are seen by worker rows: positions are all there is */
/* "channel 'x'", or "the default channel"; for messages. */
const char *channels_label(const struct checkpoint_channel *cp, char out[160]);
/* Its applier has stopped with an error of its own: ERR_APPLIER, which says so. */
enum status channels_error(const struct channel *ch, struct error *err);
