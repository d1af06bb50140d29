/* SPDX-License-Identifier: Apache-2.0 */
/* index_read: from the JSON of index objects to a stream_index. Nothing that is read is believed: names, numbers and digests are checked. */
#pragma once

#include "slackwater/stream.h"

enum { INDEX_READ_MAX = 64 << 20 }; /* of one index object; ours end soon after 2 MiB */

/* Append the entries of one part, in its order. The entries' places are not checked against anything. */
enum status index_read_part(const char *text, size_t len, const char *what, struct stream_index *ret, struct error *err);
enum status index_read_grow(struct stream_index *ix, struct error *err); /* room for one more */
