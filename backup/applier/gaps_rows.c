/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gaps of channels that have only positions: reads mysql.slave_relay_log_info and slave_worker_info, and counts groups in the
 * relay log where workers' frames differ, as the server does when it recovers (mts_recovery_groups).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/gaps.h"
#include "applier/logname.h"
#include "applier/relaylog.h"
#include "slackwater/jsonx.h"
#include "slackwater/slot.h"

/* The server keeps at most this many groups in a bitmap; looking further would find nothing. */
enum { GROUPS_MAX = 524288 + 64, BATCH = 2000 };

bool gaps_needs_rows(const struct instance *in, const struct checkpoint_channel *cp)
{
	return (cp->mode == MODE_MYSQL_POSITION || cp->mode == MODE_MYSQL_ASSIGNED) && in->tables && cp->workers > 0;
}

static enum status read_lwm(struct conn *c, const struct instance *in, struct channels *ch, struct gaps *g,
                            struct gaps_at *relay, struct error *err)
{
	struct rows *r = NULL;
	bool more = false;
	enum status st = conn_query(c, "SELECT * FROM mysql.slave_relay_log_info", &r, err);
	while (!st && !(st = rows_next(r, &more, err)) && more) {
		const char *name = rows_get(r, "Channel_name"), *file = rows_get(r, "Master_log_name"),
		           *relay_file = rows_get(r, "Relay_log_name");
		struct channel *one = channels_find(ch, name ? name : "");
		if (!one || !file || !relay_file || !gaps_needs_rows(in, &one->cp))
			continue;
		size_t i = (size_t)(one - ch->item);
		one->cp.lwm_pos = g->item[i].lwm.pos = rows_u64(r, "Master_log_pos", 0);
		relay[i].pos = rows_u64(r, "Relay_log_pos", 0);
		st = slot_set(&g->item[i].lwm.file, file, err);
		if (!st)
			st = slot_set(&one->cp.lwm_file, file, err);
		if (!st)
			st = slot_set(&relay[i].file, logname_base(relay_file), err);
	}
	rows_free(r);
	return st;
}

/* The row as it was read, into the checkpoint. */
static enum status keep_row(const struct rows *r, json_t **rows, struct error *err)
{
	if (!*rows && !(*rows = json_array()))
		return error_oom(err);
	json_t *o = json_object();
	bool bad = !o;
	for (unsigned i = 0; !bad && i < r->ncols; i++)
		bad = json_object_set_new(o, r->col[i], r->row[i] ? jsonx_text(r->row[i]) : json_null()) != 0;
	if (!bad)
		bad = json_array_append(*rows, o) != 0;
	json_decref(o);
	return bad ? error_oom(err) : ST_OK;
}

static enum status take_worker(const struct instance *in, struct channels *ch, const struct rows *r, struct gaps_workers *w,
                               struct error *err)
{
	const char *name = rows_get(r, "Channel_name");
	struct channel *one = channels_find(ch, name ? name : "");
	if (!one || !gaps_needs_rows(in, &one->cp))
		return ST_OK;
	enum status st = gaps_workers_add(w, r, err);
	return st ? st : keep_row(r, &one->cp.worker_rows, err);
}

static enum status read_workers(struct conn *c, const struct instance *in, struct channels *ch, struct gaps_workers *w,
                                struct error *err)
{
	struct rows *r = NULL;
	bool more = false;
	enum status st = conn_queryf(c, &r, err,
	                             "SELECT Id, Relay_log_name, Relay_log_pos, Master_log_name, Master_log_pos, "
	                             "Checkpoint_relay_log_name, Checkpoint_relay_log_pos, Checkpoint_master_log_name, "
	                             "Checkpoint_master_log_pos, Checkpoint_seqno, Checkpoint_group_size, "
	                             "HEX(Checkpoint_group_bitmap) AS Checkpoint_group_bitmap%s "
	                             "FROM mysql.slave_worker_info",
	                             conn_is_mysql(c, 50706) ? ", Channel_name" : "");
	while (!st && !(st = rows_next(r, &more, err)) && more)
		st = take_worker(in, ch, r, w, err);
	rows_free(r);
	return st;
}

/* Counting groups from the low-water mark on. */
struct count {
	const struct gaps_worker *const *worker;
	uint64_t *found; /* per worker; 0 = not yet */
	size_t n, left;
	uint64_t own_id, groups;
	struct buf file; /* of the source, that the events are from */
	bool in_group;
};

static bool query_is(const char *info, const char *word)
{
	if (strncmp(info, "use `", 5) == 0) {
		const char *end = strstr(info, "`; ");
		info = end ? end + 3 : info;
	}
	return strncasecmp(info, word, strlen(word)) == 0;
}

static bool starts_group(const struct relaylog_event *e)
{
	return strcasecmp(e->type, "Query") == 0 && (query_is(e->info, "BEGIN") || query_is(e->info, "XA START"));
}

static bool ends_group(const struct relaylog_event *e)
{
	if (strcasecmp(e->type, "Xid") == 0 || strcasecmp(e->type, "XA_prepare") == 0)
		return true;
	return strcasecmp(e->type, "Query") == 0 && (query_is(e->info, "COMMIT") || query_is(e->info, "ROLLBACK"));
}

static void group_ended(struct count *k, uint64_t end_pos)
{
	k->in_group = false;
	k->groups++;
	for (size_t i = 0; i < k->n; i++) {
		const struct gaps_at *last = &k->worker[i]->last;
		if (!k->found[i] && logname_compare_at(buf_str(&k->file), end_pos, last->file, last->pos) == 0) {
			k->found[i] = k->groups;
			k->left--;
		}
	}
}

