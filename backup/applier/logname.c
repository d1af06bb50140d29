/* SPDX-License-Identifier: Apache-2.0 */
#include "applier/logname.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *logname_base(const char *name)
{
	const char *slash = strrchr(name, '/');
	return slash ? slash + 1 : name;
}

/* The number behind the last dot, and where the dot is; NULL when there is none. */
static const char *number_of(const char *name, uint64_t *ret)
{
	const char *dot = strrchr(name, '.');
	if (!dot || !isdigit((unsigned char)dot[1]))
		return NULL;
	char *end;
	*ret = strtoull(dot + 1, &end, 10);
	return *end ? NULL : dot;
}

int logname_compare(const char *a, const char *b)
{
	uint64_t na, nb;
	a = logname_base(a);
	b = logname_base(b);
	const char *da = number_of(a, &na), *db = number_of(b, &nb);
	if (!da || !db)
		return strcmp(a, b);
	if (na != nb)
		return na < nb ? -1 : 1;
	size_t la = (size_t)(da - a), lb = (size_t)(db - b);
	int c = memcmp(a, b, la < lb ? la : lb);
	return c || la == lb ? c : la < lb ? -1 : 1;
}

int logname_compare_at(const char *file_a, uint64_t pos_a, const char *file_b, uint64_t pos_b)
{
	int c = logname_compare(file_a, file_b);
	if (c)
		return c;
	return pos_a < pos_b ? -1 : pos_a > pos_b;
}

int64_t logname_distance(const char *a, const char *b)
{
	uint64_t na, nb;
	a = logname_base(a);
	b = logname_base(b);
	const char *da = number_of(a, &na), *db = number_of(b, &nb);
	if (!da || !db || nb < na || da - a != db - b || memcmp(a, b, (size_t)(da - a)) != 0)
		return -1;
	return (int64_t)(nb - na);
}

bool logname_next(const char *name, struct buf *out)
{
	uint64_t n;
	const char *dot = number_of(name, &n);
	if (!dot)
		return false;
	buf_add(out, name, (size_t)(dot - name));
	buf_addf(out, ".%06" PRIu64, n + 1);
	return true;
}
