/* SPDX-License-Identifier: Apache-2.0 */
/* instance: the way back from the key of an instance to its name. */
#pragma once

#include "slackwater/catalog.h"

void instance_name(const char *key, size_t len, struct buf *out);
