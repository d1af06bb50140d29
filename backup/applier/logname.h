/* SPDX-License-Identifier: Apache-2.0 */
/* logname: names of binary and relay logs. "relay.1000000" follows "relay.999999": the number counts, not the text. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "slackwater/buf.h"

/* The part after the last slash: the repositories say "./relay.000002" where the status says "relay.000002". */
const char *logname_base(const char *name);
/* < 0, 0, > 0; both names of one series. Names without a number are compared as text. */
int logname_compare(const char *a, const char *b);
/* The same for coordinates. */
int logname_compare_at(const char *file_a, uint64_t pos_a, const char *file_b, uint64_t pos_b);
/* How many files b is after a; -1 when it is not after it, or they are not of one series. */
int64_t logname_distance(const char *a, const char *b);
/* The name of the next file in the series, appended to out; false when name has no number. */
bool logname_next(const char *name, struct buf *out);
