/* SPDX-License-Identifier: Apache-2.0 */
#include "applier/imprint.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "slackwater/dialect.h"
#include "slackwater/slot.h"

void imprint_free(struct imprint *f)
{
	free(f->gtids);
	free(f->purged);
	free(f->slave_pos);
	free(f->binlog_gtids);
	free(f->current_pos);
	free(f->file);
	free(f->open);
	*f = (struct imprint){ 0 };
}

bool imprint_trx_counter(const char *status, char out[32])
{
	static const char label[] = "Trx id counter ";
	const char *at = strstr(status, label);
	if (!at)
		return false;
	at += sizeof label - 1;
	size_t n = 0;
	while (n < 31 && (isxdigit((unsigned char)at[n]) || (at[n] == ' ' && isxdigit((unsigned char)at[n + 1]))))
		n++;
	memcpy(out, at, n);
	out[n] = '\0';
	return n > 0;
}

static enum status take_gtids(struct conn *c, const struct instance *in, struct imprint *f, struct error *err)
{
	struct rows *r = NULL;
	bool more = false;
	bool mariadb = in->server.flavor == FLAVOR_MARIADB;
	if (!mariadb && !in->gtid_mode)
		return ST_OK;
	enum status st = conn_query(c,
	                            mariadb ? "SELECT @@GLOBAL.gtid_slave_pos, @@GLOBAL.gtid_binlog_pos, @@GLOBAL.gtid_current_pos"
	                                    : "SELECT @@GLOBAL.gtid_executed, @@GLOBAL.gtid_purged",
	                            &r, err);
	if (!st)
		st = rows_next(r, &more, err);
	if (!st && more && mariadb) {
		st = slot_set(&f->slave_pos, r->row[0], err);
		if (!st)
			st = slot_set(&f->binlog_gtids, r->row[1], err);
		if (!st)
			st = slot_set(&f->current_pos, r->row[2], err);
	} else if (!st && more) {
		st = slot_set(&f->gtids, r->row[0], err);
		if (!st)
			st = slot_set(&f->purged, r->row[1], err);
	}
	rows_free(r);
	return st;
}

static enum status take_binlog(struct conn *c, const struct instance *in, struct imprint *f, struct error *err)
{
	struct buf sql = BUF_INIT(256);
	struct rows *r = NULL;
	bool more = false;
	if (!in->log_bin)
		return ST_OK;
	dialect_show_own_binlog(&sql, &c->server);
	enum status st = conn_query(c, buf_str(&sql), &r, err);
	if (!st)
		st = rows_next(r, &more, err);
	if (!st && more) {
		f->pos = rows_u64(r, "Position", 0);
		st = slot_set(&f->file, rows_get(r, "File"), err);
	}
	rows_free(r);
	buf_free(&sql);
	return st;
}

void imprint_open_transactions(const char *status, struct buf *out)
{
	static const char begin[] = "\n---TRANSACTION ", undo[] = "undo log entries ";
	for (const char *at = strstr(status, begin), *next; at; at = next) {
		const char *id = at + sizeof begin - 1, *changes = strstr(at, undo);
		next = strstr(at + 1, begin);
		if (!changes || (next && changes > next))
			continue;
		changes += sizeof undo - 1;
		buf_adds(out, out->len ? "," : "");
		buf_add(out, id, strcspn(id, ",\n"));
		buf_addc(out, ':');
		buf_add(out, changes, strspn(changes, "0123456789"));
	}
}

/*
 * Rows: MariaDB has done away with InnoDB's counters (seen on 10.11) and counts handler calls on temporary tables apart; MySQL mixes
 * those in, our own SHOW statements among them, and has InnoDB's. No REGEXP: on 5.6 it costs 10 ms of stillness. Updated rows do not count
 * where the receiver updates one with each event: then the statements that update have to tell.
 */
