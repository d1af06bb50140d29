/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real connection. Exports conn_open alone, so that a test program may bring a conn_open of its own.
 *
 * Cancelling shuts the socket down under a blocked read. The library closes its descriptor by itself when a session breaks, and
 * the number may by then be somebody else's file: what the hook shuts down is a duplicate that is ours until the hook is gone.
 */
#include <mysql.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn_error.h"
#include "conn_session.h"
#include "conn_tls.h"

enum {
	MYSQL_CONNECT_TIMEOUT_S = 10,
	MYSQL_READ_TIMEOUT_S = 300,
	MYSQL_DEFAULT_PORT = 3306
};

struct conn_mysql {
	struct conn base;
	MYSQL *m;
	struct run_hook hook;
	bool hooked, shielded;
	int fd; /* duplicate of the session's socket, -1 = none */
};

struct rows_mysql {
	struct rows base;
	struct conn_mysql *c;
	MYSQL_RES *res; /* NULL: the statement had no result */
	bool stream, ended; /* read to its end */
	const char *col[];
};

/* ---- the library's idea of threads ---- */

static pthread_once_t real_once = PTHREAD_ONCE_INIT;
static pthread_key_t real_thread_key;
static int real_init_failed;

static void real_thread_leaves(void *unused)
{
	(void)unused;
	mysql_thread_end();
}

static void real_begin(void)
{
	real_init_failed = mysql_library_init(0, NULL, NULL) || pthread_key_create(&real_thread_key, real_thread_leaves);
}

/* A session may be used by another thread than the one that opened it. */
static void real_thread_enters(void)
{
	if (pthread_getspecific(real_thread_key))
		return;
	mysql_thread_init();
	pthread_setspecific(real_thread_key, &real_thread_key);
}

/* ---- errors ---- */

/*
 * A server that is writing into a full window is not told by a FIN: it goes on waiting, with all its locks, until our kernel forgets
 * the connection after a minute. The reset that a close without lingering sends ends it at once [run 9.7.4].
 */
