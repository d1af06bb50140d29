/* SPDX-License-Identifier: Apache-2.0 */
/* slot: a text that its struct owns. */
#pragma once

#include "slackwater/error.h"

/* A copy of s, which may be NULL, takes the place of what *slot has and frees it. Out of memory: *slot stays. */
enum status slot_set(char **slot, const char *s, struct error *err);
