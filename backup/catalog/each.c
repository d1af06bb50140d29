/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "slackwater/catalog.h"
#include "stream/parallel.h"

enum { EACH_BATCH = 256 }; /* manifests in memory at once */

struct each_one {
	struct manifest *m;
	struct error damage;
};

struct each {
	struct store *store;
	const struct catalog *catalog;
	size_t first; /* of the batch */
	struct each_one one[EACH_BATCH];
};

/* Only ERR_SNAPSHOT says that a manifest is bad; any other failure says nothing about it. */
static enum status each_load(void *arg, size_t i, const atomic_bool *stop, struct error *err)
{
	struct each *e = arg;
	struct each_one *one = &e->one[i];
	(void)stop;
	enum status st = run_check(e->store->run, err);
	if (st)
		return st;
	st = catalog_load(e->store, &e->catalog->item[e->first + i], &one->m, NULL, &one->damage);
	if (!st || one->damage.kind == ERR_SNAPSHOT)
		return ST_OK;
	*err = one->damage;
	return st;
}

static enum status each_batch(struct each *e, size_t n, unsigned threads, catalog_each_fn *fn, void *arg, struct error *err)
{
	for (size_t i = 0; i < n; i++)
		e->one[i] = (struct each_one){ 0 };
	enum status st = parallel_run(n, threads, each_load, e, err);
	for (size_t i = 0; i < n; i++) {
		if (!st)
			st = fn(arg, e->first + i, e->one[i].m, &e->one[i].damage, err);
		manifest_free(e->one[i].m);
	}
	return st;
}

enum status catalog_each(struct store *s, const struct catalog *c, unsigned threads, catalog_each_fn *fn, void *arg, struct error *err)
{
	struct each *e = calloc(1, sizeof *e);
	enum status st = e ? ST_OK : error_oom(err);
	for (size_t first = 0; !st && first < c->n; first += EACH_BATCH) {
		size_t n = c->n - first < EACH_BATCH ? c->n - first : EACH_BATCH;
		e->store = s;
		e->catalog = c;
		e->first = first;
		st = each_batch(e, n, threads, fn, arg, err);
	}
	free(e);
	return st;
}
