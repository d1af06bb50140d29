/* SPDX-License-Identifier: Apache-2.0 */
#include "retry.h"

#include <stdlib.h>
#include <string.h>

#include "slackwater/array.h"

/* A table by InnoDB's name of it, "db/table", with a digest of its ids: one per partition. */
struct retry_known { char *name; uint64_t ids; };

void retry_init(struct retry *r)
{
	*r = (struct retry){ .exact = false };
	pthread_mutex_init(&r->lock, NULL);
}

static void retry_forget(struct retry_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->item[i].name);
	free(l->item);
	*l = (struct retry_list){ 0 };
}

void retry_clear(struct retry *r)
{
	retry_forget(&r->window);
	retry_forget(&r->latest);
	r->exact = false;
}

void retry_free(struct retry *r)
{
	retry_clear(r);
	pthread_mutex_destroy(&r->lock);
}

/* ---- InnoDB's tables ---- */

static int retry_compare(const void *a, const void *b)
{
	return strcmp(((const struct retry_known *)a)->name, ((const struct retry_known *)b)->name);
}

static enum status retry_add(struct retry_list *l, const char *name, uint64_t id, struct error *err)
{
	struct retry_known *item = array_room(l->item, l->n, &l->cap, sizeof *item);
	if (!item)
		return error_oom(err);
	l->item = item;
	l->item[l->n] = (struct retry_known){ .name = strdup(name), .ids = (id + 1) * 0x9e3779b97f4a7c15u };
	return l->item[l->n++].name ? ST_OK : error_oom(err);
}

/* Partitions become one; their order does not count. */
static void retry_sort(struct retry_list *l)
{
	size_t kept = 0;
	if (l->n)
		qsort(l->item, l->n, sizeof *l->item, retry_compare);
	for (size_t i = 0; i < l->n; i++) {
		if (!kept || strcmp(l->item[kept - 1].name, l->item[i].name) != 0) {
			l->item[kept++] = l->item[i];
			continue;
		}
		l->item[kept - 1].ids += l->item[i].ids;
		free(l->item[i].name);
	}
	l->n = kept;
}

static enum status retry_read(struct retry_list *l, struct conn *c, struct error *err)
{
	struct rows *r = NULL;
	retry_forget(l);
	enum status st = conn_queryf(c, &r, err, "SELECT SUBSTRING_INDEX(NAME, '#', 1), TABLE_ID FROM information_schema.%s",
	                             conn_is_mysql(c, 80000) ? "INNODB_TABLES" : "INNODB_SYS_TABLES");
	while (rows_more(r, &st, err))
		st = retry_add(l, r->row[0], strtoull(r->row[1], NULL, 10), err);
	rows_free(r);
	if (st)
		retry_forget(l);
	else
		retry_sort(l);
	return st;
}

enum status retry_remember(struct retry *r, struct conn *c, const struct fingerprint *captured, struct error *err)
{
	retry_clear(r);
	r->captured = *captured;
	return retry_read(&r->window, c, err);
}

/* ---- one table ---- */

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

static const struct retry_known *retry_find(const struct retry_list *l, char *name)
{
	const struct retry_known key = { .name = name };
	return l->n ? bsearch(&key, l->item, l->n, sizeof *l->item, retry_compare) : NULL;
}

/* Other names are spelled in InnoDB's own way: not worth knowing it. */
static bool retry_same_in_lists(const struct retry *r, const struct task *k)
{
	struct buf name = BUF_INIT(1024);
	buf_addf(&name, "%s/%s", k->schema, k->name);
	bool plain = retry_plain(k->schema) && retry_plain(k->name) && !name.bad;
	const struct retry_known *was = plain ? retry_find(&r->window, name.data) : NULL, *is = was ? retry_find(&r->latest, name.data) : NULL;
	bool same = is && is->ids == was->ids;
	buf_free(&name);
	return same;
}

/*
 * The server goes through all of its tables also when it is asked for one: what it has said of them is kept for the other sessions and their tables. While
 * a DDL is running it holds for k alone, whose lock we have.
 */
static enum status retry_same_ids(struct retry *r, struct session *s, const struct task *k, const struct fingerprint *now, struct error *err)
{
	enum status st = ST_OK;
	pthread_mutex_lock(&r->lock);
	if (!r->exact || r->since.tables != now->tables) {
		st = fingerprint_settle(s->c, false, 0, &r->since, &r->exact, err);
		if (!st)
			st = retry_read(&r->latest, s->c, err);
		r->exact = r->exact && !st;
	}
	if (!st && !retry_same_in_lists(r, k))
		st = retry_hit(k, err);
	pthread_mutex_unlock(&r->lock);
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
	struct table now = { .schema = k->schema, .name = k->name };
	enum status st = inventory_define_table(&now, s->c, err);
	if (!st && !retry_same_text(now.create, k->table->create))
		st = retry_hit(k, err);
	free(now.create);
	return st;
}

enum status retry_arrive(void *arg, struct session *s, const struct task *k, struct error *err)
{
	struct retry *r = arg;
	struct fingerprint now;
	enum status st = session_visit(s, k, err);
	if (!st)
		st = fingerprint_take(s->c, false, &now, err);
	if (st || now.tables == r->captured.tables)
		return st;
	st = retry_same_ids(r, s, k, &now, err);
	return st ? st : retry_same_definition(s, k, err);
}
