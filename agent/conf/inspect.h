/* SPDX-License-Identifier: Apache-2.0 */
/* inspect: whether what the configuration names is there: files, directories, programs, groups, keys. Reads and writes nothing but key files. */
#pragma once

#include "section.h"

/* As the user sees it that we run as. */
void inspect_sections(const struct sections *all, struct mistakes *m);
