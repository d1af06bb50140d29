/* SPDX-License-Identifier: Apache-2.0 */
#include "applier/relaylog.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "applier/logname.h"
#include "slackwater/dialect.h"

enum { ER_ERROR_WHEN_EXECUTING_COMMAND = 1220, RELAYLOG_HEADER = 4 };

static bool is_one_of(const char *type, const char *const *names)
{
	for (; *names; names++) {
		if (strcasecmp(type, *names) == 0)
			return true;
	}
	return false;
}

enum relaylog_kind relaylog_kind(const struct relaylog_event *e, uint64_t own_id)
{
	static const char *const heads[] = { "Format_desc", "Previous_gtids", "Gtid_list", "Binlog_checkpoint", "Stop",
		                             "Start_encryption", "Heartbeat", NULL };
	static const char *const gtids[] = { "Gtid", "Anonymous_Gtid", "Gtid_tagged", NULL };
	if (strcasecmp(e->type, "Rotate") == 0)
		return e->server_id == own_id ? RELAYLOG_LOCAL : RELAYLOG_ROTATE;
	if (is_one_of(e->type, heads))
		return e->server_id == own_id ? RELAYLOG_LOCAL : RELAYLOG_HEAD;
	return is_one_of(e->type, gtids) ? RELAYLOG_GTID : RELAYLOG_OTHER;
}

/* MySQL: SET @@SESSION.GTID_NEXT= 'uuid:7' (or 'ANONYMOUS'); MariaDB: [BEGIN ]GTID 0-1-7[ cid=9] */
void relaylog_gtid(const struct relaylog_event *e, struct buf *out)
{
	const char *quote = strchr(e->info, '\'');
	if (strstr(e->info, "GTID_NEXT") && quote) {
		size_t n = strcspn(quote + 1, "'");
		if (n != 9 || strncasecmp(quote + 1, "ANONYMOUS", 9) != 0)
			buf_add(out, quote + 1, n);
		return;
	}
	const char *word = strstr(e->info, "GTID ");
	if (word)
		buf_add(out, word + 5, strspn(word + 5, "0123456789-"));
}

bool relaylog_rotate_to(const char *info, struct buf *file, uint64_t *ret_pos)
{
	const char *semicolon = strrchr(info, ';');
	if (!semicolon || strncmp(semicolon, ";pos=", 5) != 0)
		return false;
	buf_add(file, info, (size_t)(semicolon - info));
	*ret_pos = strtoull(semicolon + 5, NULL, 10);
	return true;
}

/* An event of an answer, kept until the next one tells how long it is. */
struct held {
	struct buf type, info;
	uint64_t pos, end_pos, server_id;
	bool full;
};

struct walk {
	struct conn *c;
	const char *channel;
	struct buf file; /* being read */
	uint64_t pos;    /* the next event to ask for */
	relaylog_fn fn;
	void *arg;
	bool stop;
};

static const char *text_or_empty(const char *s)
{
	return s ? s : "";
}

static void hold(struct held *h, const struct rows *r)
{
	buf_clear(&h->type);
	buf_clear(&h->info);
	buf_adds(&h->type, text_or_empty(rows_get(r, "Event_type")));
	buf_adds(&h->info, text_or_empty(rows_get(r, "Info")));
	h->pos = rows_u64(r, "Pos", 0);
	h->end_pos = rows_u64(r, "End_log_pos", 0);
	h->server_id = rows_u64(r, "Server_id", 0);
	h->full = true;
}

static enum status hand_out(struct walk *w, struct held *h, uint64_t next_pos, struct error *err)
{
	struct relaylog_event e = { .file = buf_str(&w->file), .type = buf_str(&h->type), .info = buf_str(&h->info),
		                    .pos = h->pos, .length = next_pos ? next_pos - h->pos : 0, .end_pos = h->end_pos,
		                    .server_id = h->server_id };
	enum status st = buf_check(&h->type, "a relay log event", err);
	if (!st)
		st = buf_check(&h->info, "a relay log event", err);
	h->full = false;
	return st ? st : w->fn(w->arg, &e, &w->stop, err);
}

static enum status ask(struct walk *w, unsigned batch, struct rows **ret, struct error *err)
{
	struct buf sql = BUF_INIT(8192);
	dialect_relaylog_events(&sql, &w->c->server, w->channel, buf_str(&w->file), w->pos, batch);
	enum status st = buf_check(&sql, "SHOW RELAYLOG EVENTS", err);
	if (!st)
		st = conn_query(w->c, buf_str(&sql), ret, err);
	buf_free(&sql);
	return st;
}

/* One answer. The last event of a full answer is asked for again, because only what follows it tells its length. */
static enum status read_batch(struct walk *w, unsigned batch, bool *ret_file_ended, struct error *err)
{
	struct held h = { .type = BUF_INIT(256), .info = BUF_INIT(16u << 20) };
	struct rows *r = NULL;
	bool more = false;
	unsigned n = 0;
	enum status st = ask(w, batch, &r, err);
	while (!st && !w->stop && !(st = rows_next(r, &more, err)) && more) {
		uint64_t pos = rows_u64(r, "Pos", 0);
		if (h.full)
			st = hand_out(w, &h, pos, err);
		hold(&h, r);
		n++;
	}
	rows_free(r);
	*ret_file_ended = n < batch;
	if (!st && !w->stop && h.full && n < batch)
		st = hand_out(w, &h, 0, err);
	else if (h.full)
		w->pos = h.pos;
	buf_free(&h.type);
	buf_free(&h.info);
	return st;
}

/* On to the file behind; *ret_more false when there is none. */
static enum status next_file(struct walk *w, bool *ret_more, struct error *err)
{
	struct buf next = BUF_INIT(4096);
	struct rows *r = NULL;
	struct error why = ERROR_INIT;
	enum status st = ST_OK;
	*ret_more = false;
	if (logname_next(buf_str(&w->file), &next) && !(st = buf_check(&next, "a relay log's name", err))) {
		struct buf was = w->file;
		w->file = next;
		next = was;
		w->pos = RELAYLOG_HEADER;
		st = ask(w, 1, &r, &why);
		*ret_more = !st;
		if (st && why.my_errno == ER_ERROR_WHEN_EXECUTING_COMMAND)
			st = ST_OK;
		else if (st && err)
			*err = why;
	}
	rows_free(r);
	buf_free(&next);
	return st;
}

enum status relaylog_walk(struct conn *c, const char *channel, const char *file, uint64_t pos, unsigned batch,
                          relaylog_fn fn, void *arg, bool *ret_ended, struct error *err)
{
	struct walk w = { .c = c, .channel = channel, .file = BUF_INIT(4096), .pos = pos, .fn = fn, .arg = arg };
	bool file_ended = false, more = true;
	enum status st = ST_OK;
	buf_adds(&w.file, logname_base(file));
	while (!st && !w.stop && more) {
		st = read_batch(&w, batch < 2 ? 2 : batch, &file_ended, err);
		if (!st && !w.stop && file_ended)
			st = next_file(&w, &more, err);
	}
	buf_free(&w.file);
	if (!st)
		*ret_ended = !w.stop;
	return st;
}
