/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "slackwater/observe.h"

static void workers_clear(struct observed_worker *w, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(w[i].applying);
		free(w[i].statement);
		free(w[i].state);
		free(w[i].last_applied);
		free(w[i].error);
	}
	free(w);
}

static void channel_clear(struct observed_channel *ch)
{
	workers_clear(ch->worker, ch->nworkers);
	free(ch->name);
	free(ch->source_host);
	free(ch->receiver_error);
	free(ch->applier_error);
	free(ch->coordinator);
	free(ch->gap);
	free(ch->low_water_file);
	free(ch->received_file);
	free(ch->waits.logged_at);
	strlist_free(&ch->reasons);
}

void observation_free(struct observation *o)
{
	if (!o)
		return;
	for (size_t i = 0; i < o->nchannels; i++)
		channel_clear(&o->channel[i]);
	free(o->channel);
	workers_clear(o->pool, o->npool);
	free(o->executed_set);
	free(o->holes);
	strlist_free(&o->notes);
	free(o);
}
