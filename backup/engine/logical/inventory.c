/* SPDX-License-Identifier: Apache-2.0 */
/* The container: adding, finding, freeing. */
#include "inventory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slackwater/array.h"
#include "slackwater/hash.h"

#define USERS_MAX (256u << 20)
#define SERVER_MAX (64u << 20)

void inventory_init(struct inventory *inv)
{
	*inv = (struct inventory){ .users = { .max = USERS_MAX, .secret = 1 }, .server = { .max = SERVER_MAX } };
}

static void inventory_free_table(struct table *t)
{
	for (size_t i = 0; i < t->ncols; i++) {
		free(t->col[i].name);
		free(t->col[i].charset);
		free(t->col[i].words);
	}
	free(t->col);
	free(t->schema);
	free(t->name);
	free(t->file);
	free(t->engine);
	free(t->key);
	free(t->keycol);
	free(t->create);
	free(t->cs_client);
	free(t->collation);
}

static void inventory_free_object(struct object *o)
{
	free(o->schema);
	free(o->name);
	free(o->table);
	free(o->create);
	free(o->sql_mode);
	free(o->cs_client);
	free(o->collation);
	free(o->db_collation);
	free(o->time_zone);
}

void inventory_clear(struct inventory *inv)
{
	for (size_t i = 0; i < inv->nschemas; i++) {
		free(inv->schema[i].name);
		free(inv->schema[i].file);
		free(inv->schema[i].create);
		free(inv->schema[i].collation);
	}
	for (size_t i = 0; i < inv->ntables; i++)
		inventory_free_table(&inv->table[i]);
	for (size_t i = 0; i < inv->nobjects; i++)
		inventory_free_object(&inv->object[i]);
	free(inv->schema);
	free(inv->table);
	free(inv->object);
	free(inv->slot);
	buf_free(&inv->users);
	buf_free(&inv->server);
	strlist_free(&inv->refused);
	strlist_free(&inv->warnings);
	inventory_init(inv);
}

enum status inventory_dup(char **ret, const char *s, size_t len, struct error *err)
{
	if (!s) {
		*ret = NULL;
		return ST_OK;
	}
	char *p = malloc(len + 1);
	if (!p)
		return error_oom(err);
	memcpy(p, s, len);
	p[len] = '\0';
	*ret = p;
	return ST_OK;
}

enum status inventory_refused(struct inventory *inv, const char *schema, const char *name, struct error *err, const char *fmt, ...)
{
	char why[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	return strlist_addf(&inv->refused, err, "`%s`.`%s`: %s", schema, name, why);
}

enum status inventory_refuse(const struct inventory *inv, struct error *err)
{
	if (!inv->refused.n)
		return ST_OK;
	struct buf b = BUF_INIT(4096);
	for (size_t i = 0; i < inv->refused.n && b.len < 700; i++)
		buf_addf(&b, "%s%s", i ? "; " : "", inv->refused.item[i]);
	error_set(err, ST_FAILED, ERR_PREFLIGHT, "%zu object%s cannot be captured without loss: %s", inv->refused.n,
	          inv->refused.n == 1 ? "" : "s", buf_str(&b));
	error_hint(err, "leave them out with --exclude 'schema.table', or change them");
	buf_free(&b);
	return ST_FAILED;
}

const char *inventory_object_word(enum object_kind k)
{
	static const char *const word[] = {
		[OBJECT_TRIGGER] = "TRIGGER", [OBJECT_FUNCTION] = "FUNCTION", [OBJECT_PROCEDURE] = "PROCEDURE",
		[OBJECT_PACKAGE] = "PACKAGE", [OBJECT_PACKAGE_BODY] = "PACKAGE BODY", [OBJECT_EVENT] = "EVENT",
		[OBJECT_LIBRARY] = "LIBRARY",
	};
	return word[k];
}

/* Room for one more zeroed element behind n; the array may move. */
static void *inventory_more(void *array, size_t n, size_t *cap, size_t size)
{
	char *p = array_room(array, n, cap, size);
	if (p)
		memset(p + n * size, 0, size);
	return p;
}

enum status inventory_add_object(struct inventory *inv, struct object **ret, struct error *err)
{
	struct object *o = inventory_more(inv->object, inv->nobjects, &inv->cap_objects, sizeof *o);
	if (!o)
		return error_oom(err);
	inv->object = o;
	*ret = &o[inv->nobjects++];
	return ST_OK;
}

enum status inventory_add_schema(struct inventory *inv, struct schema **ret, struct error *err)
{
	struct schema *s = inventory_more(inv->schema, inv->nschemas, &inv->cap_schemas, sizeof *s);
	if (!s)
		return error_oom(err);
	inv->schema = s;
	*ret = &s[inv->nschemas++];
	return ST_OK;
}

static size_t inventory_hash(const char *schema, const char *name)
{
	uint64_t h = hash_more(hash_more(hash_text(schema), "."), name);
	return (size_t)(h ^ (h >> 32));
}

static void inventory_insert(struct inventory *inv, size_t i)
{
	size_t mask = inv->nslots - 1, at = inventory_hash(inv->table[i].schema, inv->table[i].name) & mask;
	while (inv->slot[at])
		at = (at + 1) & mask;
	inv->slot[at] = i + 1;
}

static enum status inventory_rehash(struct inventory *inv, struct error *err)
{
	size_t nslots = inv->nslots ? inv->nslots * 2 : 64;
	size_t *slot = calloc(nslots, sizeof *slot);
	if (!slot)
		return error_oom(err);
	free(inv->slot);
	inv->slot = slot;
	inv->nslots = nslots;
	for (size_t i = 0; i < inv->ntables; i++)
		inventory_insert(inv, i);
	return ST_OK;
}

/* The strings are taken over. */
enum status inventory_add_table(struct inventory *inv, char *schema, char *name, struct table **ret, struct error *err)
{
	struct table *t = schema && name ? inventory_more(inv->table, inv->ntables, &inv->cap_tables, sizeof *t) : NULL;
	if (!t) {
		free(schema);
		free(name);
		return error_oom(err);
	}
	inv->table = t;
	t = &t[inv->ntables++];
	t->schema = schema;
	t->name = name;
	*ret = t;
	if (inv->ntables * 2 > inv->nslots)
		return inventory_rehash(inv, err);
	inventory_insert(inv, inv->ntables - 1);
	return ST_OK;
}

struct table *inventory_find(const struct inventory *inv, const char *schema, const char *name)
{
	if (!inv->nslots)
		return NULL;
	size_t mask = inv->nslots - 1;
	for (size_t at = inventory_hash(schema, name) & mask; inv->slot[at]; at = (at + 1) & mask) {
		struct table *t = &inv->table[inv->slot[at] - 1];
		if (!strcmp(t->name, name) && !strcmp(t->schema, schema))
			return t;
	}
	return NULL;
}

static int inventory_order(const void *a, const void *b)
{
	return strcmp(((const struct schema *)a)->name, ((const struct schema *)b)->name);
}

void inventory_sort(struct inventory *inv)
{
	if (inv->nschemas)
		qsort(inv->schema, inv->nschemas, sizeof *inv->schema, inventory_order);
}

static int inventory_is(const void *name, const void *schema)
{
	return strcmp(name, ((const struct schema *)schema)->name);
}

struct schema *inventory_schema(const struct inventory *inv, const char *name)
{
	return inv->nschemas ? bsearch(name, inv->schema, inv->nschemas, sizeof *inv->schema, inventory_is) : NULL;
}
