/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load_split: a text of SQL into its statements. Our files end each statement with ";\n" and hold that pair nowhere else (FORMAT.md), so
 * no parsing is needed and a routine's body can hold anything.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "slackwater/buf.h"

struct load_split { const char *p, *end; };

struct load_split load_split_of(const struct buf *text); /* which stays where it is; one that has nothing is fine */
/* The next statement without its ";\n"; blank lines and lines that are only a "-- comment" before it are skipped. False at the end. */
bool load_split_next(struct load_split *s, const char **ret, size_t *ret_len);
/* The same as it was before layout_statement: in place, so that text, which s is of, can be gone through once. */
bool load_split_unblanked(struct load_split *s, struct buf *text, const char **ret, size_t *ret_len);
/* Whether the statement puts in rows that are to be counted. */
bool load_split_is_insert(const char *sql, size_t len);
