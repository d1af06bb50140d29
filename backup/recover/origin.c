/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Before relay logs are thrown away: what is in them, and what is not yet applied, must be had from the source again. An account made on the
 * source reaches its replicas, so ours is tried there; a source that cannot be asked is a reason to touch nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recover/task.h"
#include "slackwater/dialect.h"

static enum status connect_source(struct recover_task *j, const struct channel *ch, struct conn **ret, struct error *err)
{
	struct conn_options o = { 0 };
	enum status st = conn_options_copy(&o, &j->o->server, err);
	if (!st) {
		free(o.socket);
		free(o.host);
		o.socket = NULL;
		o.host = strdup(ch->cp.source_host ? ch->cp.source_host : "");
		o.port = ch->cp.source_port;
		st = o.host ? conn_open(ret, &o, 0, j->run, err) : error_oom(err);
	}
	conn_options_free(&o);
	return st;
}

static enum status not_proven(const struct channel *ch, const char *why, struct error *err)
{
	error_set(err, ST_FAILED, ERR_APPLIER, "nothing was touched: that the source %s:%u still has all that is missing here could not be seen: %.600s",
	          ch->cp.source_host ? ch->cp.source_host : "?", ch->cp.source_port, why);
	return error_hint(err, "see it there (its gtid_purged must be in this gtid_executed), then repair by hand");
}

static enum status compare(struct conn *source, const struct recover_task *j, const struct channel *ch, struct error *err)
{
	struct buf sql = BUF_INIT(BUF_MAX_SQL);
	char *lost = NULL, *more = NULL;
	buf_adds(&sql, "SELECT GTID_SUBTRACT(@@GLOBAL.gtid_purged, ");
	sql_string(&sql, j->ch.executed_set ? j->ch.executed_set : "");
	buf_addc(&sql, ')');
	enum status st = buf_check(&sql, "a statement", err);
	if (!st)
		st = conn_scalar(source, buf_str(&sql), &lost, err);
	buf_clear(&sql);
	buf_adds(&sql, "SELECT GTID_SUBTRACT(");
	sql_string(&sql, ch->cp.received_set ? ch->cp.received_set : "");
	buf_adds(&sql, ", @@GLOBAL.gtid_executed)");
	if (!st)
		st = buf_check(&sql, "a statement", err);
	if (!st)
		st = conn_scalar(source, buf_str(&sql), &more, err);
	if (!st && lost && *lost)
		st = error_set(err, ST_FAILED, ERR_APPLIER, "it has purged %.500s", lost);
	if (!st && more && *more)
		st = error_set(err, ST_FAILED, ERR_APPLIER, "it does not have %.500s, which was received here", more);
	free(lost);
	free(more);
	buf_free(&sql);
	return st;
}

enum status recover_source_has_all(struct recover_task *j, const struct channel *ch, struct error *err)
{
	struct conn *source = NULL;
	struct error why = ERROR_INIT;
	enum status st = connect_source(j, ch, &source, &why);
	if (!st && (!ch->cp.source_uuid || strcmp(source->server.uuid, ch->cp.source_uuid) != 0))
		st = error_set(&why, ST_FAILED, ERR_APPLIER, "what answers there is not the server that this channel has followed");
	if (!st)
		st = compare(source, j, ch, &why);
	conn_free(source);
	if (st && why.kind != ERR_INTERRUPTED && why.kind != ERR_UNEXPECTED)
		return not_proven(ch, why.message, err);
	if (st && err)
		*err = why;
	return st;
}
