/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conn: one session on a server.
 *
 * Takes conn_options from the command line and option files, hands rows to everybody; must never reconnect by itself, never
 * send a KILL, never let a password out. A conn is used by one thread at a time. It is a vtable, so that tests can script one
 * and a fault-injecting wrapper can sit in between; conn_open gives the real one on libmysqlclient or libmariadb.
 *
 * Every new session sets, before the caller sees it: autocommit=1, the longest net_read/net_write/wait_timeout, no statement time
 * limit (max_execution_time, MariaDB max_statement_time and idle_*_transaction_timeout), lock_wait_timeout=5,
 * innodb_lock_wait_timeout where needed, sql_mode='' (so no ANSI_QUOTES, NO_BACKSLASH_ESCAPES, PAD_CHAR_TO_FULL_LENGTH), time_zone='+00:00',
 * SET NAMES utf8mb4 (5.6+), sql_quote_show_create=1, transaction isolation REPEATABLE READ, MariaDB sql_select_limit default, and (where
 * the right exists, else silently not) nothing that writes the binary log.
 *
 * Errors. my_errno is set. Lost connections (2006, 2013, 2055, 1927, 3169 ...) are ERR_SERVER; refused logins and missing rights
 * (1044, 1045, 1142, 1143, 1227, 1370, 1698, 1820, 1862, 4151, 3118 ...) are ERR_PREFLIGHT with a hint that names the right or the option;
 * 2002/2003/2005 on opening are ERR_PREFLIGHT; other statement errors are ERR_SERVER. 1205, 1213, 3572, 1969 are ST_RETRY.
 * When the run was cancelled, a failing call is ERR_INTERRUPTED instead. The statement's text (shortened, no secret: callers
 * mark statements that carry one with conn_exec_secret) is in the message.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slackwater/buf.h"
#include "slackwater/run.h"

enum flavor { FLAVOR_MYSQL, FLAVOR_MARIADB };

struct server_info {
	enum flavor flavor;
	unsigned version;       /* 80403 for 8.4.3, 101119 for 10.11.19, 50624, 90704 */
	char version_text[96];  /* as the server says it */
	char comment[96];       /* @@version_comment */
	char hostname[256];     /* @@hostname */
	unsigned port;          /* @@port */
	bool ps;                /* performance_schema is on */
	uint64_t server_id;
	char uuid[64];          /* server_uuid; MariaDB has none: "" */
	char identity[128];     /* what tells instances apart: server_uuid, or on MariaDB see DESIGN.md */
};

enum ssl_mode { SSL_DEFAULT, SSL_DISABLED, SSL_PREFERRED, SSL_REQUIRED, SSL_VERIFY_CA, SSL_VERIFY_IDENTITY };

/* What a login's options are called where it was given: hints of conn_open name them. Static texts. */
struct conn_names {
	const char *account; /* the hint when user or password is refused */
	const char *address; /* ... when nothing answers there */
	const char *group;   /* what has the keys ssl-mode, ssl-ca ..., to go behind a hint that speaks of the options of that name */
};

/* Everything needed to log in. Strings are owned; password is zeroed on free. A zeroed one is valid (all defaults). */
struct conn_options {
	const struct conn_names *names; /* NULL: --user, --host, --ssl-mode ... themselves */
	char *host;     /* NULL = localhost */
	char *user;     /* NULL = the operating system's */
	char *socket;
	char *password; /* NULL = none */
	unsigned port;  /* 0 = 3306 */
	enum ssl_mode ssl_mode; /* SSL_DEFAULT: TLS where the server offers it over TCP, checked after connecting; never a silent downgrade of an explicit mode */
	char *ssl_ca, *ssl_cert, *ssl_key;
	bool get_server_public_key; /* caching_sha2_password without TLS */
	unsigned connect_timeout_s; /* 0 = 10 */
};

enum status conn_options_copy(struct conn_options *ret, const struct conn_options *from, struct error *err);
void conn_options_free(struct conn_options *o); /* zeroes the password */
/* As the customary clients have it: no host, or localhost, means the Unix socket. */
bool conn_options_local(const struct conn_options *o);

enum conn_flags {
	CONN_MULTI = 1,      /* multi-statements allowed */
	CONN_SHIELDED = 2,   /* not interrupted by run_cancel: for STOP, START, guard and release */
	CONN_NO_TIMEOUT = 4, /* no client read timeout (the session that issues STOP, and long reads) */
	CONN_SOON_OR_NEVER = 8 /* what has not arrived after 30 s is given up, also when the process has died: a STOP later than that is nobody's */
};

