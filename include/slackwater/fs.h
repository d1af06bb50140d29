/* SPDX-License-Identifier: Apache-2.0 */
/* fs: files done so that a crash leaves either the old or the new, never half of either. Errors are ERR_STORE. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "slackwater/buf.h"
#include "slackwater/error.h"

enum status fs_mkdirs(const char *path, mode_t mode, struct error *err); /* like mkdir -p */
/* The directory alone, durably; its parent has to be there (else ENOENT). One that is there already, whatever it is, is fine: *ret_made says so. */
enum status fs_mkdir(const char *path, mode_t mode, bool *ret_made, struct error *err);
enum status fs_sync_dir(const char *path, struct error *err);            /* fsync of a directory */
enum status fs_write_all(int fd, const void *data, size_t len, const char *name, struct error *err);
/* Read whole; what is longer than ret->max bytes is ERR_UNEXPECTED. */
enum status fs_read_file(const char *path, struct buf *ret, struct error *err);
enum status fs_read_fd(int fd, const char *name, struct buf *ret, struct error *err); /* the same of what is open; stays open */
/*
 * Root writes in a directory of another user: the open file, made in it just now or by root earlier, becomes the directory owner's, who could not
 * open it otherwise. Does nothing for others than root, nor to a file that is not root's or has a second name.
 */
enum status fs_hand_over(int fd, const char *dir, const char *name, struct error *err);
/* The same of a file or directory just made in the directory that is open as dir; where it cannot be (no such right, no owners there) it stays root's. */
void fs_hand_over_at(int fd, int dir);
/* Write a temporary name beside it, fsync, rename, fsync the directory. The file is handed over as above. */
enum status fs_write_file_atomic(const char *path, const void *data, size_t len, mode_t mode, struct error *err);
enum status fs_free_bytes(const char *path, uint64_t *ret_bytes, struct error *err);
enum status fs_remove_tree(const char *path, struct error *err); /* never follows a symbolic link */
