/* SPDX-License-Identifier: Apache-2.0 */
/*
 * anchor: that a repository in a directory once got a snapshot from here is remembered in the state directory, in a small file that holds its address.
 * If it is away or empty the next time, its file system is most likely not mounted: a new repository would fill the disk below, and the old one
 * would look current for as long as nobody looks. Stores that are no directory are opened as ever.
 */
#pragma once

#include "slackwater/catalog.h"

/* store_open for a backup. state_dir NULL: nothing is remembered. Away or empty against what is remembered: ERR_STORE; the hint names the file to remove. */
enum status anchor_open(const char *state_dir, const char *url, const struct store_options *o, struct run *run, struct store **ret, struct error *err);
/* It has a snapshot now. What cannot be written is a warning: the backup is taken. */
void anchor_set(const char *state_dir, const char *url, struct store *s);
