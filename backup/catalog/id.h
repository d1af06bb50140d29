/* SPDX-License-Identifier: Apache-2.0 */
/* id: of a snapshot, "20261120T133701Z-9f3a1c". */
#pragma once

#include "slackwater/catalog.h"

bool id_valid(const char *id, size_t len);
/* When it was begun; false: it has the form of an id, but there was no such moment. */
bool id_time_ms(const char *id, int64_t *ret);
/* "<instance>/manifests/<id>TAIL" in the place of what key held; tail: ".json", ".pin", ".proof.json", ".trial.json". */
enum status id_key(const char *instance, const char *id, const char *tail, struct buf *key, struct error *err);
/* Is there such a one? */
enum status id_there(struct store *s, const char *instance, const char *id, const char *tail, bool *ret, struct error *err);
/*
 * After key was put beside a manifest: is that still there? An expire that was faster has taken it: what is left is no snapshot, a pin would hold it
 * for nothing, and a record of it would only be swept one day. Then key is removed again, and the error is the store's of the manifest.
 */
enum status id_check_beside(struct store *s, const char *instance, const char *id, const char *key, struct error *err);
