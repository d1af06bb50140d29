/* SPDX-License-Identifier: Apache-2.0 */
/* A clock that stands still but while somebody waits by it, for tests of what takes long. */
#pragma once

#include "slackwater/run.h"

extern int64_t stepping_ms; /* what it shows, as monotonic and as wall clock */
extern const struct clock_ops stepping;
