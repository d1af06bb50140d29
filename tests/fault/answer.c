/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"

#include <stdlib.h>
#include <string.h>

#include "fault.h"

struct answer_reader {
	struct rows base;
	struct answer *a;
	bool owned;
	size_t at;
	const char **cell;
	size_t *len;
};

struct answer *answer_new(void)
{
	return fault_new(sizeof(struct answer));
}

void answer_free(struct answer *a)
{
	if (!a)
		return;
	for (unsigned i = 0; i < a->ncols; i++)
		free(a->col[i]);
	for (size_t i = 0; i < a->nrows * a->ncols; i++)
		free(a->cell[i].data);
	free(a->col);
	free(a->cell);
	free(a->error);
	free(a);
}

struct answer *answer_copy(const struct answer *a)
{
	struct answer *copy = answer_new();
	*copy = *a;
	copy->error = a->error ? fault_copy(a->error, strlen(a->error)) : NULL;
	copy->col = fault_new(a->ncols * sizeof *copy->col);
	copy->cell = fault_new(a->nrows * a->ncols * sizeof *copy->cell);
	for (unsigned i = 0; i < a->ncols; i++)
		copy->col[i] = fault_copy(a->col[i], strlen(a->col[i]));
	for (size_t i = 0; i < a->nrows * a->ncols; i++)
		copy->cell[i] = (struct answer_cell){ a->cell[i].data ? fault_copy(a->cell[i].data, a->cell[i].len) : NULL,
			                              a->cell[i].len };
	return copy;
}

void answer_columns(struct answer *a, unsigned n, const char *const *col)
{
	a->has_rows = true;
	a->ncols = n;
	a->col = fault_new(n * sizeof *a->col);
	for (unsigned i = 0; i < n; i++)
		a->col[i] = fault_copy(col[i], strlen(col[i]));
}

void answer_row(struct answer *a, const char *const *cell, const size_t *len)
{
	a->cell = fault_grow(a->cell, (a->nrows + 1) * a->ncols * sizeof *a->cell);
	struct answer_cell *row = a->cell + a->nrows++ * a->ncols;
	for (unsigned i = 0; i < a->ncols; i++)
		row[i] = (struct answer_cell){ cell[i] ? fault_copy(cell[i], len[i]) : NULL, cell[i] ? len[i] : 0 };
}

static enum status reader_next(struct rows *base, const char *const **ret_row, const size_t **ret_len, struct error *err)
{
	struct answer_reader *r = (struct answer_reader *)base;
	(void)err;
	if (r->at == r->a->nrows) {
		*ret_row = NULL;
		*ret_len = NULL;
		return ST_OK;
	}
	const struct answer_cell *row = r->a->cell + r->at++ * r->a->ncols;
	for (unsigned i = 0; i < r->a->ncols; i++) {
		r->cell[i] = row[i].data;
		r->len[i] = row[i].len;
	}
	*ret_row = r->cell;
	*ret_len = r->len;
	return ST_OK;
}

static void reader_free(struct rows *base)
{
	struct answer_reader *r = (struct answer_reader *)base;
	if (r->owned)
		answer_free(r->a);
	free(r->cell);
	free(r->len);
	free(r);
}

static const struct rows_ops reader_ops = { reader_next, reader_free };

struct rows *answer_rows(struct answer *a, bool free_answer)
{
	struct answer_reader *r = fault_new(sizeof *r);
	*r = (struct answer_reader){
		.base = { .ops = &reader_ops, .ncols = a->ncols, .col = (const char *const *)a->col },
		.a = a, .owned = free_answer,
		.cell = fault_new(a->ncols * sizeof *r->cell),
		.len = fault_new(a->ncols * sizeof *r->len),
	};
	return &r->base;
}
