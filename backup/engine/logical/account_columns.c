/* SPDX-License-Identifier: Apache-2.0 */
#include "account_columns.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "slackwater/dialect.h"

#define GRANT_MAX (1u << 20)

static const char *const column_rights[] = { "SELECT", "INSERT", "UPDATE", "REFERENCES" };
enum { COLUMN_RIGHTS = sizeof column_rights / sizeof column_rights[0] };

/* The table whose columns are being read. */
struct columns_of {
	char *schema, *table, *rights; /* rights: those on the table as a whole, a SET */
	struct buf list[COLUMN_RIGHTS];
};

static void columns_begin(struct columns_of *t)
{
	*t = (struct columns_of){ 0 };
	for (size_t i = 0; i < COLUMN_RIGHTS; i++)
		t->list[i] = BUF_INIT(GRANT_MAX);
}

static void columns_end(struct columns_of *t)
{
	free(t->schema);
	free(t->table);
	free(t->rights);
	for (size_t i = 0; i < COLUMN_RIGHTS; i++)
		buf_free(&t->list[i]);
}

static size_t set_word(const char *p)
{
	return strcspn(p, ",");
}

static bool set_has(const char *set, const char *word)
{
	for (const char *p = set; *p; p += set_word(p), p += *p == ',')
		if (set_word(p) == strlen(word) && !strncasecmp(p, word, set_word(p)))
			return true;
	return false;
}

/* Names of rights in the tables are those of GRANT, in another case; Grant itself is an option. */
static void columns_table_rights(const char *set, struct buf *b)
{
	for (const char *p = set; *p; p += set_word(p), p += *p == ',') {
		if (set_word(p) == 5 && !strncasecmp(p, "Grant", 5))
			continue;
		buf_adds(b, b->len ? ", " : "");
		for (size_t i = 0; i < set_word(p); i++)
			buf_addc(b, (char)toupper((unsigned char)p[i]));
	}
}

static enum status columns_finish(struct columns_of *t, const char *user, const char *host, struct account_columns *ret, struct error *err)
{
	struct buf end = BUF_INIT(GRANT_MAX), rights = BUF_INIT(GRANT_MAX);
	columns_table_rights(t->rights, &rights);
	for (size_t i = 0; i < COLUMN_RIGHTS; i++)
		if (t->list[i].len)
			buf_addf(&rights, "%s%s (%s)", rights.len ? ", " : "", column_rights[i], buf_str(&t->list[i]));
	buf_adds(&end, " ON ");
	sql_qualified(&end, t->schema, t->table);
	buf_adds(&end, " TO ");
	sql_account(&end, user, host);
	enum status st = buf_check(&rights, "a grant", err);
	if (!st)
		st = buf_check(&end, "a grant", err);
	if (!st)
		st = strlist_add(&ret->end, buf_str(&end), err);
	if (!st)
		st = strlist_addf(&ret->grant, err, "GRANT %s%s%s", buf_str(&rights), buf_str(&end), set_has(t->rights, "Grant") ? " WITH GRANT OPTION" : "");
	buf_free(&end);
	buf_free(&rights);
	return st;
}

/* Row r: schema, table, rights on it, column, rights on that. */
static enum status columns_add(struct columns_of *t, const struct rows *r, struct error *err)
{
	enum status st = t->schema ? ST_OK : inventory_dup(&t->schema, r->row[0], r->len[0], err);
	if (!st && !t->table)
		st = inventory_dup(&t->table, r->row[1], r->len[1], err);
	if (!st && !t->rights)
		st = inventory_dup(&t->rights, r->row[2], r->len[2], err);
	for (size_t i = 0; !st && i < COLUMN_RIGHTS; i++) {
		if (!set_has(r->row[4], column_rights[i]))
			continue;
		buf_adds(&t->list[i], t->list[i].len ? ", " : "");
		sql_ident(&t->list[i], r->row[3]);
		st = buf_check(&t->list[i], "a grant", err);
	}
	return st;
}

static enum status columns_query(struct conn *c, const char *user, const char *host, struct rows **ret, struct error *err)
{
	struct buf sql = BUF_INIT(BUF_MAX_SQL);
	buf_adds(&sql, "SELECT t.Db, t.Table_name, t.Table_priv, c.Column_name, c.Column_priv FROM mysql.columns_priv AS c JOIN mysql.tables_priv AS t"
	               " USING (Host, Db, User, Table_name) WHERE t.User = ");
	sql_string(&sql, user);
	buf_adds(&sql, " AND t.Host = ");
	sql_string(&sql, host);
	buf_adds(&sql, " ORDER BY t.Db, t.Table_name, c.Column_name");
	enum status st = buf_check(&sql, "a query", err);
	if (!st)
		st = conn_query(c, sql.data, ret, err);
	buf_free(&sql);
	return st;
}

enum status account_columns_read(struct conn *c, const char *user, const char *host, struct account_columns *ret, struct error *err)
{
	struct columns_of t;
	struct rows *r = NULL;
	columns_begin(&t);
	enum status st = columns_query(c, user, host, &r, err);
	while (rows_more(r, &st, err)) {
		if (t.table && (strcmp(t.table, r->row[1]) != 0 || strcmp(t.schema, r->row[0]) != 0)) {
			st = columns_finish(&t, user, host, ret, err);
			columns_end(&t);
			columns_begin(&t);
		}
		if (!st)
			st = columns_add(&t, r, err);
	}
	if (!st && t.table)
		st = columns_finish(&t, user, host, ret, err);
	columns_end(&t);
	rows_free(r);
	return st;
}

const char *account_columns_instead(const struct account_columns *a, const char *line)
{
	static const char option[] = " WITH GRANT OPTION";
	size_t len = strlen(line);
	if (len > sizeof option && !strcmp(line + len - (sizeof option - 1), option))
		len -= sizeof option - 1;
	for (size_t i = 0; i < a->end.n; i++) {
		size_t n = strlen(a->end.item[i]);
		if (n < len && !memcmp(line + len - n, a->end.item[i], n))
			return a->grant.item[i];
	}
	return line;
}

void account_columns_free(struct account_columns *a)
{
	strlist_free(&a->grant);
	strlist_free(&a->end);
}
