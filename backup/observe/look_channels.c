/* SPDX-License-Identifier: Apache-2.0 */
/* What the status statement tells, the gaps, and how far the applier is behind what has been received. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "applier/gaps.h"
#include "applier/preflight.h"
#include "observe/distance.h"
#include "observe/look.h"

enum { TEXT_MAX = 1024, SET_MAX = 1 << 20 };

static void take_setting(struct observed_settings *s, const char *name, const char *v)
{
	int64_t n = strtoll(v, NULL, 10);
	if (strstr(name, "pending_jobs") || strstr(name, "max_queued"))
		s->pending_bytes = n;
	else if (strcasecmp(name, "log_error_verbosity") == 0 || strcasecmp(name, "log_warnings") == 0)
		s->log_level = n;
	else if (strstr(name, "parallel_type") || strstr(name, "parallel_mode"))
		snprintf(s->parallel, sizeof s->parallel, "%s", v);
}

enum status look_settings(struct look *l, struct error *err)
{
	struct observed_settings *s = &l->o->settings;
	struct rows *r = NULL;
	bool more = false;
	*s = (struct observed_settings){ .workers = l->in->workers, .pending_bytes = OBSERVE_UNKNOWN, .log_level = OBSERVE_UNKNOWN };
	enum status st = conn_query(l->c,
	                            "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('slave_pending_jobs_size_max',"
	                            "'replica_pending_jobs_size_max','slave_parallel_max_queued','log_error_verbosity',"
	                            "'log_warnings','slave_parallel_type','replica_parallel_type','slave_parallel_mode')",
	                            &r, err);
	while (!st && !(st = rows_next(r, &more, err)) && more) {
		if (r->row[0] && r->row[1])
			take_setting(s, r->row[0], r->row[1]);
	}
	rows_free(r);
	return st;
}

static enum status take_texts(struct observed_channel *to, const struct channel *from, struct error *err)
{
	const struct checkpoint_channel *cp = &from->cp;
	const struct { char **slot; const char *text; } texts[] = {
		{ &to->source_host, cp->source_host },  { &to->receiver_error, from->io_errno ? from->io_error : NULL },
		{ &to->applier_error, from->sql_errno ? from->sql_error : NULL },
		{ &to->coordinator, from->sql_state },  { &to->low_water_file, cp->exec_file },
		{ &to->received_file, cp->read_file },
	};
	to->name = strdup(cp->name ? cp->name : "");
	enum status st = to->name ? ST_OK : error_oom(err);
	for (size_t i = 0; !st && i < sizeof texts / sizeof texts[0]; i++)
		st = look_text(texts[i].slot, texts[i].text, TEXT_MAX, err);
	return st;
}

static enum status take_channel(struct look *l, const struct channel *from, struct observed_channel *to, struct error *err)
{
	const struct checkpoint_channel *cp = &from->cp;
	to->mode = checkpoint_mode_name(cp->mode);
	to->source_port = cp->source_port;
	to->receiver_running = cp->io_running;
	to->applier_running = from->sql_running;
	to->receiver_errno = from->io_errno;
	to->applier_errno = from->sql_errno;
	to->workers = cp->workers;
	to->commit_order = cp->commit_order;
	to->delay_s = cp->delay_s;
	to->lag_s = from->lag_s;
	to->low_water_pos = cp->exec_pos;
	to->received_pos = cp->read_pos;
	to->lag_ms = OBSERVE_UNKNOWN;
	enum status st = take_texts(to, from, err);
	if (!st)
		distance_positions(cp->exec_file, cp->exec_pos, cp->read_file, cp->read_pos, &to->behind_files, &to->behind_bytes);
	to->behind_transactions = OBSERVE_UNKNOWN;
	if (!st && channels_mode_is_gtid(cp->mode))
		st = distance_gtid(cp->received_set, l->o->executed_set, &to->behind_transactions, err);
	else if (!st && cp->mode == MODE_MARIADB_GTID)
		st = distance_mariadb(cp->received_set, l->o->executed_set, &to->behind_transactions, err);
	return st;
}

static enum status read_executed(struct look *l, const struct channels *ch, struct error *err)
{
	char *set = NULL;
	enum status st = ST_OK;
	if (l->in->server.flavor == FLAVOR_MARIADB)
		st = conn_scalar(l->c, "SELECT @@global.gtid_slave_pos", &set, err);
	if (!st)
		st = look_text(&l->o->executed_set, set ? set : ch->executed_set, SET_MAX, err);
	free(set);
	return st;
}

/* The gap of a running applier with positions only: one statement, so that both tables are of one moment. */
static enum status read_bitmaps(struct look *l, struct channels *ch, struct observed_channel *to, struct error *err)
{
	struct error why = ERROR_INIT;
	struct rows *r = NULL;
	struct distance_bitmaps b = { 0 };
	bool more = false, by_channel = conn_is_mysql(l->c, 50706);
	const struct channel *from = channels_find(ch, to->name);
	if (!from || !from->sql_running || !gaps_needs_rows(l->in, &from->cp))
		return ST_OK;
	enum status st = conn_queryf(l->c, &r, &why,
	                             "SELECT w.Id, w.Relay_log_name, w.Relay_log_pos, w.Master_log_name, w.Master_log_pos, "
	                             "w.Checkpoint_master_log_name, w.Checkpoint_master_log_pos, w.Checkpoint_seqno, "
	                             "HEX(w.Checkpoint_group_bitmap) AS Checkpoint_group_bitmap%s, "
	                             "i.Master_log_name AS low_file, i.Master_log_pos AS low_pos "
	                             "FROM mysql.slave_worker_info w JOIN mysql.slave_relay_log_info i%s",
	                             by_channel ? ", w.Channel_name" : "", by_channel ? " ON i.Channel_name = w.Channel_name" : "");
	while (!st && !(st = rows_next(r, &more, &why)) && more)
		st = distance_bitmaps_add(&b, r, to->name, &why);
	rows_free(r);
	if (!st)
		st = distance_bitmaps_end(&b, &to->gap_transactions, &to->gap, err);
	else
		st = look_refused(l, &why, "gaps", "SELECT on mysql.slave_worker_info and mysql.slave_relay_log_info", err);
	if (why.kind)
		to->gap_transactions = OBSERVE_UNKNOWN;
	distance_bitmaps_free(&b);
	return st;
}

