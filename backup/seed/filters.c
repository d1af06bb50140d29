/* SPDX-License-Identifier: Apache-2.0 */
#include "filters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Whether a column of the status, a variable or an option: the case of the letters is all that differs, and no server looks at it. */
static const char *const filter_names[FILTER_N] = {
	"replicate_do_db", "replicate_ignore_db", "replicate_do_table", "replicate_ignore_table", "replicate_wild_do_table", "replicate_wild_ignore_table",
};

void seed_filters_free(struct seed_filters *f)
{
	for (size_t i = 0; i < FILTER_N; i++)
		strlist_free(&f->rule[i]);
}

enum status seed_filters_add(struct seed_filters *f, enum seed_filter which, const char *rules, struct error *err)
{
	enum status st = ST_OK;
	while (!st && rules && *rules) {
		size_t n = strcspn(rules, ",");
		if (n)
			st = strlist_addf(&f->rule[which], err, "%.*s", (int)n, rules);
		rules += n;
		rules += *rules == ',';
	}
	return st;
}

/* ---- does it leave out what is missing? ---- */

struct table_rule { char schema[256], table[256]; };

static struct table_rule split_rule(const char *rule)
{
	struct table_rule r = { "", "" };
	size_t n = strcspn(rule, ".");
	memcpy(r.schema, rule, n < 255 ? n : 255);
	if (rule[n] == '.')
		snprintf(r.table, sizeof r.table, "%s", rule + n + 1);
	return r;
}

static bool has_wildcard(const char *s)
{
	for (; *s; s++) {
		if (*s == '\\' && s[1])
			s++;
		else if (*s == '%' || *s == '_')
			return true;
	}
	return false;
}

static void unescape(char *s)
{
	char *out = s;
	for (; *s; s++) {
		if (*s == '\\' && s[1])
			s++;
		*out++ = *s;
	}
	*out = '\0';
}

/* A rule that lets in only what the snapshot holds. An underscore is a wildcard too, and nearly always meant as itself. */
static bool wild_is_held(const char *rule, seed_filters_holds *holds, const void *arg)
{
	struct table_rule r = split_rule(rule);
	bool table_wild = has_wildcard(r.table);
	if (strchr(r.schema, '%'))
		return false;
	unescape(r.schema);
	unescape(r.table);
	return holds(arg, r.schema, table_wild ? NULL : r.table);
}

static bool about_accounts(const char *rule)
{
	struct table_rule r = split_rule(rule);
	return strcasecmp(r.schema, "mysql") == 0;
}

static const char *first_not_held(const struct seed_filters *f, seed_filters_holds *holds, const void *arg)
{
	for (size_t i = 0; i < f->rule[FILTER_DO_DB].n; i++)
		if (!holds(arg, f->rule[FILTER_DO_DB].item[i], NULL))
			return f->rule[FILTER_DO_DB].item[i];
	for (size_t i = 0; i < f->rule[FILTER_DO_TABLE].n; i++) {
		struct table_rule r = split_rule(f->rule[FILTER_DO_TABLE].item[i]);
		if (!holds(arg, r.schema, r.table))
			return f->rule[FILTER_DO_TABLE].item[i];
	}
	for (size_t i = 0; i < f->rule[FILTER_WILD_DO].n; i++)
		if (!wild_is_held(f->rule[FILTER_WILD_DO].item[i], holds, arg))
			return f->rule[FILTER_WILD_DO].item[i];
	return NULL;
}

/* Account statements are held against the table rules, as if they were about mysql.user. */
static bool accounts_left_out(const struct seed_filters *f)
{
	for (size_t i = 0; i < f->rule[FILTER_WILD_IGNORE].n; i++)
		if (about_accounts(f->rule[FILTER_WILD_IGNORE].item[i]))
			return true;
	for (size_t i = 0; i < f->rule[FILTER_IGNORE_TABLE].n; i++)
		if (strcasecmp(f->rule[FILTER_IGNORE_TABLE].item[i], "mysql.user") == 0)
			return true;
	bool positive = f->rule[FILTER_DO_TABLE].n + f->rule[FILTER_WILD_DO].n > 0;
	for (size_t i = 0; i < f->rule[FILTER_DO_TABLE].n; i++)
		positive = positive && !about_accounts(f->rule[FILTER_DO_TABLE].item[i]);
	for (size_t i = 0; i < f->rule[FILTER_WILD_DO].n; i++)
		positive = positive && !about_accounts(f->rule[FILTER_WILD_DO].item[i]);
	return positive;
}

