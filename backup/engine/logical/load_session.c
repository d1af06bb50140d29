/* SPDX-License-Identifier: Apache-2.0 */
#include "load_session.h"

#include <stdlib.h>
#include <string.h>

#include "layout.h"
#include "slackwater/dialect.h"

enum { DDL_TRIES = 10, DDL_PAUSE_MS = 20, OPTION_IGNORED = 1618 };

/* Settings that only some versions have: tried where they exist. Each would change what a CREATE TABLE of the snapshot makes. */
static const struct { enum flavor flavor; unsigned from; const char *sql; } load_session_settings[] = {
	{ FLAVOR_MYSQL, 80013, "SET SESSION sql_require_primary_key = OFF" },
	/* A foreign key may point to what is not unique; ON refuses such a one also when the table it points to comes later [run 9.7.4]. */
	{ FLAVOR_MYSQL, 80400, "SET SESSION restrict_fk_on_non_standard_key = OFF" },
	{ FLAVOR_MYSQL, 80030, "SET SESSION sql_generate_invisible_primary_key = OFF" },
	{ FLAVOR_MARIADB, 101101, "SET SESSION system_versioning_insert_history = ON" },
	{ FLAVOR_MARIADB, 100300, "SET SESSION idle_transaction_timeout = 0, idle_write_transaction_timeout = 0" },
	/* Rows that were let in while it was off have to get in again. */
	{ FLAVOR_MARIADB, 100201, "SET SESSION check_constraint_checks = OFF" },
	/* A row format that fitted the source's page size must be tried here, not refused beforehand. */
	{ FLAVOR_MYSQL, 50700, "SET SESSION innodb_strict_mode = OFF" },
	{ FLAVOR_MARIADB, 100200, "SET SESSION innodb_strict_mode = OFF" },
};

enum status load_session_timestamps(struct conn *c, bool *ret_explicit, struct error *err)
{
	enum { UNKNOWN_VARIABLE = 1193, READ_ONLY_VARIABLE = 1238 };
	struct error why = ERROR_INIT;
	uint64_t on = 0;
	enum status st = conn_exec(c, "SET SESSION explicit_defaults_for_timestamp = ON", &why);
	if (st && why.my_errno == READ_ONLY_VARIABLE)
		st = conn_scalar_u64(c, "SELECT @@GLOBAL.explicit_defaults_for_timestamp", &on, &why);
	else if (!st)
		on = 1;
	if (st && why.my_errno == UNKNOWN_VARIABLE)
		st = ST_OK;
	if (!st)
		*ret_explicit = on != 0;
	else if (err)
		*err = why;
	return st;
}

enum status load_session_open(const struct conn_options *target, struct run *run, struct conn **ret, struct error *err)
{
	struct conn *c = NULL;
	bool ignored = false;
	enum status st = conn_open(&c, target, CONN_NO_TIMEOUT, run, err);
	if (!st)
		st = conn_exec(c,
		               "SET SESSION sql_log_bin = 0, foreign_key_checks = 0, unique_checks = 0,"
		               " sql_mode = 'NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', lock_wait_timeout = 60,"
		               " autocommit = 1",
		               err);
	for (size_t i = 0; !st && i < sizeof load_session_settings / sizeof load_session_settings[0]; i++) {
		if (load_session_settings[i].flavor == c->server.flavor && c->server.version >= load_session_settings[i].from)
			st = conn_exec(c, load_session_settings[i].sql, err);
	}
	if (!st)
		st = load_session_timestamps(c, &ignored, err);
	if (st)
		conn_free(c);
	else
		*ret = c;
	return st;
}

enum status load_session_use(struct conn *c, const char *schema, struct error *err)
{
	struct buf sql = BUF_INIT(4096);
	buf_adds(&sql, "USE ");
	sql_ident(&sql, schema);
	enum status st = conn_exec_buf(c, &sql, err);
	buf_free(&sql);
	return st;
}

static bool among(unsigned code, const unsigned *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == code)
			return true;
	return false;
}

/*
 * Rows: everything counts but deprecations. Definitions: servers warn of much that is no loss (deprecated syntax, the event scheduler being off, a
 * definer that does not exist); what counts is a definition that came out otherwise: another engine (1266, 1286), a key or default
 * cut short (1071, 1264, 1265, 1292, 1300, 1366), a type changed (1246), an option not taken (1478, 1911; a directory, 1618, is only told).
 */
