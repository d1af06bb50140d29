/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults of memory. The linker sends here what our own objects allocate, and jansson is told to ask here as well; what other libraries
 * allocate for themselves is theirs. An allocation fails once: a process that can get nothing at all any more cannot be written.
 */
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
int __real_vasprintf(char **ret, const char *fmt, va_list ap);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
int __wrap_vasprintf(char **ret, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
int __wrap_asprintf(char **ret, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool used; /* by a trace or a fault */

static bool fails(void)
{
	if (!used || !fault_count(FAULT_ALLOC, NULL))
		return false;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return fails() ? NULL : __real_reallocarray(p, n, size);
}

char *__wrap_strdup(const char *s)
{
	return fails() ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t n)
{
	return fails() ? NULL : __real_strndup(s, n);
}

int __wrap_vasprintf(char **ret, const char *fmt, va_list ap)
{
	return fails() ? -1 : __real_vasprintf(ret, fmt, ap);
}

int __wrap_asprintf(char **ret, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = fails() ? -1 : __real_vasprintf(ret, fmt, ap);
	va_end(ap);
	return n;
}

__attribute__((constructor(1000))) static void fault_alloc_begin(void)
{
	const char *file = getenv("SLACKWATER_FAULT_TRACE");
	used = fault_next(FAULT_ALLOC, NULL) || (file && *file);
	json_set_alloc_funcs(__wrap_malloc, free);
}

void *fault_new(size_t size)
{
	void *p = __real_calloc(1, size ? size : 1);
	if (!p)
		abort();
	return p;
}

void *fault_grow(void *p, size_t size)
{
	p = __real_realloc(p, size ? size : 1);
	if (!p)
		abort();
	return p;
}

char *fault_copy(const void *data, size_t len)
{
	char *copy = fault_new(len + 1);
	if (len)
		memcpy(copy, data, len);
	return copy;
}
