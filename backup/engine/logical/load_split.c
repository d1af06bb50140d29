/* SPDX-License-Identifier: Apache-2.0 */
#include "load_split.h"

#include <string.h>
#include <strings.h>

#include "layout.h"

struct load_split load_split_of(const struct buf *text)
{
	return (struct load_split){ text->data, text->data ? text->data + text->len : NULL };
}

static void skip_to_statement(struct load_split *s)
{
	while (s->p < s->end) {
		if (*s->p == '\n' || *s->p == ' ' || *s->p == '\t' || *s->p == '\r') {
			s->p++;
			continue;
		}
		bool comment = s->end - s->p >= 2 && s->p[0] == '-' && s->p[1] == '-' && (s->end - s->p == 2 || s->p[2] == ' ' || s->p[2] == '\n');
		if (!comment)
			return;
		const char *eol = memchr(s->p, '\n', (size_t)(s->end - s->p));
		s->p = eol ? eol + 1 : s->end;
	}
}

bool load_split_next(struct load_split *s, const char **ret, size_t *ret_len)
{
	skip_to_statement(s);
	if (s->p == s->end)
		return false;
	const char *from = s->p, *to = memmem(from, (size_t)(s->end - from), ";\n", 2);
	s->p = to ? to + 2 : s->end;
	if (!to) {
		/* the last one, without a line end */
		to = s->end;
		if (to[-1] == ';')
			to--;
	}
	*ret = from;
	*ret_len = (size_t)(to - from);
	return *ret_len > 0 || load_split_next(s, ret, ret_len);
}

bool load_split_unblanked(struct load_split *s, struct buf *text, const char **ret, size_t *ret_len)
{
	if (!load_split_next(s, ret, ret_len))
		return false;
	*ret_len = layout_unblank(text->data + (*ret - text->data), *ret_len);
	return true;
}

bool load_split_is_insert(const char *sql, size_t len)
{
	return len > 7 && (strncasecmp(sql, "INSERT ", 7) == 0 || strncasecmp(sql, "REPLACE ", 8) == 0);
}
