/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tar: writes a pax tar (restricted: plain ustar headers wherever they suffice) into a sink, without buffering, so that the place of each
 * entry's data is known. The same entries give the same bytes: one modification time for all, uid and gid 0, mode 0600.
 */
#pragma once

#include <stdint.h>

#include "stream/sink.h"

struct tar;

/* next stays the caller's and must outlive the tar. mtime_s: seconds since the epoch. */
enum status tar_new(struct sink *next, int64_t mtime_s, struct tar **ret, struct error *err);
/* *ret_offset: where the data begin in the stream of bytes that went to next. */
enum status tar_add(struct tar *t, const char *name, const void *data, size_t len, uint64_t *ret_offset, struct error *err);
enum status tar_end(struct tar *t, struct error *err); /* the two empty blocks; does not end the sink */
void tar_free(struct tar *t);
