/* SPDX-License-Identifier: Apache-2.0 */
#include "recover/diagnose.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recover/classify.h"
#include "slackwater/dialect.h"
#include "slackwater/slot.h"

/* RESET REPLICA keeps the connection's settings on disk from this version on; before, a restart in the wrong moment loses them. */
enum { RESET_KEEPS = 80019 };

void recover_finding_free(struct recover_finding *f)
{
	free(f->channel);
	free(f->error);
	free(f->text);
	free(f->next);
	free(f->result);
	strlist_free(&f->details);
	*f = (struct recover_finding){ 0 };
}

void recover_findings_free(struct recover_findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		recover_finding_free(&f->item[i]);
	free(f->item);
	*f = (struct recover_findings){ 0 };
}

static enum status put(char **slot, struct error *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static enum status put(char **slot, struct error *err, const char *fmt, ...)
{
	struct buf b = BUF_INIT(BUF_MAX_SQL);
	va_list ap;
	va_start(ap, fmt);
	buf_addv(&b, fmt, ap);
	va_end(ap);
	enum status st = buf_check(&b, "a finding", err);
	if (!st)
		st = slot_set(slot, buf_str(&b), err);
	buf_free(&b);
	return st;
}

static enum status add(struct recover_findings *to, const struct recover_view *v, enum recover_class class,
                       struct recover_finding **ret, struct error *err)
{
	struct recover_finding *grown = reallocarray(to->item, to->n + 1, sizeof *grown);
	if (!grown)
		return error_oom(err);
	to->item = grown;
	struct recover_finding *f = &grown[to->n++];
	*f = (struct recover_finding){ .class = class };
	channels_label(&v->ch->cp, f->label);
	*ret = f;
	return slot_set(&f->channel, v->ch->cp.name ? v->ch->cp.name : "", err);
}

/* ---- what is known of the server's ways ---- */

/* Does a START while the receiver runs lose events of other domains (MDEV-6589)? */
static bool recover_mdev_6589(const struct instance *in, const struct channel *ch)
{
	unsigned v = in->server.version;
	if (in->server.flavor != FLAVOR_MARIADB || ch->cp.mode != MODE_MARIADB_GTID || ch->sql_running)
		return false;
	return (v >= 100000 && v < 100018) || (v >= 100100 && v < 100104);
}

/* By auto-position a receiver asks for all that is missing; by file and position it does when it begins anew, from the low-water mark. */
static unsigned fetches(const struct channel *ch, const char *holes)
{
	unsigned n = ch->cp.mode == MODE_MYSQL_AUTO ? 4 : ch->cp.mode == MODE_MYSQL_GTID ? ch->io_stopped ? 2 : 1 : 0;
	bool wrote = ch->cp.source_uuid && *ch->cp.source_uuid && strcasestr(holes, ch->cp.source_uuid);
	return n && wrote ? n + 4 : n;
}

const struct channel *recover_fetcher(const struct channels *ch, const char *holes)
{
	const struct channel *best = NULL;
	for (size_t i = 0; holes && i < ch->n; i++) {
		unsigned n = fetches(&ch->item[i], holes);
		if (n && (!best || n > fetches(best, holes)))
			best = &ch->item[i];
	}
	return best;
}

static bool until_reached(const struct channel *ch)
{
	static const char *const none[] = { "", "None", "SQL_AFTER_MTS_GAPS", "DONE" }; /* DONE: that of the gaps [run 9.7.4] */
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
		if (strcasecmp(ch->until ? ch->until : "", none[i]) == 0)
			return false;
	return true;
}

static bool receiver_broken(const struct channel *ch)
{
	return !ch->cp.io_running && ch->io_errno;
}

/* ---- details ---- */

/* gaps.c may begin with the number, which stands in front here in any case. */
static const char *strip_count(const char *text)
{
	const char *s = text ? strstr(text, "received and not applied") : NULL;
	return s ? s : text ? text : "which cannot be named";
}

static enum status detail_gap(const struct recover_view *v, struct recover_finding *f, struct error *err)
{
	enum status st = ST_OK;
	f->gap = v->gap->known;
	f->gap_unknown = v->gap->unknown || v->holes || v->gaps_unreadable;
	if (v->gaps_unreadable)
		return strlist_addf(&f->details, err, "gap: could not be looked for: %s", v->gaps_unreadable);
	if (v->gap->known)
		st = strlist_addf(&f->details, err, "gap: %" PRIu64 " transaction%s, %s", v->gap->known, v->gap->known == 1 ? "" : "s",
		                  strip_count(v->gap->text));
	else if (v->gap->unknown)
		st = strlist_addf(&f->details, err, "gap: %s", v->gap->text ? v->gap->text : "cannot be counted");
	else if (!v->holes)
		st = strlist_add(&f->details, "gap: none is seen", err);
	if (!st && gap_any(v->gap) && v->gap->target.file)
		st = strlist_addf(&f->details, err, "gap: low-water mark %s:%" PRIu64 ", closed at %s:%" PRIu64,
		                  v->gap->lwm.file ? v->gap->lwm.file : "?", v->gap->lwm.pos, v->gap->target.file, v->gap->target.pos);
	if (!st && v->holes)
		st = strlist_addf(&f->details, err, "missing, and fetched by no receiver: %s", v->holes);
	return st;
}

static enum status detail_hit(const struct recover_view *v, struct recover_finding *f, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && v->hit && i < v->hit->n; i++)
		st = strlist_addf(&f->details, err, "hit: %s", v->hit->item[i]);
	if (!st && f->class == RECOVER_INTERRUPTED && (!v->hit || !v->hit->n))
		st = strlist_add(&f->details, "hit: the server tells of it in the error text only; who did it no server records", err);
	return st;
}

