/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chain: what lies between a tar and the store, put together here and nowhere else, so that the order cannot be wrong:
 *
 *   tar -> [encryption] -> digest -> store
 *
 * The digest is of the bytes that the store gets, so that anybody can check an object without a key.
 */
#pragma once

#include "slackwater/age.h"
#include "stream/sink_digest.h"
#include "stream/sink_store.h"

struct chain {
	struct sink *first; /* the tar writes here; NULL while closed */
	struct sink_digest *digest;
};

/* recipients: whom it is encrypted for; NULL: it is not. */
enum status chain_open(struct chain *c, struct store *store, const char *key, const struct age_recipients *recipients,
                       _Atomic uint64_t *stored, struct error *err);
void chain_free(struct chain *c); /* without sink_end of first: abort */
