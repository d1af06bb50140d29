/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/nameset.h"

#include <stdlib.h>

#include "slackwater/hash.h"

/* Mixed, because the hash's low bits alone are poor and the slot is chosen by them. */
static uint64_t nameset_hash(const char *name)
{
	uint64_t h = hash_text(name);
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93u;
	h ^= h >> 32;
	return h ? h : 1;
}

/* The slot that holds h, or the free one where it belongs. */
static uint64_t *nameset_find(uint64_t *slot, size_t cap, uint64_t h)
{
	size_t i = (size_t)h & (cap - 1);
	while (slot[i] && slot[i] != h)
		i = (i + 1) & (cap - 1);
	return &slot[i];
}

static enum status nameset_grow(struct nameset *s, struct error *err)
{
	size_t cap = s->cap ? s->cap * 2 : 256;
	uint64_t *slot = calloc(cap, sizeof *slot);
	if (!slot)
		return error_oom(err);
	for (size_t i = 0; i < s->cap; i++)
		if (s->slot[i])
			*nameset_find(slot, cap, s->slot[i]) = s->slot[i];
	free(s->slot);
	s->slot = slot;
	s->cap = cap;
	return ST_OK;
}

enum status nameset_add(struct nameset *s, const char *name, bool *ret_fresh, struct error *err)
{
	if (s->n >= s->cap / 2) {
		enum status st = nameset_grow(s, err);
		if (st)
			return st;
	}
	uint64_t h = nameset_hash(name), *slot = nameset_find(s->slot, s->cap, h);
	*ret_fresh = !*slot;
	s->n += !*slot;
	*slot = h;
	return ST_OK;
}

void nameset_free(struct nameset *s)
{
	free(s->slot);
	*s = (struct nameset){ 0 };
}
