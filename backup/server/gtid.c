/* SPDX-License-Identifier: Apache-2.0 */
#include "slackwater/gtid.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gtid_parts.h"
#include "slackwater/array.h"

enum status gtid_set_new(struct gtid_set **ret, struct error *err)
{
	struct gtid_set *s = calloc(1, sizeof *s);
	if (!s)
		return error_oom(err);
	*ret = s;
	return ST_OK;
}

static void gtid_set_clear(struct gtid_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->part[i].iv.item);
	free(s->part);
	*s = (struct gtid_set){ 0 };
}

void gtid_set_free(struct gtid_set *s)
{
	if (!s)
		return;
	gtid_set_clear(s);
	free(s);
}

struct gtid_part *gtid_set_append(struct gtid_set *s, const struct gtid_key *key)
{
	struct gtid_part *part = array_room(s->part, s->n, &s->cap, sizeof *part);
	if (!part)
		return NULL;
	s->part = part;
	struct gtid_part *p = &s->part[s->n++];
	*p = (struct gtid_part){ .key = *key };
	return p;
}

static int gtid_key_compare(const struct gtid_key *a, const struct gtid_key *b)
{
	int c = memcmp(a->uuid, b->uuid, sizeof a->uuid);
	return c ? c : strcmp(a->tag, b->tag);
}

static int gtid_part_compare(const void *a, const void *b)
{
	return gtid_key_compare(&((const struct gtid_part *)a)->key, &((const struct gtid_part *)b)->key);
}

bool gtid_set_normalise(struct gtid_set *s)
{
	if (s->n)
		qsort(s->part, s->n, sizeof *s->part, gtid_part_compare);
	size_t kept = 0;
	bool ok = true;
	for (size_t i = 0; i < s->n; i++) {
		struct gtid_part *p = &s->part[i], *last = kept ? &s->part[kept - 1] : NULL;
		if (last && gtid_key_compare(&last->key, &p->key) == 0) {
			ok = gtid_intervals_append_all(&last->iv, &p->iv) && ok;
			free(p->iv.item);
		} else {
			s->part[kept++] = *p;
		}
	}
	s->n = kept;
	for (size_t i = 0; i < s->n; i++)
		gtid_intervals_normalise(&s->part[i].iv);
	return ok;
}

/* The result of an operation takes the place of s: on failure s stays what it was. */
static enum status gtid_set_replace(struct gtid_set *s, struct gtid_set *with, bool ok, struct error *err)
{
	if (!ok) {
		gtid_set_clear(with);
		return error_oom(err);
	}
	gtid_set_clear(s);
	*s = *with;
	return ST_OK;
}

/* An operation on the intervals of one key; either side may be NULL. out is empty. false = out of memory. */
typedef bool (*gtid_op)(const struct gtid_intervals *a, const struct gtid_intervals *b, struct gtid_intervals *out);

static bool gtid_set_emit(struct gtid_set *out, const struct gtid_key *key, const struct gtid_intervals *a,
                          const struct gtid_intervals *b, gtid_op op)
{
	struct gtid_intervals iv = { 0 };
	if (!op(a, b, &iv)) {
		free(iv.item);
		return false;
	}
	if (!iv.n) {
		free(iv.item);
		return true;
	}
	struct gtid_part *p = gtid_set_append(out, key);
	if (!p) {
		free(iv.item);
		return false;
	}
	p->iv = iv;
	return true;
}

static enum status gtid_set_combine(struct gtid_set *s, const struct gtid_set *other, gtid_op op, struct error *err)
{
	struct gtid_set out = { 0 };
	size_t i = 0, j = 0;
	bool ok = true;
	while (ok && (i < s->n || j < other->n)) {
		int c = i == s->n ? 1 : j == other->n ? -1 : gtid_key_compare(&s->part[i].key, &other->part[j].key);
		const struct gtid_part *a = c <= 0 ? &s->part[i++] : NULL;
		const struct gtid_part *b = c >= 0 ? &other->part[j++] : NULL;
		ok = gtid_set_emit(&out, a ? &a->key : &b->key, a ? &a->iv : NULL, b ? &b->iv : NULL, op);
	}
	return gtid_set_replace(s, &out, ok, err);
}

enum status gtid_set_add_set(struct gtid_set *s, const struct gtid_set *other, struct error *err)
{
	return gtid_set_combine(s, other, gtid_intervals_union, err);
}