struct conn;
struct rows;

struct rows_ops {
	/* ST_OK with *ret_row = NULL after the last row. Cells are valid until the next call. A cell that is SQL NULL is NULL. */
	enum status (*next)(struct rows *r, const char *const **ret_row, const size_t **ret_len, struct error *err);
	void (*free)(struct rows *r); /* an unread rest is read and thrown away */
};

struct rows {
	const struct rows_ops *ops;
	unsigned ncols;
	const char *const *col;     /* column names */
	const char *const *row;     /* current row after rows_next, else NULL */
	const size_t *len;
};

struct conn_ops {
	/* Send one statement. ret_rows NULL: the statement's results (all of them, with CONN_MULTI) are read and dropped. stream: rows come
	 * from the network one by one, and nothing else may be sent until they are freed; otherwise all are in memory first. */
	enum status (*query)(struct conn *c, const char *sql, size_t len, bool stream, struct rows **ret_rows,
	                     struct error *err);
	unsigned (*warning_count)(struct conn *c); /* of the last statement */
	unsigned long (*thread_id)(struct conn *c);
	void (*free)(struct conn *c);
};

struct conn {
	const struct conn_ops *ops;
	struct run *run;
	struct server_info server;
	bool lost; /* the session is gone: every further call fails */
};

/* my_errno of any look at information_schema's PROCESSLIST or INNODB_TRX while some session's statement has bytes that are no UTF-8 [run 9.7.4]. */
enum { CONN_ERROR_NO_TEXT = 3854 };

/* run must outlive the conn. flags: enum conn_flags. */
enum status conn_open(struct conn **ret, const struct conn_options *o, unsigned flags, struct run *run,
                      struct error *err);
void conn_free(struct conn *c); /* NULL is fine; sends COM_QUIT when the session is alive */

enum status conn_exec(struct conn *c, const char *sql, struct error *err);
enum status conn_execf(struct conn *c, struct error *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
enum status conn_exec_buf(struct conn *c, const struct buf *sql, struct error *err); /* checks the buffer first */
/* The statement holds a secret: neither events nor errors show its text, `what` stands for it. */
enum status conn_exec_secret(struct conn *c, const struct buf *sql, const char *what, struct error *err);
/* Execute; any warning the server has is an error (ERR_INCONSISTENT) that quotes it. */
enum status conn_exec_strict(struct conn *c, const char *sql, struct error *err);
enum status conn_query(struct conn *c, const char *sql, struct rows **ret, struct error *err);
enum status conn_queryf(struct conn *c, struct rows **ret, struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Rows as they come. The session takes no statement until they are freed; freed before their end, they take the session with them (it is lost). */
enum status conn_stream(struct conn *c, const struct buf *sql, struct rows **ret, struct error *err);
/* The first cell of the first row, copied; *ret NULL when there is no row or it is SQL NULL. */
enum status conn_scalar(struct conn *c, const char *sql, char **ret, struct error *err);
enum status conn_scalar_u64(struct conn *c, const char *sql, uint64_t *ret, struct error *err);

/* @@GLOBAL.name; *ret NULL when the server has no such variable. */
enum status conn_variable(struct conn *c, const char *name, char **ret, struct error *err);
bool conn_is_mysql(const struct conn *c, unsigned at_least); /* MySQL (or a build of it) of that version or later */
bool conn_is_mariadb(const struct conn *c, unsigned at_least);

enum status rows_next(struct rows *r, bool *ret_more, struct error *err);
/*
 * The same for a loop: while (rows_more(r, &st, err)) st = ... False at the end, and as soon as *st is a failure: of the statement (r may be NULL then), of
 * the loop, or of reading, which puts it there.
 */
bool rows_more(struct rows *r, enum status *st, struct error *err);
int rows_index(const struct rows *r, const char *col); /* -1: no such column; case-insensitive */
/* Cell of the current row by name: NULL when SQL NULL or no such column. Knows the old and new names: asking for
 * "Replica_SQL_Running" finds "Slave_SQL_Running" too, "Source_Log_File" finds "Master_Log_File" (facts/servers 5). */
const char *rows_get(const struct rows *r, const char *col);
uint64_t rows_u64(const struct rows *r, const char *col, uint64_t fallback);
void rows_free(struct rows *r); /* NULL is fine */
