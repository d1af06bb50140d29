/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load_split: a text of SQL into its statements. Our files end each statement with ";\n" and hold that pair nowhere else (FORMAT.md), so
 * no parsing is needed and a routine's body can hold anything.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct load_split { const char *p, *end; };

/* The next statement without its ";\n"; blank lines and lines that are only a "-- comment" before it are skipped. False at the end. */
bool load_split_next(struct load_split *s, const char **ret, size_t *ret_len);
/* Whether the statement puts in rows that are to be counted. */
bool load_split_is_insert(const char *sql, size_t len);