void seed_filters_cover(const struct seed_filters *f, seed_filters_holds *holds, const void *arg, bool accounts, bool only_accounts,
                        struct buf *ret_why, bool *ret_unsure)
{
	bool positive = f->rule[FILTER_DO_DB].n + f->rule[FILTER_DO_TABLE].n + f->rule[FILTER_WILD_DO].n > 0;
	bool negative = f->rule[FILTER_IGNORE_DB].n + f->rule[FILTER_IGNORE_TABLE].n + f->rule[FILTER_WILD_IGNORE].n > 0;
	const char *not_held = first_not_held(f, holds, arg);
	*ret_unsure = false;
	if (!accounts && !accounts_left_out(f))
		buf_adds(ret_why, "it has no accounts, and the target would apply statements about them");
	else if (not_held && !only_accounts)
		buf_addf(ret_why, "the target lets in %s, which the snapshot does not hold in full", not_held);
	else if (!positive && !negative)
		buf_adds(ret_why, "the target has no replication filters");
	else
		*ret_unsure = !positive && !only_accounts;
}

/* ---- the target's own ---- */

static enum status read_mariadb(struct seed_job *j, struct seed_filters *f, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < FILTER_N; i++) {
		char *v = NULL;
		st = conn_variable(j->target, filter_names[i], &v, err);
		if (!st)
			st = seed_filters_add(f, (enum seed_filter)i, v, err);
		free(v);
	}
	return st;
}

static enum status read_mysql(struct seed_job *j, struct seed_filters *f, struct error *err)
{
	struct rows *r = NULL;
	bool more = false;
	enum status st = conn_query(j->target, "SELECT * FROM performance_schema.replication_applier_global_filters", &r, err);
	while (!st && !(st = rows_next(r, &more, err)) && more) {
		const char *name = rows_get(r, "FILTER_NAME"), *rule = rows_get(r, "FILTER_RULE");
		for (size_t i = 0; !st && name && i < FILTER_N; i++)
			if (strcasecmp(name, filter_names[i]) == 0)
				st = seed_filters_add(f, (enum seed_filter)i, rule, err);
	}
	rows_free(r);
	return st;
}

static enum status read_status(struct seed_job *j, struct seed_filters *f, struct error *err)
{
	struct buf sql = BUF_INIT(256);
	struct rows *r = NULL;
	bool more = false;
	dialect_show_status(&sql, &j->target->server);
	enum status st = conn_query(j->target, buf_str(&sql), &r, err);
	if (!st)
		st = rows_next(r, &more, err);
	for (size_t i = 0; !st && more && i < FILTER_N; i++)
		st = seed_filters_add(f, (enum seed_filter)i, rows_get(r, filter_names[i]), err);
	rows_free(r);
	buf_free(&sql);
	return st;
}

/*
 * 5.6 and 5.7 show their filters with a channel only. A target without one is told of a source that does not exist and made to forget it at
 * once; nothing is started.
 */
static enum status read_old(struct seed_job *j, struct seed_filters *f, struct error *err)
{
	struct buf reset = BUF_INIT(256);
	struct error second = ERROR_INIT;
	if (j->found.channels.n)
		return read_status(j, f, err);
	dialect_reset_replica_all(&reset, &j->target->server, "");
	enum status st = conn_exec(j->target, "CHANGE MASTER TO MASTER_HOST = 'slackwater.invalid'", err);
	if (!st)
		st = read_status(j, f, err);
	enum status forgotten = conn_exec_buf(j->target, &reset, st ? &second : err);
	buf_free(&reset);
	return st ? st : forgotten;
}

static bool loader_holds(const void *arg, const char *schema, const char *table)
{
	const struct loader *l = arg;
	return l->ops->holds(l, schema, table);
}

enum status seed_filters_check(struct seed_job *j, struct error *err)
{
	const char hint[] = "set replication filters on the target that leave out what the snapshot lacks, or seed from a full snapshot";
	struct seed_filters f = { 0 };
	struct buf why = BUF_INIT(1024), parts = BUF_INIT(1024);
	bool unsure = false, only_accounts = j->manifest->partial_why.n == 1 && !j->manifest->users;
	if (!j->manifest->partial)
		return ST_OK;
	for (size_t i = 0; i < j->manifest->partial_why.n; i++)
		buf_addf(&parts, "%s%s", i ? ", " : "", j->manifest->partial_why.item[i]);
	enum status st = ST_OK;
	if (seed_is_mariadb(j))
		st = read_mariadb(j, &f, err);
	else if (conn_is_mysql(j->target, 80000))
		st = read_mysql(j, &f, err);
	else
		st = read_old(j, &f, err);
	if (!st)
		seed_filters_cover(&f, loader_holds, j->loader, j->manifest->users, only_accounts, &why, &unsure);
	if (!st && why.len)
		st = seed_refuse(err, hint, "the snapshot is not whole (%s): %s", buf_str(&parts), buf_str(&why));
	if (!st && unsure)
		seed_warn(j, "the snapshot is not whole (%s); whether the target's ignore rules leave out all that it lacks cannot be known",
		          buf_str(&parts));
	seed_filters_free(&f);
	buf_free(&why);
	buf_free(&parts);
	return st;
}
