/* SPDX-License-Identifier: Apache-2.0 */
#include "slackwater/conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slackwater/event.h"

enum { CONN_SHOWN = 160 }; /* as much of a statement as logs and errors show */

/*
 * What may be shown of a statement: its beginning on one line, without the rows of an INSERT, which are somebody's data.
 */
static void conn_shorten(const char *sql, size_t len, char out[CONN_SHOWN])
{
	size_t n = len < CONN_SHOWN - 4 ? len : CONN_SHOWN - 4;
	memcpy(out, sql, n);
	out[n] = '\0';
	char *values = strncmp(out, "INSERT", 6) == 0 || strncmp(out, "REPLACE", 7) == 0 ? strstr(out, "VALUES") : NULL;
	if (values)
		n = (size_t)(values - out) + 6;
	while (!values && n < len && n > 0 && ((unsigned char)sql[n] & 0xc0) == 0x80)
		n--; /* never half a character */
	snprintf(out + n, CONN_SHOWN - n, "%s", n < len ? "..." : "");
}

static void conn_prefix(struct error *err, const char *what)
{
	if (err && err->kind != ERR_INTERRUPTED)
		error_prefix(err, "%s", what);
}

static enum status conn_send(struct conn *c, const char *sql, size_t len, bool stream, struct rows **ret,
                             struct error *err)
{
	char shown[CONN_SHOWN];
	conn_shorten(sql, len, shown);
	event_debug(c->run->events, "sql", "[%lu] %s", c->ops->thread_id(c), shown);
	enum status st = c->ops->query(c, sql, len, stream, ret, err);
	if (st)
		conn_prefix(err, shown);
	return st;
}

void conn_free(struct conn *c)
{
	if (c)
		c->ops->free(c);
}

enum status conn_exec(struct conn *c, const char *sql, struct error *err)
{
	return conn_send(c, sql, strlen(sql), false, NULL, err);
}

static enum status conn_send_buf(struct conn *c, const struct buf *sql, bool stream, struct rows **ret,
                                 struct error *err)
{
	enum status st = buf_check(sql, "a statement", err);
	return st ? st : conn_send(c, buf_str(sql), sql->len, stream, ret, err);
}

enum status conn_exec_buf(struct conn *c, const struct buf *sql, struct error *err)
{
	/* Whoever put it together marked it, and the caller may not know. */
	if (sql->secret)
		return conn_exec_secret(c, sql, "a statement with a secret", err);
	return conn_send_buf(c, sql, false, NULL, err);
}

enum status conn_execf(struct conn *c, struct error *err, const char *fmt, ...)
{
	struct buf sql = BUF_INIT(BUF_MAX_SQL);
	va_list ap;
	va_start(ap, fmt);
	buf_addv(&sql, fmt, ap);
	va_end(ap);
	enum status st = conn_exec_buf(c, &sql, err);
	buf_free(&sql);
	return st;
}

/*
 * Messages that echo a part of the statement ("near '...'", "String '...' is too long") put it in quotes: one with a quote in it
 * is not repeated.
 */
static void conn_censor(struct error *err, const char *what)
{
	if (!err || err->kind == ERR_INTERRUPTED)
		return;
	if (strpbrk(err->message, "'\"`"))
		snprintf(err->message, sizeof err->message, "error %u, whose text is left out because it may repeat a secret",
		         err->my_errno);
	error_prefix(err, "%s", what);
}

enum status conn_exec_secret(struct conn *c, const struct buf *sql, const char *what, struct error *err)
{
	enum status st = buf_check(sql, what, err);
	if (st)
		return st;
	event_debug(c->run->events, "sql", "[%lu] %s", c->ops->thread_id(c), what);
	st = c->ops->query(c, buf_str(sql), sql->len, false, NULL, err);
	if (st)
		conn_censor(err, what);
	return st;
}

/* Notes are not warnings, though the server counts them in. */
static enum status conn_warnings(struct conn *c, const char *sql, struct error *err)
{
	struct rows *r = NULL;
	enum status st = conn_query(c, "SHOW WARNINGS", &r, err);
	bool more = true;
	while (!st && !(st = rows_next(r, &more, err)) && more) {
		const char *level = rows_get(r, "Level"), *text = rows_get(r, "Message");
		if (!level || strcasecmp(level, "Note") == 0)
			continue;
		unsigned code = (unsigned)rows_u64(r, "Code", 0);
		st = error_set(err, ST_FAILED, ERR_INCONSISTENT, "%.160s: the server warns: %s (%u)", sql, text ? text : "", code);
		if (err)
			err->my_errno = code;
	}
	rows_free(r);
	return st;
}

enum status conn_exec_strict(struct conn *c, const char *sql, struct error *err)
{
	enum status st = conn_exec(c, sql, err);
	return st || c->ops->warning_count(c) == 0 ? st : conn_warnings(c, sql, err);
}

enum status conn_query(struct conn *c, const char *sql, struct rows **ret, struct error *err)
{
	return conn_send(c, sql, strlen(sql), false, ret, err);
}

enum status conn_queryf(struct conn *c, struct rows **ret, struct error *err, const char *fmt, ...)
{
	struct buf sql = BUF_INIT(BUF_MAX_SQL);
	va_list ap;
	va_start(ap, fmt);
	buf_addv(&sql, fmt, ap);
	va_end(ap);
	enum status st = conn_send_buf(c, &sql, false, ret, err);
	buf_free(&sql);
	return st;
}

enum status conn_stream(struct conn *c, const struct buf *sql, struct rows **ret, struct error *err)
{
	return conn_send_buf(c, sql, true, ret, err);
}

enum status conn_scalar(struct conn *c, const char *sql, char **ret, struct error *err)
{
	struct rows *r = NULL;
	bool more = false;
	char *text = NULL;
	enum status st = conn_query(c, sql, &r, err);
	if (!st)
		st = rows_next(r, &more, err);
	if (!st && more && r->ncols && r->row[0]) {
		text = strdup(r->row[0]);
		if (!text)
			st = error_oom(err);
	}
	rows_free(r);
	if (!st)
		*ret = text;
	return st;
}

enum status conn_scalar_u64(struct conn *c, const char *sql, uint64_t *ret, struct error *err)
{
	char *text = NULL, *end = NULL;
	enum status st = conn_scalar(c, sql, &text, err);
	if (st)
		return st;
	uint64_t n = text ? strtoull(text, &end, 10) : 0;
	if (!text || end == text || *end || *text == '-')
		st = error_set(err, ST_FAILED, ERR_UNEXPECTED, "%.160s: a number was expected, not '%.80s'", sql,
		               text ? text : "NULL");
	else
		*ret = n;
	free(text);
	return st;
}

enum status conn_variable(struct conn *c, const char *name, char **ret, struct error *err)
{
	enum { UNKNOWN_VARIABLE = 1193 };
	char sql[256];
	struct error why = ERROR_INIT;
	snprintf(sql, sizeof sql, "SELECT @@GLOBAL.%s", name);
	enum status st = conn_scalar(c, sql, ret, &why);
	if (st && why.my_errno == UNKNOWN_VARIABLE) {
		*ret = NULL;
		return ST_OK;
	}
	if (st && err)
		*err = why;
	return st;
}

bool conn_is_mysql(const struct conn *c, unsigned at_least)
{
	return c->server.flavor == FLAVOR_MYSQL && c->server.version >= at_least;
}

bool conn_is_mariadb(const struct conn *c, unsigned at_least)
{
	return c->server.flavor == FLAVOR_MARIADB && c->server.version >= at_least;
}
