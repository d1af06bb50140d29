/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dir: objects as files below a directory.
 *
 * An object is written under a temporary name beside its place, synced, and renamed (or, if it must not replace anything, renamed
 * with RENAME_NOREPLACE or linked), then the directory is synced. Directories come and go with the objects in them, as in an
 * object store. The root may be reached through symbolic links; below it none is followed, and what is neither a regular file nor a
 * directory, or has a name no key can have, is no object. Files are 0600, directories 0700.
 */
#pragma once

#include "slackwater/store.h"

/* STORE_WRITE creates the directory. */
enum status dir_open(const char *path, enum store_use use, struct run *run, struct store **ret, struct error *err);
