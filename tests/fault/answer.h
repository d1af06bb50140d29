/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer: what a server said to one statement, whole and in memory, and a file of them: the recording of a backup.
 *
 * A recording holds, for each text, its answers in the order in which they came. When it is played the n-th asking gets the n-th answer, and later ones the last. Numbers and names that are new in each run (session
 * numbers, random lock names) are taken out of the texts first.
 */
#pragma once

#include "slackwater/conn.h"

struct answer_cell {
	char *data; /* NULL = SQL NULL */
	size_t len;
};

struct answer {
	unsigned my_errno;
	char *error;
	unsigned warnings;
	bool has_rows;
	unsigned ncols;
	char **col;
	size_t nrows;
	struct answer_cell *cell; /* nrows * ncols */
};

struct answer *answer_new(void);
void answer_free(struct answer *a);
struct answer *answer_copy(const struct answer *a);
void answer_columns(struct answer *a, unsigned n, const char *const *col);
/* A further row; cells are copied. */
void answer_row(struct answer *a, const char *const *cell, const size_t *len);
/* Rows that read a copy of nothing: a must outlive them. free_answer: it goes with them. */
struct rows *answer_rows(struct answer *a, bool free_answer);

void answer_record(const char *file, const char *sql, size_t len, const struct answer *a);
/* NULL: the recording has no such statement. The answer stays the recording's. */
struct answer *answer_find(const char *file, const char *sql, size_t len);
