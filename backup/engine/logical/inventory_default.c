/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MySQL before 8.0 and MariaDB tell definitions through three-byte UTF-8: a DEFAULT with a character beyond that is shown with question marks, on MySQL also the bytes of
 * a VARBINARY's [run 5.6.24, 10.11.19]. What may have any is held against the default itself, which DEFAULT() tells whole.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "inventory.h"
#include "slackwater/dialect.h"

bool inventory_default_beyond(const char *charset)
{
	static const char *const beyond[] = { "utf8mb4", "utf16", "utf16le", "utf32", "gb18030" };
	for (size_t i = 0; charset && i < sizeof beyond / sizeof beyond[0]; i++)
		if (!strcmp(charset, beyond[i]))
			return true;
	return false;
}

bool inventory_default_doubtful(const struct column *c, const char *data_type, const char *shown, size_t len)
{
	if (!shown || (len == 4 && !memcmp(shown, "NULL", 4)))
		return false;
	if (!strcasecmp(data_type, "binary") || !strcasecmp(data_type, "varbinary"))
		return true; /* also if nothing is shown, which MySQL 5.6 does of some bytes */
	return inventory_default_beyond(c->charset) && memchr(shown, '?', len);
}

const char *inventory_default_narrow(const struct conn *c)
{
	return conn_is_mariadb(c, 100600) ? "utf8mb3" : "utf8"; /* where old_mode may say that utf8 is utf8mb4 */
}

/* Does the default survive being told? The outer join makes a row where there is none. */
static enum status default_check(struct inventory *inv, const struct table *t, const struct column *col, struct conn *c, struct error *err)
{
	struct buf sql = BUF_INIT(BUF_MAX_SQL), name = BUF_INIT(4096);
	uint64_t whole = 0;
	bool bytes = !strcmp(col->charset, "binary");
	buf_adds(&name, "DEFAULT(");
	sql_ident(&name, col->name);
	buf_addc(&name, ')');
	/* Bytes are their own measure; text is compared in a character set that has all of it. */
	buf_addf(&sql, "SELECT COALESCE(%s IS NULL OR CAST(%s%s%s AS BINARY) = CAST(CONVERT(%s USING %s) AS BINARY), 0) FROM ", buf_str(&name),
	         bytes ? "" : "CONVERT(", buf_str(&name), bytes ? "" : " USING utf8mb4)", buf_str(&name), inventory_default_narrow(c));
	sql_qualified(&sql, t->schema, t->name);
	buf_adds(&sql, " RIGHT JOIN (SELECT 1 AS one) AS o ON FALSE");
	enum status st = buf_check(&sql, "a query", err);
	if (!st)
		st = conn_scalar_u64(c, sql.data, &whole, err);
	buf_free(&sql);
	buf_free(&name);
	return st || whole ? st : inventory_refused(inv, t->schema, t->name, err, "the server does not show all of the DEFAULT of column `%s`", col->name);
}

enum status inventory_default_check(struct inventory *inv, struct conn *c, struct error *err)
{
	bool bytes_are_shown = conn_is_mariadb(c, 0);
	enum status st = ST_OK;
	if (conn_is_mysql(c, 80000))
		return ST_OK;
	for (size_t i = 0; !st && i < inv->ntables; i++) {
		const struct table *t = &inv->table[i];
		for (size_t k = 0; !st && !t->view && !t->gone && k < t->ncols; k++)
			if (t->col[k].doubtful && !(bytes_are_shown && !strcmp(t->col[k].charset, "binary")))
				st = default_check(inv, t, &t->col[k], c, err);
	}
	return st;
}
