/* SPDX-License-Identifier: Apache-2.0 */
#include "applier/restart.h"

#include "slackwater/dialect.h"

enum {
	START_TRIES = 5,
	SETTLE_MS = 1000,      /* so long it has to be seen running, without a break */
	NOT_YET_MS = 3000,     /* after that a thread that does not run, and has no error, will not */
	CONNECT_MS = 60000,    /* for the receiver to reach its source */
	POLL_MS = 50
};

enum status restart_error(const struct channel *ch, bool receiver, struct error *err)
{
	unsigned no = !ch->sql_running ? ch->sql_errno : 0;
	const char *thread = "applier", *text = ch->sql_error;
	if (!no && receiver && ch->io_stopped) {
		no = ch->io_errno;
		thread = "receiver";
		text = ch->io_error;
	}
	if (!no)
		return ST_OK;
	error_set(err, ST_FAILED, ERR_APPLIER, "the %s stopped again, with error %u: %.700s", thread, no, text ? text : "");
	err->my_errno = no;
	return ST_FAILED;
}

static enum status no_source(const struct channel *ch, struct error *err)
{
	error_set(err, ST_FAILED, ERR_APPLIER, "the receiver does not reach its source: %.700s",
	          ch->io_error && *ch->io_error ? ch->io_error : "no error is given");
	err->my_errno = ch->io_errno;
	return ST_FAILED;
}

/* *ret is replaced; *ret_ch points into it. */
static enum status look(struct conn *c, const char *channel, bool receiver, struct channels *ret, const struct channel **ret_ch,
                        struct error *err)
{
	enum status st = channels_read(c, ret, err);
	*ret_ch = st ? NULL : channels_find(ret, channel);
	if (!st && !*ret_ch)
		st = error_set(err, ST_FAILED, ERR_APPLIER, "the channel is gone");
	return st ? st : restart_error(*ret_ch, receiver, err);
}

/* After one START. ST_OK and false: it does not run, and gives no error. */
static enum status settle(struct conn *c, const char *channel, bool receiver, bool *ret_running, struct error *err)
{
	struct channels now = { 0 };
	const struct channel *ch;
	int64_t begun = run_now_ms(c->run), seen = 0;
	bool done = false;
	enum status st = ST_OK;
	*ret_running = false;
	while (!st && !done) {
		st = look(c, channel, receiver, &now, &ch, err);
		if (st)
			break;
		int64_t t = run_now_ms(c->run);
		bool connected = !receiver || ch->cp.io_running, trying = receiver && ch->sql_running && !connected && !ch->io_stopped;
		if (!ch->sql_running || !connected)
			seen = 0;
		else if (!seen)
			seen = t;
		*ret_running = done = seen && t - seen >= SETTLE_MS;
		if (!done && trying && t - begun > CONNECT_MS)
			st = no_source(ch, err);
		else if (!done && !seen && !trying && t - begun > NOT_YET_MS)
			done = true;
		else if (!done)
			st = run_sleep_ms(c->run, POLL_MS, err);
	}
	channels_free(&now);
	return st;
}

enum status restart_seen(struct conn *c, const char *channel, bool receiver, restart_fn *again, void *arg, struct error *err)
{
	bool running = false;
	for (unsigned i = 1; i <= START_TRIES; i++) {
		enum status st = settle(c, channel, receiver, &running, err);
		if (!st && !running && i < START_TRIES)
			st = again(arg, err);
		if (st || running)
			return st;
	}
	error_set(err, ST_FAILED, ERR_APPLIER, "after %d STARTs it does not run, and no error is given", START_TRIES);
	return error_hint(err, "does somebody else stop it, or is a STOP still in progress? See the process list");
}

struct restart {
	struct conn *c;
	const char *channel;
};

static enum status start(void *arg, struct error *err)
{
	const struct restart *r = arg;
	struct buf sql = BUF_INIT(8192);
	dialect_start_sql(&sql, &r->c->server, r->channel);
	enum status st = conn_exec_buf(r->c, &sql, err);
	buf_free(&sql);
	return st;
}

enum status restart_channel(struct conn *c, const char *channel, struct error *err)
{
	struct restart r = { c, channel };
	enum status st = start(&r, err);
	return st ? st : restart_seen(c, channel, false, start, &r, err);
}
