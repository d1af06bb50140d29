/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics: a view in Prometheus' text format 0.0.4. Pure. What the view does not have makes no sample; a family without samples is left out,
 * so that `absent()` and alerts on missing series mean something.
 *
 * The names are an interface: they may grow, never change. Base units (seconds, bytes), times as seconds since the epoch.
 */
#pragma once

#include <jansson.h>

#include "slackwater/buf.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

void metrics_write(const json_t *view, struct buf *out);
