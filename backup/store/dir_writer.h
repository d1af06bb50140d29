/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dir_writer: an object on its way into the directory of a repository. It is written under a temporary name beside its own, which dir_walk knows,
 * and gets its own when it is whole and on the disk. A crash leaves either the object or a temporary file that sweep removes.
 */
#pragma once

#include "slackwater/store.h"
#include "store/dir_path.h"

/* root and run must outlive the writer. Failures have errno in err->sys_errno. */
enum status dir_writer_new(const struct dir_root *root, struct run *run, const char *key, struct store_writer **ret, struct error *err);
/* The whole object at once; if_absent: one that is there already is not replaced (EEXIST). */
enum status dir_writer_put(const struct dir_root *root, struct run *run, const char *key, const void *data, size_t len, bool if_absent,
                           struct error *err);
