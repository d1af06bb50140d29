/* SPDX-License-Identifier: Apache-2.0 */
#include "fingerprint.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { COUNTS_NOTHING = 0, COUNTS_TABLES = 1, COUNTS_OBJECTS = 2, COUNTS_BOTH = 3 };

/* By prefix behind "Com_"; the first that fits counts. What is not listed is no DDL. */
static const struct { const char *prefix; unsigned counts; } fingerprint_rules[] = {
	{ "create_temporary", COUNTS_NOTHING },  { "drop_temporary", COUNTS_NOTHING },
	{ "create_db", COUNTS_BOTH },            { "drop_db", COUNTS_BOTH },
	{ "alter_db", COUNTS_BOTH },             { "create_table", COUNTS_TABLES },
	{ "drop_table", COUNTS_TABLES },         { "alter_table", COUNTS_TABLES },
	{ "rename_table", COUNTS_TABLES },       { "truncate", COUNTS_TABLES },
	{ "create_index", COUNTS_TABLES },       { "drop_index", COUNTS_TABLES },
	{ "create_trigger", COUNTS_TABLES },     { "drop_trigger", COUNTS_TABLES },
	{ "create_sequence", COUNTS_TABLES },    { "alter_sequence", COUNTS_TABLES },
	{ "drop_sequence", COUNTS_TABLES },      { "alter_tablespace", COUNTS_TABLES },
	{ "import", COUNTS_TABLES },             { "create_", COUNTS_OBJECTS },
	{ "alter_", COUNTS_OBJECTS },            { "drop_", COUNTS_OBJECTS },
	{ "rename_user", COUNTS_OBJECTS },       { "grant", COUNTS_OBJECTS },
	{ "revoke", COUNTS_OBJECTS },            { "set_password", COUNTS_OBJECTS },
	{ "install", COUNTS_OBJECTS },           { "uninstall", COUNTS_OBJECTS },
};

void fingerprint_add(struct fingerprint *f, const char *variable, uint64_t value)
{
	if (strncasecmp(variable, "Com_", 4) != 0)
		return;
	for (size_t i = 0; i < sizeof fingerprint_rules / sizeof fingerprint_rules[0]; i++) {
		const char *p = fingerprint_rules[i].prefix;
		if (strncasecmp(variable + 4, p, strlen(p)) != 0)
			continue;
		if (fingerprint_rules[i].counts & COUNTS_TABLES)
			f->tables += value;
		if (fingerprint_rules[i].counts & COUNTS_OBJECTS)
			f->objects += value;
		return;
	}
}

bool fingerprint_equal(const struct fingerprint *a, const struct fingerprint *b)
{
	return a->tables == b->tables && a->objects == b->objects;
}

enum status fingerprint_take(struct conn *c, struct fingerprint *ret, struct error *err)
{
	struct rows *r = NULL;
	struct fingerprint f = { 0 };
	bool more = false;
	enum status st = conn_query(c, "SHOW GLOBAL STATUS LIKE 'Com\\_%'", &r, err);
	if (!st)
		st = rows_next(r, &more, err);
	while (!st && more) {
		if (r->row[0] && r->row[1])
			fingerprint_add(&f, r->row[0], strtoull(r->row[1], NULL, 10));
		if (!st)
			st = rows_next(r, &more, err);
	}
	rows_free(r);
	if (!st)
		*ret = f;
	return st;
}

/* Anything in another session's statement that could be a DDL: a word too many only costs a little waiting. */
static enum status fingerprint_running(struct conn *c, uint64_t *ret, struct error *err)
{
	return conn_scalar_u64(c, "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND INFO IS NOT NULL"
	                          " AND LOWER(INFO) REGEXP '(create|alter|drop|rename|truncate|grant|revoke|password|install|import)'",
	                       ret, err);
}

enum status fingerprint_settle(struct conn *c, int64_t wait_ms, struct fingerprint *ret, bool *ret_settled, struct error *err)
{
	int64_t until = run_now_ms(c->run) + wait_ms;
	for (;;) {
		uint64_t running = 0;
		enum status st = fingerprint_take(c, ret, err);
		if (!st)
			st = fingerprint_running(c, &running, err);
		if (!st && running && run_now_ms(c->run) < until) {
			st = run_sleep_ms(c->run, 20, err);
			if (!st)
				continue;
		}
		*ret_settled = !running;
		return st;
	}
}
