/* SPDX-License-Identifier: Apache-2.0 */
/* hash: FNV-1a of texts, for tables in memory and for choices that have to be the same each time. Not for anything that an enemy may choose. */
#pragma once

#include <stdint.h>

uint64_t hash_text(const char *s); /* NULL is as an empty one */
/* Goes on with what hash_text or hash_more has returned. */
uint64_t hash_more(uint64_t h, const char *s);