static enum status detail_mariadb(const struct recover_view *v, struct recover_finding *f, struct error *err)
{
	const struct checkpoint_channel *cp = &v->ch->cp;
	enum status st = ST_OK;
	if (cp->mode == MODE_MARIADB_GTID && v->domains > 1)
		st = strlist_addf(&f->details, err,
		                  "coordinates: %s:%" PRIu64 " is where the most advanced of %zu GTID domains stands; never use it to configure "
		                  "a replica: gtid_slave_pos counts",
		                  cp->exec_file ? cp->exec_file : "", cp->exec_pos, v->domains);
	if (!st && recover_mdev_6589(v->in, v->ch))
		st = strlist_add(&f->details,
		                 "MDEV-6589: on this version an applier that is started while its receiver runs goes on after the most advanced "
		                 "domain and silently loses events of the others; the receiver is stopped first, so that all is fetched anew",
		                 err);
	return st;
}

static enum status details(const struct recover_view *v, struct recover_finding *f, struct error *err)
{
	enum status st = detail_hit(v, f, err);
	if (!st)
		st = detail_gap(v, f, err);
	return st ? st : detail_mariadb(v, f, err);
}

/* ---- next steps ---- */

static enum status next_by_step(const struct recover_view *v, struct recover_finding *f, const char *after, struct error *err)
{
	struct buf sql = BUF_INIT(16384);
	recover_step_statements(&v->in->server, v->ch, f->step, &sql);
	enum status st = buf_check(&sql, "a statement", err);
	if (!st)
		st = put(&f->next, err, "%s%s", buf_str(&sql), after);
	buf_free(&sql);
	return st;
}

/* By file and position, which RESET forgets, as it does a delay; MariaDB would also turn to GTIDs [run 10.11.19]. */
static void reset_by_position(const struct recover_view *v, struct buf *out)
{
	const struct checkpoint_channel *cp = &v->ch->cp;
	const struct server_info *s = &v->in->server;
	const struct source_spec spec = { .channel = cp->name, .position = POSITION_FILE, .log_file = cp->exec_file, .log_pos = cp->exec_pos,
		                          .delay_s = cp->delay_s ? cp->delay_s : -1, .heartbeat_s = -1 };
	dialect_stop_both(out, s, cp->name);
	buf_adds(out, "; ");
	dialect_reset_replica(out, s, cp->name);
	buf_adds(out, "; ");
	dialect_change_source(out, s, &spec, true);
	buf_adds(out, "; ");
	dialect_start_both(out, s, cp->name);
}

