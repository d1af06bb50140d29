/* SPDX-License-Identifier: Apache-2.0 */
/* age_armor: a file written as text, between a BEGIN and an END line. Read only. */
#pragma once

#include "slackwater/store.h"

#define AGE_ARMOR_BEGIN "-----BEGIN AGE ENCRYPTED FILE-----"

/* What is in the armor; next stays the caller's and must outlive it. ERR_SNAPSHOT: malformed. */
enum status age_armor_new(struct store_reader *next, struct store_reader **ret, struct error *err);
/* Whether a file that begins so is armored: blanks, then BEGIN. */
bool age_armor_begins(const char *text, size_t len);
