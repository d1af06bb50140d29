/* SPDX-License-Identifier: Apache-2.0 */
#include "slackwater/strlist.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slackwater/array.h"

/* Takes s, also when it fails. */
static enum status strlist_take(struct strlist *l, char *s, struct error *err)
{
	if (!s)
		return error_oom(err);
	char **item = array_room(l->item, l->n, &l->cap, sizeof *item);
	if (!item) {
		free(s);
		return error_oom(err);
	}
	l->item = item;
	l->item[l->n++] = s;
	return ST_OK;
}

enum status strlist_add(struct strlist *l, const char *s, struct error *err)
{
	return strlist_take(l, strdup(s), err);
}

enum status strlist_addf(struct strlist *l, struct error *err, const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	va_start(ap, fmt);
	int n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return strlist_take(l, n < 0 ? NULL : s, err);
}

enum status strlist_add_all(struct strlist *l, const struct strlist *from, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < from->n; i++)
		st = strlist_add(l, from->item[i], err);
	return st;
}

bool strlist_has(const struct strlist *l, const char *s)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->item[i], s) == 0)
			return true;
	return false;
}

static int strlist_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strlist_sort(struct strlist *l)
{
	if (l->n > 1)
		qsort(l->item, l->n, sizeof *l->item, strlist_order);
}

static int strlist_order_name(const void *s, const void *item)
{
	return strcmp(s, *(char *const *)item);
}

bool strlist_has_sorted(const struct strlist *l, const char *s)
{
	return l->n && bsearch(s, l->item, l->n, sizeof *l->item, strlist_order_name);
}

void strlist_wipe(struct strlist *l)
{
	for (size_t i = 0; i < l->n; i++)
		explicit_bzero(l->item[i], strlen(l->item[i]));
	strlist_free(l);
}

void strlist_free(struct strlist *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->item[i]);
	free(l->item);
	*l = (struct strlist){ 0 };
}
