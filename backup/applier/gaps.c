/* SPDX-License-Identifier: Apache-2.0 */
#include "applier/gaps.h"

#include <stdlib.h>
#include <string.h>

#include "applier/logname.h"
#include "slackwater/slot.h"

void gaps_free(struct gaps *g)
{
	for (size_t i = 0; i < g->n; i++) {
		free(g->item[i].channel);
		free(g->item[i].text);
		gtid_set_free(g->item[i].set);
		free(g->item[i].lwm.file);
		free(g->item[i].target.file);
	}
	free(g->item);
	free(g->holes);
	free(g->permanent);
	*g = (struct gaps){ 0 };
}

const struct gap *gaps_find(const struct gaps *g, const char *channel)
{
	for (size_t i = 0; i < g->n; i++) {
		if (g->item[i].channel && strcmp(g->item[i].channel, channel) == 0)
			return &g->item[i];
	}
	return NULL;
}

enum status gaps_read(struct conn *c, const struct instance *in, struct channels *ch, struct gaps *ret, struct error *err)
{
	struct gaps g = { .n = ch->n };
	enum status st = ST_OK;
	if (ch->n && !(g.item = calloc(ch->n, sizeof *g.item)))
		return error_oom(err);
	for (size_t i = 0; !st && i < g.n; i++)
		st = slot_set(&g.item[i].channel, ch->item[i].cp.name, err);
	if (!st && in->server.flavor == FLAVOR_MYSQL) {
		st = gaps_by_gtid(ch, &g, err);
		if (!st)
			st = gaps_by_rows(c, in, ch, &g, err);
	}
	for (size_t i = 0; i < g.n; i++) {
		g.known += g.item[i].known;
		g.unknown = g.unknown || g.item[i].unknown;
	}
	g.unknown = g.unknown || g.holes;
	if (st) {
		gaps_free(&g);
		return st;
	}
	gaps_free(ret);
	*ret = g;
	return ST_OK;
}

bool gaps_one_closed(const struct gap *was, const struct gap *now, const struct gtid_set *executed)
{
	const struct gaps_at *to = &was->target;
	if (was->set && !gtid_set_contains(executed, was->set))
		return false;
	return !to->file || (now && now->lwm.file && logname_compare_at(now->lwm.file, now->lwm.pos, to->file, to->pos) >= 0);
}

enum status gaps_closed(const struct gaps *was, const struct gaps *now, const struct channels *ch, bool *ret,
                        struct error *err)
{
	struct gtid_set *executed = NULL;
	bool closed = was->n == now->n && !now->holes;
	enum status st = gtid_set_parse(ch->executed_set ? ch->executed_set : "", &executed, err);
	for (size_t i = 0; !st && closed && i < was->n; i++)
		closed = gaps_one_closed(&was->item[i], was->item[i].channel ? gaps_find(now, was->item[i].channel) : NULL, executed);
	gtid_set_free(executed);
	if (!st)
		*ret = closed;
	return st;
}

/*
 * With the relay log read to its end nothing is left to fill, even where slave_checkpoint_period lets the mark lag for long. Nor is there when
 * the coordinator waits for a worker ("Waiting for Slave Worker to release partition", "... Slave Worker queue"): it fills by itself.
 */
static bool is_beyond(const struct channel *ch)
{
	return ch->sql_state && (strstr(ch->sql_state, "has read all relay log") || strstr(ch->sql_state, " Worker"));
}

bool gaps_filling(const struct gap *was, const struct channel *ch)
{
	const struct gaps_at *to = &was->target;
	if (!was->workers_ahead || !to->file || !ch->sql_running || !ch->cp.exec_file || is_beyond(ch))
		return false;
	return logname_compare_at(ch->cp.exec_file, ch->cp.exec_pos, to->file, to->pos) < 0;
}

enum status gaps_describe(const struct gaps *g, const struct channels *ch, struct strlist *ret, struct error *err)
{
	char label[160];
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < g->n; i++) {
		const struct channel *one = g->item[i].text ? channels_find(ch, g->item[i].channel) : NULL;
		if (one)
			st = strlist_addf(ret, err, "%s: %s", channels_label(&one->cp, label), g->item[i].text);
	}
	if (!st && g->holes)
		st = strlist_addf(ret, err, "gtid_executed has holes that no channel has received: %s", g->holes);
	return st;
}
