/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3: objects in a bucket, over HTTP.
 *
 * An object is one PUT as long as it fits into one part, else a multipart upload that becomes visible with its completion. Requests are
 * signed with the real SHA-256 of what they carry and never chunked. Each is retried as long as that may help, within a bounded time, its
 * body sent again from the start; a GET goes on at the byte where it broke off. Memory is part size times (parallel + writers + readers).
 * The bucket must exist: none is ever made or changed. Keys of others in it are never touched; those no key can have are not seen.
 */
#pragma once

#include "slackwater/store.h"

enum status s3_open(const char *url, enum store_use use, const struct store_options *o, struct run *run, struct store **ret,
                    struct error *err);
/* What is wrong with the address or the options, without asking anybody. */
enum status s3_check(const char *url, const struct store_options *o, struct error *err);
