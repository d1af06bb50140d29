/* SPDX-License-Identifier: Apache-2.0 */
/* view: the document of http/backend.h, made from what the core knows now. New reference; NULL = out of memory. */
#pragma once

#include "core.h"

json_t *view_make(struct core *c);
/* One line for the service manager: "running backup-17", "next is nightly at 2026-11-26 02:00:00 UTC". */
void view_status(const struct core *c, char out[CORE_TEXT]);
