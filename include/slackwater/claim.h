/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claim: one run per instance at a time. Two locks, both of which die with their holder: a flock in the state directory, for runs on this
 * host, and a named lock inside the server, for runs on other hosts. The server's lock is held by a session that does nothing else, has a
 * short wait_timeout and is pinged, so that a host that vanishes gives it up within a minute.
 *
 * Takes connection options and a server's identity; must never be held by two runs that may both stop an applier.
 */
#pragma once

#include "slackwater/conn.h"

struct claim;

struct claim_how {
	const char *state_dir; /* made when it is absent; one that cannot be used is ERR_STORE */
	int64_t wait_ms;       /* 0: somebody else holding it is ERR_BUSY at once, naming who; otherwise so much is waited */
	bool no_named_lock;    /* a server, or a proxy, that refuses GET_LOCK is put up with: a warning says that this host's lock is all there is */
};

/* o and run must outlive the claim. */
enum status claim_take(const struct claim_how *how, const struct conn_options *o, const struct server_info *s, struct run *run,
                       struct claim **ret, struct error *err);
/* This host's half alone, and without waiting: is any run alive here that may have stopped something? ERR_BUSY then. */
enum status claim_take_local(const char *state_dir, const struct server_info *s, struct claim **ret, struct error *err);
/* Both locks go; NULL is fine. */
void claim_free(struct claim *c);

/* Where journals and locks are kept when nobody says: /var/lib/slackwater for root, else below $XDG_STATE_HOME or ~/.local/state. */
enum status claim_default_dir(char **ret, struct error *err);
