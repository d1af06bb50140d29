/* SPDX-License-Identifier: Apache-2.0 */
/* What a dead run can no longer do: its channels are started again, where nobody else has decided otherwise. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "applier/channels.h"
#include "applier/journal_parts.h"
#include "applier/restart.h"
#include "applier/statedir.h"
#include "slackwater/claim.h"

/* RESTARTED: by how much the start that a server tells of may be off. SWITCH: how long a switch that went off may take. */
enum { JOURNAL_RESTARTED_S = 3, JOURNAL_SWITCH_MS = 3000, JOURNAL_POLL_MS = 100 };

struct finish {
	const char *dir;
	struct conn *c;
	struct run *run;
	struct journal_report *report;
	bool restarted;      /* the server, since the journal was written */
	bool failed;         /* a channel could not be started */
	struct channels now;
};

void journal_report_free(struct journal_report *r)
{
	strlist_free(&r->started);
	strlist_free(&r->running);
	strlist_free(&r->left);
	strlist_free(&r->foreign);
	*r = (struct journal_report){ 0 };
}

static const struct channel *look(struct finish *f, const char *name, enum status *st, struct error *err)
{
	*st = channels_read(f->c, &f->now, err);
	return *st ? NULL : channels_find(&f->now, name);
}

/* The switch may still be about to go off: when this host was frozen, or the server has not seen yet that the agent is gone. */
static enum status wait_for_switch(struct finish *f, const struct journal_record *r, const char *name,
                                   const struct channel **ret, struct error *err)
{
	int64_t until = r->written_ms + r->max_pause_ms + JOURNAL_SWITCH_MS, longest = run_now_ms(f->run) + r->max_pause_ms + JOURNAL_SWITCH_MS;
	int64_t least = run_now_ms(f->run) + JOURNAL_SWITCH_MS;
	enum status st;
	for (;;) {
		*ret = look(f, name, &st, err);
		int64_t now = run_now_ms(f->run);
		bool due = (run_wall_ms(f->run) >= until && now >= least) || now >= longest;
		if (st || !*ret || (*ret)->sql_running || (*ret)->sql_errno || due)
			return st;
		st = run_sleep_ms(f->run, JOURNAL_POLL_MS, err);
		if (st)
			return st;
	}
}

static enum status start(struct finish *f, const struct channel *ch, const char *label, struct error *err)
{
	struct error why = ERROR_INIT;
	enum status st = restart_channel(f->c, ch->cp.name, &why);
	if (!st)
		return strlist_add(&f->report->started, label, err);
	f->failed = true;
	if (why.kind == ERR_APPLIER)
		return strlist_addf(&f->report->left, err, "%s could not be started: %s", label, why.message);
	if (err)
		*err = why;
	return st;
}

static enum status finish_channel(struct finish *f, const struct journal_record *r, const char *name, struct error *err)
{
	char label[160];
	const struct channel *ch;
	enum status st;
	bool by_switch = r->guarded && !f->restarted;
	if (by_switch)
		st = wait_for_switch(f, r, name, &ch, err);
	else
		ch = look(f, name, &st, err);
	if (st)
		return st;
	if (!ch)
		return strlist_addf(&f->report->left, err, "channel '%s' is not there any more", name);
	channels_label(&ch->cp, label);
	if (ch->sql_running)
		return strlist_add(&f->report->running, label, err);
	if (ch->sql_errno)
		return strlist_addf(&f->report->left, err, "%s has stopped with error %u: %.300s", label, ch->sql_errno,
		                    ch->sql_error ? ch->sql_error : "");
	if (by_switch)
		return strlist_addf(&f->report->left, err,
		                    "%s is stopped: the dead-man's switch has started it, so somebody has stopped it since", label);
	return start(f, ch, label, err);
}

