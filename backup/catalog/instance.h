/* SPDX-License-Identifier: Apache-2.0 */
/* instance: the way back from the key of an instance to its name; and which there are. */
#pragma once

#include "slackwater/catalog.h"

void instance_name(const char *key, size_t len, struct buf *out);
/* The folders of instances, "<key>/": of the one that is named, whether it is there or not, or of all (NULL); others' folders are among them. */
enum status instance_folders(struct store *s, const char *instance, struct strlist *ret, struct error *err);