static bool loses_something(unsigned code, bool ddl)
{
	static const unsigned deprecated[] = { 1287, 1681, 3719, 3720, 3778, 3090, 4124 };
	static const unsigned otherwise[] = { 1266, 1286, 1071, 1264, 1265, 1292, 1300, 1366, 1246, 1478, 1618, 1911 };
	return ddl ? among(code, otherwise, sizeof otherwise / sizeof otherwise[0])
	           : !among(code, deprecated, sizeof deprecated / sizeof deprecated[0]);
}

/* How many values of ENUM columns in the statement are none: LAYOUT_INVALID_ENUMS. */
static uint64_t invalid_enums(const char *sql, size_t len)
{
	static const char mark[] = LAYOUT_INVALID_ENUMS;
	const size_t n = sizeof mark - sizeof "%llu */"; /* what stands before the number */
	const char *p = len && sql[len - 1] == '/' ? memrchr(sql, '\n', len) : NULL;
	return p && (size_t)(sql + len - p) > n && memcmp(p, mark, n) == 0 ? strtoull(p + n, NULL, 10) : 0;
}

/* MariaDB warns of each value that the snapshot says is none; nothing else may have been warned of. */
static enum status expected_warnings(struct conn *c, const char *sql, size_t len, bool *ret, struct error *err)
{
	uint64_t expected = conn_is_mariadb(c, 0) ? invalid_enums(sql, len) : 0, n = 0;
	struct rows *r = NULL;
	*ret = false;
	if (!expected)
		return ST_OK;
	enum status st = conn_scalar_u64(c, "SHOW COUNT(*) WARNINGS", &n, err);
	if (st || n != expected)
		return st;
	*ret = true;
	st = conn_query(c, "SHOW WARNINGS", &r, err);
	while (rows_more(r, &st, err))
		*ret = *ret && rows_u64(r, "Code", 0) == 1265;
	rows_free(r);
	return st;
}

/*
 * Under innodb_file_format=Antelope (the default up to 5.7.6) InnoDB keeps ROW_FORMAT and KEY_BLOCK_SIZE in the definition, stores the rows otherwise and says
 * so: the rows are the same, and the snapshotted server has most likely done the same.
 */
static bool only_a_row_format(unsigned code, const char *text)
{
	return code == 1478 && text && !strncmp(text, "InnoDB: ", 8) && (strstr(text, "KEY_BLOCK_SIZE") || strstr(text, "ROW_FORMAT"));
}

static enum status check_warnings(struct conn *c, bool ddl, const char *what, struct error *err)
{
	struct rows *r = NULL;
	enum status st = conn_query(c, "SHOW WARNINGS", &r, err);
	while (rows_more(r, &st, err)) {
		const char *text = rows_get(r, "Message");
		unsigned code = (unsigned)rows_u64(r, "Code", 0);
		if (!loses_something(code, ddl))
			continue;
		if (ddl && (only_a_row_format(code, text) || code == OPTION_IGNORED)) {
			event_warning(c->run->events, "load", "%s: %s", what, text);
			continue;
		}
		st = error_set(err, ST_FAILED, ERR_SERVER, "%s: the server warned %u: %s", what, code, text ? text : "");
		if (err)
			err->my_errno = code;
		error_hint(err, "what it would have stored is not what the snapshot holds; see the target's settings");
	}
	rows_free(r);
	return st;
}

enum status load_session_exec(struct conn *c, const char *sql, size_t len, bool ddl, const char *what, uint64_t *ret_rows,
                              struct error *err)
{
	enum status st = c->ops->query(c, sql, len, false, NULL, err);
	/* Definitions that are created side by side, and refer to each other, may deadlock in the dictionary (1213 [run 9.7.4]): nothing was done. */
	for (unsigned i = 1; st == ST_RETRY && ddl && i < DDL_TRIES && !run_sleep_ms(c->run, DDL_PAUSE_MS * i, err); i++)
		st = c->ops->query(c, sql, len, false, NULL, err);
	if (st)
		return error_prefix(err, "%s", what);
	unsigned warnings = c->ops->warning_count(c);
	if (warnings) {
		/* A SELECT would forget the warnings; this neither does nor forgets the count. */
		if (ret_rows)
			st = conn_exec(c, "GET DIAGNOSTICS @slackwater_rows = ROW_COUNT", err);
		bool expected = false;
		if (!st && !ddl)
			st = expected_warnings(c, sql, len, &expected, err);
		if (!st && !expected)
			st = check_warnings(c, ddl, what, err);
	}
	if (!st && ret_rows)
		st = conn_scalar_u64(c, warnings ? "SELECT @slackwater_rows" : "SELECT ROW_COUNT()", ret_rows, err);
	return st;
}
