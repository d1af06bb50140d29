/* SPDX-License-Identifier: Apache-2.0 */
#include "stand.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gtids.h"
#include "links.h"
#include "slackwater/slot.h"
#include "watch.h"

static enum status begin(struct seed_job *j, struct seed_stand *ret, struct error *err)
{
	*ret = (struct seed_stand){ .n = j->nlinks };
	ret->at = calloc(j->nlinks + 1, sizeof *ret->at);
	return ret->at ? ST_OK : error_oom(err);
}

void seed_stand_free(struct seed_stand *s)
{
	free(s->gtids);
	free(s->at);
	*s = (struct seed_stand){ 0 };
}

static bool any_by_gtid(const struct seed_job *j)
{
	for (size_t i = 0; i < j->nlinks; i++)
		if (seed_links_by_gtid(&j->link[i]))
			return true;
	return false;
}

static enum status read_gtids(const struct seed_job *j, struct conn *c, bool of_source, struct seed_stand *ret, struct error *err)
{
	return any_by_gtid(j) ? seed_gtids_read(c, of_source, &ret->gtids, err) : ST_OK;
}

static enum status read_coordinates(struct seed_job *j, struct conn *c, struct seed_stand *ret, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < j->nlinks; i++) {
		struct seed_look look;
		if (seed_links_by_gtid(&j->link[i]))
			continue;
		st = seed_watch_channel(c, j->link[i].name, &look, err);
		if (st)
			break;
		snprintf(ret->at[i].file, sizeof ret->at[i].file, "%s", look.exec_file);
		ret->at[i].pos = look.exec_pos;
	}
	return st;
}

enum status seed_stand_of_seed(struct seed_job *j, struct seed_stand *ret, struct error *err)
{
	enum status st = begin(j, ret, err);
	if (!st)
		st = read_gtids(j, j->target, false, ret, err);
	return st ? st : read_coordinates(j, j->target, ret, err);
}

static enum status read_own_log(struct conn *c, struct seed_stand_at *ret, struct error *err)
{
	char *file = NULL;
	enum status st = seed_watch_own_log(c, &file, &ret->pos, err);
	snprintf(ret->file, sizeof ret->file, "%s", file ? file : "");
	free(file);
	return st;
}

enum status seed_stand_of_replica(struct seed_job *j, struct conn *replica, struct seed_stand *ret, struct error *err)
{
	enum status st = begin(j, ret, err);
	if (!st)
		st = read_gtids(j, replica, j->from_replica, ret, err);
	if (st)
		return st;
	return j->from_replica ? read_own_log(replica, &ret->at[0], err) : read_coordinates(j, replica, ret, err);
}

static const struct checkpoint_channel *channel_in(const struct checkpoint *cp, const char *name)
{
	for (size_t i = 0; i < cp->nchannels; i++)
		if (strcmp(cp->channel[i].name ? cp->channel[i].name : "", name) == 0)
			return &cp->channel[i];
	return NULL;
}

static enum status take_channel(const struct checkpoint *cp, const char *name, struct seed_stand_at *ret, struct error *err)
{
	const struct checkpoint_channel *c = channel_in(cp, name);
	if (!c || c->coordinates != COORDINATES_PROVEN || !c->exec_file)
		return error_set(err, ST_FAILED, ERR_NOT_PROVEN, "the snapshotted server does not prove coordinates for %s: %s", seed_links_label(name),
		                 c && c->coordinates_why ? c->coordinates_why : "it has no such channel");
	snprintf(ret->file, sizeof ret->file, "%s", c->exec_file);
	ret->pos = c->exec_pos;
	return ST_OK;
}

enum status seed_stand_of_checkpoint(struct seed_job *j, const struct checkpoint *cp, struct seed_stand *ret, struct error *err)
{
	enum status st = begin(j, ret, err);
	if (!st && any_by_gtid(j))
		st = slot_set(&ret->gtids, seed_gtids_of(cp, j->from_replica), err);
	for (size_t i = 0; !st && i < j->nlinks; i++) {
		if (seed_links_by_gtid(&j->link[i]))
			continue;
		if (!j->from_replica) {
			st = take_channel(cp, j->link[i].name, &ret->at[i], err);
			continue;
		}
		snprintf(ret->at[i].file, sizeof ret->at[i].file, "%s", cp->binlog_file ? cp->binlog_file : "");
		ret->at[i].pos = cp->binlog_pos;
	}
	return st;
}

enum status seed_stand_reached(const struct seed_job *j, const struct seed_stand *a, const struct seed_stand *b, bool *ret, struct error *err)
{
	bool all = true;
	enum status st = a->gtids && b->gtids ? seed_gtids_reached(j->target->server.flavor, a->gtids, b->gtids, &all, err) : ST_OK;
	for (size_t i = 0; !st && all && i < a->n; i++)
		if (!seed_links_by_gtid(&j->link[i]))
			all = *a->at[i].file && seed_watch_compare(a->at[i].file, a->at[i].pos, b->at[i].file, b->at[i].pos) >= 0;
	if (!st)
		*ret = all;
	return st;
}

enum status seed_stand_equal(const struct seed_job *j, const struct seed_stand *a, const struct seed_stand *b, bool *ret, struct error *err)
{
	bool there = false, back = false;
	enum status st = seed_stand_reached(j, a, b, &there, err);
	if (!st)
		st = seed_stand_reached(j, b, a, &back, err);
	if (!st)
		*ret = there && back;
	return st;
}

void seed_stand_describe(const struct seed_stand *s, struct buf *out)
{
	if (s->gtids)
		buf_adds(out, s->gtids);
	for (size_t i = 0; i < s->n; i++)
		if (*s->at[i].file)
			buf_addf(out, "%s%s:%" PRIu64, out->len ? ", " : "", s->at[i].file, s->at[i].pos);
}
