/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gtids: where a server stands by GTID, whatever its flavor calls it. Of two: what it has applied, and (logged) what its own binary log has for its
 * replicas; on MySQL both are gtid_executed.
 */
#pragma once

#include "slackwater/checkpoint.h"

const char *seed_gtids_variable(enum flavor flavor, bool logged);
enum status seed_gtids_read(struct conn *c, bool logged, char **ret, struct error *err); /* "" where it has none */
const char *seed_gtids_of(const struct checkpoint *cp, bool logged); /* "" where it has none; borrowed */
/* have holds all of want. A malformed one is an error. */
enum status seed_gtids_reached(enum flavor flavor, const char *have, const char *want, bool *ret, struct error *err);