static void real_cut_off(const struct conn_mysql *c)
{
	static const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
	(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	shutdown(c->fd, SHUT_RDWR);
}

static void real_session_lost(struct conn_mysql *c)
{
	c->base.lost = true;
	if (c->fd >= 0)
		real_cut_off(c);
}

static enum status real_fail(struct conn_mysql *c, bool opening, struct error *err)
{
	unsigned no = mysql_errno(c->m);
	if (conn_error_is_loss(no))
		real_session_lost(c);
	if (!c->shielded && run_cancelled(c->base.run))
		return run_check(c->base.run, err);
	return conn_error_set(err, no, mysql_error(c->m), opening);
}

/* ---- rows ---- */

/* What is left of the current statement; the library refuses the next one until all of it is read. */
static enum status real_drain(struct conn_mysql *c, struct error *err)
{
	for (;;) {
		MYSQL_RES *res = mysql_field_count(c->m) ? mysql_use_result(c->m) : NULL;
		while (res && mysql_fetch_row(res))
			;
		unsigned failed = mysql_errno(c->m);
		mysql_free_result(res);
		if (failed)
			return real_fail(c, false, err);
		int next = mysql_next_result(c->m);
		if (next)
			return next < 0 ? ST_OK : real_fail(c, false, err);
	}
}

/* The results behind the one that was handed out. */
static enum status real_drain_rest(struct conn_mysql *c, struct error *err)
{
	int next = mysql_next_result(c->m);
	if (next)
		return next < 0 ? ST_OK : real_fail(c, false, err);
	return real_drain(c, err);
}

static enum status rows_mysql_next(struct rows *base, const char *const **ret_row, const size_t **ret_len,
                                   struct error *err)
{
	struct rows_mysql *r = (struct rows_mysql *)base;
	MYSQL_ROW row = r->res ? mysql_fetch_row(r->res) : NULL;
	if (row) {
		_Static_assert(sizeof(unsigned long) == sizeof(size_t), "the library's lengths are handed on as they are");
		*ret_row = (const char *const *)row;
		*ret_len = mysql_fetch_lengths(r->res);
		return ST_OK;
	}
	r->ended = true;
	/* An error may come instead of the end. */
	if (r->stream && mysql_errno(r->c->m))
		return real_fail(r->c, false, err);
	*ret_row = NULL;
	*ret_len = NULL;
	return ST_OK;
}

static void rows_mysql_free(struct rows *base)
{
	struct rows_mysql *r = (struct rows_mysql *)base;
	/* The library would read all that the server has still to send, for hours: whoever gives rows up has failed, and gives the session up. */
	if (r->stream && !r->ended)
		real_session_lost(r->c);
	mysql_free_result(r->res);
	if (r->stream && !r->c->base.lost)
		(void)real_drain_rest(r->c, NULL);
	free(r);
}

static const struct rows_ops rows_mysql_ops = { rows_mysql_next, rows_mysql_free };

static struct rows_mysql *rows_mysql_new(struct conn_mysql *c, MYSQL_RES *res, bool stream)
{
	unsigned n = res ? mysql_num_fields(res) : 0;
	struct rows_mysql *r = calloc(1, sizeof *r + n * sizeof r->col[0]);
	if (!r)
		return NULL;
	MYSQL_FIELD *field = res ? mysql_fetch_fields(res) : NULL;
	for (unsigned i = 0; i < n; i++)
		r->col[i] = field[i].name;
	r->c = c;
	r->res = res;
	r->stream = stream;
	r->base = (struct rows){ .ops = &rows_mysql_ops, .ncols = n, .col = r->col };
	return r;
}

/* The first result that has columns; *ret NULL when no statement had one. */
static enum status real_first_result(struct conn_mysql *c, bool stream, MYSQL_RES **ret, struct error *err)
{
	while (!mysql_field_count(c->m)) {
		int next = mysql_next_result(c->m);
		if (next > 0)
			return real_fail(c, false, err);
		if (next < 0) {
			*ret = NULL;
			return ST_OK;
		}
	}
	*ret = stream ? mysql_use_result(c->m) : mysql_store_result(c->m);
	return *ret ? ST_OK : real_fail(c, false, err);
}

static enum status real_rows(struct conn_mysql *c, bool stream, struct rows **ret, struct error *err)
{
	MYSQL_RES *res = NULL;
	enum status st = real_first_result(c, stream, &res, err);
	if (!st && !stream && res)
		st = real_drain_rest(c, err);
	struct rows_mysql *r = st ? NULL : rows_mysql_new(c, res, stream && res);
	if (!st && !r)
		st = error_oom(err);
	if (st)
		mysql_free_result(res);
	else
		*ret = &r->base;
	return st;
}

/* ---- the session ---- */

static enum status conn_mysql_query(struct conn *base, const char *sql, size_t len, bool stream, struct rows **ret,
                                    struct error *err)
{
	struct conn_mysql *c = (struct conn_mysql *)base;
	real_thread_enters();
	if (!c->shielded && run_cancelled(base->run))
		return run_check(base->run, err);
	if (base->lost)
		return conn_error_set(err, 2006, "the session was lost before", false);
	if (mysql_real_query(c->m, sql, len))
		return real_fail(c, false, err);
	return ret ? real_rows(c, stream, ret, err) : real_drain(c, err);
}

static unsigned conn_mysql_warning_count(struct conn *base)
{
	return mysql_warning_count(((struct conn_mysql *)base)->m);
}

static unsigned long conn_mysql_thread_id(struct conn *base)
{
	return mysql_thread_id(((struct conn_mysql *)base)->m);
}

static void conn_mysql_free(struct conn *base)
{
	struct conn_mysql *c = (struct conn_mysql *)base;
	real_thread_enters();
	if (c->hooked)
		run_hook_del(base->run, &c->hook);
	if (c->m)
		mysql_close(c->m);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

static const struct conn_ops conn_mysql_ops = { conn_mysql_query, conn_mysql_warning_count, conn_mysql_thread_id,
	                                        conn_mysql_free };

/* Called from the cancelling thread. */
static void conn_mysql_cancel(void *arg)
{
	real_cut_off(arg);
}

static int real_socket(MYSQL *m)
{
#if CONN_LIBMARIADB
	return mysql_get_socket(m);
#else
	return m->net.fd;
#endif
}

/* A server that vanished without a word is noticed after about a minute and a half, while we read and while we write. */
static void real_keepalive(int fd)
{
	static const struct { int level, option, value; } set[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 30 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 10 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 6 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, 90000 },
	};
	for (size_t i = 0; i < sizeof set / sizeof set[0]; i++)
		(void)setsockopt(fd, set[i].level, set[i].option, &set[i].value, sizeof set[i].value);
}

static enum status real_own_socket(struct conn_mysql *c, bool local, struct error *err)
{
	int fd = real_socket(c->m);
	c->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (c->fd < 0)
		return error_sys(err, ST_FAILED, ERR_UNEXPECTED, errno, "cannot duplicate a session's socket");
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (!local)
		real_keepalive(fd);
	if (!c->shielded) {
		c->hook = (struct run_hook){ .fn = conn_mysql_cancel, .arg = c };
		run_hook_add(c->base.run, &c->hook);
		c->hooked = true;
	}
	return ST_OK;
}

static enum status real_prepare(MYSQL *m, const struct conn_options *o, unsigned flags, struct error *err)
{
	bool local = conn_options_local(o);
	unsigned connect = o->connect_timeout_s ? o->connect_timeout_s : MYSQL_CONNECT_TIMEOUT_S, read = MYSQL_READ_TIMEOUT_S;
	unsigned protocol = local ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP, no_infile = 0;
	unsigned long packet = 1ul << 30;
	int bad = mysql_options(m, MYSQL_OPT_CONNECT_TIMEOUT, &connect);
	bad |= mysql_options(m, MYSQL_OPT_PROTOCOL, &protocol);
	/* A server may ask for any file in answer to any statement. */
	bad |= mysql_options(m, MYSQL_OPT_LOCAL_INFILE, &no_infile);
	bad |= mysql_options(m, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet);
	bad |= mysql_options(m, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	bad |= mysql_options4(m, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "slackwater");
	if (!(flags & CONN_NO_TIMEOUT))
		bad |= mysql_options(m, MYSQL_OPT_READ_TIMEOUT, &read);
#if CONN_LIBMARIADB
	/* Off by default in both libraries; the other one warns when it is mentioned. */
	my_bool reconnect = 0;
	bad |= mysql_options(m, MYSQL_OPT_RECONNECT, &reconnect);
#endif
	if (bad)
		return error_set(err, ST_FAILED, ERR_UNEXPECTED, "the client library refuses a connection option");
	return conn_tls_prepare(m, o, local, err);
}

static void real_name_target(struct error *err, const struct conn_options *o, bool local)
{
	if (!err || err->kind == ERR_INTERRUPTED)
		return;
	if (local)
		error_prefix(err, "cannot connect by socket%s%s", o->socket ? " " : "", o->socket ? o->socket : "");
	else
		error_prefix(err, "cannot connect to %s:%u", o->host, o->port ? o->port : MYSQL_DEFAULT_PORT);
}

static enum status real_connect(struct conn_mysql *c, const struct conn_options *o, unsigned flags, struct error *err)
{
	bool local = conn_options_local(o);
	unsigned long client_flags = flags & CONN_MULTI ? CLIENT_MULTI_STATEMENTS : 0;
	/* An empty password, not none: the library would look for one in the environment. */
	if (!mysql_real_connect(c->m, local ? NULL : o->host, o->user, o->password ? o->password : "", NULL,
	                        local ? 0 : o->port ? o->port : MYSQL_DEFAULT_PORT, local ? o->socket : NULL, client_flags))
		return real_fail(c, true, err);
	if (c->m->passwd) /* kept by the library for a reconnect that will not be */
		explicit_bzero(c->m->passwd, strlen(c->m->passwd));
	enum status st = real_own_socket(c, local, err);
	return st ? st : conn_tls_check(c->m, o, local, err);
}

/* -h localhost -P 3307 goes to the default socket, and perhaps to another server than the one that was meant. */
static enum status real_check_port(const struct conn *c, const struct conn_options *o, struct error *err)
{
	if (!conn_options_local(o) || o->socket || !o->port || !c->server.port || c->server.port == o->port)
		return ST_OK;
	error_set(err, ST_FAILED, ERR_PREFLIGHT, "the server behind the default socket listens on port %u, not %u",
	          c->server.port, o->port);
	return error_hint(err, "localhost means the socket: use --host=127.0.0.1 for the port, or name the socket");
}

enum status conn_open(struct conn **ret, const struct conn_options *o, unsigned flags, struct run *run, struct error *err)
{
	pthread_once(&real_once, real_begin);
	if (real_init_failed)
		return error_set(err, ST_FATAL, ERR_UNEXPECTED, "the client library cannot be initialised");
	real_thread_enters();
	struct conn_mysql *c = calloc(1, sizeof *c);
	if (!c)
		return error_oom(err);
	*c = (struct conn_mysql){ .base = { .ops = &conn_mysql_ops, .run = run }, .shielded = flags & CONN_SHIELDED, .fd = -1 };
	enum status st = c->shielded ? ST_OK : run_check(run, err);
	if (!st && !(c->m = mysql_init(NULL)))
		st = error_oom(err);
	if (!st)
		st = real_prepare(c->m, o, flags, err);
	if (!st) {
		st = real_connect(c, o, flags, err);
		if (st)
			real_name_target(err, o, conn_options_local(o));
	}
	if (!st)
		st = conn_session_begin(&c->base, err);
	if (!st)
		st = real_check_port(&c->base, o, err);
	if (!st && flags & CONN_SOON_OR_NEVER)
		(void)setsockopt(c->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &(unsigned){ 30000 }, sizeof(unsigned)); /* a Unix socket has none */
	if (st) {
		conn_error_rename(err, o->names);
		conn_mysql_free(&c->base);
	} else {
		*ret = &c->base;
	}
	return st;
}
