/* SPDX-License-Identifier: Apache-2.0 */
/* sink_store: the end of the chain, an object of a store. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "slackwater/store.h"
#include "stream/sink.h"

/* Creates key. stored counts what the store has taken; it must outlive the sink. */
enum status sink_store_new(struct store *store, const char *key, _Atomic uint64_t *stored, struct sink **ret, struct error *err);
