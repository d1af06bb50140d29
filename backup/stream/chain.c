/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/chain.h"

#include "stream/sink_age.h"

enum status chain_open(struct chain *c, struct store *store, const char *key, const struct age_recipients *recipients,
                       _Atomic uint64_t *stored, struct error *err)
{
	struct sink *last, *sealing = NULL;
	enum status st = sink_store_new(store, key, stored, &last, err);
	if (!st)
		st = sink_digest_new(last, &c->digest, err);
	if (st)
		return st;
	if (recipients)
		st = sink_age_new(recipients, &c->digest->base, &sealing, err);
	if (st)
		*c = (struct chain){ 0 };
	else
		c->first = sealing ? sealing : &c->digest->base;
	return st;
}

void chain_free(struct chain *c)
{
	sink_free(c->first);
	*c = (struct chain){ 0 };
}
