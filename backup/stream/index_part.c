/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/index_part.h"

#include <inttypes.h>

#include "stream/names.h"

void index_part_init(struct index_part *p)
{
	*p = (struct index_part){ .json = BUF_INIT(INDEX_PART_MAX) };
}

void index_part_free(struct index_part *p)
{
	buf_free(&p->json);
	p->entries = 0;
}

void index_part_clear(struct index_part *p)
{
	buf_clear(&p->json);
	p->entries = 0;
}

/* Written by hand, one entry a line: nothing in it can need escaping, the names being what names_entry_valid lets pass. */
void index_part_add(struct index_part *p, unsigned shard, const struct stream_index_entry *e)
{
	if (!p->entries) {
		char name[64];
		names_shard(shard, name);
		buf_addf(&p->json, "{\"format\":1,\"shard\":\"%s\",\"entries\":[\n", name);
	} else {
		buf_adds(&p->json, ",\n");
	}
	buf_addf(&p->json,
	         "{\"name\":\"%s\",\"offset\":%" PRIu64 ",\"size\":%" PRIu64 ",\"raw_bytes\":%" PRIu64 ",\"rows\":%" PRIu64
	         ",\"sha256\":\"%s\"}",
	         e->name, e->offset, e->size, e->raw_bytes, e->rows, e->sha256);
	p->entries++;
}

bool index_part_full(const struct index_part *p)
{
	return p->json.len >= INDEX_PART_BYTES;
}

enum status index_part_end(struct index_part *p, struct error *err)
{
	buf_adds(&p->json, "\n]}\n");
	return buf_check(&p->json, "an index", err);
}
