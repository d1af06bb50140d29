/* SPDX-License-Identifier: Apache-2.0 */
#include "checksum.h"

#include <stdio.h>
#include <string.h>

#include "checksum_table.h"
#include "stand.h"
#include "until.h"

enum { CHECKSUM_ATTEMPTS = 10, CHECKSUM_POLL_MS = 200, CHECKSUM_NAMES = 10 };

struct comparison {
	struct seed_job *j;
	struct conn *replica;
	struct seed_stand agreed;
	struct strlist different;
	struct strlist beyond; /* tables that agree but for rows that could not be compared */
	struct seed_tables left; /* what the agreements before did not compare */
};

enum status seed_checksum_check(struct seed_job *j, struct error *err)
{
	struct conn *c = NULL;
	if (!j->o->checksum)
		return ST_OK;
	enum status st = conn_open(&c, &j->o->checksum_server, 0, j->run, err);
	if (st && err->kind != ERR_INTERRUPTED) {
		err->kind = ERR_SEED_REFUSED;
		error_prefix(err, "--checksum");
	}
	if (!st && strcmp(c->server.identity, j->cp->server.identity) != 0)
		st = seed_refuse(err, "give the address of the server that the snapshot was taken of", "--checksum names %s, the snapshot is of %s",
		                 c->server.identity, j->cp->server.identity);
	conn_free(c);
	return st;
}

/* Its metadata lock keeps DDL off it until the snapshot is given up. A table that is not there is a finding, which is made later. */
static enum status hold_table(struct comparison *k, const char *schema, const char *table, struct error *err)
{
	struct buf sql = BUF_INIT(BUF_MAX_SQL);
	buf_adds(&sql, "SELECT 1 FROM ");
	sql_ident(&sql, schema);
	buf_addc(&sql, '.');
	sql_ident(&sql, table);
	buf_adds(&sql, " LIMIT 0");
	enum status st = conn_exec(k->replica, buf_str(&sql), err);
	buf_free(&sql);
	return st && err->my_errno == 1146 ? ST_OK : st;
}

/*
 * In the window: the same moment as the stand that it proves. What DDL kept from being compared before is held at once, while the applier is still;
 * not everything: DDL would then wait in the applier for as long as it takes to read all.
 */