/* Everything from the source's binary log again, for a person: only from where that is true. */
static enum status next_by_hand(const struct recover_view *v, struct recover_finding *f, struct error *err)
{
	const struct checkpoint_channel *cp = &v->ch->cp;
	struct buf sql = BUF_INIT(16384);
	bool by_gtid = cp->mode == MODE_MARIADB_GTID || cp->mode == MODE_MYSQL_AUTO, placed = cp->exec_file && *cp->exec_file;
	if (!by_gtid && (gap_any(v->gap) || v->gaps_unreadable || !placed))
		return put(&f->next, err,
		           "put the relay logs back if they still exist anywhere; if not, where to go on cannot be told (%s): seed the replica anew, "
		           "slackwater seed --replace",
		           placed ? "it stands over a gap" : "it has no executed position");
	if (by_gtid)
		recover_step_statements(&v->in->server, v->ch, RECOVER_RESET, &sql);
	else
		reset_by_position(v, &sql);
	enum status st = buf_check(&sql, "a statement", err);
	if (!st)
		st = put(&f->next, err, "check that the source still has %s%s, and that nothing else wrote here; then %s%s",
		         by_gtid ? "all that is missing here" : "its binary log ", by_gtid ? "" : cp->exec_file, buf_str(&sql),
		         by_gtid && cp->delay_s ? ", and set the delay again, which RESET loses" : "");
	buf_free(&sql);
	return st;
}

static enum status next_reset(const struct recover_view *v, struct recover_finding *f, struct error *err)
{
	const struct checkpoint_channel *cp = &v->ch->cp;
	if (v->in->server.flavor != FLAVOR_MYSQL || cp->mode != MODE_MYSQL_AUTO || v->in->server.version < RESET_KEEPS || cp->delay_s)
		return next_by_hand(v, f, err);
	f->step = RECOVER_RESET;
	return next_by_step(v, f, ", once it is seen that the source still has all that is missing here (its gtid_purged is in this gtid_executed)",
	                    err);
}

/* What starting the applier takes: the receiver too, where something was never fetched or where MDEV-6589 waits. */
static enum recover_step start_step(const struct recover_view *v)
{
	bool asks = v->ch->cp.mode == MODE_MYSQL_AUTO || v->ch->io_stopped;
	if (v->holes)
		return receiver_broken(v->ch) || !asks ? RECOVER_EXPLAIN : RECOVER_FETCH;
	return recover_mdev_6589(v->in, v->ch) ? RECOVER_FETCH : RECOVER_START;
}

static enum status next_start(const struct recover_view *v, struct recover_finding *f, struct error *err)
{
	f->step = start_step(v);
	if (f->step == RECOVER_EXPLAIN && receiver_broken(v->ch))
		return put(&f->next, err, "put the receiver right first: what is missing has to be fetched again");
	if (f->step == RECOVER_EXPLAIN)
		return put(&f->next, err,
		           "the receiver asks by file and position and has gone on from there: stop the channel, give it auto-position, start it: it "
		           "then asks for all that is missing");
	return next_by_step(v, f, f->gap || f->gap_unknown ? "; then watch until the gap has closed and no error has come" : "; then watch that it goes on running", err);
}

/* ---- findings ---- */

static enum status applier_error(const struct recover_view *v, struct recover_findings *ret, struct error *err)
{
	const struct recover_cause *why = recover_classify_applier(v->ch->sql_errno, v->ch->sql_error);
	struct recover_finding *f = NULL;
	enum status st = add(ret, v, why->class, &f, err);
	if (st)
		return st;
	f->my_errno = v->ch->sql_errno;
	st = slot_set(&f->error, v->ch->sql_error, err);
	if (!st)
		st = put(&f->text, err, "%s", why->text);
	if (!st)
		st = details(v, f, err);
	if (st)
		return st;
	if (why->class == RECOVER_INTERRUPTED)
		return next_start(v, f, err);
	if (why->class == RECOVER_METADATA || why->class == RECOVER_RELAY_LOG)
		return next_reset(v, f, err);
	bool mdev = recover_mdev_6589(v->in, v->ch);
	return put(&f->next, err, "%s%s", why->next, mdev ? "; stop the receiver too before that (MDEV-6589)" : "");
}

