/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf: a growing byte buffer with a mandatory maximum.
 *
 * The appending functions return nothing: a failure (out of memory, maximum reached) is kept in the buffer, later appends do
 * nothing, and buf_check() turns it into an error. So a statement may be put together without a check after every word, but
 * must be checked once before it is used. data is always followed by a NUL that len does not count; data is never NULL
 * after the first append.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "slackwater/error.h"

#define BUF_MAX_SQL (64u << 20) /* a statement put together by us, giant rows apart */

struct buf {
	char *data;
	size_t len, cap, max;
	unsigned char bad;    /* 0 fine, 1 out of memory, 2 maximum reached */
	unsigned char secret; /* zero the memory when it is given back */
};

#define BUF_INIT(maximum) ((struct buf){ .max = (maximum) })

void buf_free(struct buf *b); /* gives the memory back; b may be used again with the same maximum */
void buf_clear(struct buf *b); /* len = 0 and no failure; keeps the memory */
void buf_reserve(struct buf *b, size_t more); /* room for `more` bytes behind len */

void buf_add(struct buf *b, const void *data, size_t len);
void buf_addc(struct buf *b, char c);
void buf_adds(struct buf *b, const char *s);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_addv(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* ST_OK, or the failure kept in the buffer; `what` names it in the message ("the CHANGE statement"). */
enum status buf_check(const struct buf *b, const char *what, struct error *err);

/* The text, or "" while nothing has been appended. Owned by b. */
const char *buf_str(const struct buf *b);

/* Hand the memory to the caller (free()), leaving b empty. NULL if b is bad or out of memory. */
char *buf_take(struct buf *b);