enum status gtid_set_subtract(struct gtid_set *s, const struct gtid_set *other, struct error *err)
{
	return gtid_set_combine(s, other, gtid_intervals_subtract, err);
}

enum status gtid_set_intersect(struct gtid_set *s, const struct gtid_set *other, struct error *err)
{
	return gtid_set_combine(s, other, gtid_intervals_intersect, err);
}

enum status gtid_set_copy(const struct gtid_set *s, struct gtid_set **ret, struct error *err)
{
	struct gtid_set *copy = NULL;
	enum status st = gtid_set_new(&copy, err);
	if (!st)
		st = gtid_set_add_set(copy, s, err);
	if (st)
		gtid_set_free(copy);
	else
		*ret = copy;
	return st;
}

bool gtid_set_contains(const struct gtid_set *s, const struct gtid_set *other)
{
	size_t i = 0;
	for (size_t j = 0; j < other->n; j++) {
		while (i < s->n && gtid_key_compare(&s->part[i].key, &other->part[j].key) < 0)
			i++;
		if (i == s->n || gtid_key_compare(&s->part[i].key, &other->part[j].key) != 0)
			return false;
		if (!gtid_intervals_contain(&s->part[i].iv, &other->part[j].iv))
			return false;
	}
	return true;
}

bool gtid_set_equal(const struct gtid_set *a, const struct gtid_set *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct gtid_part *p = &a->part[i], *q = &b->part[i];
		if (gtid_key_compare(&p->key, &q->key) != 0 || p->iv.n != q->iv.n ||
		    memcmp(p->iv.item, q->iv.item, p->iv.n * sizeof *p->iv.item) != 0)
			return false;
	}
	return true;
}

bool gtid_set_empty(const struct gtid_set *s)
{
	return s->n == 0;
}

uint64_t gtid_set_count(const struct gtid_set *s)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; k < s->part[i].iv.n; k++) {
			const struct gtid_interval *iv = &s->part[i].iv.item[k];
			uint64_t n = (uint64_t)(iv->last - iv->first) + 1;
			if (n > UINT64_MAX - sum)
				return UINT64_MAX;
			sum += n;
		}
	return sum;
}

enum status gtid_set_holes(const struct gtid_set *s, struct gtid_set **ret, struct error *err)
{
	struct gtid_set *holes = NULL;
	enum status st = gtid_set_new(&holes, err);
	bool ok = true;
	for (size_t i = 0; !st && ok && i < s->n; i++) {
		struct gtid_interval whole = { 1, s->part[i].iv.item[s->part[i].iv.n - 1].last };
		struct gtid_intervals all = { .item = &whole, .n = 1 };
		ok = gtid_set_emit(holes, &s->part[i].key, &all, &s->part[i].iv, gtid_intervals_subtract);
	}
	if (!st && !ok)
		st = error_oom(err);
	if (st)
		gtid_set_free(holes);
	else
		*ret = holes;
	return st;
}

static void gtid_uuid_format(const unsigned char uuid[16], struct buf *out)
{
	for (int i = 0; i < 16; i++)
		buf_addf(out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
}

void gtid_set_format(const struct gtid_set *s, struct buf *out)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct gtid_part *p = &s->part[i];
		if (i == 0 || memcmp(p[-1].key.uuid, p->key.uuid, sizeof p->key.uuid) != 0) {
			if (i)
				buf_addc(out, ',');
			gtid_uuid_format(p->key.uuid, out);
		}
		if (p->key.tag[0])
			buf_addf(out, ":%s", p->key.tag);
		for (size_t k = 0; k < p->iv.n; k++) {
			buf_addf(out, ":%" PRId64, p->iv.item[k].first);
			if (p->iv.item[k].last != p->iv.item[k].first)
				buf_addf(out, "-%" PRId64, p->iv.item[k].last);
		}
	}
}

enum status gtid_set_text(const struct gtid_set *s, char **ret, struct error *err)
{
	struct buf b = BUF_INIT(BUF_MAX_SQL);
	gtid_set_format(s, &b);
	enum status st = buf_check(&b, "a GTID set", err);
	if (!st && !(*ret = buf_take(&b)))
		st = error_oom(err);
	buf_free(&b);
	return st;
}
