/* SPDX-License-Identifier: Apache-2.0 */
/* age_peek: a reader whose beginning can be looked at before it is read. */
#pragma once

#include "slackwater/store.h"

/* next stays the caller's and must outlive it. *ret_text, *ret_len: up to `want` bytes, fewer only where there are no more; valid until the first read. */
enum status age_peek_new(struct store_reader *next, size_t want, struct store_reader **ret, const char **ret_text, size_t *ret_len,
                         struct error *err);
/* Read until cap bytes have come or the end is there. */
enum status age_peek_full(struct store_reader *r, void *data, size_t cap, size_t *ret_n, struct error *err);
