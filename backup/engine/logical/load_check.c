/* SPDX-License-Identifier: Apache-2.0 */
#include "load_check.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "load_ddl.h"
#include "load_session.h"
#include "load_split.h"

enum { LONGER_TIME = 110500 };

struct checking {
	struct load_plan *p;
	struct conn *target;
	struct strlist engines; /* that the target has */
	struct strlist parents; /* "schema.table" in lower case */
	unsigned from, to; /* versions of the snapshotted server and of the target */
	bool explicit_timestamps; /* load_session_timestamps */
	bool keys, keys_known;    /* the target can encrypt; asked for once something is encrypted */
};

static enum status read_engines(struct checking *k, struct conn *c, struct error *err)
{
	struct rows *r = NULL;
	enum status st = conn_query(c, "SHOW ENGINES", &r, err);
	while (rows_more(r, &st, err)) {
		const char *support = rows_get(r, "Support"), *name = rows_get(r, "Engine");
		if (name && support && (strcmp(support, "YES") == 0 || strcmp(support, "DEFAULT") == 0))
			st = strlist_add(&k->engines, name, err);
	}
	rows_free(r);
	return st;
}

static enum status check_engine(const struct checking *k, const struct load_table *t, const struct load_ddl *d, struct error *err)
{
	if (!*d->engine)
		return ST_OK;
	for (size_t i = 0; i < k->engines.n; i++)
		if (strcasecmp(k->engines.item[i], d->engine) == 0)
			return ST_OK;
	error_set(err, ST_FAILED, ERR_SEED_REFUSED, "the target has no storage engine %s, which %s.%s needs", d->engine, t->t->schema,
	          t->t->name);
	error_hint(err, "install the engine's plugin on the target (SHOW ENGINES)");
	return ST_FAILED;
}

/*
 * A row that is still there ends in 2038 on MariaDB before 11.5 and in 2106 from then on (MDEV-32188): the later server would take all that is there for
 * history, and every table for empty.
 */
static enum status check_history(const struct checking *k, const struct load_table *t, const struct load_ddl *d, struct error *err)
{
	if (!d->versioned || k->from >= LONGER_TIME || k->to < LONGER_TIME)
		return ST_OK;
	error_set(err, ST_FAILED, ERR_SEED_REFUSED, "%s.%s is system-versioned, and MariaDB 11.5 and later would take its rows from an earlier server for history",
	          t->t->schema, t->t->name);
	error_hint(err, "seed a server before 11.5, and let mariadb-upgrade convert it");
	return ST_FAILED;
}

static enum status check_timestamps(const struct checking *k, const struct load_table *t, const struct load_ddl *d, struct error *err)
{
	struct buf column = BUF_INIT(1024);
	enum status st = ST_OK;
	if (!k->explicit_timestamps && load_ddl_bare_timestamp(d, &column)) {
		st = error_set(err, ST_FAILED, ERR_SEED_REFUSED, "column %s of %s.%s is a TIMESTAMP without a default, and the target would make one up "
		               "(explicit_defaults_for_timestamp = OFF)", buf_str(&column), t->t->schema, t->t->name);
		error_hint(err, "set explicit_defaults_for_timestamp = ON in the target's configuration and restart it");
	}
	buf_free(&column);
	return st;
}

static enum status read_keys(struct checking *k, struct error *err)
{
	bool mariadb = conn_is_mariadb(k->target, 0);
	uint64_t n = 0;
	if (k->keys_known)
		return ST_OK;
	enum status st = conn_scalar_u64(k->target, mariadb ? "SELECT COUNT(*) FROM information_schema.plugins WHERE plugin_status = 'ACTIVE' AND plugin_type = 'ENCRYPTION'"
	                                                    : "SELECT COUNT(*) FROM information_schema.plugins WHERE plugin_status = 'ACTIVE' AND plugin_type = 'KEYRING'", &n, err);
	if (!st && n == 0 && conn_is_mysql(k->target, 80024))
		st = conn_scalar_u64(k->target, "SELECT COUNT(*) FROM performance_schema.keyring_component_status"
		                                " WHERE STATUS_KEY = 'Component_status' AND STATUS_VALUE = 'Active'", &n, err);
	k->keys = n > 0;
	k->keys_known = !st;
	return st;
}

