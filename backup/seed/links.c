/* SPDX-License-Identifier: Apache-2.0 */
#include "links.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *seed_links_label(const char *channel)
{
	return *channel ? channel : "the default channel";
}

void seed_links_address(const struct seed_source *s, char out[300])
{
	snprintf(out, 300, "%s:%u", s->login.host ? s->login.host : "localhost", s->login.port ? s->login.port : 3306);
}

bool seed_links_by_gtid(const struct seed_link *l)
{
	if (l->position == POSITION_FILE)
		return l->channel && l->channel->mode == MODE_MYSQL_GTID;
	/* A channel that ignores whole domains never gets their GTIDs. */
	const json_t *f = l->channel ? l->channel->filters : NULL;
	return !f || (!json_object_get(f, "Replicate_Do_Domain_Ids") && !json_object_get(f, "Replicate_Ignore_Domain_Ids"));
}

static const struct seed_source *source_for(const struct seed_options *o, const char *channel, size_t nchannels)
{
	for (size_t i = 0; i < o->nsources; i++) {
		const char *named = o->source[i].channel ? o->source[i].channel : "";
		if (strcmp(named, channel) == 0 || (!*named && nchannels == 1))
			return &o->source[i];
	}
	return NULL;
}

static enum status need_coordinates(struct seed_link *l, struct error *err)
{
	const struct checkpoint_channel *c = l->channel;
	if (c->coordinates != COORDINATES_PROVEN || !c->exec_file || !*c->exec_file)
		return seed_refuse(err, "take the snapshot again; where GTIDs are on at the source, seed with auto-position",
		                   "the snapshot's coordinates of %s cannot be used: %s", seed_links_label(l->name),
		                   c->coordinates_why ? c->coordinates_why : "they were not proven");
	l->position = POSITION_FILE;
	l->file = c->exec_file;
	l->pos = c->exec_pos;
	return ST_OK;
}

static bool gtid_on(const struct checkpoint *cp)
{
	return cp->gtid_mode && strcmp(cp->gtid_mode, "ON") == 0;
}

/* The way of the snapshotted channel, except that a channel with GTIDs and no usable coordinates can ask by GTID all the same. */
static enum status position_of_channel(const struct checkpoint *cp, struct seed_link *l, struct error *err)
{
	switch (l->channel->mode) {
	case MODE_MYSQL_AUTO:
		l->position = POSITION_AUTO;
		return ST_OK;
	case MODE_MARIADB_GTID:
		l->position = POSITION_MARIADB_SLAVE_POS;
		return ST_OK;
	case MODE_MYSQL_GTID:
		if (l->channel->coordinates != COORDINATES_PROVEN && gtid_on(cp)) {
			l->position = POSITION_AUTO;
			return ST_OK;
		}
		return need_coordinates(l, err);
	default:
		return need_coordinates(l, err);
	}
}

static bool mariadb_by_gtid(const struct checkpoint *cp)
{
	for (size_t i = 0; i < cp->nchannels; i++)
		if (cp->channel[i].mode != MODE_MARIADB_GTID)
			return false;
	return cp->gtid_binlog_pos && *cp->gtid_binlog_pos;
}

static enum status pair_with_snapshotted(struct seed_job *j, struct error *err)
{
	const struct checkpoint *cp = j->cp;
	if (j->o->nsources != 1)
		return seed_refuse(err, "give one --source: the address of the snapshotted server", "a replica of the snapshotted server has one source, not %zu",
		                   j->o->nsources);
	if (!cp->log_bin || !cp->binlog_file || !*cp->binlog_file)
		return seed_refuse(err, "seed from the source it replicates from", "the snapshotted server has no binary log to replicate from");
	if (cp->nchannels && !cp->log_replica_updates)
		return seed_refuse(err, "leave out --from-replica and seed from the source it replicates from",
		                   "the snapshotted server does not log what it replicates (log_replica_updates is OFF)");
	j->link = calloc(1, sizeof *j->link);
	if (!j->link)
		return error_oom(err);
	j->nlinks = 1;
	struct seed_link *l = &j->link[0];
	*l = (struct seed_link){ .source = &j->o->source[0], .name = j->o->source[0].channel ? j->o->source[0].channel : "",
		                 .position = POSITION_FILE, .file = cp->binlog_file, .pos = cp->binlog_pos };
	seed_links_address(l->source, l->address);
	if (gtid_on(cp))
		l->position = POSITION_AUTO;
	else if (cp->server.flavor == FLAVOR_MARIADB && mariadb_by_gtid(cp))
		l->position = POSITION_MARIADB_SLAVE_POS;
	return ST_OK;
}

static enum status no_source_for(const struct seed_job *j, const char *channel, struct error *err)
{
	struct buf hint = BUF_INIT(400);
	if (j->cp->nchannels == 1)
		return seed_refuse(err, "it is the only channel: give --source HOST:PORT", "no --source for %s", seed_links_label(channel));
	buf_adds(&hint, "the snapshot has channels:");
	for (size_t i = 0; i < j->cp->nchannels; i++)
		buf_addf(&hint, " '%s'", j->cp->channel[i].name);
	buf_adds(&hint, "; give --source CHANNEL=HOST:PORT for each");
	seed_refuse(err, hint.bad ? "give --source CHANNEL=HOST:PORT for each channel" : buf_str(&hint), "no --source for %s",
	            seed_links_label(channel));
	buf_free(&hint);
	return ST_FAILED;
}

static enum status sources_have_channels(const struct seed_job *j, struct error *err)
{
	for (size_t i = 0; i < j->o->nsources; i++) {
		bool used = false;
		for (size_t k = 0; k < j->nlinks; k++)
			used = used || j->link[k].source == &j->o->source[i];
		if (!used)
			return seed_refuse(err, "slackwater info shows the channels of a snapshot", "the snapshot has no channel '%s', or it was given two sources",
			                   j->o->source[i].channel ? j->o->source[i].channel : "");
	}
	return ST_OK;
}

enum status seed_links_none(struct seed_job *j)
{
	j->from_replica = j->cp->nchannels == 0;
	return ST_OK;
}

enum status seed_links_pair(struct seed_job *j, struct error *err)
{
	const struct checkpoint *cp = j->cp;
	j->from_replica = j->o->from_replica || cp->nchannels == 0;
	if (j->from_replica)
		return pair_with_snapshotted(j, err);
	j->link = calloc(cp->nchannels, sizeof *j->link);
	if (!j->link)
		return error_oom(err);
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < cp->nchannels; i++) {
		struct seed_link *l = &j->link[j->nlinks++];
		*l = (struct seed_link){ .channel = &cp->channel[i], .name = cp->channel[i].name ? cp->channel[i].name : "" };
		l->source = source_for(j->o, l->name, cp->nchannels);
		if (!l->source)
			return no_source_for(j, l->name, err);
		seed_links_address(l->source, l->address);
		st = position_of_channel(cp, l, err);
	}
	return st ? st : sources_have_channels(j, err);
}
