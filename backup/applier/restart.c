/* SPDX-License-Identifier: Apache-2.0 */
#include "applier/restart.h"

#include "applier/channels.h"
#include "slackwater/dialect.h"

enum { RESTART_POLL_MS = 50, RESTART_AGAIN_MS = 500, RESTART_SETTLE_MS = 300 };

static enum status send(struct conn *c, const char *channel, struct error *err)
{
	struct buf sql = BUF_INIT(8192);
	dialect_start_sql(&sql, &c->server, channel);
	enum status st = conn_exec_buf(c, &sql, err);
	buf_free(&sql);
	return st;
}

static enum status look(struct conn *c, const char *channel, bool *ret_running, bool *ret_broken, struct error *err)
{
	struct channels now = { 0 };
	enum status st = channels_read(c, &now, err);
	const struct channel *ch = st ? NULL : channels_find(&now, channel);
	*ret_running = ch && ch->sql_running;
	*ret_broken = ch && !ch->sql_running && ch->sql_errno;
	if (!st && !ch)
		st = error_set(err, ST_FAILED, ERR_APPLIER, "there is no channel '%s' any more", channel);
	channels_free(&now);
	return st;
}

enum status restart_channel(struct conn *c, const char *channel, int64_t patience_ms, bool *ret_running, struct error *err)
{
	int64_t until = run_now_ms(c->run) + patience_ms, sent = 0, seen = 0;
	bool running = false, broken = false;
	enum status st = ST_OK;
	while (!st) {
		int64_t now = run_now_ms(c->run);
		st = look(c, channel, &running, &broken, err);
		if (st || (running && seen && now - seen >= RESTART_SETTLE_MS) || now >= until || (broken && sent))
			break;
		seen = running ? seen ? seen : now : 0;
		if (!running && (!sent || now - sent >= RESTART_AGAIN_MS)) {
			st = send(c, channel, err);
			sent = now;
		}
		if (!st)
			st = run_sleep_ms(c->run, RESTART_POLL_MS, err);
	}
	if (!st)
		*ret_running = running;
	return st;
}
