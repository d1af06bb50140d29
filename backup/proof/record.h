/* SPDX-License-Identifier: Apache-2.0 */
/* record: what came out of a trial, as JSON and beside the manifest. */
#pragma once

#include "slackwater/proof.h"

/* Lenient: what is missing or of another kind is not known. ERR_SNAPSHOT: not JSON. */
enum status proof_record_read(const char *text, size_t len, struct proof_record *ret, struct error *err);
/*
 * A proof replaces every record before; anything less stands beside it, except that a snapshot which is damaged (`damaged`) is not proven any more.
 * The snapshot went meanwhile: ERR_SNAPSHOT, and no record is left.
 */
enum status proof_record_put(struct store *s, const char *instance, const char *id, const struct proof_record *r, bool damaged, struct error *err);
