/* SPDX-License-Identifier: Apache-2.0 */
/* The other half of filters.h: the filters of the snapshotted channel, given to the new one. */
#include <stdlib.h>
#include <string.h>

#include "filters.h"
#include "links.h"
#include "watch.h"

static const struct { const char *column, *name; enum { RULE_SCHEMAS, RULE_TABLES, RULE_PATTERNS, RULE_PAIRS } form; } carried[] = {
	{ "Replicate_Do_DB", "replicate_do_db", RULE_SCHEMAS },
	{ "Replicate_Ignore_DB", "replicate_ignore_db", RULE_SCHEMAS },
	{ "Replicate_Do_Table", "replicate_do_table", RULE_TABLES },
	{ "Replicate_Ignore_Table", "replicate_ignore_table", RULE_TABLES },
	{ "Replicate_Wild_Do_Table", "replicate_wild_do_table", RULE_PATTERNS },
	{ "Replicate_Wild_Ignore_Table", "replicate_wild_ignore_table", RULE_PATTERNS },
	{ "Replicate_Rewrite_DB", "replicate_rewrite_db", RULE_PAIRS },
};
/* These are part of the CHANGE statement. */
static const struct { const char *column, *option; } carried_ids[] = {
	{ "Replicate_Ignore_Server_Ids", "IGNORE_SERVER_IDS" },
	{ "Replicate_Do_Domain_Ids", "DO_DOMAIN_IDS" },
	{ "Replicate_Ignore_Domain_Ids", "IGNORE_DOMAIN_IDS" },
};

static const char *rules_of(const struct seed_link *l, const char *column)
{
	const json_t *v = l->channel && l->channel->filters ? json_object_get(l->channel->filters, column) : NULL;
	const char *s = v ? json_string_value(v) : NULL;
	return s ? s : "";
}

static void add_quoted(struct buf *b, const char *s, size_t n, bool ident)
{
	struct buf one = BUF_INIT(1024);
	buf_add(&one, s, n);
	if (ident)
		sql_ident(b, buf_str(&one));
	else
		sql_string(b, buf_str(&one));
	buf_free(&one);
}

static void add_mysql_rule(struct buf *b, const char *s, size_t n, int form)
{
	const char *dot = memchr(s, '.', n);
	if (form == RULE_PATTERNS) {
		add_quoted(b, s, n, false);
	} else if (form == RULE_TABLES && dot) {
		add_quoted(b, s, (size_t)(dot - s), true);
		buf_addc(b, '.');
		add_quoted(b, dot + 1, n - (size_t)(dot + 1 - s), true);
	} else {
		add_quoted(b, s, n, true);
	}
}

/* "(a,b),(c,d)" as the status shows it */
static void add_mysql_pairs(struct buf *b, const char *rules)
{
	bool second = false;
	for (const char *p = rules; *p;) {
		size_t n = strcspn(p, "(),");
		if (n) {
			buf_adds(b, second ? ", " : buf_str(b)[b->len - 1] == '(' ? "(" : ", (");
			add_quoted(b, p, n, true);
			if (second)
				buf_addc(b, ')');
			second = !second;
		}
		p += n;
		p += *p != '\0';
	}
}

static void carry_mysql(struct buf *b, size_t i, const char *rules)
{
	buf_addf(b, "CHANGE REPLICATION FILTER %s = (", carried[i].name);
	if (carried[i].form == RULE_PAIRS) {
		add_mysql_pairs(b, rules);
	} else {
		for (const char *p = rules; *p;) {
			size_t n = strcspn(p, ",");
			buf_adds(b, p > rules ? ", " : "");
			add_mysql_rule(b, p, n, (int)carried[i].form);
			p += n;
			p += *p == ',';
		}
	}
	buf_addc(b, ')');
}

static void for_channel(struct buf *b, const struct server_info *s, const char *channel)
{
	/* Filters belong to a channel from 8.0; a 5.7 has one set for all. */
	if (s->version < 80000)
		return;
	buf_adds(b, " FOR CHANNEL ");
	sql_string(b, channel);
}

static void carry_one(struct buf *b, const struct server_info *s, const char *channel, size_t i, const char *rules)
{
	if (s->flavor == FLAVOR_MYSQL) {
		carry_mysql(b, i, rules);
		for_channel(b, s, channel);
		return;
	}
	buf_adds(b, "SET GLOBAL ");
	if (*channel) {
		sql_ident(b, channel);
		buf_addc(b, '.');
	}
	buf_addf(b, "%s = ", carried[i].name);
	sql_string(b, rules);
}

