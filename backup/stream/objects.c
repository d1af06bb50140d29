/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/objects.h"

#include <stdlib.h>
#include <string.h>

#include "stream/names.h"

uint64_t objects_bytes(const struct stream_objects *l)
{
	uint64_t bytes = 0;
	for (size_t i = 0; i < l->n; i++)
		bytes += l->item[i].size;
	return bytes;
}

enum status objects_add(struct stream_objects *l, const struct stream_object *o, struct error *err)
{
	struct stream_object *item = realloc(l->item, (l->n + 1) * sizeof *item);
	if (!item)
		return error_oom(err);
	l->item = item;
	l->item[l->n++] = *o;
	return ST_OK;
}

const struct stream_object *objects_find(const struct stream_objects *l, const char *key)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->item[i].key, key) == 0)
			return &l->item[i];
	return NULL;
}

const struct stream_object *objects_find_shard(const struct stream_objects *l, unsigned number)
{
	unsigned its;
	for (size_t i = 0; i < l->n; i++)
		if (names_object(l->item[i].key, &its) == NAMES_SHARD && its == number)
			return &l->item[i];
	return NULL;
}

void stream_objects_free(struct stream_objects *o)
{
	free(o->item);
	*o = (struct stream_objects){ 0 };
}
