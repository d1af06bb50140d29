/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz: what the fuzzers share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that does not hold is a finding as much as a bad access. */
static inline void fuzz_require(bool holds)
{
	if (!holds)
		abort();
}

/* The bytes as a text of exactly their size, so that reading behind it is seen. free() it. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	fuzz_require(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}
