/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restart: after a START, is the channel seen to work? An OK of a START proves nothing (facts/servers 1), so each look is a new reading of the
 * server. For recovery and the journal; the window has its own way, which keeps the pause short.
 */
#pragma once

#include "applier/channels.h"

/* ERR_APPLIER with the channel's own error (my_errno is set), when it has one: the applier's, or with `receiver` the receiver's. */
enum status restart_error(const struct channel *ch, bool receiver, struct error *err);

typedef enum status restart_fn(void *arg, struct error *err);

/*
 * A START was sent: until the applier, and with `receiver` the connected receiver as well, has been seen running for a second without a break.
 * `again` sends the START once more, when what does not run gives no error. ERR_APPLIER: it stopped with an error, its source is not reached, or it
 * does not run after some STARTs.
 */
enum status restart_seen(struct conn *c, const char *channel, bool receiver, restart_fn *again, void *arg, struct error *err);

/* START of the applier of one channel, seen to work. */
enum status restart_channel(struct conn *c, const char *channel, struct error *err);
