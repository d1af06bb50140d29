/* SPDX-License-Identifier: Apache-2.0 */
/* dir_path: from keys to directory descriptors, without ever following a symbolic link. */
#pragma once

#include <stdbool.h>

#include "slackwater/error.h"

struct dir_root {
	int fd;
	char *path; /* as the user gave it, for messages */
};

/* Open the directory that holds key; *ret_name points at key's last segment. make: create what is missing (0700, synced). A
 * missing directory is reported like a missing object: ERR_SNAPSHOT, ENOENT. */
enum status dir_path_parent(const struct dir_root *root, const char *key, bool make, int *ret_fd, const char **ret_name,
                            struct error *err);
/* Remove the directories above key that have become empty. */
void dir_path_prune(const struct dir_root *root, const char *key);
/* errno of an operation on key -> error: ENOENT is a missing object, a symbolic link is said to be one. */
enum status dir_path_error(const struct dir_root *root, const char *key, int sys_errno, const char *what, struct error *err);
