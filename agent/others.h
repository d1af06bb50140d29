/* SPDX-License-Identifier: Apache-2.0 */
/* others: what other backup programs call things, for those who type it here out of habit. */
#pragma once

#include "options.h"

/* The option of ours, among groups, that does what `theirs` does elsewhere: as it is to be written, behind the dashes. NULL: none. */
const char *others_option(const struct option_group *const *groups, const char *theirs);
/* The i-th option of ours for it, in any verb; NULL behind the last. */
const char *others_option_at(const char *theirs, size_t i);
const char *others_verb(const char *theirs);
