/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gaps by GTID sets: received, not executed, below the highest executed one of the same UUID and tag.
 *
 * A hole that nobody has received is another matter. It may be a transaction that a broken applier lost together with its relay
 * log and that the receiver will fetch again, or one that never will come (a purged set with holes, a block of numbers of group
 * replication). It counts as permanent only when a connected receiver has gone past it: it has fetched later ones of that UUID, or,
 * for a UUID that it has fetched nothing of, it asked for all that was missing (by auto-position, or from the low-water mark on, behind
 * which everything lies that an applier can have lost) and was sent something else. With several sources every receiver has to have done so.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "applier/gaps.h"

/* *all: every hole below the highest executed ones; *holes: what of it has not been received by the channels looked at so far. */
static enum status by_channel(const struct channel *ch, const struct gtid_set *all, struct gtid_set *holes,
                              struct gap *g, struct error *err)
{
	struct gtid_set *received = NULL, *missing = NULL;
	struct buf text = BUF_INIT(BUF_MAX_SQL);
	enum status st = gtid_set_parse(ch->cp.received_set ? ch->cp.received_set : "", &received, err);
	if (!st)
		st = gtid_set_subtract(holes, received, err);
	if (!st)
		st = gtid_set_copy(all, &missing, err);
	if (!st)
		st = gtid_set_intersect(missing, received, err);
	if (!st && !gtid_set_empty(missing) && channels_mode_is_gtid(ch->cp.mode)) {
		g->known = gtid_set_count(missing);
		buf_addf(&text, "%" PRIu64 " transaction%s received and not applied: ", g->known, g->known == 1 ? "" : "s");
		gtid_set_format(missing, &text);
		st = buf_check(&text, "a GTID set", err);
		if (!st && !(g->text = buf_take(&text)))
			st = error_oom(err);
		g->set = missing;
		missing = NULL;
	}
	buf_free(&text);
	gtid_set_free(received);
	gtid_set_free(missing);
	return st;
}

/* What a connected receiver has gone past, out of holes, into permanent. */
static enum status gone_past(const struct channel *ch, struct gtid_set *holes, struct gtid_set *permanent,
                             struct error *err)
{
	struct gtid_set *received = NULL, *below = NULL;
	if (!ch->cp.io_running || !channels_mode_is_gtid(ch->cp.mode))
		return ST_OK;
	enum status st = gtid_set_parse(ch->cp.received_set ? ch->cp.received_set : "", &received, err);
	if (!st)
		st = gtid_set_holes(received, &below, err);
	if (!st)
		st = gtid_set_intersect(below, holes, err);
	if (!st)
		st = gtid_set_add_set(permanent, below, err);
	if (!st)
		st = gtid_set_subtract(holes, below, err);
	gtid_set_free(received);
	gtid_set_free(below);
	return st;
}

static bool mentions(const struct channels *ch, const char *uuid, size_t len)
{
	char key[64];
	if (len >= sizeof key)
		return true;
	memcpy(key, uuid, len);
	key[len] = '\0';
	for (size_t i = 0; i < ch->n; i++) {
		const char *received = ch->item[i].cp.received_set;
		if (received && strcasestr(received, key))
			return true;
	}
	return false;
}

/*
 * Has whoever could send that UUID's transactions been asked for all that is missing, and sent other things instead? The channel whose source
 * has written them tells; where none has, each channel may be the one that will bring them.
 */
static bool asked_for_all(const struct channels *ch, const char *uuid, size_t len)
{
	bool all = true;
	for (size_t i = 0; i < ch->n; i++) {
		const struct checkpoint_channel *cp = &ch->item[i].cp;
		if (!channels_mode_is_gtid(cp->mode))
			continue;
		bool asked = cp->io_running && cp->received_set && *cp->received_set;
		if (cp->source_uuid && strlen(cp->source_uuid) == len && strncasecmp(cp->source_uuid, uuid, len) == 0)
			return asked;
		all = all && asked;
	}
	return all;
}

/* The same for UUIDs that were not heard of since: each entry of the formatted set is one UUID's. */
static enum status never_sent(const struct channels *ch, struct gtid_set *holes, struct gtid_set *permanent,
                              struct error *err)
{
	char *text = NULL;
	if (gtid_set_empty(holes))
		return ST_OK;
	enum status st = gtid_set_text(holes, &text, err);
	char *rest = text, *e;
	while (!st && (e = strsep(&rest, ","))) {
		struct gtid_set *one = NULL;
		size_t len = strcspn(e, ":");
		if (mentions(ch, e, len) || !asked_for_all(ch, e, len))
			continue;
		st = gtid_set_parse(e, &one, err);
		if (!st)
			st = gtid_set_add_set(permanent, one, err);
		if (!st)
			st = gtid_set_subtract(holes, one, err);
		gtid_set_free(one);
	}
	free(text);
	return st;
}

static enum status sort_holes(const struct channels *ch, struct gtid_set *holes, struct gaps *g, struct error *err)
{
	struct gtid_set *permanent = NULL;
	enum status st = gtid_set_new(&permanent, err);
	for (size_t i = 0; !st && i < ch->n; i++)
		st = gone_past(&ch->item[i], holes, permanent, err);
	if (!st)
		st = never_sent(ch, holes, permanent, err);
	if (!st && !gtid_set_empty(holes))
		st = gtid_set_text(holes, &g->holes, err);
	if (!st && !gtid_set_empty(permanent))
		st = gtid_set_text(permanent, &g->permanent, err);
	gtid_set_free(permanent);
	return st;
}

enum status gaps_by_gtid(const struct channels *ch, struct gaps *g, struct error *err)
{
	struct gtid_set *executed = NULL, *all = NULL, *holes = NULL;
	bool any = false;
	for (size_t i = 0; i < ch->n; i++)
		any = any || channels_mode_is_gtid(ch->item[i].cp.mode);
	if (!any)
		return ST_OK;
	enum status st = gtid_set_parse(ch->executed_set ? ch->executed_set : "", &executed, err);
	if (!st)
		st = gtid_set_holes(executed, &all, err);
	if (!st)
		st = gtid_set_copy(all, &holes, err);
	for (size_t i = 0; !st && i < ch->n; i++)
		st = by_channel(&ch->item[i], all, holes, &g->item[i], err);
	if (!st)
		st = sort_holes(ch, holes, g, err);
	gtid_set_free(executed);
	gtid_set_free(all);
	gtid_set_free(holes);
	return st;
}
