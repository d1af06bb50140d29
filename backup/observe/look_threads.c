/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers where only the processlist shows them (MariaDB, MySQL up to 5.6): threads of "system user". It does not say whose channel
 * they work for, and before MariaDB's Slave_worker not even which of them are workers: what a thread says it does tells.
 */
#include <string.h>
#include <strings.h>

#include "observe/look.h"

enum { STATEMENT_MAX = 200, TEXT_MAX = 512 };

static bool begins_with_one_of(const char *s, const char *const *words)
{
	for (; *words; words++)
		if (strncasecmp(s, *words, strlen(*words)) == 0)
			return true;
	return false;
}

/* The receiver's and the coordinator's own states, in old and new words; 5.6 cuts them at 64 characters. */
static bool is_no_worker(const char *state)
{
	static const char *const others[] = {
		"Waiting for master", "Waiting for source", "Waiting to reconnect", "Connecting to", "Reconnecting after",
		"Checking master", "Checking source", "Registering", "Requesting binlog", "Queueing", "Waiting for the slave",
		"Waiting for the replica", "Waiting for slave", "Waiting for replica", "Slave has read all", "Replica has read all",
		"Reading event from the relay log", "Waiting for the next event in relay log", "Waiting until",
		"Waiting for dependent transaction", "Waiting for applier metadata", NULL,
	};
	return begins_with_one_of(state, others);
}

bool look_state_is_idle(const char *state)
{
	static const char *const idle[] = { "Waiting for an event from Coordinator", "Waiting for work from SQL thread",
		                            "Slave has read all", "Replica has read all", NULL };
	return !state || !*state || begins_with_one_of(state, idle);
}

void look_age(const struct look *l, struct observed_worker *w)
{
	for (size_t i = 0; i < l->flight->n; i++) {
		const struct inflight_item *it = &l->flight->item[i];
		if (it->thread != w->thread || it->age_ms < w->age_ms)
			continue;
		w->age_ms = it->age_ms;
		w->age_max_ms = it->age_max_ms == INFLIGHT_UNKNOWN ? OBSERVE_UNKNOWN : it->age_max_ms;
	}
}

static enum status take_thread(struct look *l, const struct rows *r, struct error *err)
{
	struct observation *o = l->o;
	struct observed_channel *only = o->nchannels == 1 ? &o->channel[0] : NULL;
	const char *command = rows_get(r, "COMMAND"), *state = rows_get(r, "STATE");
	state = state ? state : "";
	bool known = command && strncasecmp(command, "Slave_", 6) == 0;
	/* Without parallel workers the applier's own thread is the one that works. */
	bool single = known && l->in->workers == 0 && strcasecmp(command, "Slave_SQL") == 0;
	if (known ? strcasecmp(command, "Slave_worker") != 0 && !single : is_no_worker(state))
		return ST_OK;
	struct observed_worker *w = only ? look_add_worker(&only->worker, &only->nworkers, err)
	                                 : look_add_worker(&o->pool, &o->npool, err);
	if (!w)
		return ST_FATAL;
	w->thread = rows_u64(r, "ID", 0);
	w->running = true;
	w->busy = !look_state_is_idle(state);
	if (w->busy)
		look_age(l, w);
	enum status st = look_text(&w->state, state, TEXT_MAX, err);
	return st ? st : look_text(&w->statement, rows_get(r, "INFO"), STATEMENT_MAX, err);
}

enum status look_threads(struct look *l, struct error *err)
{
	struct error why = ERROR_INIT;
	struct rows *r = NULL;
	bool more = false;
	enum status st = conn_query(l->c,
	                            "SELECT ID, COMMAND, STATE, INFO FROM information_schema.processlist "
	                            "WHERE USER = 'system user' AND COMMAND <> 'Daemon' ORDER BY ID",
	                            &r, &why);
	while (!st && !(st = rows_next(r, &more, &why)) && more)
		st = take_thread(l, r, &why);
	rows_free(r);
	return st ? look_refused(l, &why, "workers", "PROCESS", err) : ST_OK;
}
