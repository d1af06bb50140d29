/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that a diagnosis is made from, read from the server and nothing touched. */
#include <stdlib.h>
#include <string.h>

#include "recover/task.h"
#include "slackwater/gtid.h"
#include "slackwater/slot.h"

enum { HOLES_WAIT_MS = 5000, POLL_MS = 100, SECOND_LOOK_MS = 1500 };

/* ---- who was hit ---- */

static enum status hit_row(struct recover_task *j, const struct rows *r, struct error *err)
{
	const char *name = rows_get(r, "CHANNEL_NAME"), *when = rows_get(r, "LAST_ERROR_TIMESTAMP"),
	           *what = rows_get(r, "APPLYING_TRANSACTION"), *text = rows_get(r, "LAST_ERROR_MESSAGE");
	const struct channel *ch = channels_find(&j->ch, name ? name : "");
	if (!ch)
		return ST_OK;
	if (!what || !*what)
		what = rows_get(r, "LAST_SEEN_TRANSACTION"); /* 5.7 */
	struct buf line = BUF_INIT(1u << 16);
	buf_addf(&line, "worker %s", rows_get(r, "WORKER_ID"));
	if (when && strncmp(when, "0000", 4) != 0)
		buf_addf(&line, " at %.19s UTC", when);
	if (what && *what)
		buf_addf(&line, " in transaction %s", what);
	buf_addf(&line, ": error %s: %.2000s", rows_get(r, "LAST_ERROR_NUMBER"), text ? text : "");
	enum status st = buf_check(&line, "a line", err);
	if (!st)
		st = strlist_add(&j->hit[ch - j->ch.item], buf_str(&line), err);
	buf_free(&line);
	return st;
}

/* Best effort: where the server keeps it, and lets us read it. */
static enum status look_hit(struct recover_task *j, struct error *err)
{
	struct rows *r = NULL;
	struct error why = ERROR_INIT;
	bool more = false;
	if (!j->in.ps || !conn_is_mysql(j->c, 50706))
		return ST_OK;
	enum status st = conn_query(
		j->c, "SELECT * FROM performance_schema.replication_applier_status_by_worker WHERE LAST_ERROR_NUMBER <> 0", &r, &why);
	while (!st && !(st = rows_next(r, &more, &why)) && more)
		st = hit_row(j, r, &why);
	rows_free(r);
	if (st && why.kind == ERR_PREFLIGHT)
		return ST_OK;
	if (st && err)
		*err = why;
	return st;
}

/* ---- channels and gaps ---- */

static enum status look_domains(struct recover_task *j, struct error *err)
{
	char *text = NULL;
	struct gtid_pos pos = { 0 };
	if (!conn_is_mariadb(j->c, 100000))
		return ST_OK;
	enum status st = conn_variable(j->c, "gtid_slave_pos", &text, err);
	if (!st)
		st = gtid_pos_parse(text ? text : "", &pos, err);
	j->domains = pos.n;
	gtid_pos_free(&pos);
	free(text);
	return st;
}

/* Without its relay logs the server cannot show what is in them: that is a finding, not the end. */
static enum status look_gaps(struct recover_task *j, struct error *err)
{
	struct error why = ERROR_INIT;
	free(j->gaps_unreadable);
	j->gaps_unreadable = NULL;
	enum status st = gaps_read(j->c, &j->in, &j->ch, &j->gaps, &why);
	if (st && why.kind == ERR_SERVER && !j->c->lost) {
		struct gaps none = { .item = calloc(j->ch.n + 1, sizeof *none.item), .n = j->ch.n };
		if (!none.item)
			return error_oom(err);
		gaps_free(&j->gaps);
		j->gaps = none;
		return slot_set(&j->gaps_unreadable, why.message, err);
	}
	if (st && err)
		*err = why;
	return st;
}

enum status recover_refused(struct recover_task *j, const char *channel, const struct error *why, struct error *err)
{
	j->refused.my_errno = why->my_errno;
	enum status st = slot_set(&j->refused.channel, channel, err);
	return st ? st : slot_set(&j->refused.text, why->message, err);
}

static enum status lay_refusal(struct recover_task *j, struct error *err)
{
	struct channel *ch = j->refused.channel ? channels_find(&j->ch, j->refused.channel) : NULL;
	if (!ch || ch->sql_running || ch->sql_errno)
		return ST_OK;
	ch->sql_errno = j->refused.my_errno;
	return slot_set(&ch->sql_error, j->refused.text, err);
}

static enum status look_once(struct recover_task *j, struct error *err)
{
	for (size_t i = 0; j->hit && i < j->ch.n; i++)
		strlist_free(&j->hit[i]);
	free(j->hit);
	j->hit = NULL;
	enum status st = channels_read(j->c, &j->ch, err);
	if (!st)
		st = lay_refusal(j, err);
	if (!st && !(j->hit = calloc(j->ch.n + 1, sizeof *j->hit)))
		st = error_oom(err);
	if (!st)
		st = channels_describe(j->c, &j->in, &j->ch, err);
	if (!st)
		st = look_gaps(j, err);
	if (!st)
		st = look_hit(j, err);
	return st ? st : look_domains(j, err);
}

/* ---- what is worth a word and no finding ---- */

static enum status note(struct recover_task *j, struct error *err)
{
	struct strlist *to = &j->report->notes;
	enum status st = ST_OK;
	char label[160];
	strlist_free(to);
	if (j->gaps.permanent)
		st = strlist_addf(to, err, "gtid_executed lacks %s, which connected receivers have gone past: no source sends it any more", j->gaps.permanent);
	for (size_t i = 0; !st && i < j->ch.n; i++) {
		const struct channel *ch = &j->ch.item[i];
		if (ch->sql_running && ch->until && *ch->until && strcasecmp(ch->until, "None") != 0)
			st = strlist_addf(to, err, "%s: the applier was started UNTIL a condition (%s) and will stop there", channels_label(&ch->cp, label),
			                  ch->until);
	}
	return st;
}

/* ---- what may pass by itself ---- */

/* A receiver that has only just connected may fetch at once what nobody has received. */
static bool may_be_fetched(const struct recover_task *j)
{
	bool receiving = false;
	for (size_t i = 0; i < j->ch.n; i++)
		receiving = receiving || j->ch.item[i].cp.io_running;
	return receiving && j->gaps.holes;
}

/* An applier that is still and has no error may be in the window of a backup that holds the claim: it lasts for a moment. */
static bool may_be_a_window(const struct recover_task *j)
{
	bool still = false;
	for (size_t i = 0; i < j->ch.n; i++)
		still = still || (!j->ch.item[i].sql_running && !j->ch.item[i].sql_errno);
	return still && !j->claim;
}

enum status recover_look(struct recover_task *j, struct error *err)
{
	int64_t since = run_now_ms(j->run);
	enum status st = ST_OK;
	instance_free(&j->in);
	st = instance_read(j->c, &j->in, err);
	if (!st)
		st = look_once(j, err);
	while (!st && (may_be_fetched(j) || may_be_a_window(j))) {
		int64_t spent = run_now_ms(j->run) - since;
		if (spent >= (may_be_fetched(j) ? HOLES_WAIT_MS : SECOND_LOOK_MS))
			break;
		st = run_sleep_ms(j->run, POLL_MS, err);
		if (!st)
			st = look_once(j, err);
	}
	j->report->channels = j->ch.n;
	return st ? st : note(j, err);
}