static enum status open_snapshot(void *arg, const struct checkpoint *cp, struct run *run, struct error *err)
{
	struct comparison *k = arg;
	(void)cp;
	(void)run;
	enum status st = conn_exec(k->replica, "ROLLBACK", err);
	if (!st)
		st = conn_exec_strict(k->replica, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY", err);
	for (size_t i = 0; !st && i < k->left.table.n; i++)
		st = hold_table(k, k->left.schema.item[i], k->left.table.item[i], err);
	return st;
}

/* What a snapshot does not hold is not compared. */
static bool only_innodb(void *arg)
{
	(void)arg;
	return false;
}

static void drop_snapshot(void *arg)
{
	struct comparison *k = arg;
	(void)conn_exec(k->replica, "ROLLBACK", NULL);
}

static enum status fix_replica(struct comparison *k, struct error *err)
{
	struct window_capture in_the_window = { .capture = open_snapshot, .beyond_innodb = only_innodb, .drop = drop_snapshot, .arg = k };
	struct checkpoint *cp = NULL;
	seed_stand_free(&k->agreed);
	const struct seed_options *o = k->j->o;
	struct claim_how how = { o->window.state_dir, o->wait_lock_ms, o->window.no_guard };
	struct claim *claim = NULL;
	enum status st = ST_OK;
	if (o->window.state_dir)
		st = claim_take(&how, &o->checksum_server, &k->replica->server, k->j->run, &claim, err);
	if (!st)
		st = window_run(&o->checksum_server, &o->window, &in_the_window, k->j->run, &cp, err);
	claim_free(claim);
	if (!st)
		st = seed_stand_of_checkpoint(k->j, cp, &k->agreed, err);
	checkpoint_free(cp);
	return st;
}

static enum status wait_for_replica(struct comparison *k, const struct seed_stand *seed, struct error *err)
{
	struct seed_job *j = k->j;
	int64_t limit = run_now_ms(j->run) + j->o->catch_up_timeout_ms;
	bool there = false;
	enum status st = ST_OK;
	while (!st && !there) {
		struct seed_stand replica = { 0 };
		st = seed_stand_of_replica(j, k->replica, &replica, err);
		if (!st)
			st = seed_stand_reached(j, &replica, seed, &there, err);
		seed_stand_free(&replica);
		if (!st && !there && run_now_ms(j->run) > limit) {
			st = error_set(err, ST_FAILED, ERR_NOT_PROVEN, "the snapshotted server does not reach what the seed has applied");
			error_hint(err, "does it replicate, and from the same source?");
		}
		if (!st && !there)
			st = run_sleep_ms(j->run, CHECKSUM_POLL_MS, err);
	}
	return st;
}

/* Both at the same transaction; ST_RETRY: the seed went beyond. */
static enum status agree(struct comparison *k, struct error *err)
{
	struct seed_stand seed = { 0 };
	bool exact = false;
	/* A snapshot of before would keep DDL from being applied there, and so the next window from coming. */
	enum status st = conn_exec(k->replica, "ROLLBACK", err);
	if (!st)
		st = seed_until_stop(k->j, err);
	if (!st)
		st = seed_stand_of_seed(k->j, &seed, err);
	if (!st)
		st = wait_for_replica(k, &seed, err);
	if (!st)
		st = fix_replica(k, err);
	if (!st)
		st = seed_until_reach(k->j, &k->agreed, k->j->o->catch_up_timeout_ms, &exact, err);
	if (!st && !exact)
		st = error_set(err, ST_RETRY, ERR_NOT_PROVEN, "the seed cannot be brought to the very transaction of the snapshotted server");
	seed_stand_free(&seed);
	return st;
}

/* ---- comparing ---- */

/*
 * The seed stands still, so its list of tables is the one at the agreed transaction; the replica goes on behind its snapshot. A DDL there makes a
 * table unreadable in the snapshot (1412) or takes it (1146) or a column (1054) away: not a difference, but to be compared at a next agreement.
 */
static bool overtaken(const struct error *err)
{
	return err->my_errno == 1412 || err->my_errno == 1146 || err->my_errno == 1054;
}

/*
 * Nor what DDL changes without an error: MySQL 5.6 truncates in place, and the snapshot then sees an empty table; a column that is added in an instant
 * can be read in the snapshot of before.
 */
static bool doubtful(const struct seed_sum *here, const struct seed_sum *there)
{
	return there->rows == 0 || here->columns != there->columns;
}

/* Asked in the order of the list: *at, 0 at first, goes on from one call to the next. */
static bool listed(const struct seed_tables *t, size_t *at, const char *schema, const char *table)
{
	for (; *at < t->table.n; ++*at) {
		int order = strcmp(t->schema.item[*at], schema);
		if (order == 0)
			order = strcmp(t->table.item[*at], table);
		if (order >= 0)
			return order == 0;
	}
	return false;
}

/* Of a snapshot in part only what it holds can be the same. */
static bool counts(const struct comparison *k, const char *schema, const char *table)
{
	const struct loader *l = k->j->loader;
	return !k->j->manifest->partial || l->ops->holds(l, schema, table);
}

static enum status once_more(struct seed_tables *again, const char *schema, const char *table, struct error *err)
{
	enum status st = strlist_add(&again->schema, schema, err);
	return st ? st : strlist_add(&again->table, table, err);
}

/* held: since the agreement, so that what the replica says of it is believed. */
static enum status compare_table(struct comparison *k, const char *schema, const char *table, bool held, struct seed_tables *again,
                                 struct error *err)
{
	struct seed_sum here, there;
	enum status st = seed_checksum_table(k->replica, schema, table, true, &there, err);
	if (st && overtaken(err)) {
		st = conn_exec(k->replica, "ROLLBACK TO SAVEPOINT slackwater", err);
		return st ? st : once_more(again, schema, table, err);
	}
	if (!st && !*there.text && !held)
		return once_more(again, schema, table, err);
	if (!st)
		st = seed_checksum_table(k->j->target, schema, table, false, &here, err);
	if (st)
		return st;
	bool whole = !here.beyond && !there.beyond;
	if (whole && strcmp(here.text, there.text) == 0)
		k->j->report->checksum_tables++;
	else if (!held && doubtful(&here, &there))
		return once_more(again, schema, table, err);
	else if (!whole && *there.text && here.rows == there.rows) /* a limit that differs makes another sum of the same rows */
		st = strlist_addf(&k->beyond, err, "%s.%s (%llu rows)", schema, table, (unsigned long long)(here.beyond > there.beyond ? here.beyond : there.beyond));
	else
		st = strlist_addf(&k->different, err, "%s.%s (seed: %s; snapshotted server: %s)", schema, table, here.text,
		                  *there.text ? there.text : "absent");
	return st;
}

/* One that the seed lacks: created behind the snapshot, which then cannot read it, or missing indeed. */
static enum status check_absent(struct comparison *k, const char *schema, const char *table, struct error *err)
{
	struct seed_sum there;
	enum status st = seed_checksum_table(k->replica, schema, table, true, &there, err);
	if (st && overtaken(err))
		return conn_exec(k->replica, "ROLLBACK TO SAVEPOINT slackwater", err);
	if (!st && *there.text)
		st = strlist_addf(&k->different, err, "%s.%s (only on the snapshotted server)", schema, table);
	return st;
}

static enum status compare_here(struct comparison *k, const struct seed_tables *here, const struct seed_tables *only, struct seed_tables *again,
                                struct error *err)
{
	enum status st = ST_OK;
	size_t at = 0;
	for (size_t i = 0; !st && i < here->table.n; i++) {
		const char *schema = here->schema.item[i], *table = here->table.item[i];
		st = run_check(k->j->run, err);
		if (!st && (!only || listed(only, &at, schema, table)))
			st = compare_table(k, schema, table, only != NULL, again, err);
		event_progress(k->j->run->events, "checksum", 0, 0, i + 1, here->table.n);
	}
	return st;
}

static enum status compare_there(struct comparison *k, const struct seed_tables *here, struct error *err)
{
	struct seed_tables there = { 0 };
	struct strlist others = { 0 };
	size_t at = 0;
	enum status st = seed_checksum_table_list(k->replica, k->j->loader->ops->schemas(k->j->loader), &there, &others, err);
	for (size_t i = 0; !st && i < there.table.n; i++) {
		const char *schema = there.schema.item[i], *table = there.table.item[i];
		if (!listed(here, &at, schema, table) && counts(k, schema, table))
			st = check_absent(k, schema, table, err);
	}
	if (!st && others.n)
		seed_warn(k->j, "%zu sequences and tables in other engines than InnoDB were not compared (%s%s): no snapshot covers them", others.n, others.item[0],
		          others.n > 1 ? ", ..." : "");
	seed_checksum_table_list_free(&there);
	strlist_free(&others);
	return st;
}

/* only: what an earlier agreement left over; NULL at the first. */
static enum status compare(struct comparison *k, const struct seed_tables *only, struct seed_tables *again, struct error *err)
{
	struct seed_tables here = { 0 };
	enum status st = seed_checksum_table_list(k->j->target, k->j->loader->ops->schemas(k->j->loader), &here, NULL, err);
	if (!st)
		st = compare_here(k, &here, only, again, err);
	if (!st && !only)
		st = compare_there(k, &here, err);
	seed_checksum_table_list_free(&here);
	return st;
}

static enum status judge(struct comparison *k, struct error *err)
{
	struct buf names = BUF_INIT(900);
	if (k->beyond.n)
		seed_warn(k->j, "%zu tables were not compared, since rows of theirs are longer than max_allowed_packet on one of the servers: %s%s", k->beyond.n,
		          k->beyond.item[0], k->beyond.n > 1 ? ", ..." : "");
	if (!k->different.n)
		return ST_OK;
	for (size_t i = 0; i < k->different.n && i < CHECKSUM_NAMES; i++)
		buf_addf(&names, "%s%s", i ? ", " : "", k->different.item[i]);
	error_set(err, ST_FAILED, ERR_NOT_PROVEN, "%zu tables differ from the snapshotted server: %s", k->different.n,
	          names.bad ? k->different.item[0] : buf_str(&names));
	error_hint(err, "do not use the seed; take a new snapshot and seed with --replace");
	buf_free(&names);
	return ST_FAILED;
}

/* Agreements until nothing is left over. */
static enum status compare_all(struct comparison *k, struct error *err)
{
	enum status st = ST_RETRY;
	bool first = true;
	for (unsigned i = 0; st == ST_RETRY && i < CHECKSUM_ATTEMPTS; i++) {
		struct seed_tables again = { 0 };
		st = agree(k, err);
		if (st)
			continue;
		st = compare(k, first ? NULL : &k->left, &again, err);
		first = false;
		seed_checksum_table_list_free(&k->left);
		k->left = again;
		if (!st && again.table.n)
			st = error_set(err, ST_RETRY, ERR_NOT_PROVEN, "DDL on %s.%s and %zu more tables kept them from being compared", again.schema.item[0],
			               again.table.item[0], again.table.n - 1);
	}
	if (st == ST_RETRY)
		st = error_set(err, ST_FAILED, ERR_NOT_PROVEN, "the checksums came to no end in %d attempts: %s", CHECKSUM_ATTEMPTS, err->message);
	return st;
}

enum status seed_checksum(struct seed_job *j, struct error *err)
{
	struct comparison k = { .j = j };
	struct error second = ERROR_INIT;
	j->report->checksum_tables = 0;
	enum status st = conn_open(&k.replica, &j->o->checksum_server, CONN_NO_TIMEOUT, j->run, err);
	if (!st)
		st = compare_all(&k, err);
	conn_free(k.replica);
	enum status resumed = seed_until_resume(j, st ? &second : err);
	if (!st)
		st = resumed ? resumed : judge(&k, err);
	seed_stand_free(&k.agreed);
	seed_checksum_table_list_free(&k.left);
	strlist_free(&k.different);
	strlist_free(&k.beyond);
	return st;
}