static enum status applier_stopped(const struct recover_view *v, struct recover_findings *ret, struct error *err)
{
	struct recover_finding *f = NULL;
	const struct checkpoint_channel *cp = &v->ch->cp;
	bool until = until_reached(v->ch);
	enum status st = add(ret, v, until ? RECOVER_UNTIL : RECOVER_STOPPED, &f, err);
	if (st)
		return st;
	f->consent = true;
	if (until)
		st = put(&f->text, err, "the applier was started UNTIL a condition (%s) and has stopped there", v->ch->until);
	else if (cp->delay_s)
		st = put(&f->text, err,
		         "the applier is stopped, without an error; it is delayed by %" PRId64 " s, so somebody may have stopped it to save data",
		         cp->delay_s);
	else
		st = put(&f->text, err, "the applier is stopped, without an error: on purpose, or since the server was started");
	if (!st)
		st = details(v, f, err);
	if (st)
		return st;
	if (until)
		return put(&f->next, err, "a plain START goes past that condition: do it only when you know why it was set");
	return next_start(v, f, err);
}

static enum status applier_hole(const struct recover_view *v, struct recover_findings *ret, struct error *err)
{
	struct recover_finding *f = NULL;
	enum status st = add(ret, v, RECOVER_HOLE, &f, err);
	if (!st)
		st = put(&f->text, err, "the applier runs, but transactions below the newest applied one are missing and were fetched by no receiver");
	if (!st)
		st = details(v, f, err);
	return st ? st : next_start(v, f, err);
}

static enum status receiver(const struct recover_view *v, struct recover_findings *ret, struct error *err)
{
	struct recover_finding *f = NULL;
	struct buf sql = BUF_INIT(16384);
	const struct channel *ch = v->ch;
	const struct recover_cause *why = ch->io_errno ? recover_classify_receiver(ch->io_errno, ch->io_error) : NULL;
	enum status st = add(ret, v, why ? why->class : RECOVER_RECEIVER_STOPPED, &f, err);
	if (st)
		return st;
	f->my_errno = ch->io_errno;
	if (why) {
		st = slot_set(&f->error, ch->io_error, err);
		if (!st)
			st = put(&f->text, err, "%s", why->text);
		return st ? st : put(&f->next, err, "%s", why->next);
	}
	dialect_start_io(&sql, &v->in->server, ch->cp.name ? ch->cp.name : "");
	st = put(&f->text, err, "the receiver is stopped, without an error: nothing new arrives");
	if (!st)
		st = buf_check(&sql, "a statement", err);
	if (!st)
		st = put(&f->next, err, "if that is not meant: %s", buf_str(&sql));
	buf_free(&sql);
	return st;
}

enum status recover_diagnose(const struct recover_view *v, struct recover_findings *ret, struct error *err)
{
	const struct channel *ch = v->ch;
	enum status st = ST_OK;
	bool fetched = false;
	if (!ch->sql_running && ch->sql_errno)
		st = applier_error(v, ret, err);
	else if (!ch->sql_running)
		st = applier_stopped(v, ret, err);
	else if (v->holes)
		st = applier_hole(v, ret, err);
	if (!st && ret->n)
		fetched = ret->item[ret->n - 1].step == RECOVER_FETCH || ret->item[ret->n - 1].step == RECOVER_RESET;
	/* A receiver that the step above starts anyhow is no finding of its own. */
	if (!st && !ch->cp.io_running && (ch->io_errno || (ch->io_stopped && !fetched)))
		st = receiver(v, ret, err);
	return st;
}
