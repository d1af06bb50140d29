/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers show the words of an ENUM or SET through three-byte UTF-8: a character beyond that is a question mark [run 5.6.24, 9.7.4, 10.11.19].
 * Rows written as numbers would then get other words without a sign of it.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "inventory.h"
#include "slackwater/dialect.h"

#define WORDS_NAMES_MAX 1000

bool inventory_words_doubtful(const struct column *c, const char *data_type, const char *column_type)
{
	return (!strcasecmp(data_type, "enum") || !strcasecmp(data_type, "set")) && inventory_default_beyond(c->charset) && strchr(column_type, '?');
}

/* A variable of the column's type takes each word in doubt by its number. */
static void words_ask(const struct table *t, const struct column *c, const char *narrow, struct buf *sql)
{
	bool set = !c->is_enum;
	uint64_t number = 0;
	const char *word;
	size_t len;
	buf_adds(sql, "BEGIN NOT ATOMIC DECLARE word TYPE OF ");
	sql_qualified(sql, t->schema, t->name);
	buf_addc(sql, '.');
	sql_ident(sql, c->name);
	buf_adds(sql, "; SET @slackwater_other = 0;");
	for (const char *p = strchr(c->words, '\''); p; p = strchr(p, '\'')) {
		p = column_word(p, &word, &len);
		number++;
		if (!memchr(word, '?', len))
			continue;
		buf_addf(sql, " SET word = %" PRIu64 "; SET @slackwater_other = @slackwater_other"
		              " + (CAST(CONVERT(word USING utf8mb4) AS BINARY) <> CAST(CONVERT(word USING %s) AS BINARY));",
		         set ? UINT64_C(1) << (number - 1) : number, narrow);
	}
	buf_adds(sql, " END");
}

static enum status words_check(struct inventory *inv, const struct table *t, const struct column *c, struct conn *conn, struct error *err)
{
	struct buf sql = BUF_INIT(BUF_MAX_SQL);
	uint64_t other = 0;
	words_ask(t, c, inventory_default_narrow(conn), &sql);
	enum status st = conn_exec_buf(conn, &sql, err);
	if (!st)
		st = conn_scalar_u64(conn, "SELECT @slackwater_other", &other, err);
	buf_free(&sql);
	return st || !other ? st : inventory_refused(inv, t->schema, t->name, err, "the server does not show all of the words of column `%s`", c->name);
}

enum status inventory_words_check(struct inventory *inv, struct conn *conn, struct error *err)
{
	struct buf names = BUF_INIT(WORDS_NAMES_MAX);
	bool can_ask = conn_is_mariadb(conn, 100300);
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < inv->ntables; i++) {
		const struct table *t = &inv->table[i];
		for (size_t k = 0; !st && !t->view && !t->gone && k < t->ncols; k++) {
			if (t->col[k].words && can_ask)
				st = words_check(inv, t, &t->col[k], conn, err);
			else if (t->col[k].words)
				buf_addf(&names, "%s`%s`.`%s`.`%s`", names.len ? ", " : "", t->schema, t->name, t->col[k].name);
		}
	}
	if (!st && names.len)
		st = strlist_addf(&inv->warnings, err, "the server shows question marks in the words of these columns, which would be the words of a seed even if "
		                  "they stand for characters of four bytes: %s%s", buf_str(&names), names.bad ? ", ..." : "");
	buf_free(&names);
	return st;
}
