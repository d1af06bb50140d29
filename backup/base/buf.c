/* SPDX-License-Identifier: Apache-2.0 */
#include "slackwater/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUF_OOM = 1, BUF_FULL = 2 };

void buf_free(struct buf *b)
{
	if (b->data && b->secret)
		explicit_bzero(b->data, b->cap);
	free(b->data);
	*b = (struct buf){ .max = b->max, .secret = b->secret };
}

void buf_clear(struct buf *b)
{
	if (b->data && b->secret)
		explicit_bzero(b->data, b->cap);
	b->len = 0;
	b->bad = 0;
	if (b->data)
		b->data[0] = '\0';
}

/* realloc() would leave a secret behind in the old block. */
static char *buf_resize(struct buf *b, size_t cap)
{
	if (!b->secret)
		return realloc(b->data, cap);
	char *data = malloc(cap);
	if (!data)
		return NULL;
	if (b->data) {
		memcpy(data, b->data, b->len + 1);
		explicit_bzero(b->data, b->cap);
		free(b->data);
	}
	return data;
}

void buf_reserve(struct buf *b, size_t more)
{
	if (b->bad)
		return;
	if (more > b->max || b->len > b->max - more) {
		b->bad = BUF_FULL;
		return;
	}
	size_t need = b->len + more + 1;
	if (need <= b->cap)
		return;
	size_t cap = b->cap ? b->cap : 256;
	while (cap < need)
		cap += cap / 2 + 256;
	if (cap > b->max + 1)
		cap = b->max + 1;
	char *data = buf_resize(b, cap);
	if (!data) {
		b->bad = BUF_OOM;
		return;
	}
	b->data = data;
	b->cap = cap;
	b->data[b->len] = '\0';
}

void buf_add(struct buf *b, const void *data, size_t len)
{
	buf_reserve(b, len);
	if (b->bad)
		return;
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_addv(struct buf *b, const char *fmt, va_list ap)
{
	if (b->bad)
		return;
	va_list again;
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	if (n >= 0)
		buf_reserve(b, (size_t)n);
	if (n >= 0 && !b->bad) {
		vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	buf_addv(b, fmt, ap);
	va_end(ap);
}

enum status buf_check(const struct buf *b, const char *what, struct error *err)
{
	if (b->bad == BUF_OOM)
		return error_oom(err);
	if (b->bad)
		return error_set(err, ST_FAILED, ERR_UNEXPECTED, "%s is larger than %zu bytes", what, b->max);
	return ST_OK;
}

const char *buf_str(const struct buf *b)
{
	return b->data ? b->data : "";
}

char *buf_take(struct buf *b)
{
	if (b->bad)
		return NULL;
	char *data = b->data ? b->data : calloc(1, 1);
	*b = (struct buf){ .max = b->max, .secret = b->secret };
	return data;
}
