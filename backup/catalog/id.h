/* SPDX-License-Identifier: Apache-2.0 */
/* id: of a snapshot, "20261120T133701Z-9f3a1c". */
#pragma once

#include "slackwater/catalog.h"

bool id_valid(const char *id, size_t len);
/* When it was begun; false: it has the form of an id, but there was no such moment. */
bool id_time_ms(const char *id, int64_t *ret);
/* "<instance>/manifests/<id>TAIL"; tail: ".json", ".pin", ".proof.json". The caller checks key. */
void id_key(const char *instance, const char *id, const char *tail, struct buf *key);
