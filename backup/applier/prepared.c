/* SPDX-License-Identifier: Apache-2.0 */
#include "applier/prepared.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

enum { NAMED_XIDS = 10 };

void prepared_free(struct prepared *p)
{
	buf_free(&p->text);
	*p = (struct prepared){ 0 };
}

static void add_part(struct buf *out, const char *s, size_t n)
{
	bool plain = true;
	for (size_t i = 0; i < n; i++)
		plain = plain && isprint((unsigned char)s[i]) && s[i] != '\'' && s[i] != '\\';
	buf_adds(out, plain ? "'" : "X'");
	for (size_t i = 0; i < n; i++)
		buf_addf(out, plain ? "%c" : "%02X", (unsigned char)s[i]);
	buf_addc(out, '\'');
}

/* The current row of XA RECOVER as XA COMMIT wants it: 'gtrid','bqual',formatID; X'..' where it is not plain text. */
static void prepared_xid(const struct rows *r, struct buf *out)
{
	int data = rows_index(r, "data");
	size_t gtrid = rows_u64(r, "gtrid_length", 0), bqual = rows_u64(r, "bqual_length", 0);
	if (data < 0 || !r->row[data] || gtrid + bqual > r->len[data]) {
		buf_adds(out, "(unreadable)");
		return;
	}
	add_part(out, r->row[data], gtrid);
	buf_addc(out, ',');
	add_part(out, r->row[data] + gtrid, bqual);
	buf_addf(out, ",%" PRIu64, rows_u64(r, "formatID", 0));
}

static enum status look_xa(struct conn *c, struct prepared *p, struct error *err)
{
	struct rows *r = NULL;
	struct buf names = BUF_INIT(1u << 16);
	bool more = false;
	enum status st = conn_query(c, "XA RECOVER", &r, err);
	while (!st && !(st = rows_next(r, &more, err)) && more) {
		if (p->xids++ < NAMED_XIDS) {
			buf_adds(&names, p->xids > 1 ? "; " : "");
			prepared_xid(r, &names);
		}
	}
	rows_free(r);
	if (!st && p->xids)
		buf_addf(&p->text, "%" PRIu64 " prepared XA transaction%s: %s%s", p->xids, p->xids == 1 ? "" : "s", buf_str(&names),
		         p->xids > NAMED_XIDS ? " ..." : "");
	buf_free(&names);
	return st;
}

static enum status look_innodb(struct conn *c, struct prepared *p, struct error *err)
{
	enum status st = conn_scalar_u64(
		c, "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = 0", &p->xids, err);
	p->by_innodb = true;
	if (!st && p->xids)
		buf_addf(&p->text, "%" PRIu64 " prepared XA transaction%s (their XIDs need the right XA_RECOVER_ADMIN)", p->xids,
		         p->xids == 1 ? "" : "s");
	return st;
}

static enum status look_temp_tables(struct conn *c, struct prepared *p, struct error *err)
{
	struct rows *r = NULL;
	bool more = false;
	/* Both names, the old and the new one, give the same number. */
	enum status st = conn_query(c,
	                            "SHOW GLOBAL STATUS WHERE Variable_name IN ('Slave_open_temp_tables', "
	                            "'Replica_open_temp_tables')",
	                            &r, err);
	while (!st && !(st = rows_next(r, &more, err)) && more)
		p->temp_tables = rows_u64(r, "Value", 0);
	rows_free(r);
	if (!st && p->temp_tables)
		buf_addf(&p->text, "%s%" PRIu64 " temporary table%s of replicated sessions", p->text.len ? "; " : "", p->temp_tables,
		         p->temp_tables == 1 ? "" : "s");
	return st;
}

enum status prepared_look(struct conn *c, bool *no_xa_right, struct prepared *ret, struct error *err)
{
	struct prepared p = { .text = BUF_INIT(1u << 17) };
	struct error why = ERROR_INIT;
	enum status st = ST_OK;
	if (!*no_xa_right && (st = look_xa(c, &p, &why))) {
		*no_xa_right = !c->lost && why.kind != ERR_INTERRUPTED;
		if (!*no_xa_right && err)
			*err = why;
		if (*no_xa_right)
			st = ST_OK;
	}
	if (!st && *no_xa_right)
		st = look_innodb(c, &p, err);
	if (!st)
		st = look_temp_tables(c, &p, err);
	if (st) {
		prepared_free(&p);
		return st;
	}
	prepared_free(ret);
	*ret = p;
	return ST_OK;
}
