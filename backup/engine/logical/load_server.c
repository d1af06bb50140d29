/* SPDX-License-Identifier: Apache-2.0 */
#include "load_server.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LOAD_PACKET_MARGIN = 4096, LOAD_PACKET_MAX = 1 << 30 };

static enum status read_packet(struct conn *c, uint64_t *ret, struct error *err)
{
	return conn_scalar_u64(c, "SELECT @@GLOBAL.max_allowed_packet", ret, err);
}

static enum status set_packet(struct conn *c, uint64_t bytes, struct error *err)
{
	return conn_execf(c, err, "SET GLOBAL max_allowed_packet = %" PRIu64, bytes);
}

enum status load_server_check_packet(struct conn *c, uint64_t largest_statement, struct error *err)
{
	uint64_t now = 0;
	enum status st = read_packet(c, &now, err);
	if (st || largest_statement + LOAD_PACKET_MARGIN <= now)
		return st;
	if (largest_statement + LOAD_PACKET_MARGIN > LOAD_PACKET_MAX) {
		error_set(err, ST_FAILED, ERR_SEED_REFUSED, "the largest statement of the snapshot has %" PRIu64 " bytes, more than any server accepts",
		          largest_statement);
		error_hint(err, "take the snapshot again with a smaller --chunk-size");
		return ST_FAILED;
	}
	if (!set_packet(c, now, err))
		return ST_OK;
	error_set(err, ST_FAILED, ERR_SEED_REFUSED,
	          "the largest statement of the snapshot has %" PRIu64 " bytes, the target accepts %" PRIu64 " (max_allowed_packet)",
	          largest_statement, now);
	error_hint(err, "SET GLOBAL max_allowed_packet = %" PRIu64 " on the target, or log in with an account that may do so",
	           (largest_statement / (1 << 20) + 2) * (1 << 20));
	return ST_FAILED;
}

static enum status raise_packet(struct load_server *s, struct conn *c, uint64_t largest_statement, struct error *err)
{
	uint64_t now = 0;
	enum status st = read_packet(c, &now, err);
	if (st || largest_statement + LOAD_PACKET_MARGIN <= now)
		return st;
	st = set_packet(c, (largest_statement / (1 << 20) + 2) * (1 << 20), err);
	if (!st)
		s->packet_before = now;
	return st;
}

static enum status redo_is_on(struct conn *c, bool *ret, struct error *err)
{
	struct rows *r = NULL;
	enum status st = conn_query(c, "SHOW GLOBAL STATUS LIKE 'Innodb_redo_log_enabled'", &r, err);
	bool more = rows_more(r, &st, err);
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

enum status load_server_begin(struct load_server *s, struct conn *c, uint64_t largest_statement, bool keep_redo_log,
                              struct error *err)
{
	bool empty = false, on = true;
	enum status st = raise_packet(s, c, largest_statement, err);
	if (st || !conn_is_mysql(c, 80021))
		return st;
	st = redo_is_on(c, &on, err);
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

static enum status enable_redo(struct conn *c, struct error *err)
{
	bool on = false;
	enum status st = conn_exec(c, "ALTER INSTANCE ENABLE INNODB REDO_LOG", err);
	if (!st)
		st = redo_is_on(c, &on, err);
	if (!st && !on)
		st = error_set(err, ST_FAILED, ERR_SERVER, "the target's InnoDB redo log is still off after it was switched on");
	if (st)
		error_hint(err, "ALTER INSTANCE ENABLE INNODB REDO_LOG on the target before anything else: a crash now loses it");
	return st;
}

enum status load_server_end(struct load_server *s, struct conn *c, struct error *err)
{
	enum status st = s->redo_off ? enable_redo(c, err) : ST_OK;
	if (!st)
		s->redo_off = false;
	struct error ignored = ERROR_INIT;
	if (s->packet_before) {
		enum status back = set_packet(c, s->packet_before, st ? &ignored : err);
		if (!back)
			s->packet_before = 0;
		st = st ? st : back;
	}
	return st;
}
