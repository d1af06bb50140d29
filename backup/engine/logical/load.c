/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loading half of the logical engine:
 *
 *   plan    metadata and index -> what there is, in which order; held against the target
 *   load    server settings -> schemas -> tables without secondary indexes -> rows, indexes behind them -> everything else
 *   finish  server settings back
 */
#include <stdlib.h>
#include <string.h>

#include "load_accounts.h"
#include "load_check.h"
#include "load_data.h"
#include "load_objects.h"
#include "load_plan.h"
#include "load_programs.h"
#include "load_server.h"
#include "load_session.h"

struct load_logical {
	struct loader base;
	struct store *store;
	const struct manifest *manifest;
	const struct stream_index *index;
	const struct conn_options *target;
	const struct loader_options *o;
	struct load_plan plan;
	struct load_server server;
	struct run shield;  /* of the session below: no cancel may keep the settings from being put back */
	struct conn *admin; /* opened before anything is changed: the accounts that are loaded may change who may log in */
	struct load_data data;
	int64_t elapsed_ms;
	bool loaded;
};

static enum status check_accounts(struct load_logical *l, struct conn *target, struct error *err)
{
	struct buf text = { .max = 1, .secret = 1 };
	if (!l->o->users || !l->plan.layout->users)
		return ST_OK;
	enum status st = load_plan_read(&l->plan, stream_index_find(l->plan.index, LAYOUT_USERS), &text, err);
	if (!st)
		st = load_accounts_check(&text, target, l->o->server, err);
	buf_free(&text);
	return st;
}

static enum status logical_plan(struct loader *base, struct conn *target, struct run *run, struct error *err)
{
	struct load_logical *l = (struct load_logical *)base;
	enum status st = load_plan_build(l->store, l->manifest, l->index, &l->plan, err);
	if (!st)
		st = load_check_tables(&l->plan, l->o->server, target, run, err);
	if (!st)
		st = load_programs_check(&l->plan, target, l->o->lenient, err);
	if (!st)
		st = load_server_check_packet(target, l->manifest->largest_statement, err);
	return st ? st : check_accounts(l, target, err);
}

static enum status load_tables(struct load_logical *l, struct load_pool *pool, struct error *err)
{
	enum status st = load_data_create(&l->data, pool, err);
	return st ? st : load_data_rows(&l->data, pool, l->o->threads, err);
}

static enum status begin(struct load_logical *l, struct run *run, struct error *err)
{
	enum status st = l->shield.clock ? ST_OK : run_shield(&l->shield, run, err);
	if (!st && !l->admin)
		st = conn_open(&l->admin, l->target, CONN_NO_TIMEOUT | CONN_SHIELDED, &l->shield, err);
	return st ? st : load_server_begin(&l->server, l->admin, l->manifest->largest_statement, l->o->keep_redo_log, err);
}

/* A session of its own for what sets modes and character sets as it goes. */
static enum status with_session(struct load_logical *l, struct run *run, bool schemas, struct error *err)
{
	struct conn *c = NULL;
	enum status st = load_session_open(l->target, run, &c, err);
	if (!st)
		st = schemas ? load_objects_schemas(&l->plan, c, l->o, err) : load_objects_rest(&l->plan, c, l->o, run, err);
	conn_free(c);
	return st;
}

static enum status logical_load(struct loader *base, struct run *run, struct error *err)
{
	struct load_logical *l = (struct load_logical *)base;
	struct load_pool *pool = NULL;
	int64_t begun = run_now_ms(run);
	l->data.plan = &l->plan;
	l->data.run = run;
	enum status st = begin(l, run, err);
	if (!st)
		st = with_session(l, run, true, err);
	if (!st)
		st = load_pool_new(l->target, l->o->threads, run, &pool, err);
	if (!st)
		st = load_tables(l, pool, err);
	load_pool_free(pool);
	if (!st)
		st = with_session(l, run, false, err);
	l->elapsed_ms = run_now_ms(run) - begun;
	l->loaded = !st;
	if (st && err->kind == ERR_PREFLIGHT)
		err->kind = ERR_SERVER; /* a right that was missing midway */
	return st;
}

static enum status logical_finish(struct loader *base, struct run *run, struct error *err)
{
	struct load_logical *l = (struct load_logical *)base;
	struct conn *fresh = NULL;
	enum status st = ST_OK;
	if (!l->server.redo_off && !l->server.packet_before)
		return ST_OK;
	if (l->admin)
		st = load_server_end(&l->server, l->admin, err);
	/* It was idle all the while, and only a statement finds out that it is gone. */
	if (!l->admin || l->admin->lost) {
		st = conn_open(&fresh, l->target, CONN_NO_TIMEOUT, run, err);
		if (!st)
			st = load_server_end(&l->server, fresh, err);
	}
	conn_free(fresh);
	return st;
}

static const struct strlist *logical_schemas(const struct loader *base)
{
	return &((const struct load_logical *)base)->plan.schemas;
}

static bool logical_holds(const struct loader *base, const char *schema, const char *table)
{
	const struct layout *l = ((const struct load_logical *)base)->plan.layout;
	for (size_t i = 0; !table && l && i < l->nschemas; i++)
		if (strcmp(l->schema[i].name, schema) == 0)
			return l->schema[i].whole;
	for (size_t i = 0; table && l && i < l->ntables; i++)
		if (strcmp(l->table[i].schema, schema) == 0 && strcmp(l->table[i].name, table) == 0)
			return true;
	return false;
}

static void logical_report(const struct loader *base, struct loader_report *ret)
{
	const struct load_logical *l = (const struct load_logical *)base;
	*ret = (struct loader_report){ .rows = atomic_load(&l->data.rows), .bytes = atomic_load(&l->data.bytes),
		                       .tables = l->loaded ? l->plan.layout->ntables : 0, .statements = atomic_load(&l->data.statements),
		                       .elapsed_ms = l->elapsed_ms };
}

static void logical_free(struct loader *base)
{
	struct load_logical *l = (struct load_logical *)base;
	conn_free(l->admin);
	run_destroy(&l->shield);
	load_plan_free(&l->plan);
	free(l);
}

static const struct loader_ops logical_loader = { logical_plan,    logical_load,  logical_finish, logical_schemas,
	                                          logical_holds,   logical_report, logical_free };

enum status loader_logical_new(struct store *store, const struct manifest *m, const struct stream_index *index,
                               const struct conn_options *target, const struct loader_options *o, struct loader **ret,
                               struct error *err)
{
	struct load_logical *l = calloc(1, sizeof *l);
	if (!l)
		return error_oom(err);
	*l = (struct load_logical){ .base = { &logical_loader }, .store = store, .manifest = m, .index = index, .target = target, .o = o };
	*ret = &l->base;
	return ST_OK;
}
