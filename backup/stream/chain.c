/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/chain.h"

enum status chain_open(struct chain *c, struct store *store, const char *key, _Atomic uint64_t *stored, struct error *err)
{
	struct sink *last;
	enum status st = sink_store_new(store, key, stored, &last, err);
	if (!st)
		st = sink_digest_new(last, &c->digest, err);
	if (!st)
		c->first = &c->digest->base;
	return st;
}

void chain_free(struct chain *c)
{
	sink_free(c->first);
	*c = (struct chain){ 0 };
}