static enum status finish_record(struct finish *f, const struct journal_record *r, struct error *err)
{
	int64_t started = 0;
	enum status st = journal_server_start(f->c, &started, err);
	f->restarted = llabs((long long)(started - r->server_start_s)) > JOURNAL_RESTARTED_S || f->c->ops->thread_id(f->c) < r->connection;
	f->failed = false;
	f->report->found++;
	for (size_t i = 0; !st && i < r->channels.n; i++)
		st = finish_channel(f, r, r->channels.item[i], err);
	if (!st && f->failed) {
		error_set(err, st = ST_FAILED, ERR_APPLIER, "THE APPLIER IS STOPPED: a run that died had stopped it, and it cannot be started: %.600s",
		          f->report->left.item[f->report->left.n - 1]);
		error_hint(err, "put it right by hand; %.300s is kept until then", r->path);
	}
	return st ? st : journal_remove(r->path, f->dir, err);
}

/* One that cannot be read stops those who work with its own server, whose key is in its name. */
static enum status unreadable(struct finish *f, const char *path, const struct error *why, struct error *err)
{
	char key[STATEDIR_KEY];
	enum status st = statedir_key(&f->c->server, key, err);
	if (st || !strstr(path, key))
		return st;
	f->report->kept++;
	if (err)
		*err = *why;
	return why->status;
}

static enum status finish_path(struct finish *f, const char *path, const char *endpoint, struct error *err)
{
	struct journal_record r = { 0 };
	struct error why = ERROR_INIT;
	enum status st = journal_read(path, &r, &why);
	if (st)
		return unreadable(f, path, &why, err);
	bool ours = strcmp(r.identity, f->c->server.identity) == 0, foreign = !ours && strcmp(r.endpoint, endpoint) == 0;
	if (ours)
		st = finish_record(f, &r, err);
	else if (foreign)
		st = strlist_addf(&f->report->foreign, err,
		                  "%s is about the server that was here before (%s), not this one (%s): remove it when that one is gone for good",
		                  path, r.identity, f->c->server.identity);
	f->report->kept += foreign || (ours && st);
	journal_record_free(&r);
	return st;
}

static enum status finish_all(struct finish *f, const struct conn_options *o, struct error *err)
{
	struct strlist paths = { 0 };
	char *endpoint = NULL;
	enum status st = journal_endpoint(o, &endpoint, err);
	if (!st) /* again, now that no run can be writing them */
		st = journal_list(f->dir, &paths, err);
	for (size_t i = 0; !st && i < paths.n; i++)
		st = finish_path(f, paths.item[i], endpoint, err);
	strlist_free(&paths);
	free(endpoint);
	channels_free(&f->now);
	return st;
}

/* The server cannot be asked which are its own: where it is reached tells. */
static unsigned of_endpoint(const struct strlist *paths, const struct conn_options *o)
{
	unsigned n = 0;
	char *endpoint = NULL;
	struct error ignored;
	enum status st = journal_endpoint(o, &endpoint, &ignored);
	for (size_t i = 0; !st && i < paths->n; i++) {
		struct journal_record r = { 0 };
		n += !journal_read(paths->item[i], &r, &ignored) && strcmp(r.endpoint, endpoint) == 0;
		journal_record_free(&r);
	}
	free(endpoint);
	return n;
}

enum status journal_finish(const char *state_dir, const struct conn_options *o, struct run *run, struct journal_report *ret,
                           struct error *err)
{
	struct strlist paths = { 0 };
	struct finish f = { .dir = state_dir, .run = run, .report = ret };
	struct claim *claim = NULL;
	struct error e = ERROR_INIT;
	*ret = (struct journal_report){ 0 };
	enum status st = journal_list(state_dir, &paths, err);
	bool any = paths.n > 0;
	if (!st && any && (st = conn_open(&f.c, o, 0, run, err)))
		ret->kept = of_endpoint(&paths, o);
	strlist_free(&paths);
	if (st || !any)
		return st;
	st = claim_take_local(state_dir, &f.c->server, &claim, &e);
	if (!st) {
		st = finish_all(&f, o, &e);
	} else if (e.kind == ERR_BUSY) {
		st = ST_OK; /* a run is alive here: what it has written is its own */
		ret->alive = true;
	}
	claim_free(claim);
	conn_free(f.c);
	if (st && err)
		*err = e;
	return st;
}
