/* SPDX-License-Identifier: Apache-2.0 */
/* objects: the list of a snapshot's objects. */
#pragma once

#include "slackwater/stream.h"

uint64_t objects_bytes(const struct stream_objects *l); /* as they are stored */
enum status objects_add(struct stream_objects *l, const struct stream_object *o, struct error *err);
const struct stream_object *objects_find(const struct stream_objects *l, const char *key); /* NULL: not there */
const struct stream_object *objects_find_shard(const struct stream_objects *l, unsigned number); /* encrypted or not */
