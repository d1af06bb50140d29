/* SPDX-License-Identifier: Apache-2.0 */
/* remove: taking a snapshot's objects out of a store, and nothing else. */
#pragma once

#include "slackwater/catalog.h"

/* Objects below "<instance>/<id>/" that have the name of a snapshot's object, or are in named (may be NULL): all of them are tried before a failure is
 * returned; those that the store holds count in *held and are none. */
enum status remove_objects(struct store *s, const char *prefix, const struct stream_objects *named, unsigned *removed, unsigned *held,
                           struct error *err);

enum remove_outcome { REMOVE_DONE, REMOVE_PINNED, REMOVE_HELD };
/* The manifest first, then its proof and the objects. PINNED: somebody pinned it meanwhile; HELD: the store keeps the manifest; both leave it whole. */
enum status remove_snapshot(struct store *s, const struct catalog_item *it, enum remove_outcome *ret, unsigned *held, struct error *err);
