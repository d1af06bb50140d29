/* SPDX-License-Identifier: Apache-2.0 */
/* id: of a snapshot, "20261120T133701Z-9f3a1c". */
#pragma once

#include "slackwater/catalog.h"

bool id_valid(const char *id, size_t len);
