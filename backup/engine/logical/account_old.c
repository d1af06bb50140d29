/* SPDX-License-Identifier: Apache-2.0 */
#include "account_old.h"

#include <stdlib.h>
#include <string.h>

#include "slackwater/dialect.h"

enum { OLD_LINE_MAX = 1 << 20 };
enum { ROW_PLUGIN, ROW_PROOF, ROW_EXPIRED };

/* A hash of 16 digits is that of mysql_old_password, whether the row names it or not. */
static const char *const old_query = "SELECT IF(plugin = '' AND LENGTH(Password) = 16, 'mysql_old_password', plugin),"
                                     " IF(authentication_string IS NULL OR authentication_string = '', Password, authentication_string), ";

enum status account_old_read(struct conn *c, const char *user, const char *host, struct account_old *ret, struct error *err)
{
	struct buf sql = BUF_INIT(BUF_MAX_SQL);
	struct rows *r = NULL;
	buf_addf(&sql, "%s%s FROM mysql.user WHERE User = ", old_query, conn_is_mysql(c, 50606) ? "password_expired" : "'N'");
	sql_string(&sql, user);
	buf_adds(&sql, " AND Host = ");
	sql_string(&sql, host);
	enum status st = conn_query(c, buf_str(&sql), &r, err);
	bool more = rows_more(r, &st, err);
	const char *plugin = !st && more && r->row[ROW_PLUGIN] ? r->row[ROW_PLUGIN] : "";
	if (!st && *plugin && strcmp(plugin, "mysql_native_password") != 0) {
		st = inventory_dup(&ret->plugin, plugin, strlen(plugin), err);
		if (!st && r->row[ROW_PROOF])
			st = inventory_dup(&ret->proof, r->row[ROW_PROOF], r->len[ROW_PROOF], err);
	}
	ret->expired = !st && more && r->row[ROW_EXPIRED] && strcmp(r->row[ROW_EXPIRED], "Y") == 0;
	rows_free(r);
	buf_free(&sql);
	return st;
}

void account_old_create(const struct account_old *a, const char *user, const char *host, struct buf *out)
{
	if (!a->plugin)
		return;
	buf_adds(out, "CREATE USER ");
	sql_account(out, user, host);
	buf_adds(out, " IDENTIFIED WITH ");
	sql_string(out, a->plugin);
	buf_adds(out, " AS ");
	sql_string(out, a->proof ? a->proof : "");
}

/* The rest of the line behind `what`, of which everything before has been added, `what` as `with`. */
static const char *old_replace(struct buf *out, const char *line, const struct buf *what, const char *with)
{
	const char *at = what->bad ? NULL : strstr(line, what->data);
	if (!at)
		return line;
	buf_add(out, line, (size_t)(at - line));
	buf_adds(out, with);
	return at + what->len;
}

void account_old_grant(const struct account_old *a, const char *user, const char *host, const char *line, struct buf *out)
{
	struct buf raw = BUF_INIT(OLD_LINE_MAX), quoted = BUF_INIT(OLD_LINE_MAX), proof = { .max = OLD_LINE_MAX, .secret = 1 };
	buf_addf(&raw, " TO '%s'@'%s'", user, host);
	buf_adds(&quoted, " TO ");
	sql_account(&quoted, user, host);
	line = old_replace(out, line, &raw, buf_str(&quoted));
	buf_addf(&proof, " IDENTIFIED BY PASSWORD '%s'", a->proof ? a->proof : "");
	if (a->plugin)
		line = old_replace(out, line, &proof, "");
	buf_adds(out, line);
	buf_free(&raw);
	buf_free(&quoted);
	buf_free(&proof);
}

void account_old_free(struct account_old *a)
{
	if (a->proof)
		explicit_bzero(a->proof, strlen(a->proof));
	free(a->proof);
	free(a->plugin);
	*a = (struct account_old){ 0 };
}
