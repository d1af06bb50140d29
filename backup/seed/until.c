/* SPDX-License-Identifier: Apache-2.0 */
#include "until.h"

#include <inttypes.h>
#include <stdlib.h>

#include "gtids.h"
#include "links.h"
#include "source.h"
#include "watch.h"

enum { UNTIL_POLL_MS = 50, UNTIL_STOP_MS = 600000, UNTIL_START_MS = 30000 };

/* MariaDB's UNTIL by GTID is about both threads, the receiver knows where to end. */
static bool both_threads(const struct seed_job *j, const struct seed_link *l)
{
	return seed_is_mariadb(j) && seed_links_by_gtid(l);
}

static enum status stop_link(struct seed_job *j, struct conn *c, const struct seed_link *l, struct error *err)
{
	struct buf sql = BUF_INIT(4096);
	if (both_threads(j, l))
		dialect_stop_both(&sql, &c->server, l->name);
	else
		dialect_stop_sql(&sql, &c->server, l->name);
	enum status st = conn_exec_buf(c, &sql, err);
	buf_free(&sql);
	return st;
}

static enum status stopped(struct seed_job *j, bool *ret, struct error *err)
{
	enum status st = ST_OK;
	*ret = true;
	for (size_t i = 0; !st && i < j->nlinks; i++) {
		struct seed_look look;
		st = seed_watch_channel(j->target, j->link[i].name, &look, err);
		if (!st)
			*ret = *ret && !look.sql;
	}
	return st;
}

enum status seed_until_stop(struct seed_job *j, struct error *err)
{
	bool done = false;
	int64_t limit = run_now_ms(j->run) + UNTIL_STOP_MS;
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < j->nlinks; i++)
		st = stop_link(j, j->target, &j->link[i], err);
	while (!st && !(st = stopped(j, &done, err)) && !done) {
		if (run_now_ms(j->run) > limit)
			return error_set(err, ST_FAILED, ERR_NOT_PROVEN, "the seed's applier does not come to a stop");
		st = run_sleep_ms(j->run, UNTIL_POLL_MS, err);
	}
	return st;
}

static enum status part_mysql(const char *to, const char *source, struct buf *ret, struct error *err)
{
	struct gtid_set *all = NULL, *its = NULL;
	enum status st = gtid_set_parse(to, &all, err);
	if (!st)
		st = gtid_set_parse(source, &its, err);
	if (!st)
		st = gtid_set_intersect(all, its, err);
	if (!st)
		gtid_set_format(all, ret);
	gtid_set_free(all);
	gtid_set_free(its);
	return st;
}

static enum status part_mariadb(const char *to, const char *source, struct buf *ret, struct error *err)
{
	struct gtid_pos all = { 0 }, its = { 0 };
	enum status st = gtid_pos_parse(to, &all, err);
	if (!st)
		st = gtid_pos_parse(source, &its, err);
	for (size_t i = 0; !st && i < all.n; i++)
		if (gtid_pos_domain(&its, all.item[i].domain))
			buf_addf(ret, "%s%" PRIu32 "-%" PRIu32 "-%" PRIu64, ret->len ? "," : "", all.item[i].domain, all.item[i].server,
			         all.item[i].seq);
	gtid_pos_free(&all);
	gtid_pos_free(&its);
	return st;
}

/*
 * What this channel's own source has of it: waiting for what another channel brings, a channel would run on beyond the point.
 */
static enum status part_of_channel(struct seed_job *j, struct seed_link *l, const char *to, struct buf *ret, struct error *err)
{
	char *its = NULL;
	enum status st = seed_source_again(j, l, err);
	if (!st)
		st = seed_gtids_read(l->conn, true, &its, err);
	if (!st)
		st = seed_is_mariadb(j) ? part_mariadb(to, its, ret, err) : part_mysql(to, its, ret, err);
	free(its);
	return st ? st : buf_check(ret, "a GTID set", err);
}

