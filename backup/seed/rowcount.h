/* SPDX-License-Identifier: Apache-2.0 */
/* rowcount: every row of a loaded server is read once more and counted, for want of a source to compare it with. */
#pragma once

#include "slackwater/dialect.h"

/* Of these schemas, or of all but the system's (NULL). Another number than expected: ERR_NOT_PROVEN. */
enum status seed_rowcount(struct conn *c, const struct strlist *schemas, uint64_t expected, struct error *err);
