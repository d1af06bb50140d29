/* SPDX-License-Identifier: Apache-2.0 */
#include "retry.h"

#include <stdlib.h>
#include <string.h>

#include "slackwater/array.h"
#include "slackwater/dialect.h"

/* By its bytes: the tables `App` and `app` are two. */
#define RETRY_NAME INVENTORY_BYTES("SUBSTRING_INDEX(NAME, '#', 1)")

static const char *retry_table(const struct conn *c)
{
	return conn_is_mysql(c, 80000) ? "INNODB_TABLES" : "INNODB_SYS_TABLES";
}

static int retry_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b); /* the name is the first member */
}

static uint64_t retry_mix(uint64_t ids, uint64_t id)
{
	return ids + (id + 1) * 0x9e3779b97f4a7c15u; /* the order of partitions does not count */
}

static enum status retry_add(struct retry *r, size_t *cap, const char *name, uint64_t id, struct error *err)
{
	if (r->n && !strcmp(r->known[r->n - 1].name, name)) {
		r->known[r->n - 1].ids = retry_mix(r->known[r->n - 1].ids, id);
		return ST_OK;
	}
	void *known = array_room(r->known, r->n, cap, sizeof *r->known);
	if (!known)
		return error_oom(err);
	r->known = known;
	r->known[r->n].name = strdup(name);
	r->known[r->n].ids = retry_mix(0, id);
	return r->known[r->n++].name ? ST_OK : error_oom(err);
}

enum status retry_remember(struct retry *r, struct conn *c, const struct fingerprint *captured, struct error *err)
{
	struct rows *rows = NULL;
	size_t cap = 0;
	retry_clear(r);
	r->captured = *captured;
	enum status st = conn_queryf(c, &rows, err, "SELECT SUBSTRING_INDEX(NAME, '#', 1), TABLE_ID FROM information_schema.%s ORDER BY " RETRY_NAME, retry_table(c));
	while (rows_more(rows, &st, err))
		st = retry_add(r, &cap, rows->row[0], strtoull(rows->row[1], NULL, 10), err);
	rows_free(rows);
	if (!st && r->n)
		qsort(r->known, r->n, sizeof *r->known, retry_compare);
	return st;
}

void retry_clear(struct retry *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->known[i].name);
	free(r->known);
	*r = (struct retry){ 0 };
}

static bool retry_plain(const char *s)
{
	return strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == strlen(s);
}

static enum status retry_hit(const struct task *k, struct error *err)
{
	error_set(err, ST_RETRY, ERR_INCONSISTENT, "a DDL hit table `%s`.`%s` before it was read", k->schema, k->name);
	error_hint(err, "--ddl hold makes replicated DDL wait instead");
	return ST_RETRY;
}

static enum status retry_same_ids(const struct retry *r, struct session *s, const struct task *k, struct error *err)
{
	struct buf name = BUF_INIT(1024);
	struct rows *rows = NULL;
	uint64_t ids = 0;
	buf_addf(&name, "%s/%s", k->schema, k->name);
	const char *key = buf_str(&name);
	const void *found = r->n ? bsearch(&key, r->known, r->n, sizeof *r->known, retry_compare) : NULL;
	/* Other names are spelled in InnoDB's own way: not worth knowing it. */
	enum status st = found && retry_plain(k->schema) && retry_plain(k->name) ? ST_OK : retry_hit(k, err);
	if (!st)
		st = conn_queryf(s->c, &rows, err, "SELECT TABLE_ID FROM information_schema.%s WHERE " RETRY_NAME " = '%s'",
		                 retry_table(s->c), key);
	while (rows_more(rows, &st, err))
		ids = retry_mix(ids, strtoull(rows->row[0], NULL, 10));
	rows_free(rows);
	if (!st && ids != r->known[(size_t)((const char *)found - (const char *)r->known) / sizeof *r->known].ids)
		st = retry_hit(k, err);
	buf_free(&name);
	return st;
}

/* Without the counter, which moves with every row. */
static void retry_strip(const char *create, struct buf *b)
{
	static const char counter[] = " AUTO_INCREMENT=";
	for (const char *p; (p = strstr(create, counter)); ) {
		buf_add(b, create, (size_t)(p - create));
		create = p + sizeof counter - 1;
		create += strspn(create, "0123456789");
	}
	buf_adds(b, create);
}

static bool retry_same_text(const char *x, const char *y)
{
	struct buf a = BUF_INIT(BUF_MAX_SQL), b = BUF_INIT(BUF_MAX_SQL);
	retry_strip(x, &a);
	retry_strip(y, &b);
	bool same = !a.bad && !b.bad && !strcmp(buf_str(&a), buf_str(&b));
	buf_free(&a);
	buf_free(&b);
	return same;
}

static enum status retry_same_definition(struct session *s, const struct task *k, struct error *err)
{
	struct buf b = BUF_INIT(4096);
	struct rows *r = NULL;
	bool more = false;
	buf_adds(&b, "SHOW CREATE TABLE ");
	sql_ident(&b, k->schema);
	buf_addc(&b, '.');
	sql_ident(&b, k->name);
	enum status st = buf_check(&b, "a statement", err);
	if (!st)
		st = conn_query(s->c, buf_str(&b), &r, err);
	if (!st)
		st = rows_next(r, &more, err);
	if (!st && (!more || !r->row[1] || !retry_same_text(r->row[1], k->table->create)))
		st = retry_hit(k, err);
	rows_free(r);
	buf_free(&b);
	return st;
}

enum status retry_arrive(void *arg, struct session *s, const struct task *k, struct error *err)
{
	const struct retry *r = arg;
	struct fingerprint now;
	enum status st = session_visit(s, k, err);
	if (!st)
		st = fingerprint_take(s->c, false, &now, err);
	if (st || now.tables == r->captured.tables)
		return st;
	st = retry_same_ids(r, s, k, err);
	return st ? st : retry_same_definition(s, k, err);
}
