/* SPDX-License-Identifier: Apache-2.0 */
#include "prove.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contain.h"
#include "gtids.h"
#include "links.h"
#include "slackwater/slot.h"
#include "source.h"
#include "watch.h"

enum {
	PROVE_POLL_MS = 200,
	PROVE_PATIENCE_MS = 30000, /* to connect */
	PROVE_CLOSE_MS = 5000,     /* what the sources have now is applied within this: caught up */
	PROVE_SETTLE_MS = 1000,    /* a source that refuses (1236) says so a moment after it was asked */
	PROVE_REPORT_MS = 10000,
	PROVE_FIRST_REPORT_MS = 2000
};

/* What a link has to have applied. */
struct goal {
	const struct seed_link *link;
	char *gtids;        /* NULL: by coordinates */
	char *file;         /* NULL: until the receiver has drained the source */
	uint64_t pos;
	bool reached;
};

struct proof {
	struct seed_job *j;
	struct goal *goal;
	int64_t started, reported;
	bool trusted;       /* every channel was seen running */
};

static enum status first_goal(struct goal *g, const struct seed_link *l, struct error *err)
{
	*g = (struct goal){ .link = l, .pos = l->end_pos };
	enum status st = seed_links_by_gtid(l) ? slot_set(&g->gtids, l->executed, err) : ST_OK;
	return st ? st : slot_set(&g->file, l->end_file, err);
}

static enum status next_gtids(struct seed_link *l, struct goal *g, struct error *err)
{
	free(g->gtids);
	g->gtids = NULL;
	return seed_gtids_read(l->conn, true, &g->gtids, err);
}

static enum status next_position(struct seed_link *l, struct goal *g, struct error *err)
{
	free(g->file);
	g->file = NULL;
	/* Where the account may not ask: until the receiver has drained the source once more. */
	return l->end_file ? seed_watch_own_log(l->conn, &g->file, &g->pos, err) : ST_OK;
}

/* What the source has now. */
static enum status next_goal(struct seed_job *j, struct goal *g, struct error *err)
{
	struct seed_link *l = &j->link[g->link - j->link];
	enum status st = seed_source_again(j, l, err);
	g->reached = false;
	if (st)
		return st;
	return g->gtids ? next_gtids(l, g, err) : next_position(l, g, err);
}

static enum status gtids_applied(struct seed_job *j, const struct goal *g, bool *ret, struct error *err)
{
	char *here = NULL;
	enum status st = seed_gtids_read(j->target, false, &here, err);
	if (!st)
		st = seed_gtids_reached(j->target->server.flavor, here, g->gtids, ret, err);
	free(here);
	return st;
}

static enum status look_at(struct proof *p, struct goal *g, struct error *err)
{
	struct seed_job *j = p->j;
	struct seed_look look;
	enum status st = seed_watch_channel(j->target, g->link->name, &look, err);
	if (!st)
		st = seed_watch_judge(&look, g->link->name, run_now_ms(j->run) - p->started, PROVE_PATIENCE_MS, err);
	if (st)
		return st;
	p->trusted = p->trusted && look.io && look.sql && look.receiving;
	if (!look.io || !look.sql)
		return ST_OK;
	if (g->gtids)
		return gtids_applied(j, g, &g->reached, err);
	if (!g->file && look.drained) {
		g->pos = look.read_pos;
		st = slot_set(&g->file, look.read_file, err);
	}
	g->reached = !st && g->file && seed_watch_compare(look.exec_file, look.exec_pos, g->file, g->pos) >= 0;
	return st;
}

/* Transactions that the seed lacks of what its sources had when they were asked; 0 where they cannot be counted. */
static uint64_t to_go(const struct proof *p)
{
	struct error ignored = ERROR_INIT;
	char *here = NULL;
	uint64_t n = 0;
	if (seed_gtids_read(p->j->target, false, &here, &ignored))
		return 0;
	for (size_t i = 0; i < p->j->nlinks; i++)
		if (!p->goal[i].reached && p->goal[i].gtids)
			n += seed_contain_backlog(here, p->goal[i].gtids, seed_is_mariadb(p->j));
	free(here);
	return n;
}

static void report(struct proof *p)
{
	int64_t now = run_now_ms(p->j->run);
	if (now - p->reported < PROVE_REPORT_MS)
		return;
	p->reported = now;
	char transactions[64] = "";
	size_t left = 0;
	uint64_t n = to_go(p);
	for (size_t i = 0; i < p->j->nlinks; i++)
		left += !p->goal[i].reached;
	if (n)
		snprintf(transactions, sizeof transactions, ", %llu transactions to go", (unsigned long long)n);
	event_info(p->j->run->events, "prove", "catching up for %lld s, %zu of %zu channels not there yet%s", (long long)((now - p->started) / 1000),
	           left, p->j->nlinks, transactions);
}

/* One round: until every goal is reached. */
static enum status wait_for_goals(struct proof *p, struct error *err)
{
	struct seed_job *j = p->j;
	int64_t limit = p->started + j->o->catch_up_timeout_ms;
	for (;;) {
		bool all = true;
		enum status st = ST_OK;
		p->trusted = true;
		for (size_t i = 0; !st && i < j->nlinks; i++) {
			st = look_at(p, &p->goal[i], err);
			all = all && p->goal[i].reached;
		}
		if (st || (all && p->trusted))
			return st;
		if (run_now_ms(j->run) >= limit) {
			error_set(err, ST_FAILED, ERR_NOT_PROVEN, "not caught up within %lld s, though replication runs without an error",
			          (long long)(j->o->catch_up_timeout_ms / 1000));
			error_hint(err, "it goes on catching up: wait, or raise --catch-up-timeout; DROP DATABASE slackwater_incomplete when it is there");
			return ST_FAILED;
		}
		report(p);
		st = run_sleep_ms(j->run, PROVE_POLL_MS, err);
		if (st)
			return st;
	}
}

static enum status rounds(struct proof *p, struct error *err)
{
	struct seed_job *j = p->j;
	enum status st = wait_for_goals(p, err);
	while (!st) {
		int64_t begun = run_now_ms(j->run);
		for (size_t i = 0; !st && i < j->nlinks; i++)
			st = next_goal(j, &p->goal[i], err);
		if (!st)
			st = wait_for_goals(p, err);
		if (!st && run_now_ms(j->run) - begun <= PROVE_CLOSE_MS)
			break;
	}
	if (!st)
		st = run_sleep_ms(j->run, PROVE_SETTLE_MS, err);
	return st ? st : wait_for_goals(p, err);
}

enum status seed_prove(struct seed_job *j, struct error *err)
{
	struct proof p = { .j = j, .started = run_now_ms(j->run) };
	p.reported = p.started - PROVE_REPORT_MS + PROVE_FIRST_REPORT_MS;
	p.goal = calloc(j->nlinks + 1, sizeof *p.goal);
	enum status st = p.goal ? ST_OK : error_oom(err);
	for (size_t i = 0; !st && i < j->nlinks; i++)
		st = first_goal(&p.goal[i], &j->link[i], err);
	if (!st)
		st = rounds(&p, err);
	for (size_t i = 0; p.goal && i < j->nlinks; i++) {
		free(p.goal[i].gtids);
		free(p.goal[i].file);
	}
	free(p.goal);
	j->report->catch_up_ms = run_now_ms(j->run) - p.started;
	if (st && err->kind != ERR_INTERRUPTED)
		err->kind = ERR_NOT_PROVEN;
	return st;
}