static enum status count_event(void *arg, const struct relaylog_event *e, bool *stop, struct error *err)
{
	struct count *k = arg;
	uint64_t pos;
	(void)err;
	switch (relaylog_kind(e, k->own_id)) {
	case RELAYLOG_ROTATE:
		buf_clear(&k->file);
		(void)relaylog_rotate_to(e->info, &k->file, &pos);
		break;
	case RELAYLOG_OTHER:
		if (starts_group(e))
			k->in_group = true;
		else if (ends_group(e) || !k->in_group)
			group_ended(k, e->end_pos);
		break;
	case RELAYLOG_LOCAL:
	case RELAYLOG_HEAD:
	case RELAYLOG_GTID: break;
	}
	*stop = !k->left || k->groups >= GROUPS_MAX;
	return ST_OK;
}

static enum status count_groups(struct conn *c, const char *channel, const struct gaps_at *lwm,
                                const struct gaps_at *relay, struct count *k, struct error *err)
{
	bool ended = false;
	buf_adds(&k->file, logname_base(lwm->file));
	enum status st = relaylog_walk(c, channel, relay->file, relay->pos, BATCH, count_event, k, &ended, err);
	buf_free(&k->file);
	return st;
}

static enum status say(struct gap *g, const char *text, struct error *err)
{
	return slot_set(&g->text, text, err);
}

/* The kept workers of one channel, their counts known where count[i] is not 0. */
static enum status merge(const struct gaps_worker *const *w, const uint64_t *count, size_t n, struct gap *g,
                         struct error *err)
{
	size_t room = 0;
	struct gaps_found found;
	for (size_t i = 0; i < n; i++)
		room = w[i]->bitmap_len > room ? w[i]->bitmap_len : room;
	unsigned char *done = calloc(1, room + 1);
	enum status st = done ? ST_OK : error_oom(err);
	for (size_t i = 0; !st && i < n && !g->unknown; i++) {
		struct error why = ERROR_INIT;
		if (count[i] && !gaps_worker_merge(w[i], count[i], done, room, &why))
			continue;
		g->unknown = true;
		st = say(g, count[i] ? why.message : "a worker's last transaction was not found in the relay logs: cannot be counted",
		         err);
	}
	if (!st && !g->unknown) {
		gaps_bitmap_missing(done, room, &found);
		g->known = found.missing;
		if (found.missing)
			st = say(g, found.text, err);
	}
	free(done);
	return st;
}

static enum status look_at_channel(struct conn *c, const struct channel *ch, const struct gaps_at *relay,
                                   const struct gaps_worker *const *w, size_t n, struct gap *g, struct error *err)
{
	uint64_t *count = calloc(n, sizeof *count);
	struct count k = { .worker = w, .found = count, .n = n, .left = n, .own_id = c->server.server_id,
		           .file = BUF_INIT(4096) };
	if (!count)
		return error_oom(err);
	bool all_in_frame = true;
	for (size_t i = 0; i < n; i++) {
		all_in_frame = all_in_frame && gaps_worker_in_frame(w[i], &g->lwm);
		count[i] = w[i]->seqno + 1;
	}
	enum status st = ST_OK;
	if (!all_in_frame) {
		memset(count, 0, n * sizeof *count);
		st = count_groups(c, ch->cp.name, &g->lwm, relay, &k, err);
	}
	if (!st)
		st = merge(w, count, n, g, err);
	free(count);
	return st;
}

static enum status set_target(const struct gaps_worker *const *w, size_t n, struct gap *g, struct error *err)
{
	const struct gaps_worker *far = w[0];
	for (size_t i = 1; i < n; i++) {
		if (logname_compare_at(w[i]->last.file, w[i]->last.pos, far->last.file, far->last.pos) > 0)
			far = w[i];
	}
	g->target.pos = far->last.pos;
	return slot_set(&g->target.file, far->last.file, err);
}

static enum status by_workers(struct conn *c, const struct channel *ch, const struct gaps_at *relay,
                              const struct gaps_workers *all, struct gap *g, struct error *err)
{
	const struct gaps_worker **kept = calloc(all->n + 1, sizeof *kept);
	enum status st = ST_OK;
	if (!kept)
		return error_oom(err);
	for (size_t i = 0; i < all->n; i++) {
		if (strcmp(all->item[i].channel, ch->cp.name) == 0 && gaps_worker_ahead(&all->item[i], &g->lwm))
			kept[g->workers_ahead++] = &all->item[i];
	}
	if (g->workers_ahead)
		st = set_target(kept, g->workers_ahead, g, err);
	/* While it runs, workers are ahead by design and the two tables are read one after the other: only a still applier is judged. */
	if (!st && g->workers_ahead && !ch->sql_running)
		st = look_at_channel(c, ch, relay, kept, g->workers_ahead, g, err);
	free(kept);
	return st;
}

enum status gaps_by_rows(struct conn *c, const struct instance *in, struct channels *ch, struct gaps *g,
                         struct error *err)
{
	struct gaps_workers w = { 0 };
	bool any = false;
	for (size_t i = 0; i < ch->n; i++)
		any = any || gaps_needs_rows(in, &ch->item[i].cp);
	if (!any)
		return ST_OK;
	struct gaps_at *relay = calloc(ch->n, sizeof *relay);
	enum status st = relay ? read_lwm(c, in, ch, g, relay, err) : error_oom(err);
	if (!st)
		st = read_workers(c, in, ch, &w, err);
	for (size_t i = 0; !st && i < ch->n; i++) {
		if (g->item[i].lwm.file)
			st = by_workers(c, &ch->item[i], &relay[i], &w, &g->item[i], err);
	}
	for (size_t i = 0; relay && i < ch->n; i++)
		free(relay[i].file);
	free(relay);
	gaps_workers_free(&w);
	return st;
}
