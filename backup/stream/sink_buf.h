/* SPDX-License-Identifier: Apache-2.0 */
/* sink_buf: the end of a chain that is kept in memory. */
#pragma once

#include "slackwater/buf.h"
#include "stream/sink.h"

/* Appends to out, which stays the caller's and must outlive it. */
enum status sink_buf_new(struct buf *out, struct sink **ret, struct error *err);