static const char counters_mysql[] =
	"SHOW GLOBAL STATUS WHERE Variable_name IN ('Innodb_rows_inserted', 'Innodb_rows_updated', 'Innodb_rows_deleted') "
	"OR Variable_name LIKE 'Com\\_%'";
static const char counters_mariadb[] =
	"SHOW GLOBAL STATUS WHERE Variable_name IN ('Handler_write', 'Handler_update', 'Handler_delete') OR Variable_name LIKE 'Com\\_%'";

/* Statements of a writing kind, by the beginnings of their counters' names: new ones fall under them as well. */
static bool is_writing(const char *counter)
{
	static const char *const beginnings[] = {
		"alter", "analyze", "call", "create", "delete", "drop", "execute_immediate", "grant", "import", "insert", "load",
		"optimize", "rename", "repair", "replace", "revoke", "set_password", "truncate", "update", "xa_commit",
		"xa_prepare", "xa_rollback",
	};
	for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
		if (strncasecmp(counter + 4, beginnings[i], strlen(beginnings[i])) == 0)
			return !strstr(counter, "temporary");
	}
	return false;
}

static enum status take_counters(struct conn *c, const struct instance *in, struct imprint *f, struct error *err)
{
	struct rows *r = NULL;
	bool more = false, any = false;
	bool mariadb = c->server.flavor == FLAVOR_MARIADB;
	enum status st = conn_query(c, mariadb ? counters_mariadb : counters_mysql, &r, err);
	while (!st && !(st = rows_next(r, &more, err)) && more) {
		const char *name = r->row[0];
		uint64_t n = rows_u64(r, "Value", 0);
		bool statement = name && strncasecmp(name, "Com_", 4) == 0;
		any = any || (name && !statement);
		if (statement && is_writing(name))
			f->statements += n;
		else if (name && !statement && !(in->receiver_updates && strcasecmp(name, "Innodb_rows_updated") == 0))
			f->rows += n;
	}
	rows_free(r);
	if (!st && !any)
		st = error_set(err, ST_FAILED, ERR_INCONSISTENT, "SHOW GLOBAL STATUS does not tell how many rows were changed");
	return st;
}

static enum status take_innodb(struct conn *c, const struct instance *in, struct imprint *f, struct error *err)
{
	struct rows *r = NULL;
	struct buf open = BUF_INIT(1u << 20);
	bool more = false;
	enum status st = conn_query(c, "SHOW ENGINE INNODB STATUS", &r, err);
	if (!st)
		st = rows_next(r, &more, err);
	const char *text = !st && more ? rows_get(r, "Status") : NULL;
	if (!st && (!text || !imprint_trx_counter(text, f->counter)))
		st = error_set(err, ST_FAILED, ERR_INCONSISTENT, "SHOW ENGINE INNODB STATUS does not tell the transaction counter");
	if (!st)
		imprint_open_transactions(text, &open);
	if (!st)
		st = buf_check(&open, "the open transactions", err);
	if (!st)
		st = slot_set(&f->open, buf_str(&open), err);
	if (in->reads_spend_ids)
		f->counter[0] = '\0';
	buf_free(&open);
	rows_free(r);
	return st;
}

enum status imprint_take(struct conn *c, const struct instance *in, struct imprint *ret, struct error *err)
{
	struct imprint f = { 0 };
	enum status st = take_gtids(c, in, &f, err);
	if (!st)
		st = take_binlog(c, in, &f, err);
	if (!st)
		st = take_counters(c, in, &f, err);
	if (!st)
		st = take_innodb(c, in, &f, err);
	if (st) {
		imprint_free(&f);
		return st;
	}
	imprint_free(ret);
	*ret = f;
	return ST_OK;
}

