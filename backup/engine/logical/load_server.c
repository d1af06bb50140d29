/* SPDX-License-Identifier: Apache-2.0 */
#include "load_server.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LOAD_PACKET_MARGIN = 4096, LOAD_PACKET_MAX = 1 << 30 };

/* Refused rather than raised: sessions of others would see it change, and a load that is shot down would leave it so. */
enum status load_server_check_packet(struct conn *c, uint64_t largest_statement, struct error *err)
{
	uint64_t now = 0;
	enum status st = conn_scalar_u64(c, "SELECT @@GLOBAL.max_allowed_packet", &now, err);
	if (st || largest_statement + LOAD_PACKET_MARGIN <= now)
		return st;
	error_set(err, ST_FAILED, ERR_SEED_REFUSED,
	          "the largest statement of the snapshot has %" PRIu64 " bytes, the target accepts %" PRIu64 " (max_allowed_packet)",
	          largest_statement, now);
	if (largest_statement + LOAD_PACKET_MARGIN > LOAD_PACKET_MAX)
		error_hint(err, "no server accepts that: take the snapshot again with a smaller --chunk-size");
	else
		error_hint(err, "SET GLOBAL max_allowed_packet = %" PRIu64 " on the target, for good where rows are that large",
		           (largest_statement / (1 << 20) + 2) * (1 << 20));
	return ST_FAILED;
}

static enum status redo_is_on(struct conn *c, bool *ret, struct error *err)
{
	struct rows *r = NULL;
	bool more = false;
	enum status st = conn_query(c, "SHOW GLOBAL STATUS LIKE 'Innodb_redo_log_enabled'", &r, err);
	if (!st)
		st = rows_next(r, &more, err);
	if (!st)
		*ret = !more || !rows_get(r, "Value") || strcmp(rows_get(r, "Value"), "OFF") != 0;
	rows_free(r);
	return st;
}

/* A crash without the redo log loses the whole server: only where there is nothing but what we load. */
static enum status nothing_to_lose(struct conn *c, bool *ret, struct error *err)
{
	uint64_t others = 0;
	enum status st = conn_scalar_u64(c,
	                                 "SELECT COUNT(*) FROM information_schema.schemata WHERE LOWER(schema_name) NOT IN"
	                                 " ('mysql', 'information_schema', 'performance_schema', 'sys', '" LOAD_SERVER_MARKER "')",
	                                 &others, err);
	*ret = !st && others == 0;
	return st;
}

enum status load_server_begin(struct load_server *s, struct conn *c, bool keep_redo_log, struct error *err)
{
	bool empty = false, on = true;
	if (!conn_is_mysql(c, 80021))
		return ST_OK;
	enum status st = redo_is_on(c, &on, err);
	if (!st && !on)
		s->redo_off = true; /* a load before us was shot down */
	if (!st && on && !keep_redo_log)
		st = nothing_to_lose(c, &empty, err);
	if (st || !empty)
		return st;
	struct error refused = ERROR_INIT;
	s->redo_off = true; /* from here on it is put back, even when the answer is lost */
	st = conn_exec(c, "ALTER INSTANCE DISABLE INNODB REDO_LOG", &refused);
	if (st && !c->lost && !run_cancelled(c->run)) {
		s->redo_off = false;
		event_info(c->run->events, "load", "the redo log stays on: %s", refused.message);
		return ST_OK;
	}
	if (st)
		*err = refused;
	return st;
}

enum status load_server_end(struct load_server *s, struct conn *c, struct error *err)
{
	bool on = false;
	if (!s->redo_off)
		return ST_OK;
	enum status st = conn_exec(c, "ALTER INSTANCE ENABLE INNODB REDO_LOG", err);
	if (!st)
		st = redo_is_on(c, &on, err);
	if (!st && !on)
		st = error_set(err, ST_FAILED, ERR_SERVER, "the target's InnoDB redo log is still off after it was switched on");
	if (st)
		error_hint(err, "ALTER INSTANCE ENABLE INNODB REDO_LOG on the target before anything else: a crash now loses it");
	else
		s->redo_off = false;
	return st;
}
