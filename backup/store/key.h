/* SPDX-License-Identifier: Apache-2.0 */
/* key: what may be the key of an object. One rule for every store, so that a repository can be copied from any store to any other. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* One segment: [A-Za-z0-9._-] and %XX, at most 255 bytes, not beginning with a dot (hidden files, "." and ".." are no objects). */
bool key_segment_valid(const char *segment, size_t len);
/* Segments joined by single slashes. */
bool key_valid(const char *key);
/* A key, cut off anywhere: "", "a", "a/", "a/b". */
bool key_prefix_valid(const char *prefix);