static bool same(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

enum imprint_moved imprint_compare(const struct imprint *a, const struct imprint *b, bool beyond_innodb, struct buf *why)
{
	if (!same(a->gtids, b->gtids) || !same(a->purged, b->purged) || !same(a->slave_pos, b->slave_pos) ||
	    !same(a->binlog_gtids, b->binlog_gtids)) {
		buf_adds(why, "the executed GTIDs moved between two looks");
		return IMPRINT_WRITTEN;
	}
	if (!same(a->file, b->file) || a->pos != b->pos) {
		buf_addf(why, "the server's own binary log moved from %s:%" PRIu64 " to %s:%" PRIu64, a->file ? a->file : "-", a->pos,
		         b->file ? b->file : "-", b->pos);
		return IMPRINT_WRITTEN;
	}
	if (!same(a->open, b->open)) {
		buf_addf(why, "the open transactions that have changed rows were (%.200s) and are (%.200s)", a->open ? a->open : "",
		         b->open ? b->open : "");
		return IMPRINT_COUNTER;
	}
	bool counter = *a->counter && strcmp(a->counter, b->counter) == 0, counts = a->rows == b->rows && a->statements == b->statements;
	if (!counts && (!counter || beyond_innodb)) {
		if (*a->counter)
			buf_addf(why, "InnoDB's transaction counter went from %s to %s, ", a->counter, b->counter);
		buf_addf(why, "rows changed from %" PRIu64 " to %" PRIu64 ", writing statements from %" PRIu64 " to %" PRIu64, a->rows,
		         b->rows, a->statements, b->statements);
		return IMPRINT_COUNTER;
	}
	buf_addf(why, "executed GTIDs, own binary log %s:%" PRIu64 ", open transactions (%s) and ", a->file ? a->file : "-", a->pos,
	         a->open && *a->open ? a->open : "none with changes");
	if (counter)
		buf_addf(why, "InnoDB's transaction counter %s%s", a->counter, counts && beyond_innodb ? ", and " : " are the same");
	if (!counter || (counts && beyond_innodb))
		buf_addf(why, "the counts of changed rows (%" PRIu64 ") and of writing statements (%" PRIu64 ") are the same%s", a->rows,
		         a->statements, *a->counter && !counter ? "; the server's own threads moved its transaction counter" : "");
	return IMPRINT_SAME;
}

/* Rolled-back or not yet begun work does not show: this is a hint, not a verdict. */
static const char suspects_sql[] =
	"SELECT p.ID AS id, p.USER AS user, p.HOST AS host, t.trx_rows_modified AS n "
	"FROM %s p LEFT JOIN information_schema.innodb_trx t ON t.trx_mysql_thread_id = p.ID "
	"WHERE p.ID <> CONNECTION_ID() AND p.USER NOT IN ('system user', 'event_scheduler') "
	"AND p.COMMAND NOT IN ('Binlog Dump', 'Binlog Dump GTID', 'Daemon') AND IFNULL(p.STATE, '') <> 'User lock' AND (t.trx_rows_modified > 0 OR p.COMMAND = 'Query') "
	"ORDER BY t.trx_rows_modified DESC LIMIT 4";

void imprint_suspects(struct conn *c, const struct instance *in, struct buf *out)
{
	struct rows *r = NULL;
	bool more = false;
	struct error ignored = ERROR_INIT;
	if (!conn_queryf(c, &r, &ignored, suspects_sql, dialect_processlist(&c->server))) {
		while (!rows_next(r, &more, &ignored) && more) {
			const char *user = rows_get(r, "user"), *host = rows_get(r, "host"), *n = rows_get(r, "n");
			buf_addf(out, "%ssession %s of %s@%s%s%s", out->len ? ", " : "", rows_get(r, "id"), user ? user : "",
			         host ? host : "", n ? " with rows changed: " : "", n ? n : "");
		}
		rows_free(r);
	}
	if (in->event_scheduler)
		buf_addf(out, "%sthe event scheduler is ON", out->len ? ", " : "");
	if (!in->read_only)
		buf_addf(out, "%sread_only is OFF", out->len ? ", " : "");
}