static enum status start_until(struct seed_job *j, struct seed_link *l, const struct seed_stand *to, struct error *err)
{
	struct buf sql = BUF_INIT(64 << 20), set = BUF_INIT(64 << 20);
	const struct seed_stand_at *at = &to->at[l - j->link];
	enum status st = ST_OK;
	if (seed_links_by_gtid(l)) {
		st = part_of_channel(j, l, to->gtids, &set, err);
		dialect_start_until_gtids(&sql, &j->target->server, l->name, buf_str(&set));
	} else {
		dialect_start_until_pos(&sql, &j->target->server, l->name, at->file, at->pos);
	}
	/* Nothing of it is this source's: then nothing of this channel is applied. */
	if (!st && (set.len || !seed_links_by_gtid(l)))
		st = conn_exec_buf(j->target, &sql, err);
	buf_free(&sql);
	buf_free(&set);
	return st;
}

static enum status no_error(struct seed_job *j, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < j->nlinks; i++) {
		struct seed_look look;
		st = seed_watch_channel(j->target, j->link[i].name, &look, err);
		/* Threads that ended at the condition are no trouble: only errors are asked for. */
		look.io = look.sql = true;
		if (!st)
			st = seed_watch_judge(&look, j->link[i].name, 0, UNTIL_START_MS, err);
	}
	return st;
}

static enum status not_reached(const struct seed_stand *to, struct error *err)
{
	struct buf text = BUF_INIT(600);
	seed_stand_describe(to, &text);
	error_set(err, ST_FAILED, ERR_NOT_PROVEN, "the seed does not reach what the snapshotted server has applied (%s)",
	          text.bad ? "a long set" : buf_str(&text));
	error_hint(err, "does the snapshotted server have transactions of its own, or of a source that the seed does not have?");
	buf_free(&text);
	return ST_FAILED;
}

enum status seed_until_reach(struct seed_job *j, const struct seed_stand *to, int64_t timeout_ms, bool *ret_exact, struct error *err)
{
	int64_t limit = run_now_ms(j->run) + timeout_ms;
	struct seed_stand now = { 0 };
	bool there = false;
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < j->nlinks; i++)
		st = start_until(j, &j->link[i], to, err);
	while (!st && !there) {
		seed_stand_free(&now);
		st = seed_stand_of_seed(j, &now, err);
		if (!st)
			st = seed_stand_reached(j, &now, to, &there, err);
		if (!st)
			st = no_error(j, err);
		if (!st && !there && run_now_ms(j->run) > limit)
			st = not_reached(to, err);
		if (!st && !there)
			st = run_sleep_ms(j->run, UNTIL_POLL_MS, err);
	}
	seed_stand_free(&now);
	/* The condition may only be looked at when a next event comes: reached is reached. */
	if (!st)
		st = seed_until_stop(j, err);
	if (!st)
		st = seed_stand_of_seed(j, &now, err);
	if (!st)
		st = seed_stand_equal(j, &now, to, ret_exact, err);
	seed_stand_free(&now);
	return st;
}

static enum status resume_link(struct conn *c, const struct seed_link *l, struct run *run, struct error *err)
{
	struct buf stop = BUF_INIT(4096), start = BUF_INIT(4096);
	struct error ignored = ERROR_INIT;
	struct seed_look look = { 0 };
	int64_t limit = run_now_ms(run) + UNTIL_START_MS;
	dialect_stop_sql(&stop, &c->server, l->name);
	dialect_start_both(&start, &c->server, l->name);
	/* An UNTIL that still runs would make the START a note. */
	(void)conn_exec_buf(c, &stop, &ignored);
	enum status st = conn_exec_buf(c, &start, err);
	while (!st && !(st = seed_watch_channel(c, l->name, &look, err)) && !look.sql) {
		st = seed_watch_judge(&look, l->name, run_now_ms(run) - limit + UNTIL_START_MS, UNTIL_START_MS, err);
		if (!st)
			st = run_sleep_ms(run, UNTIL_POLL_MS, err);
	}
	buf_free(&stop);
	buf_free(&start);
	return st;
}

enum status seed_until_resume(struct seed_job *j, struct error *err)
{
	struct run shield = { 0 };
	struct conn *c = NULL;
	enum status st = run_shield(&shield, j->run, err);
	if (!st)
		st = conn_open(&c, &j->o->target, CONN_SHIELDED | CONN_NO_TIMEOUT, &shield, err);
	for (size_t i = 0; !st && i < j->nlinks; i++)
		st = resume_link(c, &j->link[i], &shield, err);
	conn_free(c);
	run_destroy(&shield);
	return st;
}
