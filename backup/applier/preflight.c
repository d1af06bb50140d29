/* SPDX-License-Identifier: Apache-2.0 */
#include "applier/preflight.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/checkpoint_parts.h"
#include "applier/guard.h"
#include "slackwater/slot.h"

enum { HOLES_WAIT_MS = 5000, HOLES_POLL_MS = 100, SHORT_STOP_TIMEOUT_S = 10, CLOCKS_APART_S = 60,
       OLDEST_MYSQL = 50605, OLDEST_MARIADB = 100004 };

void preflight_facts_free(struct preflight_facts *f)
{
	instance_free(&f->in);
	channels_free(&f->ch);
	gaps_free(&f->gaps);
	strlist_free(&f->notes);
	strlist_free(&f->warnings);
}

static enum status refuse(struct error *err, const char *hint, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static enum status refuse(struct error *err, const char *hint, const char *fmt, ...)
{
	char text[700];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	error_set(err, ST_FAILED, ERR_PREFLIGHT, "%s", text);
	return error_hint(err, "%s", hint);
}

static enum status check_instance(const struct instance *in, const struct window_options *w, struct error *err)
{
	bool mariadb = in->server.flavor == FLAVOR_MARIADB;
	if (in->server.version < (mariadb ? OLDEST_MARIADB : OLDEST_MYSQL))
		return refuse(err, "MySQL 5.6.5 and MariaDB 10.0.4 are the oldest", "the server is too old: %s", in->server.version_text);
	if (in->galera)
		return refuse(err, "take the snapshot from an asynchronous replica of the cluster",
		              "the server is a Galera node (wsrep_on): stopping its applier is flow control for the whole cluster");
	if (in->group_member && !w->group_member)
		return refuse(err, "take the snapshot from an asynchronous replica of the group, or see --group-member",
		              "the server is a member of a replication group, whose applier cannot be stopped alone");
	return ST_OK;
}

static bool has_until(const struct channel *ch)
{
	return ch->until && *ch->until && strcasecmp(ch->until, "None") != 0;
}

static enum status check_channel(const struct instance *in, const struct channel *ch, struct strlist *warnings,
                                 struct error *err)
{
	char label[160];
	const struct checkpoint_channel *cp = &ch->cp;
	channels_label(cp, label);
	bool rows = cp->mode == MODE_MYSQL_POSITION || cp->mode == MODE_MYSQL_ASSIGNED;
	if (rows && cp->workers > 0 && !in->tables)
		return refuse(err,
		              "set relay_log_info_repository=TABLE and master_info_repository=TABLE (dynamic while the replica is stopped)",
		              "%s: %u workers without GTIDs, and the applier's metadata is kept in files: gaps cannot be seen", label,
		              cp->workers);
	if (!ch->sql_running || !has_until(ch))
		return ST_OK;
	/* Somebody wants it to stop at a certain place; a plain START by us would take it past that. */
	if (strcasecmp(ch->until, "SQL_AFTER_MTS_GAPS") != 0)
		return refuse(err, "wait until it has stopped there, or start it plainly",
		              "%s: the applier was started UNTIL a condition (%s), which a stop and start would lose", label, ch->until);
	return strlist_addf(warnings, err, "%s: the applier was started UNTIL %s; after the window it runs without that condition",
	                    label, ch->until);
}

static enum status note_channel(const struct channel *ch, struct strlist *notes, struct error *err)
{
	char label[160];
	const struct checkpoint_channel *cp = &ch->cp;
	channels_label(cp, label);
	return strlist_addf(notes, err, "%s from %s:%u: %s, %u worker%s%s; %s", label, cp->source_host ? cp->source_host : "?",
	                    cp->source_port, checkpoint_mode_name(cp->mode), cp->workers, cp->workers == 1 ? "" : "s",
	                    cp->workers > 1 ? cp->commit_order ? " committing in order" : " committing out of order" : "",
	                    ch->sql_running ? "it is stopped for a moment and started again" : "it is stopped and stays so");
}

static enum status note_all(const struct preflight_facts *f, struct strlist *notes, struct error *err)
{
	enum status st = ST_OK;
	if (!f->ch.n)
		st = strlist_add(notes, "the server is no replica: nothing is stopped, but nothing may write while the snapshot is fixed", err);
	for (size_t i = 0; !st && i < f->ch.n; i++)
		st = note_channel(&f->ch.item[i], notes, err);
	return st;
}

static bool any_running(const struct channels *ch)
{
	for (size_t i = 0; i < ch->n; i++)
		if (ch->item[i].sql_running)
			return true;
	return false;
}

/* No lag is known then, and the snapshot would pass for one of today. */
static enum status warn_cut_off(const struct channel *ch, struct strlist *warnings, struct error *err)
{
	char label[160], why[64] = "is stopped";
	if (!ch->sql_running)
		return strlist_addf(warnings, err, "%s: the applier is stopped: the snapshot holds nothing newer than what it had applied",
		                    channels_label(&ch->cp, label));
	if (ch->cp.io_running || (!ch->io_stopped && !ch->io_errno))
		return ST_OK;
	if (ch->io_errno)
		snprintf(why, sizeof why, "has met error %u", ch->io_errno);
	return strlist_addf(warnings, err, "%s: the receiver %s: the snapshot holds nothing newer than what it had received",
	                    channels_label(&ch->cp, label), why);
}

static enum status warn(struct preflight_facts *f, struct error *err)
{
	const struct instance *in = &f->in;
	enum status st = ST_OK;
	if (any_running(&f->ch) && in->stop_timeout_s && in->stop_timeout_s < SHORT_STOP_TIMEOUT_S)
		st = strlist_addf(&f->warnings, err, "rpl_stop_replica_timeout is %u s: a stop may outlast its statement (1875)",
		                  in->stop_timeout_s);
	if (!st && f->ch.n && !in->read_only)
		st = strlist_add(&f->warnings, "read_only is OFF: another writer would make the snapshot fail", err);
	if (!st && in->event_scheduler && f->ch.n)
		st = strlist_add(&f->notes, "the event scheduler is ON: an event that writes in the wrong moment costs a retry", err);
	if (!st && f->no_xa_right)
		st = strlist_add(&f->warnings, "XA RECOVER is not allowed: prepared transactions are seen but not named (XA_RECOVER_ADMIN)", err);
	for (size_t i = 0; !st && i < f->ch.n; i++)
		st = warn_cut_off(&f->ch.item[i], &f->warnings, err);
	return st;
}

/* A clock that is wrong must not end a backup; but ids, and with them what "latest" means, go by this host's. */
enum status preflight_warn_clock(struct conn *c, const struct run *run, struct strlist *warnings, struct error *err)
{
	uint64_t server_s = 0;
	enum status st = conn_scalar_u64(c, "SELECT UNIX_TIMESTAMP(SYSDATE())", &server_s, err);
	if (st)
		return st;
	int64_t ahead_s = run_wall_ms(run) / 1000 - (int64_t)server_s;
	int64_t apart_s = ahead_s < 0 ? -ahead_s : ahead_s;
	if (apart_s < CLOCKS_APART_S)
		return ST_OK;
	return strlist_addf(warnings, err,
	                    "this host's clock is %" PRId64 " s %s the server's: ids and times of the snapshot are by this host's clock, and an id "
	                    "that is too low or too high changes which one is the latest", apart_s, ahead_s < 0 ? "behind" : "ahead of");
}

static enum status broken(const struct channel *ch, struct error *err)
{
	enum status st = channels_error(ch, err);
	if (ch->sql_errno == 1317 || ch->sql_errno == 1756 || ch->sql_errno == 1927)
		error_hint(err, "somebody interrupted a replication thread (a tool that ends long queries?): start the applier by hand, "
		                "which also closes the gap this left, or use slackwater recover");
	return st;
}

static enum status over_a_gap(const struct preflight_facts *f, size_t i, struct error *err)
{
	char label[160];
	error_set(err, ST_FAILED, ERR_APPLIER, "%s: the applier was stopped and stands over a gap: %.700s",
	          channels_label(&f->ch.item[i].cp, label), f->gaps.item[i].text);
	return error_hint(err, "start it by hand, which closes the gap; then take the snapshot");
}

static enum status unknown_holes(const struct preflight_facts *f, struct error *err)
{
	error_set(err, ST_FAILED, ERR_APPLIER, "gtid_executed has holes that no channel has received: %.700s", f->gaps.holes);
	return error_hint(err, "let the receiver fetch them (start the IO thread, or stop and start the replica as a whole); if they no longer "
	                       "exist anywhere, take their place with empty transactions");
}

static enum status read_state(struct conn *c, struct preflight_facts *f, struct error *err)
{
	enum status st = channels_read(c, &f->ch, err);
	if (!st)
		st = channels_describe(c, &f->in, &f->ch, err);
	return st ? st : gaps_read(c, &f->in, &f->ch, &f->gaps, err);
}

/* A receiver that has only just connected may fetch what is missing at once. */
static enum status wait_for_holes(struct conn *c, struct run *run, struct preflight_facts *f, struct error *err)
{
	int64_t until = run_now_ms(run) + HOLES_WAIT_MS;
	enum status st = ST_OK;
	while (!st && f->gaps.holes && run_now_ms(run) < until) {
		bool any = false;
		for (size_t i = 0; i < f->ch.n; i++)
			any = any || f->ch.item[i].cp.io_running;
		if (!any)
			break;
		st = run_sleep_ms(run, HOLES_POLL_MS, err);
		if (!st)
			st = read_state(c, f, err);
	}
	return st;
}

static enum status judge(const struct preflight_facts *f, struct error *err)
{
	for (size_t i = 0; i < f->ch.n; i++) {
		const struct channel *ch = &f->ch.item[i];
		if (!ch->sql_running && ch->sql_errno)
			return broken(ch, err);
	}
	for (size_t i = 0; i < f->gaps.n; i++) {
		if (!f->ch.item[i].sql_running && gap_any(&f->gaps.item[i]))
			return over_a_gap(f, i, err);
	}
	return f->gaps.holes ? unknown_holes(f, err) : ST_OK;
}

enum status preflight_examine(struct conn *c, const struct window_options *w, struct run *run, struct preflight_facts *f,
                              struct error *err)
{
	enum status st = instance_read(c, &f->in, err);
	if (!st)
		st = check_instance(&f->in, w, err);
	if (!st)
		st = rights_check(c, &f->in, &f->no_xa_right, err);
	if (!st)
		st = read_state(c, f, err);
	if (!st)
		st = rights_check_channels(c, &f->in, &f->ch, err);
	for (size_t i = 0; !st && i < f->ch.n; i++)
		st = check_channel(&f->in, &f->ch.item[i], &f->warnings, err);
	if (!st)
		st = wait_for_holes(c, run, f, err);
	if (!st)
		st = note_all(f, &f->notes, err);
	if (!st)
		st = warn(f, err);
	if (!st)
		st = preflight_warn_clock(c, run, &f->warnings, err);
	return st ? st : judge(f, err);
}

/* ---- the public one ---- */

static enum status fill_state(struct preflight_facts *f, struct preflight *p, struct error *err)
{
	struct checkpoint *cp = calloc(1, sizeof *cp);
	p->state = cp;
	if (!cp || (f->ch.n && !(cp->channel = calloc(f->ch.n, sizeof *cp->channel))))
		return error_oom(err);
	cp->server = f->in.server;
	cp->log_bin = f->in.log_bin;
	cp->log_replica_updates = f->in.log_updates;
	enum status st = slot_set(&cp->gtid_mode, f->in.gtid_mode, err);
	if (!st)
		st = slot_set(&cp->gtid_executed, f->ch.executed_set, err);
	for (; !st && cp->nchannels < f->ch.n; cp->nchannels++) {
		struct checkpoint_channel *to = &cp->channel[cp->nchannels];
		st = checkpoint_channel_copy(to, &f->ch.item[cp->nchannels].cp, err);
		to->was_running = f->ch.item[cp->nchannels].sql_running;
	}
	return st;
}

static enum status fill(struct preflight_facts *f, struct preflight *p, struct error *err)
{
	p->server = f->in.server;
	p->gap_transactions = f->gaps.known;
	p->gap_unknown = f->gaps.unknown;
	enum status st = fill_state(f, p, err);
	if (!st)
		st = gaps_describe(&f->gaps, &f->ch, &p->gaps, err);
	p->notes = f->notes;
	p->warnings = f->warnings;
	f->notes = f->warnings = (struct strlist){ 0 };
	return st;
}

enum status window_preflight(const struct conn_options *o, const struct window_options *w, struct run *run, struct preflight **ret,
                             struct error *err)
{
	struct preflight_facts f = { 0 };
	struct conn *c = NULL;
	struct error why = ERROR_INIT;
	struct preflight *p = calloc(1, sizeof *p);
	enum status st = p ? conn_open(&c, o, 0, run, &why) : error_oom(&why);
	if (!st)
		st = preflight_examine(c, w, run, &f, &why);
	if (!st && !w->no_guard && any_running(&f.ch))
		st = guard_probe(o, run, &why);
	conn_free(c);
	if (!st || why.kind == ERR_APPLIER) {
		struct error e = ERROR_INIT;
		enum status filled = fill(&f, p, &e);
		if (filled) {
			st = filled;
			why = e;
		}
	}
	preflight_facts_free(&f);
	if (st && err)
		*err = why;
	if (st && why.kind != ERR_APPLIER)
		preflight_free(p);
	else
		*ret = p;
	return st;
}

void preflight_free(struct preflight *p)
{
	if (!p)
		return;
	checkpoint_free(p->state);
	strlist_free(&p->notes);
	strlist_free(&p->warnings);
	strlist_free(&p->gaps);
	free(p);
}
