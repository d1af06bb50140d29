/* SPDX-License-Identifier: Apache-2.0 */
/* xml: the few forms of answers that S3 gives, read by expat. What is not whole, or nests beyond reason, is ST_RETRY/ERR_STORE. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "slackwater/error.h"

/*
 * Each element that holds text (or nothing) is told when it ends: path is that of the names, "ListBucketResult/Contents/Key". An element with
 * others inside is told as well, with "" as its text. Namespaces are left out. Return false to stop, which is an error then.
 */
typedef bool xml_fn(void *arg, const char *path, const char *text);
enum status xml_read(const char *data, size_t len, xml_fn *fn, void *arg, struct error *err);
/* "2026-11-26T19:00:00.123Z", as documents have it, in milliseconds; 0 when it is none. */
int64_t xml_time(const char *text);
