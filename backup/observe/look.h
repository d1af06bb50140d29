/* SPDX-License-Identifier: Apache-2.0 */
/*
 * look: one look at a server, step by step. Each step fills its part of the observation; what the account may not read becomes a
 * note and the step goes on without it.
 */
#pragma once

#include "applier/channels.h"
#include "applier/inflight.h"
#include "slackwater/observe.h"

struct look {
	struct conn *c;
	const struct instance *in;
	const struct observe_options *opt;
	struct inflight *flight;  /* of the look before; ages go on from there */
	int64_t now_ms;           /* monotonic */
	bool component;           /* the metrics component's tables are there */
	struct observation *o;
};

enum status look_settings(struct look *l, struct error *err);
/* Channels, gaps, distances. */
enum status look_channels(struct look *l, struct error *err);
/* Workers of all channels: from performance_schema where it has them, else ... */
enum status look_workers(struct look *l, struct error *err);
/* ... from the processlist and InnoDB. */
enum status look_threads(struct look *l, struct error *err);
/* Those of them that wait for a row lock. */
enum status look_row_locks(struct look *l, struct error *err);
/* The counters of waiting; sets component. Before look_workers. */
enum status look_waits(struct look *l, struct error *err);

/* Does a worker whose thread says so wait for work? */
bool look_state_is_idle(const char *state);
/* Its age, where only what is in flight by thread tells of it. */
void look_age(const struct look *l, struct observed_worker *w);
/* A refusal for want of a right becomes the note "WHAT: not shown, the account lacks RIGHT" and ST_OK; any other failure is passed on. */
enum status look_refused(struct look *l, const struct error *why, const char *what, const char *right, struct error *err);
struct observed_channel *look_channel(const struct observation *o, const char *name); /* NULL = none */
/* A new worker at the end of the list, all figures unknown; NULL and err when out of memory. */
struct observed_worker *look_add_worker(struct observed_worker **list, size_t *n, struct error *err);
/* A copy of s in *slot, cut to max bytes at a character's beginning; NULL and "" give NULL. */
enum status look_text(char **slot, const char *s, size_t max, struct error *err);
int64_t look_number(const struct rows *r, const char *col); /* OBSERVE_UNKNOWN when NULL or no such column */
