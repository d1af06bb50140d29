/* SPDX-License-Identifier: Apache-2.0 */
/* output_agent: the agent's view (http/backend.h) as text for people. */
#pragma once

#include <jansson.h>

#include "slackwater/buf.h"
#include "slackwater/error.h"

enum status output_agent(struct buf *out, const json_t *view, struct error *err);
