/* SPDX-License-Identifier: Apache-2.0 */
/* nameset: which names have been there. Keeps 64 bits of each, not the name: of a million names, two are mistaken for one another once in 30 million backups. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slackwater/error.h"

struct nameset {
	uint64_t *slot; /* 0 = free */
	size_t n, cap;  /* cap is a power of two */
};

/* *ret_fresh: it was not there before. */
enum status nameset_add(struct nameset *s, const char *name, bool *ret_fresh, struct error *err);
void nameset_free(struct nameset *s);
