/* SPDX-License-Identifier: Apache-2.0 */
/* output_status: an observation of an applier, for people. */
#pragma once

#include "slackwater/observe.h"

enum status output_status(struct buf *out, const struct observation *o, struct error *err);
