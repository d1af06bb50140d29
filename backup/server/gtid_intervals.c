/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "gtid_parts.h"
#include "slackwater/array.h"

static const struct gtid_intervals gtid_intervals_none = { 0 };

bool gtid_intervals_append(struct gtid_intervals *l, int64_t first, int64_t last)
{
	struct gtid_interval *item = array_room(l->item, l->n, &l->cap, sizeof *item);
	if (!item)
		return false;
	l->item = item;
	l->item[l->n++] = (struct gtid_interval){ first, last };
	return true;
}

bool gtid_intervals_append_all(struct gtid_intervals *l, const struct gtid_intervals *more)
{
	for (size_t i = 0; i < more->n; i++)
		if (!gtid_intervals_append(l, more->item[i].first, more->item[i].last))
			return false;
	return true;
}

static int gtid_interval_compare(const void *a, const void *b)
{
	const struct gtid_interval *p = a, *q = b;
	return p->first < q->first ? -1 : p->first > q->first;
}

/* last + 1 would overflow at INT64_MAX. */
static bool gtid_interval_touches(const struct gtid_interval *left, const struct gtid_interval *right)
{
	return right->first <= left->last || right->first - 1 == left->last;
}

void gtid_intervals_normalise(struct gtid_intervals *l)
{
	size_t kept = 0;
	for (size_t i = 1; i < l->n; i++)
		if (l->item[i].first < l->item[i - 1].first) {
			qsort(l->item, l->n, sizeof *l->item, gtid_interval_compare);
			break;
		}
	for (size_t i = 0; i < l->n; i++) {
		struct gtid_interval *last = kept ? &l->item[kept - 1] : NULL;
		if (!last || !gtid_interval_touches(last, &l->item[i]))
			l->item[kept++] = l->item[i];
		else if (l->item[i].last > last->last)
			last->last = l->item[i].last;
	}
	l->n = kept;
}

bool gtid_intervals_union(const struct gtid_intervals *a, const struct gtid_intervals *b, struct gtid_intervals *out)
{
	a = a ? a : &gtid_intervals_none;
	b = b ? b : &gtid_intervals_none;
	size_t i = 0, j = 0;
	while (i < a->n || j < b->n) {
		bool left = j == b->n || (i < a->n && a->item[i].first <= b->item[j].first);
		const struct gtid_interval *next = left ? &a->item[i++] : &b->item[j++];
		struct gtid_interval *last = out->n ? &out->item[out->n - 1] : NULL;
		if (last && gtid_interval_touches(last, next)) {
			if (next->last > last->last)
				last->last = next->last;
		} else if (!gtid_intervals_append(out, next->first, next->last)) {
			return false;
		}
	}
	return true;
}

bool gtid_intervals_subtract(const struct gtid_intervals *a, const struct gtid_intervals *b, struct gtid_intervals *out)
{
	a = a ? a : &gtid_intervals_none;
	b = b ? b : &gtid_intervals_none;
	size_t j = 0;
	for (size_t i = 0; i < a->n; i++) {
		int64_t first = a->item[i].first, last = a->item[i].last;
		bool rest = true;
		while (j < b->n && b->item[j].last < first)
			j++;
		for (size_t k = j; rest && k < b->n && b->item[k].first <= last; k++) {
			if (b->item[k].first > first && !gtid_intervals_append(out, first, b->item[k].first - 1))
				return false;
			rest = b->item[k].last < last;
			if (rest)
				first = b->item[k].last + 1;
		}
		if (rest && !gtid_intervals_append(out, first, last))
			return false;
	}
	return true;
}

bool gtid_intervals_intersect(const struct gtid_intervals *a, const struct gtid_intervals *b, struct gtid_intervals *out)
{
	a = a ? a : &gtid_intervals_none;
	b = b ? b : &gtid_intervals_none;
	size_t i = 0, j = 0;
	while (i < a->n && j < b->n) {
		const struct gtid_interval *p = &a->item[i], *q = &b->item[j];
		int64_t first = p->first > q->first ? p->first : q->first;
		int64_t last = p->last < q->last ? p->last : q->last;
		if (first <= last && !gtid_intervals_append(out, first, last))
			return false;
		if (p->last < q->last)
			i++;
		else
			j++;
	}
	return true;
}

bool gtid_intervals_contain(const struct gtid_intervals *l, const struct gtid_intervals *part)
{
	size_t i = 0;
	for (size_t j = 0; j < part->n; j++) {
		while (i < l->n && l->item[i].last < part->item[j].first)
			i++;
		if (i == l->n || l->item[i].first > part->item[j].first || l->item[i].last < part->item[j].last)
			return false;
	}
	return true;
}
