/* SPDX-License-Identifier: Apache-2.0 */
/* dir_walk: visit the files or directories below a prefix, one directory level in memory at a time, in bytewise order of keys. */
#pragma once

#include <sys/stat.h>

#include "store/dir_path.h"

/* Our unfinished files are called DIR_WALK_TEMPORARY, the process's number, a dash and 16 hexadecimal digits. */
#define DIR_WALK_TEMPORARY ".slackwater-tmp-"

/* FOLDERS: directories, their names with a slash behind, and nothing below them. */
enum dir_walk_what { DIR_WALK_OBJECTS, DIR_WALK_TEMPORARIES, DIR_WALK_FOLDERS };

/* key: the whole path below the root; dirfd and name: the same file. false ends the walk. */
typedef bool dir_walk_fn(void *arg, const char *key, int dirfd, const char *name, const struct stat *sb);

enum status dir_walk(const struct dir_root *root, const char *prefix, enum dir_walk_what what, dir_walk_fn *fn, void *arg,
                     struct error *err);