/* Only rows that may not be read, or that are in a file, would tell. */
static bool cannot_tell(const struct instance *in, const struct checkpoint_channel *cp)
{
	return in->server.flavor == FLAVOR_MYSQL && channels_mode_is_position(cp->mode) && cp->workers > 1 && !in->tables;
}

static enum status take_gaps(struct look *l, const struct instance *in, const struct gaps *g, struct channels *ch, struct error *err)
{
	enum status st = look_text(&l->o->holes, g->holes, SET_MAX, err);
	for (size_t i = 0; !st && i < g->n; i++) {
		struct observed_channel *to = &l->o->channel[i];
		bool unknown = g->item[i].unknown || cannot_tell(in, &ch->item[i].cp);
		to->gap_transactions = unknown ? OBSERVE_UNKNOWN : (int64_t)g->item[i].known;
		st = look_text(&to->gap, g->item[i].text, SET_MAX, err);
		if (!st && in->tables)
			st = read_bitmaps(l, ch, to, err);
	}
	return st;
}

static enum status read_gaps(struct look *l, struct channels *ch, struct error *err)
{
	struct error why = ERROR_INIT;
	struct gaps g = { 0 };
	struct instance in = *l->in; /* borrowed, not freed */
	enum status st = gaps_read(l->c, &in, ch, &g, &why);
	if (st) {
		in.tables = false;
		st = look_refused(l, &why, "gaps",
		                  "SELECT on mysql.slave_relay_log_info and mysql.slave_worker_info, or REPLICATION SLAVE", err);
		if (!st)
			st = gaps_read(l->c, &in, ch, &g, err);
	}
	if (!st)
		st = take_gaps(l, &in, &g, ch, err);
	gaps_free(&g);
	return st;
}

enum status look_channels(struct look *l, struct error *err)
{
	struct channels ch = { 0 };
	struct error why = ERROR_INIT;
	enum status st = channels_read(l->c, &ch, err);
	if (st && err && err->kind == ERR_PREFLIGHT)
		error_hint(err, "GRANT %s ON *.* to this account; for all figures also PROCESS, and SELECT on performance_schema.* and mysql.*",
		           rights_to_look(&l->c->server));
	if (!st && channels_describe(l->c, l->in, &ch, &why))
		st = look_refused(l, &why, "delays and filters", "SELECT on performance_schema.* and mysql.slave_relay_log_info", err);
	if (!st)
		st = read_executed(l, &ch, err);
	if (!st && ch.n && !(l->o->channel = calloc(ch.n, sizeof *l->o->channel)))
		st = error_oom(err);
	for (size_t i = 0; !st && i < ch.n; i++)
		st = take_channel(l, &ch.item[i], &l->o->channel[l->o->nchannels++], err);
	if (!st)
		st = read_gaps(l, &ch, err);
	channels_free(&ch);
	return st;
}