/* Without keys the server refuses to create it (3185; MariaDB: 140); with a schema that encrypts, the next CREATE TABLE that is replicated [run]. */
static enum status check_keys(struct checking *k, const char *schema, const char *table, struct error *err)
{
	bool mariadb = conn_is_mariadb(k->target, 0);
	enum status st = read_keys(k, err);
	if (st || k->keys)
		return st;
	error_set(err, ST_FAILED, ERR_SEED_REFUSED, "%s%s%s is encrypted, and the target has no %s", schema, table ? "." : "", table ? table : "",
	          mariadb ? "plugin that manages keys" : "keyring");
	error_hint(err, mariadb ? "load file_key_management or another such plugin there; its keys may be others, if they have the same numbers"
	                        : "set up a keyring component or plugin there; its keys are its own");
	return ST_FAILED;
}

static void lower(char *s)
{
	for (; *s; s++)
		*s = (char)tolower((unsigned char)*s);
}

static enum status note_parents(struct checking *k, const struct load_table *t, const struct load_ddl *d, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < d->parents.n; i++) {
		const char *parent = d->parents.item[i];
		st = strlist_addf(&k->parents, err, "%s%s", *parent == '.' ? t->t->schema : "", parent);
		if (!st)
			lower(k->parents.item[k->parents.n - 1]);
	}
	return st;
}

static enum status check_statement(struct checking *k, const struct load_table *t, const char *sql, size_t len, struct error *err)
{
	struct load_ddl d = { 0 };
	enum status st = load_ddl_parse(sql, len, &d, err);
	if (!st)
		st = check_engine(k, t, &d, err);
	if (!st)
		st = check_history(k, t, &d, err);
	if (!st)
		st = check_timestamps(k, t, &d, err);
	if (!st && d.encrypted)
		st = check_keys(k, t->t->schema, t->t->name, err);
	if (!st)
		st = note_parents(k, t, &d, err);
	load_ddl_free(&d);
	return st;
}

static enum status check_table(struct checking *k, struct load_table *t, struct error *err)
{
	struct buf text = BUF_INIT(1);
	enum status st = load_plan_read(k->p, t->schema, &text, err);
	struct load_split s = load_split_of(&text);
	const char *sql;
	size_t len;
	while (!st && load_split_unblanked(&s, &text, &sql, &len)) {
		t->sequence = t->sequence || (len > 16 && strncmp(sql, "CREATE SEQUENCE ", 16) == 0);
		st = check_statement(k, t, sql, len, err);
	}
	buf_free(&text);
	return st;
}

static enum status check_schema(struct checking *k, const struct layout_schema *schema, struct error *err)
{
	static const char encrypted[] = "/*!80016 DEFAULT ENCRYPTION='Y' */";
	struct buf text = BUF_INIT(1);
	enum status st = load_plan_read(k->p, load_plan_entry(k->p, LAYOUT_SCHEMA_CREATE, schema->file), &text, err);
	if (!st && text.len && memmem(text.data, text.len, encrypted, sizeof encrypted - 1))
		st = check_keys(k, schema->name, NULL, err);
	buf_free(&text);
	return st;
}

static enum status mark_parents(struct checking *k, struct error *err)
{
	enum status st = ST_OK;
	strlist_sort(&k->parents);
	for (size_t i = 0; !st && k->parents.n && i < k->p->layout->ntables; i++) {
		struct buf name = BUF_INIT(4096);
		buf_addf(&name, "%s.%s", k->p->table[i].t->schema, k->p->table[i].t->name);
		st = buf_check(&name, "a table's name", err);
		if (!st)
			lower(name.data);
		k->p->table[i].referred = !st && strlist_has_sorted(&k->parents, name.data);
		buf_free(&name);
	}
	return st;
}

enum status load_check_tables(struct load_plan *p, const struct server_info *from, struct conn *target, struct run *run, struct error *err)
{
	struct checking k = { .p = p, .target = target, .from = from->version, .to = target->server.version };
	enum status st = read_engines(&k, target, err);
	if (!st)
		st = load_session_timestamps(target, &k.explicit_timestamps, err);
	for (size_t i = 0; !st && i < p->layout->ntables; i++) {
		st = run_check(run, err);
		if (!st && !p->layout->table[i].view)
			st = check_table(&k, &p->table[i], err);
	}
	for (size_t i = 0; !st && conn_is_mysql(target, 80016) && i < p->layout->nschemas; i++)
		st = check_schema(&k, &p->layout->schema[i], err);
	if (!st)
		st = mark_parents(&k, err);
	strlist_free(&k.engines);
	strlist_free(&k.parents);
	return st;
}