static void carry_ids(struct buf *b, const struct server_info *s, const char *channel, size_t i, const char *ids)
{
	bool mariadb = s->flavor == FLAVOR_MARIADB;
	buf_adds(b, mariadb ? "CHANGE MASTER " : s->version >= 80023 ? "CHANGE REPLICATION SOURCE" : "CHANGE MASTER");
	if (mariadb)
		sql_string(b, channel);
	buf_addf(b, " TO %s = (%s)", carried_ids[i].option, ids);
	if (!mariadb && s->version >= 50706) {
		buf_adds(b, " FOR CHANNEL ");
		sql_string(b, channel);
	}
}

static bool only_numbers(const char *s)
{
	return s[strspn(s, "0123456789, ")] == '\0';
}

static enum status keep(struct buf *b, struct strlist *ret, struct error *err)
{
	enum status st = buf_check(b, "a statement about filters", err);
	if (!st)
		st = strlist_add(ret, b->data, err);
	buf_free(b);
	return st;
}

enum status seed_filters_carry(const struct server_info *s, const struct seed_link *l, struct strlist *ret, struct error *err)
{
	enum status st = ST_OK;
	bool dynamic = s->flavor == FLAVOR_MARIADB || s->version >= 50703;
	for (size_t i = 0; !st && dynamic && i < sizeof carried / sizeof carried[0]; i++) {
		struct buf b = BUF_INIT(1 << 20);
		if (*rules_of(l, carried[i].column)) {
			carry_one(&b, s, l->name, i, rules_of(l, carried[i].column));
			st = keep(&b, ret, err);
		}
	}
	for (size_t i = 0; !st && i < sizeof carried_ids / sizeof carried_ids[0]; i++) {
		struct buf b = BUF_INIT(1 << 20);
		const char *ids = rules_of(l, carried_ids[i].column);
		if (*ids && only_numbers(ids)) {
			carry_ids(&b, s, l->name, i, ids);
			st = keep(&b, ret, err);
		}
	}
	return st;
}

static bool has_rule(const char *list, const char *rule, size_t n)
{
	while (*list) {
		list += strspn(list, ", ");
		size_t m = strcspn(list, ", ");
		if (m == n && memcmp(list, rule, n) == 0)
			return true;
		list += m;
	}
	return n == 0;
}

static bool rules_within(const char *a, const char *b)
{
	while (*a) {
		a += strspn(a, ", ");
		size_t n = strcspn(a, ", ");
		if (!has_rule(b, a, n))
			return false;
		a += n;
	}
	return true;
}

/* The server prints them in an order of its own. */
static bool same_rules(const char *a, const char *b)
{
	return rules_within(a, b) && rules_within(b, a);
}

static enum status verify_row(const struct seed_link *l, const struct rows *r, struct error *err)
{
	const char *column[sizeof carried / sizeof carried[0] + sizeof carried_ids / sizeof carried_ids[0]];
	size_t n = 0;
	for (size_t i = 0; i < sizeof carried / sizeof carried[0]; i++)
		column[n++] = carried[i].column;
	for (size_t i = 0; i < sizeof carried_ids / sizeof carried_ids[0]; i++)
		column[n++] = carried_ids[i].column;
	for (size_t i = 0; i < n; i++) {
		const char *want = rules_of(l, column[i]), *is = rows_get(r, column[i]);
		if (!*want || same_rules(want, is ? is : ""))
			continue;
		error_set(err, ST_FAILED, ERR_NOT_PROVEN, "%s has %s = '%s', the snapshotted server had '%s'", seed_links_label(l->name), column[i],
		          is ? is : "", want);
		error_hint(err, "start the target with the same filters, then seed again with --replace: without them it would apply what it has no tables for");
		return ST_FAILED;
	}
	return ST_OK;
}

enum status seed_filters_verify(struct seed_job *j, const struct seed_link *l, struct error *err)
{
	struct rows *r = NULL;
	if (!l->channel || !l->channel->filters)
		return ST_OK;
	enum status st = seed_watch_find(j->target, l->name, &r, err);
	if (!st && !r)
		st = error_set(err, ST_FAILED, ERR_NOT_PROVEN, "the target does not show %s after it was configured", seed_links_label(l->name));
	if (!st)
		st = verify_row(l, r, err);
	rows_free(r);
	return st;
}
