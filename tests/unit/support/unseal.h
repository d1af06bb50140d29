/* SPDX-License-Identifier: Apache-2.0 */
/* unseal: a whole age file in memory, through the reader that the program uses. */
#pragma once

#include "slackwater/age.h"

/* Appended to out. */
enum status unseal_whole(struct age_keyring *k, const char *what, const void *data, size_t len, struct buf *out, struct error *err);
